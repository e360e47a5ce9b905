"""The receiver on real sockets: limits, timeouts, ends of connections, failures."""

from __future__ import annotations

import asyncio
import contextlib
import errno
import gc
import logging
import socket
import struct
import weakref
from typing import TYPE_CHECKING, Any

import pytest

from postroad.clock import Clock
from postroad.mail import content as content_module
from postroad.mail.reply import NO_SUCH_USER, OK, RECIPIENT_OK, SENDER_OK, Reply, reply
from postroad.shell import HANDSHAKE, LINGER
from postroad.shell.admission import GRACE
from postroad.smtp.extensions import EXTENSIONS
from postroad.smtp.server.connection import READ_AHEAD, Connection
from postroad.smtp.server.receiver import Receiver
from postroad.smtp.server.server import Server, serve
from postroad.smtp.server.service import Limits, Listener, Purpose, Session
from postroad.world.guesses import Guesses
from tests.harness.sasl import nobodys

if TYPE_CHECKING:
    import ssl
    from collections.abc import AsyncIterator, Callable
    from pathlib import Path

    from postroad.mail.content import Content
    from postroad.mail.envelope import Envelope, Recipient
    from postroad.sasl.mechanism import Claim
    from postroad.smtp.server.events import Refused
    from postroad.world.world import Account

MAIL = b"MAIL FROM:<a@alpha.test>\r\n"
RCPT = b"RCPT TO:<b@beta.test>\r\n"


class Keeper:
    """A service that takes messages when the test lets it."""

    def __init__(self) -> None:
        self.taken: list[bytes] = []
        self.sessions: list[Session] = []
        self.arrived = asyncio.Event()
        self.go_on = asyncio.Event()
        self.go_on.set()
        self.guesses = Guesses(Clock(), answer_after=0.1)
        self.refusal: Reply | None = None
        self.failure: Exception | None = None
        self.paths: list[Path | None] = []
        self.refusals: list[tuple[str, int, dict[str, Any]]] = []
        self.handshakes: list[tuple[str, str]] = []

    def connect(self, session: Session) -> Reply | None:
        self.sessions.append(session)
        return self.refusal

    async def authenticate(self, session: Session, claim: Claim) -> Account | None:
        self.arrived.set()
        await self.go_on.wait()
        return await self.guesses.log_in(lambda _: None, claim, session.host)

    def mail(self, session: Session, envelope: Envelope) -> Reply:
        if self.failure is not None:
            raise self.failure
        return SENDER_OK

    def rcpt(self, session: Session, envelope: Envelope, recipient: Recipient) -> Reply:
        return NO_SUCH_USER if recipient.address.local_part == "nobody" else RECIPIENT_OK

    def refused(self, session: Session, refused: Refused) -> None:
        self.refusals.append((refused.command, refused.reply.code, refused.details))

    def handshake_failed(self, session: Session, why: str) -> None:
        self.handshakes.append((session.host, why))

    async def message(self, session: Session, envelope: Envelope, content: Content) -> Reply:
        self.arrived.set()
        await self.go_on.wait()
        self.paths.append(content.path)
        if envelope.recipients[0].address.local_part == "full":
            raise OSError(errno.ENOSPC, "No space left on device")
        if envelope.recipients[0].address.local_part == "broken":
            raise ZeroDivisionError
        self.taken.append(content.read())
        return OK


