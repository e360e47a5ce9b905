from __future__ import annotations

import asyncio
import random
from dataclasses import dataclass, replace
from ipaddress import IPv4Address
from ssl import PROTOCOL_TLS_SERVER, MemoryBIO, SSLContext, SSLWantReadError, TLSVersion
from typing import TYPE_CHECKING

import pytest

from postroad.clock import Clock
from postroad.mail.address import Address
from postroad.mail.envelope import Envelope, Recipient
from postroad.smtp.client import session as session_module
from postroad.smtp.client.engine import Client
from postroad.smtp.client.events import Transaction
from postroad.smtp.client.outcome import Deferred, Delivered, Outcome
from postroad.tls import client_context
from postroad_relay.delivery import courier as courier_module
from postroad_relay.delivery import pool as pool_module
from postroad_relay.delivery.courier import Attempt, Courier
from postroad_relay.delivery.routing import Route, Target
from postroad_relay.queue.spool import UNTRIED, Message, QueueId, SpoolError, Stored
from tests.harness.taps import Taps
from tests.harness.tls import certificate, server_tls
from tests.relay.smtpserver import PretendServer

if TYPE_CHECKING:
    import ssl
    from collections.abc import AsyncIterator
    from pathlib import Path

    from postroad.smtp.client.session import Session

__all__ = ["certificate", "server_tls"]  # fixtures

SENDER = Address("alice", "alpha.test")
LOCAL = IPv4Address("127.0.0.1")
CONTENT = b"Subject: hi\r\n\r\n.dot\r\n"


def transaction(*names: str, size: int = len(CONTENT)) -> Transaction:
    to = tuple(Recipient(Address(name, "beta.test")) for name in names or ("bob",))
    return Transaction(Envelope(SENDER, to), size)


def stored(content: bytes = CONTENT, path: Path | None = None, size: int | None = None) -> Stored:
    envelope = Envelope(SENDER, (Recipient(Address("bob", "beta.test")),))
    message = Message(QueueId("1"), 0.0, envelope, None, len(content) if size is None else size)
    return Stored(message, UNTRIED, content, path)


def route(*addresses: IPv4Address) -> Route:
    return Route(tuple(Target(f"mx{number}.test", address) for number, address in enumerate(addresses or (LOCAL,))), ())


@dataclass
class Post:
    """A courier, and what it said of its attempts."""

    courier: Courier
    attempts: list[Session]

    async def deliver(
        self, some: Transaction | None = None, content: Stored | None = None, way: Route | None = None
    ) -> Attempt:
        async with asyncio.timeout(10):
            return await self.courier.deliver(
                way or route(), some or transaction(), content or stored(), self.attempts.append
            )


@pytest.fixture
async def server() -> AsyncIterator[PretendServer]:
    async with PretendServer() as server:
        yield server


@pytest.fixture
async def post(server: PretendServer) -> AsyncIterator[Post]:
    courier = Courier("relay.test", server.port, None, sessions=3)
    yield Post(courier, [])
    courier.close()


def words(attempt: Attempt) -> list[str]:
    return [word(outcome) for outcome in attempt.outcomes]


def word(outcome: Outcome) -> str:
    kind = type(outcome).__name__.lower()
    return kind if isinstance(outcome, Delivered) else f"{kind} {outcome.status}"


async def test_a_message_is_delivered(server: PretendServer, post: Post) -> None:
    attempt = await post.deliver()
    assert words(attempt) == ["delivered"]
    assert attempt.reached
    (outcome,) = attempt.outcomes
    assert isinstance(outcome, Delivered)
    assert (outcome.host, str(outcome.reply)) == ("mx0.test[127.0.0.1]", "250 OK queued")
    (mail,) = server.mails
    assert mail.recipients == ["bob@beta.test"]
    assert mail.content == CONTENT
    assert [session.tls_version for session in post.attempts] == [None]


async def test_many_messages_go_over_few_sessions(server: PretendServer, post: Post) -> None:
    attempts = await asyncio.gather(*(post.deliver() for _ in range(50)))
    assert all(words(attempt) == ["delivered"] for attempt in attempts)
    assert len(server.mails) == 50
    assert server.connections == 3


async def test_recipients_have_their_own_outcomes(server: PretendServer, post: Post) -> None:
    server.replies["RCPT TO:<nobody@beta.test>"] = "550 5.1.1 no such user"
    server.replies["RCPT TO:<busy@beta.test>"] = "450 4.2.1 busy"
    attempt = await post.deliver(transaction("bob", "nobody", "busy"))
    assert words(attempt) == ["delivered", "failed 5.1.1", "deferred 4.2.1"]
    assert [mail.recipients for mail in server.mails] == [["bob@beta.test"]]