class Client:
    """A client that says what it is told to."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.reader = reader
        self.writer = writer

    async def line(self) -> str:
        return (await asyncio.wait_for(self.reader.readline(), 10)).decode().rstrip("\r\n")

    async def say(self, octets: bytes) -> str:
        self.writer.write(octets)
        return await self.line()

    async def open_transaction(self) -> None:
        assert await self.say(b"HELO client.test\r\n") == "250 mx.test"
        self.writer.write(MAIL + RCPT + b"DATA\r\n")
        assert [(await self.line())[:3] for _ in range(3)] == ["250", "250", "354"]

    def reset(self) -> None:
        """Go away with RST, as a process that dies with unread input does."""
        peer = self.writer.get_extra_info("socket")
        peer.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self.writer.transport.abort()

    async def is_closed(self) -> bool:
        try:
            return await asyncio.wait_for(self.reader.read(), 10) == b""
        except ConnectionResetError:
            return True


class Rig:
    """A server, its service, and clients of it, all ended with the test."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.clock = Clock()
        self.keeper = Keeper()
        self.server: Server
        self.writers: list[asyncio.StreamWriter] = []

    async def serve(
        self,
        *,
        role: Purpose = Purpose.TRANSFER,
        tls: ssl.SSLContext | None = None,
        before_replies: Callable[[], None] = lambda: None,
        **limits: float,
    ) -> None:
        self.server = await serve(
            self.keeper,
            [Listener("127.0.0.1", 0, role)],
            hostname="mx.test",
            content_directory=self.folder,
            extensions=EXTENSIONS,
            limits=Limits(**limits),  # type: ignore[arg-type]
            tls=tls,
            sasl={Purpose.SUBMISSION: nobodys("smtp"), Purpose.SUBMISSIONS: nobodys("smtp")},
            clock=self.clock,
            before_replies=before_replies,
        )

    @property
    def port(self) -> int:
        return self.server.listeners[0].port

    async def connect(self, *, greeted: bool = True, host: str = "127.0.0.1") -> Client:
        reader, writer = await asyncio.open_connection("127.0.0.1", self.port, local_addr=(host, 0))
        self.writers.append(writer)
        client = Client(reader, writer)
        if greeted:
            assert await client.line() == "220 mx.test ESMTP Postroad"
        return client

    async def until(self, condition: Callable[[], bool]) -> None:
        async with asyncio.timeout(10):
            while not condition():  # noqa: ASYNC110 - there is no event to wait for: the other side of a socket
                await asyncio.sleep(0.001)

    async def end(self) -> None:
        for writer in self.writers:
            writer.close()
            with contextlib.suppress(OSError):
                await writer.wait_closed()
        self.keeper.go_on.set()
        await self.server.close(grace=0)


@pytest.fixture
async def rig(tmp_path: Path) -> AsyncIterator[Rig]:
    new_rig = Rig(tmp_path)
    yield new_rig
    await new_rig.end()
    left = [path.name for path in tmp_path.iterdir()]  # noqa: ASYNC240 - a test's own folder
    assert left == []


async def test_what_a_reply_acknowledges_is_put_on_record_before_it_leaves(rig: Rig) -> None:
    """Pipelined messages, too: the first one's reply leaves when the second one has come."""
    on_record: list[int] = []
    await rig.serve(before_replies=lambda: on_record.append(len(rig.keeper.taken)))
    client = await rig.connect()
    await client.open_transaction()
    client.writer.write(b"one\r\n.\r\n" + MAIL + RCPT + b"DATA\r\n")
    assert [(await client.line())[:3] for _ in range(4)] == ["250", "250", "250", "354"]
    assert on_record[-1] == 1
    await client.say(b"two\r\n.\r\n")
    assert on_record[-1] == 2


async def test_session_facts(rig: Rig) -> None:
    await rig.serve()
    client = await rig.connect()
    await client.say(b"HELO client.test\r\n")
    await rig.connect()
    first, second = rig.keeper.sessions
    assert str(first.peer) == "127.0.0.1"
    assert first.peer_port == client.writer.get_extra_info("sockname")[1]
    assert first.client_name == "client.test"
    assert first.session_id != second.session_id
    assert rig.server.connections == 2


async def test_the_service_may_turn_away(rig: Rig) -> None:
    await rig.serve()
    rig.keeper.refusal = reply(421, "4.3.2", "Later")
    client = await rig.connect(greeted=False)
    assert await client.line() == "421 4.3.2 mx.test Later"
    assert await client.is_closed()


async def test_the_service_hears_what_the_receiver_refuses(rig: Rig) -> None:
    await rig.serve(role=Purpose.SUBMISSION, recipients=1, message_size=100)
    client = await rig.connect()
    client.writer.write(
        b"EHLO client.test\r\n"
        b"RCPT TO:<b@beta.test>\r\n"
        b"MAIL FROM:<a@alpha.test> SIZE=101\r\n"
        b"AUTH PLAIN secret?\r\n"
        b"AUTH LOGIN\r\n"
        b"secret?\r\n"
        b"SECRET\r\n"
    )
    client.writer.write(MAIL + RCPT + b"RCPT TO:<c@beta.test>\r\nDATA\r\n")
    while not (await client.line()).startswith("354"):
        pass
    assert (await client.say(b"x" * 99 + b"\r\n.\r\n")).startswith("552")
    assert rig.keeper.refusals == [
        ("RCPT", 503, {"argument": "TO:<b@beta.test>"}),
        ("MAIL", 552, {"argument": "FROM:<a@alpha.test> SIZE=101"}),
        ("AUTH", 501, {}),
        ("AUTH", 501, {}),
        ("RCPT", 452, {"argument": "TO:<c@beta.test>"}),
        ("content", 552, {"sender": "a@alpha.test", "recipients": ["b@beta.test"]}),
    ]


async def test_too_many_connections(rig: Rig) -> None:
    await rig.serve(connections=3, connections_per_address=2)
    first, _ = await rig.connect(), await rig.connect()
    third = await rig.connect(greeted=False)
    assert await third.line() == "421 4.7.0 mx.test Too many connections"
    assert await third.is_closed()
    await rig.connect(host="127.0.0.2")
    last = await rig.connect(greeted=False, host="127.0.0.3")
    assert await last.line() == "421 4.7.0 mx.test Too many connections"
    first.writer.close()
    await rig.until(lambda: rig.server.connections == 2)
    await rig.connect()


async def test_a_client_that_speaks_first(rig: Rig) -> None:
    await rig.serve()
    # The octets must be there when the connection is accepted, so the client is no coroutine of this loop.
    with socket.create_connection(("127.0.0.1", rig.port)) as client:
        client.sendall(b"EHLO early.test\r\n")
        client.setblocking(False)
        reader, writer = await asyncio.open_connection(sock=client)
        assert await asyncio.wait_for(reader.readline(), 10) == b"554 5.5.0 The client spoke before the greeting\r\n"
        assert (await reader.readline()).startswith(b"503 5.5.1 ")
        assert rig.keeper.refusals == [("connection", 554, {})]
        writer.write(b"QUIT\r\n")
        assert (await reader.readline()).startswith(b"221 2.0.0 ")
        assert await reader.read() == b""
        writer.close()


async def test_timeout(rig: Rig) -> None:
    await rig.serve()
    client = await rig.connect()
    rig.clock.push(299)
    assert await client.say(b"NOOP\r\n") == "250 2.0.0 OK"
    rig.clock.push(301)
    assert await client.line() == "421 4.4.2 mx.test Timeout waiting for the client"
    assert await client.is_closed()


async def test_each_command_gives_more_time(rig: Rig) -> None:
    await rig.serve()
    client = await rig.connect()
    for _ in range(5):
        rig.clock.push(200)
        assert await client.say(b"NOOP\r\n") == "250 2.0.0 OK"
    rig.clock.push(301)
    assert (await client.line()).startswith("421 4.4.2 ")


def _is_receiving(connection: Connection) -> bool:
    return isinstance(connection, Receiver) and connection._incoming._content is not None


async def test_data_timeout(rig: Rig) -> None:
    await rig.serve()
    client = await rig.connect()
    await client.open_transaction()
    rig.clock.push(179)
    client.writer.write(b"Subject: x\r\n")
    await rig.until(lambda: all(_is_receiving(connection) for connection in rig.server.admission))
    rig.clock.push(179)
    await asyncio.sleep(0)
    rig.clock.push(2)
    assert await client.line() == "421 4.4.2 mx.test Timeout waiting for the client"
    assert await client.is_closed()
    assert rig.keeper.taken == []


async def test_a_commit_is_not_timed(rig: Rig) -> None:
    await rig.serve()
    client = await rig.connect()
    await client.open_transaction()
    rig.keeper.go_on.clear()
    client.writer.write(b"x\r\n.\r\n")
    await rig.keeper.arrived.wait()
    rig.clock.push(1000)
    await asyncio.sleep(0.01)
    rig.keeper.go_on.set()
    assert await client.line() == "250 2.0.0 OK"
    rig.clock.push(301)
    assert (await client.line()).startswith("421 4.4.2 ")