async def test_a_large_content_is_streamed(server: PretendServer, post: Post, tmp_path: Path) -> None:
    lines = [b"." * random.Random(n).randrange(70) + b"\r\n" for n in range(50_000)]
    octets = b"".join(lines)
    path = tmp_path / "content"
    path.write_bytes(octets)
    attempt = await post.deliver(content=stored(b"A: b\r\n\r\n", path, 8 + len(octets)))
    assert words(attempt) == ["delivered"]
    assert server.mails[0].content == b"A: b\r\n\r\n" + octets


async def test_a_content_that_ends_too_soon_is_never_delivered(
    server: PretendServer, post: Post, tmp_path: Path
) -> None:
    path = tmp_path / "content"
    path.write_bytes(b"x" * 1000)
    with pytest.raises(SpoolError):
        await post.deliver(content=stored(b"A: b\r\n\r\n", path, 5000))
    assert server.mails == []
    assert words(await post.deliver()) == ["delivered"]


async def test_a_server_that_goes_away_while_a_large_content_is_sent(
    server: PretendServer, post: Post, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "content"
    path.write_bytes(b"x" * 998 + b"\r\n" * 5_000_000)

    async def no_content(reader: asyncio.StreamReader) -> bytes:
        await reader.read(1000)
        server.hang_up()
        await asyncio.sleep(0)
        raise ConnectionError

    monkeypatch.setattr(server, "_content", no_content)
    attempt = await post.deliver(content=stored(b"", path, path.stat().st_size))
    assert words(attempt) == ["deferred 4.4.2"]


# -- several servers ----------------------------------------------------------------------------------------------


async def test_the_next_server_is_tried_when_one_cannot_be_reached(server: PretendServer, post: Post) -> None:
    attempt = await post.deliver(way=route(IPv4Address("127.0.0.99"), LOCAL))
    assert words(attempt) == ["delivered"]
    assert isinstance(attempt.outcomes[0], Delivered)
    assert attempt.outcomes[0].host == "mx1.test[127.0.0.1]"


async def test_nobody_reached_is_said(post: Post) -> None:
    attempt = await post.deliver(transaction("bob", "dave"), way=route(IPv4Address("127.0.0.99")))
    assert words(attempt) == ["deferred 4.4.1", "deferred 4.4.1"]
    assert not attempt.reached
    outcome = attempt.outcomes[0]
    assert not isinstance(outcome, Delivered)
    assert outcome.reason == "connect to mx0.test[127.0.0.99]: Connection refused"


async def test_who_was_deferred_is_tried_at_the_next_server(server: PretendServer, post: Post) -> None:
    server.replies["RCPT TO:<busy@beta.test>"] = "450 4.2.1 busy"
    async with PretendServer(address="127.0.0.2", port=server.port) as second:
        attempt = await post.deliver(transaction("bob", "busy"), way=route(LOCAL, IPv4Address("127.0.0.2")))
        assert words(attempt) == ["delivered", "delivered"]
        assert [mail.recipients for mail in second.mails] == [["busy@beta.test"]]


async def test_words_of_a_server_count_more_than_a_network_failure(server: PretendServer, post: Post) -> None:
    server.replies["RCPT"] = "450 4.2.1 busy"
    attempt = await post.deliver(way=route(LOCAL, IPv4Address("127.0.0.99")))
    assert words(attempt) == ["deferred 4.2.1"]


@pytest.mark.parametrize(
    ("greetings", "expected"),
    [
        (("554 5.3.2 no", "554 5.3.2 no"), "failed 5.3.2"),
        (("554 5.3.2 no", "450 4.3.2 later"), "deferred 4.3.2"),
        (("450 4.3.2 later", "554 5.3.2 no"), "deferred 4.3.2"),
        (("421 4.3.2 later", "220 hello"), "delivered"),
        (("554 5.3.2 no", "220 hello"), "delivered"),
    ],
)
async def test_greetings(server: PretendServer, post: Post, greetings: tuple[str, str], expected: str) -> None:
    server.replies["greeting"] = greetings[0]
    async with PretendServer(address="127.0.0.2", port=server.port, replies={"greeting": greetings[1]}):
        attempt = await post.deliver(way=route(LOCAL, IPv4Address("127.0.0.2")))
    assert words(attempt) == [expected]


@pytest.mark.parametrize("more", ["421 4.3.2 closing", "250 unasked"])
async def test_a_server_that_ends_the_session_as_it_begins(server: PretendServer, post: Post, more: str) -> None:
    server.replies["EHLO"] = f"250 pretend\r\n{more}"
    for _ in range(3):
        attempt = await post.deliver()
        assert (words(attempt), attempt.reached) == (["deferred 4.4.2"], False)
    server.replies.clear()
    attempts = await asyncio.gather(*(post.deliver() for _ in range(20)))
    assert all(words(attempt) == ["delivered"] for attempt in attempts)
    assert server.connections == 3 + 3  # no more sessions at a time than ever


async def test_too_many_recipients_go_in_several_transactions(server: PretendServer, post: Post) -> None:
    taken = 0
    say = server._say

    async def two_at_most(writer: asyncio.StreamWriter, what: str, usual: str) -> str:
        nonlocal taken
        if what.startswith("MAIL"):
            taken = 0
        if what.startswith("RCPT"):
            taken += 1
            if taken > 2:
                usual = "452 4.5.3 too many recipients"
        return await say(writer, what, usual)

    server._say = two_at_most  # type: ignore[method-assign]
    attempt = await post.deliver(transaction("a", "b", "c", "d", "e"))
    assert words(attempt) == ["delivered"] * 5
    assert [len(mail.recipients) for mail in server.mails] == [2, 2, 1]


# -- sessions that break ------------------------------------------------------------------------------------------


async def test_a_lost_reply_to_the_final_dot_is_not_tried_again_at_once(server: PretendServer, post: Post) -> None:
    server.replies["."] = "drop"
    attempt = await post.deliver(way=route(LOCAL, LOCAL))
    assert words(attempt) == ["deferred 4.4.2"]
    assert server.connections == 1
    assert attempt.reached


@pytest.mark.parametrize("where", ["MAIL", "RCPT", "DATA"])
async def test_a_lost_connection_is_deferred(server: PretendServer, post: Post, where: str) -> None:
    server.replies[where] = "drop"
    assert words(await post.deliver()) == ["deferred 4.4.2"]


async def test_an_idle_session_that_the_server_closed_is_replaced(server: PretendServer, post: Post) -> None:
    await post.deliver()
    server.hang_up()
    await asyncio.sleep(0.05)
    assert words(await post.deliver()) == ["delivered"]
    assert server.connections == 2


async def test_a_session_that_dies_as_it_is_used_again_is_replaced(server: PretendServer, post: Post) -> None:
    await post.deliver()
    server.replies["MAIL"] = "drop"
    second = asyncio.create_task(post.deliver())
    await server.until(lambda: "MAIL FROM:<alice@alpha.test> SIZE=21" in server.commands[4:])
    del server.replies["MAIL"]
    assert words(await second) == ["delivered"]
    assert len(server.mails) == 2


async def test_silence_is_a_timeout(server: PretendServer, post: Post, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Client, "timeout", 0.05)
    server.replies["DATA"] = "wait"
    attempt = await post.deliver()
    assert words(attempt) == ["deferred 4.4.2"]
    outcome = attempt.outcomes[0]
    assert not isinstance(outcome, Delivered)
    assert outcome.reason.endswith("timeout (in reply to DATA)")


async def test_a_server_that_reads_nothing_is_a_timeout(
    server: PretendServer, post: Post, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def no_content(reader: asyncio.StreamReader) -> bytes:
        await asyncio.Event().wait()
        return b""

    monkeypatch.setattr(server, "_content", no_content)
    monkeypatch.setattr(Client, "timeout", 0.1)
    path = tmp_path / "content"
    path.write_bytes(b"x" * 50_000_000)
    attempt = await post.deliver(content=stored(b"", path, 50_000_000))
    assert words(attempt) == ["deferred 4.4.2"]


async def test_a_connection_that_does_not_come_about_is_a_timeout(post: Post, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(session_module, "CONNECT_TIMEOUT", 0.05)

    async def never(*arguments: object) -> None:
        await asyncio.Event().wait()

    monkeypatch.setattr(asyncio.get_running_loop(), "create_connection", never)
    attempt = await post.deliver()
    outcome = attempt.outcomes[0]
    assert not isinstance(outcome, Delivered)
    assert outcome.reason == "connect to mx0.test[127.0.0.1]: timeout"


async def test_a_cancelled_waiter_hands_its_turn_on(server: PretendServer) -> None:
    courier = Courier("relay.test", server.port, None, sessions=1)
    post = Post(courier, [])
    server.replies["greeting"] = "wait"
    first = asyncio.create_task(post.deliver())
    waiting = [asyncio.create_task(post.deliver()) for _ in range(3)]
    await server.until(lambda: server.connections > 0)
    del server.replies["greeting"]
    waiting[0].cancel()
    first.cancel()
    await asyncio.sleep(0)
    waiting[1].cancel()
    assert words(await waiting[2]) == ["delivered"]
    courier.close()


# -- idle sessions ------------------------------------------------------------------------------------------------


async def test_idle_sessions_take_their_leave(
    server: PretendServer, post: Post, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(pool_module, "IDLE", 0.05)
    await asyncio.gather(*(post.deliver() for _ in range(3)))
    await server.until(lambda: server.commands.count("QUIT") == 3)
    assert words(await post.deliver()) == ["delivered"]


async def test_sessions_in_use_do_not_take_their_leave(
    server: PretendServer, post: Post, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(pool_module, "IDLE", 0.2)
    for _ in range(10):
        await post.deliver()
        await asyncio.sleep(0.05)
    assert server.connections == 1


# -- TLS ----------------------------------------------------------------------------------------------------------


@pytest.fixture
def relay_tls() -> ssl.SSLContext:
    return client_context()


async def test_starttls_is_used_and_told(
    server: PretendServer, server_tls: ssl.SSLContext, relay_tls: ssl.SSLContext
) -> None:
    server.tls = server_tls
    post = Post(Courier("relay.test", server.port, relay_tls), [])
    assert words(await post.deliver()) == ["delivered"]
    assert words(await post.deliver()) == ["delivered"]
    assert [session.tls_version for session in post.attempts] == ["TLSv1.3", "TLSv1.3"]
    assert [mail.tls for mail in server.mails] == [True, True]
    assert server.connections == 1
    post.courier.close()


async def test_a_tap_hears_every_octet(
    server: PretendServer, server_tls: ssl.SSLContext, relay_tls: ssl.SSLContext
) -> None:
    server.tls = server_tls
    taps = Taps()
    clock = Clock()
    courier = Courier("relay.test", server.port, relay_tls, clock=clock, tap=taps)
    post = Post(courier, [])
    assert words(await post.deliver()) == ["delivered"]
    clock.push(10)
    assert words(await post.deliver()) == ["delivered"]
    courier.close()
    (heard,) = taps.sessions
    async with asyncio.timeout(10):
        await heard.over.wait()
    assert heard.opened.outbound
    assert heard.opened.protocol == "smtp"
    assert heard.opened.session
    assert heard.opened.peer == f"127.0.0.1:{server.port}"
    assert heard.opened.local.startswith("127.0.0.1:")
    assert heard.octets("sent", tls=False) == b"EHLO relay.test\r\nSTARTTLS\r\n"
    assert heard.octets("received", tls=False).endswith(b"\r\n220 go ahead\r\n")
    inside = heard.octets("sent", tls=True)
    assert inside.startswith(b"EHLO relay.test\r\nMAIL FROM:<alice@alpha.test>")
    assert inside.count(b"\r\nSubject: hi\r\n\r\n..dot\r\n.\r\n") == 2
    assert inside.endswith(b"QUIT\r\n")
    assert heard.octets("received", tls=True).count(b"354 ") == 2
    times = [heard.opened.at, *(at for _, _, at, _ in heard.events), *heard.ends]
    assert times == sorted(times)
    assert times[-1] - times[0] >= 10
    assert len(heard.ends) == 1


async def test_a_tap_may_leave_a_session_alone(server: PretendServer) -> None:
    taps = Taps(deaf=True)
    courier = Courier("relay.test", server.port, None, tap=taps)
    assert words(await Post(courier, []).deliver()) == ["delivered"]
    courier.close()
    await server.until(lambda: not server.open)
    assert [heard.events for heard in taps.sessions] == [[]]


async def test_a_literal_has_no_name_for_tls(
    server: PretendServer, server_tls: ssl.SSLContext, relay_tls: ssl.SSLContext
) -> None:
    server.tls = server_tls
    post = Post(Courier("relay.test", server.port, relay_tls), [])
    assert words(await post.deliver(way=Route((Target("[127.0.0.1]", LOCAL),), ()))) == ["delivered"]
    assert server.mails[0].tls
    post.courier.close()


async def test_a_failed_handshake_is_followed_by_plaintext(server: PretendServer, relay_tls: ssl.SSLContext) -> None:
    server.extensions = ("PIPELINING", "STARTTLS")
    server.replies["STARTTLS"] = "220 go ahead"
    server.replies["\x16\x03\x01"] = "drop"
    taps = Taps()
    post = Post(Courier("relay.test", server.port, relay_tls, tap=taps), [])

    async def garble(reader: asyncio.StreamReader, writer: asyncio.StreamWriter, connection: int) -> None:
        if connection > 1:
            await session(reader, writer, connection)
            return
        writer.write(b"220 pretend\r\n")
        await reader.readuntil(b"\r\n")
        writer.write(b"250-pretend\r\n250 STARTTLS\r\n")
        await reader.readuntil(b"\r\n")
        writer.write(b"220 go ahead\r\n")
        await reader.read(100)
        writer.write(b"this is no TLS\r\n")
        await reader.read()

    session = server._session
    server._session = garble  # type: ignore[method-assign]
    assert words(await post.deliver()) == ["delivered"]
    assert [session.tls_version for session in post.attempts] == [None]
    assert server.connections == 2
    # It is not asked for TLS again for a while.
    server.hang_up()
    await asyncio.sleep(0.05)
    assert words(await post.deliver()) == ["delivered"]
    assert server.connections == 3
    assert "STARTTLS" not in server.commands
    post.courier.close()
    failed, plain, _ = taps.sessions
    assert failed.octets("received", tls=False) == b"220 pretend\r\n250-pretend\r\n250 STARTTLS\r\n220 go ahead\r\n"
    assert len(failed.ends) == 1
    assert not plain.octets("sent", tls=True)


async def test_a_server_that_speaks_at_once_after_the_handshake(certificate: Path) -> None:
    """As some do that greet again; by TLS 1.2 it may come in one packet with the end of the handshake."""
    context = SSLContext(PROTOCOL_TLS_SERVER)
    context.maximum_version = TLSVersion.TLSv1_2
    context.load_cert_chain(certificate)

    async def greet_twice(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(b"220 hello\r\n")
        await reader.readline()
        writer.write(b"250-hello\r\n250 STARTTLS\r\n")
        await reader.readline()
        writer.write(b"220 go ahead\r\n")
        incoming, outgoing = MemoryBIO(), MemoryBIO()
        tls = context.wrap_bio(incoming, outgoing, server_side=True)
        while True:
            try:
                tls.do_handshake()
                break
            except SSLWantReadError:
                writer.write(outgoing.read())
                incoming.write(await reader.read(65536))
        tls.write(b"220 hello again\r\n")
        writer.write(outgoing.read())
        await reader.read()
        writer.close()
        ended.set()

    ended = asyncio.Event()
    async with await asyncio.start_server(greet_twice, "127.0.0.1", 0) as server:
        courier = Courier("relay.test", server.sockets[0].getsockname()[1], client_context())
        attempt = await courier.deliver(route(), transaction(), stored(), lambda _: None)
        courier.close()
        await ended.wait()
    (outcome,) = attempt.outcomes
    assert isinstance(outcome, Deferred)
    assert "220 hello again" in outcome.reason  # said unasked, or to EHLO: that is the loop's to choose
    assert not attempt.reached


async def test_a_connection_lost_in_the_handshake_is_followed_by_plaintext(
    server: PretendServer, relay_tls: ssl.SSLContext
) -> None:
    server.extensions = ("STARTTLS",)
    post = Post(Courier("relay.test", server.port, relay_tls), [])

    async def hang_up(reader: asyncio.StreamReader, writer: asyncio.StreamWriter, connection: int) -> None:
        if connection > 1:
            await session(reader, writer, connection)
            return
        writer.write(b"220 pretend\r\n")
        await reader.readuntil(b"\r\n")
        writer.write(b"250-pretend\r\n250 STARTTLS\r\n")
        await reader.readuntil(b"\r\n")
        writer.write(b"220 go ahead\r\n")

    session = server._session
    server._session = hang_up  # type: ignore[method-assign]
    assert words(await post.deliver()) == ["delivered"]
    post.courier.close()


async def test_a_transaction_of_some_is_the_same_but_for_its_recipients() -> None:
    whole = transaction("a", "b", "c")
    assert courier_module._only(whole, [0, 2]) == replace(whole, envelope=transaction("a", "c").envelope)