@pytest.mark.parametrize("how", ["close", "reset"])
async def test_a_client_that_goes_away_does_not_stop_a_commit(rig: Rig, how: str) -> None:
    await rig.serve()
    client = await rig.connect()
    await client.open_transaction()
    rig.keeper.go_on.clear()
    client.writer.write(b"x\r\n.\r\nNOOP\r\n")
    await rig.keeper.arrived.wait()
    if how == "close":
        client.writer.close()
    else:
        client.reset()
        await rig.until(lambda: rig.server.connections == 0)
    rig.keeper.go_on.set()
    await rig.until(lambda: rig.keeper.taken == [b"x\r\n"])
    await rig.until(lambda: rig.server.connections == 0 and not rig.server.awaited)


async def test_a_half_closed_client_gets_its_replies(rig: Rig) -> None:
    await rig.serve()
    client = await rig.connect()
    await client.open_transaction()
    rig.keeper.go_on.clear()
    client.writer.write(b"x\r\n.\r\nNOOP\r\n")
    client.writer.write_eof()
    await rig.keeper.arrived.wait()
    rig.keeper.go_on.set()
    assert [await client.line(), await client.line()] == ["250 2.0.0 OK"] * 2
    assert await client.is_closed()


async def test_end_without_quit(rig: Rig) -> None:
    await rig.serve()
    client = await rig.connect()
    client.writer.write_eof()
    assert await client.is_closed()
    client = await rig.connect()
    await client.open_transaction()
    client.writer.write(b"x" * 500 + b"\r\n.\r")
    client.writer.write_eof()
    assert await client.is_closed()
    assert rig.keeper.taken == []


@pytest.mark.parametrize(
    ("recipient", "answer"),
    [
        (b"full", "452 4.3.1 Insufficient system storage"),
        (b"broken", "451 4.3.0 Local error in processing"),
    ],
)
@pytest.mark.parametrize("size", [10, 300_000])
async def test_failing_service(
    rig: Rig, recipient: bytes, answer: str, size: int, caplog: pytest.LogCaptureFixture
) -> None:
    await rig.serve()
    client = await rig.connect()
    await client.say(b"HELO x\r\n")
    client.writer.write(MAIL + b"RCPT TO:<" + recipient + b"@beta.test>\r\nDATA\r\n")
    assert [(await client.line())[:3] for _ in range(3)] == ["250", "250", "354"]
    assert await client.say((b"x" * 98 + b"\r\n") * (size // 100) + b".\r\n") == answer
    assert await client.say(b"NOOP\r\n") == "250 2.0.0 OK"
    assert (rig.keeper.paths[0] is None) == (size == 10)
    details = {"sender": "a@alpha.test", "recipients": [f"{recipient.decode()}@beta.test"]}
    assert rig.keeper.refusals == [("content", int(answer[:3]), details)]
    assert [record.levelname for record in caplog.records] == ["ERROR"]


async def test_failing_policy(rig: Rig, caplog: pytest.LogCaptureFixture) -> None:
    await rig.serve()
    rig.keeper.failure = RuntimeError("secret detail")
    client = await rig.connect()
    await client.say(b"HELO x\r\n")
    assert await client.say(MAIL) == "451 4.3.0 Local error in processing"
    assert "secret detail" in caplog.text
    rig.keeper.failure = None
    assert await client.say(MAIL) == "250 2.1.0 Sender OK"


@pytest.mark.parametrize(
    ("number", "answer"),
    [
        (errno.ENOSPC, "452 4.3.1 Insufficient system storage"),
        (errno.EIO, "451 4.3.0 Local error in processing"),
    ],
)
async def test_a_disk_that_fails_during_data(
    rig: Rig, number: int, answer: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*_: object) -> None:
        raise OSError(number, "disk")

    monkeypatch.setattr(content_module, "_write_whole", fail)
    await rig.serve()
    client = await rig.connect()
    await client.open_transaction()
    assert await client.say(b"\r\n" + (b"x" * 98 + b"\r\n") * 10_000 + b".\r\n") == answer
    assert rig.keeper.taken == []
    await client.open_transaction()
    assert await client.say(b"small\r\n.\r\n") == "250 2.0.0 OK"


async def test_an_error_of_our_own_ends_the_session(rig: Rig, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*_: object) -> None:
        raise ZeroDivisionError

    await rig.serve()
    client = await rig.connect()
    await client.open_transaction()
    monkeypatch.setattr(content_module.Content, "write", fail)
    client.writer.write(b"x\r\n")
    assert await client.is_closed()
    await rig.until(lambda: rig.server.connections == 0)


async def test_large_content_arrives_whole(rig: Rig) -> None:
    await rig.serve()
    client = await rig.connect()
    await client.open_transaction()
    octets = b"\r\n" + b"".join(b"%s %06d\r\n" % (b"." * (number % 90), number) for number in range(40_000))
    stuffed = b"\r\n".join(b"." + line if line.startswith(b".") else line for line in octets.split(b"\r\n"))
    assert await client.say(stuffed + b".\r\n") == "250 2.0.0 OK"
    assert rig.keeper.taken == [octets]
    assert rig.keeper.paths[0] is not None


async def test_input_behind_a_commit_is_bounded(rig: Rig) -> None:
    await rig.serve()
    client = await rig.connect()
    await client.open_transaction()
    rig.keeper.go_on.clear()
    client.writer.write(b"x\r\n.\r\n")
    await rig.keeper.arrived.wait()
    client.writer.write(b"NOOP\r\n" * 2_000_000)  # more than the sockets hold
    await asyncio.sleep(0.05)
    (receiver,) = rig.server.admission
    assert receiver._engine is not None
    assert READ_AHEAD < receiver._engine.buffered < 10 * READ_AHEAD
    rig.keeper.go_on.set()
    for _ in range(1000):
        assert await client.line() == "250 2.0.0 OK"
    client.writer.transport.abort()


async def test_a_client_that_does_not_read_costs_no_memory(rig: Rig) -> None:
    await rig.serve()
    with socket.socket() as client:
        client.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        client.connect(("127.0.0.1", rig.port))
        client.setblocking(False)
        loop = asyncio.get_running_loop()
        assert (await loop.sock_recv(client, 100)).startswith(b"220 ")
        sending = asyncio.create_task(loop.sock_sendall(client, b"HELP\r\n" * 2_000_000))
        await rig.until(lambda: any(receiver._choked for receiver in rig.server.admission))
        (receiver,) = rig.server.admission
        assert receiver._wire.transport.get_write_buffer_size() < 1_000_000
        # it is thrown out in the end: the timeout's 421 cannot be written either
        rig.clock.push(301)
        await asyncio.sleep(0)
        await asyncio.sleep(0)
        rig.clock.push(LINGER)
        await rig.until(lambda: rig.server.connections == 0)
        sending.cancel()
        with contextlib.suppress(asyncio.CancelledError, OSError):
            await sending


async def test_a_client_that_reads_late_gets_all(rig: Rig) -> None:
    await rig.serve()
    client = await rig.connect()
    sending = asyncio.create_task(asyncio.wait_for(drain(client, b"HELP\r\n" * 100_000 + b"QUIT\r\n"), 30))
    await rig.until(lambda: any(receiver._choked for receiver in rig.server.admission))
    octets = await asyncio.wait_for(client.reader.read(), 30)
    await sending
    assert octets.count(b"214 2.0.0 ") == 100_000
    assert octets.endswith(b"221 2.0.0 mx.test closing transmission channel\r\n")


async def test_a_client_that_half_closes_and_reads_late_gets_all(rig: Rig) -> None:
    await rig.serve()
    client = await rig.connect()
    client.writer.write(b"HELP\r\n" * 100_000 + b"NOOP\r\n")
    client.writer.write_eof()
    await rig.until(lambda: any(receiver._choked for receiver in rig.server.admission))
    octets = await asyncio.wait_for(client.reader.read(), 30)
    assert octets.count(b"214 2.0.0 ") == 100_000
    assert octets.endswith(b"\r\n250 2.0.0 OK\r\n")


async def drain(client: Client, octets: bytes) -> None:
    client.writer.write(octets)
    await client.writer.drain()


async def test_close_tells_idle_sessions(rig: Rig) -> None:
    await rig.serve()
    client, greeted = await rig.connect(), await rig.connect()
    await client.say(b"HELO x\r\n")
    await rig.server.close()
    for each in (client, greeted):
        assert await each.line() == "421 4.3.2 mx.test Service shutting down"
        assert await each.is_closed()
    with pytest.raises(OSError, match=r".*"):
        await asyncio.open_connection("127.0.0.1", rig.port)


async def test_close_lets_a_transaction_finish(rig: Rig) -> None:
    await rig.serve()
    client = await rig.connect()
    await client.open_transaction()
    client.writer.write(b"x\r\n")
    closing = asyncio.create_task(rig.server.close(grace=10))
    await asyncio.sleep(0.02)
    assert await client.say(b".\r\nNOOP\r\n") == "250 2.0.0 OK"
    assert await client.line() == "421 4.3.2 mx.test Service shutting down"
    await closing
    assert rig.keeper.taken == [b"x\r\n"]


async def test_close_does_not_wait_long_for_a_transaction(rig: Rig) -> None:
    await rig.serve()
    client = await rig.connect()
    await client.open_transaction()
    await rig.server.close(grace=0.02)
    assert await client.line() == "421 4.3.2 mx.test Service shutting down"
    assert await client.is_closed()


async def test_close_does_not_cut_a_commit(rig: Rig) -> None:
    await rig.serve()
    client = await rig.connect()
    await client.open_transaction()
    rig.keeper.go_on.clear()
    client.writer.write(b"x\r\n.\r\n")
    await rig.keeper.arrived.wait()
    closing = asyncio.create_task(rig.server.close(grace=0.01))
    await asyncio.sleep(0.05)
    assert not closing.done()
    rig.keeper.go_on.set()
    assert await client.line() == "250 2.0.0 OK"
    assert await client.line() == "421 4.3.2 mx.test Service shutting down"
    await closing


async def test_close_gives_up_on_a_client_that_does_not_read(rig: Rig) -> None:
    await rig.serve()
    with socket.create_connection(("127.0.0.1", rig.port)) as client:
        client.setblocking(False)
        loop = asyncio.get_running_loop()
        assert (await loop.sock_recv(client, 100)).startswith(b"220 ")
        sending = asyncio.create_task(loop.sock_sendall(client, b"HELP\r\n" * 2_000_000))
        await rig.until(lambda: any(receiver._choked for receiver in rig.server.admission))
        await asyncio.wait_for(rig.server.close(grace=0.02), 10)
        sending.cancel()
        with contextlib.suppress(asyncio.CancelledError, OSError):
            await sending


async def test_a_failed_login_is_delayed(rig: Rig) -> None:
    await rig.serve(role=Purpose.SUBMISSION)
    client = await rig.connect()
    client.writer.write(b"EHLO x\r\n")
    while (await client.line())[3:4] == "-":
        pass
    began = asyncio.get_running_loop().time()
    assert (await client.say(b"AUTH PLAIN AGEAYg==\r\n")).startswith("535 5.7.8 ")
    assert asyncio.get_running_loop().time() - began > 0.099  # uvloop's clock has a grain of 1 ms


async def test_a_client_that_leaves_during_auth(rig: Rig) -> None:
    await rig.serve(role=Purpose.SUBMISSION)
    client = await rig.connect()
    client.writer.write(b"EHLO x\r\n")
    while (await client.line())[3:4] == "-":
        pass
    rig.keeper.go_on.clear()
    client.writer.write(b"AUTH PLAIN AGEAYg==\r\n")
    await rig.keeper.arrived.wait()
    client.reset()
    await rig.until(lambda: rig.server.connections == 0)
    rig.keeper.go_on.set()
    await rig.until(lambda: not rig.server.awaited)


async def test_port_in_use(rig: Rig) -> None:
    await rig.serve()
    with pytest.raises(OSError, match=r"[Aa]ddress already in use"):
        await serve(
            rig.keeper,
            [Listener("127.0.0.1", 0), Listener("127.0.0.1", rig.port)],
            hostname="mx.test",
            content_directory=rig.folder,
            extensions=EXTENSIONS,
        )


async def test_implicit_tls_needs_a_context(rig: Rig) -> None:
    await rig.serve()
    with pytest.raises(ValueError, match="8314"):
        await serve(
            rig.keeper,
            [Listener("127.0.0.1", 0, Purpose.SUBMISSIONS)],
            hostname="mx.test",
            content_directory=rig.folder,
            extensions=EXTENSIONS,
        )


async def start_tls(client: Client) -> None:
    client.writer.write(b"EHLO x\r\n")
    while (await client.line())[3:4] == "-":
        pass
    assert await client.say(b"STARTTLS\r\n") == "220 2.0.0 Ready to start TLS"


async def test_starttls(rig: Rig, server_tls: ssl.SSLContext, client_tls: ssl.SSLContext) -> None:
    await rig.serve(tls=server_tls)
    client = await rig.connect()
    await start_tls(client)
    await client.writer.start_tls(client_tls)
    await client.open_transaction()
    assert await client.say(b"x\r\n.\r\n") == "250 2.0.0 OK"
    (session,) = rig.keeper.sessions
    assert (session.tls_version, session.extended) == ("TLSv1.3", False)
    assert session.tls_cipher is not None
    assert session.tls_cipher.startswith("TLS_")
    client.writer.close()
    await rig.until(lambda: rig.server.connections == 0)


async def test_a_handshake_that_fails(rig: Rig, server_tls: ssl.SSLContext, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO, "postroad.smtp.server")
    await rig.serve(tls=server_tls)
    client = await rig.connect()
    await start_tls(client)
    client.writer.write(b"MAIL FROM:<injected@alpha.test>\r\n" * 10)
    answer = await asyncio.wait_for(client.reader.read(), 10)
    assert b"250" not in answer
    await rig.until(lambda: rig.server.connections == 0 and not rig.server.awaited)
    assert "TLS handshake failed" in caplog.text


async def test_a_client_that_leaves_during_the_handshake(rig: Rig, server_tls: ssl.SSLContext) -> None:
    await rig.serve(tls=server_tls)
    client = await rig.connect()
    await start_tls(client)
    client.reset()
    await rig.until(lambda: rig.server.connections == 0 and not rig.server.awaited)


async def test_a_handshake_that_hangs(rig: Rig, server_tls: ssl.SSLContext, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO, "postroad.smtp.server")
    await rig.serve(tls=server_tls)
    client = await rig.connect()
    await start_tls(client)
    rig.clock.push(HANDSHAKE)
    assert await client.is_closed()
    await rig.until(lambda: rig.server.connections == 0 and not rig.server.awaited)
    assert "TLS handshake failed: the client took too long" in caplog.text


async def test_a_cancelled_commit_closes_the_session(rig: Rig) -> None:
    await rig.serve()
    client = await rig.connect()
    await client.open_transaction()
    rig.keeper.go_on.clear()
    client.writer.write(b"x\r\n.\r\n")
    await rig.keeper.arrived.wait()
    (task,) = rig.server.awaited
    task.cancel()
    assert await client.line() == "421 4.3.2 mx.test Service shutting down"
    assert await client.is_closed()


async def test_close_waits_for_no_password_check(rig: Rig) -> None:
    await rig.serve(role=Purpose.SUBMISSION)
    client = await rig.connect()
    client.writer.write(b"EHLO x\r\n")
    while (await client.line())[3:4] == "-":
        pass
    rig.keeper.go_on.clear()
    client.writer.write(b"AUTH PLAIN AGEAYg==\r\n")
    await rig.keeper.arrived.wait()
    await asyncio.wait_for(rig.server.close(grace=0.01), 1)
    assert await client.line() == "421 4.3.2 mx.test Service shutting down"


async def test_close_waits_for_no_handshake(rig: Rig, server_tls: ssl.SSLContext) -> None:
    await rig.serve(tls=server_tls)
    client = await rig.connect()
    await start_tls(client)
    await asyncio.wait_for(rig.server.close(grace=0.01), 1)
    assert await client.is_closed()


async def test_implicit_tls(rig: Rig, server_tls: ssl.SSLContext, client_tls: ssl.SSLContext) -> None:
    await rig.serve(role=Purpose.SUBMISSIONS, tls=server_tls)
    for _ in range(3):
        reader, writer = await asyncio.open_connection("127.0.0.1", rig.port, ssl=client_tls)
        rig.writers.append(writer)
        client = Client(reader, writer)
        assert await client.line() == "220 mx.test ESMTP Postroad"
        assert await client.say(b"NOOP\r\n") == "250 2.0.0 OK"
    assert rig.server.connections == 3
    assert [session.tls_version for session in rig.keeper.sessions] == ["TLSv1.3"] * 3
    client.writer.write(b"QUIT\r\n")
    assert (await client.line()).startswith("221 ")
    await rig.until(lambda: rig.server.connections == 2)


async def test_implicit_tls_that_fails(rig: Rig, server_tls: ssl.SSLContext, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO, "postroad.smtp.server")
    await rig.serve(role=Purpose.SUBMISSIONS, tls=server_tls)
    client = await rig.connect(greeted=False)
    client.writer.write(b"EHLO x\r\n" * 10)
    assert await client.is_closed()
    await rig.until(lambda: rig.server.connections == 0)
    assert "TLS handshake failed: the client does not speak TLS" in caplog.text
    hanging = await rig.connect(greeted=False)
    await rig.until(lambda: rig.server.connections == 1)
    rig.clock.push(HANDSHAKE)
    assert await hanging.is_closed()
    assert "TLS handshake failed: the client took too long" in caplog.text


async def test_close_ends_handshakes(rig: Rig, server_tls: ssl.SSLContext) -> None:
    await rig.serve(role=Purpose.SUBMISSIONS, tls=server_tls)
    client = await rig.connect(greeted=False)
    await rig.until(lambda: rig.server.connections == 1)
    await asyncio.wait_for(rig.server.close(grace=0.01), 1)
    assert await client.is_closed()
    assert rig.server.connections == 0


async def test_too_many_handshakes(rig: Rig, server_tls: ssl.SSLContext) -> None:
    await rig.serve(role=Purpose.SUBMISSIONS, tls=server_tls, connections=1)
    first = await rig.connect(greeted=False)
    await rig.until(lambda: rig.server.connections == 1)
    second = await rig.connect(greeted=False)
    assert await second.is_closed()
    rig.clock.push(GRACE)
    await rig.connect(greeted=False)
    assert await first.is_closed()
    assert rig.server.connections == 1


async def test_a_process_without_descriptors_accepts_again(
    rig: Rig, server_tls: ssl.SSLContext, client_tls: ssl.SSLContext, caplog: pytest.LogCaptureFixture
) -> None:
    await rig.serve(role=Purpose.SUBMISSIONS, tls=server_tls)
    (tls_port,) = rig.server._tls_ports

    class Short:
        """A listening socket of a process that has no descriptor left."""

        def __getattr__(self, name: str) -> object:
            return getattr(listening, name)

        def accept(self) -> object:
            raise OSError(errno.EMFILE, "Too many open files")

    listening = tls_port._listening
    tls_port._listening = Short()  # type: ignore[assignment]
    tls_port._accept()
    assert "no connection can be accepted" in caplog.text
    tls_port._listening = listening
    rig.clock.push(1)
    reader, writer = await asyncio.open_connection("127.0.0.1", rig.port, ssl=client_tls)
    rig.writers.append(writer)
    assert (await reader.readline()).startswith(b"220 ")


async def test_a_stranger_that_waits_for_its_password_check_is_evicted(rig: Rig) -> None:
    await rig.serve(role=Purpose.SUBMISSION, connections=1)
    client = await rig.connect()
    client.writer.write(b"EHLO x\r\n")
    while (await client.line())[3:4] == "-":
        pass
    rig.keeper.go_on.clear()
    client.writer.write(b"AUTH PLAIN AGEAYg==\r\n")
    await rig.keeper.arrived.wait()
    rig.clock.push(GRACE)
    other = await rig.connect()
    assert await client.line() == "421 4.7.0 mx.test Too many connections"
    assert await client.is_closed()
    assert await other.say(b"NOOP\r\n") == "250 2.0.0 OK"


def test_the_next_hop_takes_what_this_one_took() -> None:
    limits = Limits(recipients=7)
    wider = limits.with_room_for_trace_fields()
    assert wider.recipients == 7
    assert wider.message_size > limits.message_size
    assert wider.header_size > limits.header_size
    assert wider.header_lines > limits.header_lines


async def test_a_lost_connection_leaves_nothing_for_the_garbage_collector(rig: Rig) -> None:
    """A circle of references costs 70 µs per session in collections."""
    await rig.serve()
    gc.collect()
    gc.disable()
    try:
        client = await rig.connect()
        await client.say(b"EHLO client.test\r\n")
        (receiver,) = [weakref.ref(thing) for thing in gc.get_objects() if issubclass(type(thing), Receiver)]
        client.reset()
        await rig.until(lambda: rig.server.connections == 0)
        for _ in range(5):
            await asyncio.sleep(0)
        assert receiver() is None
    finally:
        gc.enable()
