"""The relay whole, over real sockets: a client, a name server, the recipient's server."""

from __future__ import annotations

import asyncio
import base64
import email
import errno
import logging
import os
from typing import TYPE_CHECKING, Any, Self

import aiosmtplib
import pytest

from postroad.clock import Clock
from postroad.config import Settings
from postroad.journal import Entry, JournalReader, Kind
from postroad.smtp.server.server import serve
from postroad.tls import client_context
from postroad.world.guesses import TooManyGuesses
from postroad.world.secret import hash_password
from postroad.world.source import load_world
from postroad_relay import relay
from postroad_relay.queue.spool import Entry as SpoolEntry
from postroad_relay.queue.spool import QueueId
from postroad_relay.relay import Relay
from tests.harness.processes import claim_network
from tests.harness.tls import certificate, server_tls
from tests.relay.nameserver import NameServer
from tests.relay.smtpserver import PretendServer
from tests.relay.worlds import TEXT

if TYPE_CHECKING:
    import ssl
    from collections.abc import AsyncIterator, Sequence
    from pathlib import Path

    from postroad.smtp.server.server import Server
    from tests.relay.nameserver import Script

__all__ = ["certificate", "server_tls"]  # fixtures

CONTENT = b"From: alice@alpha.test\r\nSubject: hi\r\n\r\n.dot\r\nbody\r\n"
WHOLE = b"From: a@b.c\r\nDate: Mon, 23 Nov 2026 12:00:00 +0000\r\nMessage-ID: <m@b.c>\r\n\r\n.dot\r\nbody\r\n"


class Site:
    """A relay with its surroundings, on a loopback network of its own."""

    def __init__(self, folder: Path, server_tls: ssl.SSLContext | None) -> None:
        self.folder = folder
        self.network, self._claim = claim_network()
        self.world_file = folder / "world.toml"
        self.world_file.write_bytes(TEXT)
        self.settings: dict[str, str] = {
            "POSTROAD_NETWORK": self.network,
            "POSTROAD_WORLD": str(self.world_file),
            "POSTROAD_DATA": str(folder),
            "POSTROAD_RETRY": "20ms 20ms 20ms 10m",
        }
        self.server_tls = server_tls
        self.clock: Clock | None = None
        address = f"{self.network}.143"
        script: Script = {("mx.postroad.test", "A"): [f"mx.postroad.test. 300 A {address}"]}
        for domain in ("alpha.test", "beta.test", "elsewhere.example"):
            script[domain, "MX"] = [f"{domain}. 300 MX 10 mx.postroad.test."]
        self.dns = NameServer(script, address=f"{self.network}.53", port=1053)
        self.store = PretendServer(address=address, port=2525)

    async def __aenter__(self) -> Self:
        await self.dns.__aenter__()
        await self.store.__aenter__()
        self.relay = self.make()
        await self.relay.start()
        return self

    def make(self) -> Relay:
        settings = Settings.from_environ(self.settings)
        (self.folder / "journal").mkdir(exist_ok=True)
        return Relay(
            settings,
            load_world(settings.world, settings.network),
            server_tls=self.server_tls,
            client_tls=client_context(),
            clock=self.clock,
        )

    async def __aexit__(self, *_: object) -> None:
        await self.relay.stop()
        await self.store.close()
        await self.dns.__aexit__(None, None, None)
        self._claim.close()

    async def restart(self, **settings: str) -> None:
        await self.relay.stop()
        self.settings |= settings
        self.relay = self.make()
        await self.relay.start()

    def client(self, port: int = 1587, *, login: str | None = "alice@alpha.test", password: str = "wonderland") -> Any:
        return aiosmtplib.SMTP(
            hostname=f"{self.network}.25",
            port=port,
            username=login if port != 2525 else None,
            password=password if port != 2525 else None,
            use_tls=port == 1465,
            start_tls=port == 1587,
            validate_certs=False,
            local_hostname="client.test",
            timeout=10,
        )

    async def send(
        self,
        *recipients: str,
        content: bytes = CONTENT,
        sender: str = "alice@alpha.test",
        port: int = 1587,
        options: Sequence[str] = (),
    ) -> tuple[dict[str, Any], str]:
        async with self.client(port) as client:
            refused, reply = await client.sendmail(
                sender, recipients or ["bob@beta.test"], content, mail_options=list(options)
            )
            return refused, reply

    async def entries(self) -> list[Entry]:
        """Stop, and return what the journal has."""
        await self.relay.stop()
        self.relay.stop = _nothing  # type: ignore[method-assign]
        return list(JournalReader(self.folder / "journal").entries())

    async def journal(self) -> list[tuple[Kind, dict[str, Any]]]:
        """Stop, and return the kinds and details that the journal has."""
        entries = await self.entries()
        return [
            (entry.kind, dict(entry.detail) | {"queue_id": entry.queue_id, "message_id": entry.message_id})
            for entry in entries
        ]


async def _nothing() -> None:
    return None


@pytest.fixture
async def site(tmp_path: Path, server_tls: ssl.SSLContext) -> AsyncIterator[Site]:
    async with Site(tmp_path, server_tls) as site:
        yield site


async def test_a_submitted_message_arrives_with_trace_fields_in_front(site: Site) -> None:
    _, reply = await site.send(content=WHOLE)
    await site.store.wait_for(1)
    (mail,) = site.store.mails
    assert mail.content.endswith(WHOLE)
    trace = mail.content.removesuffix(WHOLE).decode()
    queue_id = reply.split("queued as ")[1]
    lines = trace.split("\r\n\t")
    assert lines[0] == "Received: from client.test ([127.0.0.1])"
    assert f"by relay.postroad.test with ESMTPSA id {queue_id}" in lines
    assert any(line.startswith("for <bob@beta.test>") for line in lines)
    journal = await site.journal()
    assert [kind.value for kind, _ in journal] == [
        "accepted",
        "queued",
        "resolved",
        "attempted",
        "delivered",
    ]
    assert {detail["queue_id"] for _, detail in journal} == {queue_id}
    assert {detail["message_id"] for _, detail in journal} == {"<m@b.c>"}
    accepted = journal[0][1]
    assert accepted["login"] == accepted["sender"] == "alice@alpha.test"
    assert accepted["recipients"] == ["bob@beta.test"]
    assert (accepted["port"], accepted["protocol"], accepted["tls"]) == ("submission", "ESMTPSA", "TLSv1.3")


async def test_the_journal_has_every_message_id(site: Site) -> None:
    await site.send(content=b"Message-ID: <second@b.c>\r\n" + WHOLE)
    await site.store.wait_for(1)
    (_, accepted), *_ = await site.journal()
    assert accepted["message_id"] == "<second@b.c>"
    assert accepted["further_message_ids"] == ["<m@b.c>"]


@pytest.mark.parametrize("port", [1587, 1465])
async def test_date_and_message_id_are_added_on_submission(site: Site, port: int) -> None:
    await site.send(port=port)
    await site.store.wait_for(1)
    content = site.store.mails[0].content
    assert content.endswith(CONTENT)
    message = email.message_from_bytes(content)
    assert message.keys() == ["Received", "Date", "Message-ID", "From", "Subject"]
    assert message["Message-ID"].endswith("@relay.postroad.test>")


async def test_mail_between_servers_is_left_as_it_is(site: Site) -> None:
    await site.send(port=2525, sender="x@elsewhere.example")
    await site.store.wait_for(1)
    message = email.message_from_bytes(site.store.mails[0].content)
    assert message.keys() == ["Received", "From", "Subject"]


@pytest.mark.parametrize(("port", "sender"), [(1587, None), (2525, "x@elsewhere.example")])
async def test_a_body_without_a_header_section_stays_the_body(site: Site, port: int, sender: str | None) -> None:
    await site.send(port=port, content=b"hello world\r\n", **({"sender": sender} if sender else {}))
    await site.store.wait_for(1)
    head, _, body = site.store.mails[0].content.partition(b"\r\n\r\n")
    assert head.startswith(b"Received: ")
    assert (b"\r\nDate: " in head) is (port == 1587)
    assert body == b"hello world\r\n"


async def test_the_relay_is_open_to_nobody(site: Site) -> None:
    refused, _ = await site.send(
        "bob@beta.test", "x@elsewhere.example", "nobody@beta.test", port=2525, sender="x@y.example"
    )
    assert {address: answer.code for address, answer in refused.items()} == {
        "x@elsewhere.example": 550,
        "nobody@beta.test": 550,
    }
    assert refused["x@elsewhere.example"].message.startswith("5.7.1")
    assert refused["nobody@beta.test"].message.startswith("5.1.1")
    async with site.client(login=None) as client:
        with pytest.raises(aiosmtplib.SMTPSenderRefused) as error:
            await client.mail("alice@alpha.test")
        assert error.value.code == 530


async def test_a_user_sends_as_nobody_else(site: Site) -> None:
    async with site.client() as client:
        with pytest.raises(aiosmtplib.SMTPSenderRefused) as error:
            await client.mail("carol@alpha.test")
        assert error.value.message.startswith("5.7.1")
    await site.restart(POSTROAD_SENDER_CHECK="off")
    await site.send(sender="carol@alpha.test")
    await site.store.wait_for(1)


@pytest.mark.parametrize(
    ("login", "password"), [("alice@alpha.test", "wrong"), ("nobody@alpha.test", "x"), ("king", "x")]
)
async def test_wrong_passwords_are_refused(site: Site, login: str, password: str) -> None:
    with pytest.raises(aiosmtplib.SMTPAuthenticationError):
        await site.client(login=login, password=password).connect()


async def test_what_is_refused_leaves_a_trace(site: Site, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO)
    await site.send("nobody@beta.test", "bob@beta.test", port=2525, sender="x@y.example")
    with pytest.raises(aiosmtplib.SMTPAuthenticationError):
        await site.client(password="wrong").connect()
    async with site.client() as client:
        with pytest.raises(aiosmtplib.SMTPSenderRefused):
            await client.mail("carol@alpha.test")
        with pytest.raises(aiosmtplib.SMTPDataError):
            await client.sendmail("alice@alpha.test", ["bob@beta.test"], b"Received: by x\r\n" * 99 + WHOLE)
    refused = [detail for kind, detail in await site.journal() if kind is Kind.REFUSED]
    commands = ["RCPT", "AUTH", "AUTH", "AUTH", "MAIL", "content"]  # aiosmtplib tries CRAM-MD5, PLAIN, LOGIN
    assert [detail["command"] for detail in refused] == commands
    rcpt, auth, _, _, mail, content = refused
    assert {(detail["peer"], detail["client"]) for detail in refused} == {("127.0.0.1", "client.test")}
    assert (rcpt["sender"], rcpt["recipient"]) == ("x@y.example", "nobody@beta.test")
    assert (rcpt["port"], rcpt["reply"]) == ("smtp", "550 5.1.1 No such user here")
    assert (auth["login"], auth["reply"]) == ("alice@alpha.test", "535 5.7.8 Authentication credentials invalid")
    assert (mail["login"], mail["sender"]) == ("alice@alpha.test", "carol@alpha.test")
    assert (content["message_id"], content["reply"][:9]) == ("<m@b.c>", "554 5.4.6")
    assert len({detail["session"] for detail in refused}) == 3  # MAIL and content came in one
    lines = [record for record in caplog.records if record.name == "postroad.refused"]
    assert [record.getMessage().split()[1] for record in lines] == commands
    assert [vars(record)["reply"] for record in lines] == [detail["reply"] for detail in refused]
    (logged_in,) = [record for record in caplog.records if record.getMessage() == "logged in"]
    assert vars(logged_in)["login"] == "alice@alpha.test"
    assert "wonderland" not in caplog.text


async def test_a_password_that_is_not_looked_at_leaves_a_trace_too(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    async def refuse(*_: object, **_more: object) -> None:
        raise TooManyGuesses

    monkeypatch.setattr(site.relay._service._guesses, "log_in", refuse)
    with pytest.raises(aiosmtplib.SMTPAuthenticationError) as error:
        await site.client().connect()
    assert error.value.code == 454
    refused = [detail for kind, detail in await site.journal() if kind is Kind.REFUSED]
    assert {(detail["login"], detail["reply"][:9], detail["reason"]) for detail in refused} == {
        ("alice@alpha.test", "454 4.7.0", "too many wrong passwords")
    }


async def test_who_may_not_act_for_another_is_told_no_more(site: Site) -> None:
    async with site.client(login=None) as client:
        await client.ehlo()
        response = base64.b64encode(b"bob@beta.test\0alice@alpha.test\0wonderland")  # RFC 4616 §2: alice, as bob
        assert (await client.execute_command(b"AUTH", b"PLAIN", response)).code == 535
    refused = [detail for kind, detail in await site.journal() if kind is Kind.REFUSED]
    assert [(detail["command"], detail["login"], detail["reply"][:9]) for detail in refused] == [
        ("AUTH", "alice@alpha.test", "535 5.7.8")
    ]


async def test_a_full_queue_is_said_and_loses_nothing(site: Site) -> None:
    await site.restart(POSTROAD_QUEUE="3", POSTROAD_RETRY="50ms")
    site.store.replies["RCPT"] = "450 4.2.1 Busy"
    for _ in range(3):
        await site.send()
    async with site.client() as client:
        with pytest.raises(aiosmtplib.SMTPSenderRefused) as refused:
            await client.mail("alice@alpha.test")
        assert (refused.value.code, refused.value.message[:5]) == (452, "4.3.1")
        site.store.replies.clear()
        await site.store.wait_for(1)
        await until_shorter(site, 3)
        await client.mail("alice@alpha.test")
        await client.rcpt("bob@beta.test")
        site.relay.spool._index.entries.update(
            {QueueId(f"{n}"): SpoolEntry(QueueId(f"{n}"), 0.0, spilled=False) for n in range(3)}
        )
        with pytest.raises(aiosmtplib.SMTPDataError) as error:
            await client.data(CONTENT)
        assert (error.value.code, error.value.message[:5]) == (452, "4.3.1")
    await site.store.wait_for(3)


async def until_shorter(site: Site, length: int) -> None:
    for _ in range(1000):
        if len(site.relay.spool) < length:
            return
        await asyncio.sleep(0.01)
    raise TimeoutError


async def test_a_hashed_password_is_as_good(site: Site) -> None:
    hashed = TEXT.replace(b'"wonderland"', b'"' + hash_password("wonderland").encode() + b'"')
    site.world_file.write_bytes(hashed)
    await site.restart()
    await site.send()
    with pytest.raises(aiosmtplib.SMTPAuthenticationError):
        await site.client(password="wrong").connect()


async def test_a_failure_comes_back_to_the_sender(site: Site) -> None:
    site.store.replies["RCPT TO:<nobody@beta.test>"] = "550 5.1.1 No such user here"
    await site.send("nobody@beta.test", "bob@beta.test")
    await site.store.wait_for(2)
    report = next(mail for mail in site.store.mails if mail.recipients == ["alice@alpha.test"])
    assert report.sender.startswith("MAIL FROM:<> ")
    assert b"Diagnostic-Code: smtp; 550 5.1.1 No such user here\r\n" in report.content


async def test_the_null_reverse_path_is_taken_and_never_answered(site: Site) -> None:
    site.store.replies["RCPT"] = "550 5.1.1 No such user here"
    await site.send("bob@beta.test", sender="")
    journal = await wait_for(site, "failed")
    assert [kind.value for kind, _ in journal][-1] == "failed"
    assert site.store.mails == []


async def wait_for(site: Site, kind: str) -> list[tuple[Kind, dict[str, Any]]]:
    path = site.folder / "journal" / "relay" / "relay.jsonl"
    for _ in range(1000):
        if path.exists() and f'"kind":"{kind}"' in path.read_text():
            break
        await asyncio.sleep(0.01)
    return await site.journal()


async def test_a_loop_is_found(site: Site) -> None:
    for count, code in ((49, None), (50, 554)):
        content = b"Received: by x.test\r\n" * count + CONTENT
        if code is None:
            await site.send(content=content)
            continue
        with pytest.raises(aiosmtplib.SMTPDataError) as error:
            await site.send(content=content)
        assert (error.value.code, error.value.message[:5]) == (554, "5.4.6")


@pytest.mark.parametrize("lines", [10_000, 50_000])
async def test_large_messages_arrive_as_they_were(site: Site, lines: int) -> None:
    body = b"".join(b".%d: " % number + b"x" * 30 + b"\r\n" for number in range(lines))
    await site.send(content=WHOLE + body)
    await site.store.wait_for(1)
    assert site.store.mails[0].content.endswith(WHOLE + body)
    await site.restart()
    assert list((site.folder / "spool" / "content").iterdir()) == []
    assert list((site.folder / "spool" / "incoming").iterdir()) == []


async def test_an_internationalized_message_goes_as_one(site: Site) -> None:
    content = "From: alice@alpha.test\r\nSubject: Grüße\r\n\r\nGrüße\r\n".encode()
    await site.send("почта@beta.test", content=content, options=["SMTPUTF8", "BODY=8BITMIME"])
    await site.store.wait_for(1)
    assert site.store.mails[0].recipients == ["почта@beta.test"]
    assert site.store.mails[0].sender.endswith("BODY=8BITMIME SMTPUTF8")
    assert b"with UTF8SMTPSA id" in site.store.mails[0].content
    await site.store.close()
    site.store.extensions = ("PIPELINING", "8BITMIME")
    await site.store.listen()
    await site.send("почта@beta.test", content=content, options=["SMTPUTF8", "BODY=8BITMIME"])
    await wait_for(site, "reported")


async def test_a_full_disk_is_said_and_leaves_nothing(site: Site) -> None:
    def full(handle: int, buffers: Sequence[bytes], offset: int) -> int:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    site.relay.spool.log.writev = full
    for content in (CONTENT, CONTENT + b"x" * 70 + b"\r\n" * 200_000):
        with pytest.raises(aiosmtplib.SMTPDataError) as error:
            await site.send(content=content)
        assert (error.value.code, error.value.message[:5]) == (452, "4.3.1")
    site.relay.spool.log.writev = os.pwritev
    await site.send()
    await site.store.wait_for(1)
    assert len(site.store.mails) == 1
    assert list((site.folder / "spool" / "content").iterdir()) == []


async def test_mail_waits_for_a_server_that_is_down(site: Site) -> None:
    await site.restart(POSTROAD_RETRY="20ms")
    await site.store.close()
    for _ in range(5):
        await site.send()
    await site.restart()
    await site.store.listen()
    await site.store.wait_for(5)


async def test_the_whole_relay_goes_by_one_clock(site: Site) -> None:
    site.clock = Clock()
    await site.restart(POSTROAD_RETRY="2h")
    site.store.replies["RCPT"] = "450 4.2.1 Busy"
    await site.send()
    for _ in range(1000):
        if any(entry.attempts for entry in site.relay.spool.entries()) and not site.relay.manager.active:
            break
        await asyncio.sleep(0.01)
    site.store.replies.clear()
    site.clock.push(1.1 * 7200.0)
    await site.store.wait_for(1)
    times = [entry.time.timestamp() for entry in await site.entries()]
    assert times[-1] - times[0] > 7200.0


async def test_mail_waits_for_a_name_server_that_fails(site: Site) -> None:
    records = site.dns.script["beta.test", "MX"]
    site.dns.script["beta.test", "MX"] = "SERVFAIL"
    await site.send()
    site.dns.script["beta.test", "MX"] = records
    await site.store.wait_for(1)


async def test_a_client_that_goes_away_after_the_final_dot_has_sent_its_message(site: Site) -> None:
    reader, writer = await asyncio.open_connection(f"{site.network}.25", 2525)
    writer.write(b"EHLO x\r\nMAIL FROM:<x@y.example>\r\nRCPT TO:<bob@beta.test>\r\nDATA\r\n")
    while b"354" not in await reader.readline():
        pass
    writer.write(CONTENT.replace(b"\r\n.", b"\r\n..") + b".\r\n")
    await writer.drain()
    writer.close()
    await site.store.wait_for(1)


async def test_what_comes_while_it_is_still_starting_is_delivered_once(
    site: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Clients that come again as soon as a port is open are served before `start` goes on."""
    await site.relay.stop()

    async def serve_at_once(*arguments: Any, **options: Any) -> Server:
        server = await serve(*arguments, **options)
        await site.send(content=b"Subject: early" + WHOLE)
        return server

    monkeypatch.setattr(relay, "serve", serve_at_once)
    site.store.replies["DATA"] = "wait"
    site.relay = site.make()
    await site.relay.start()
    site.store.replies.clear()
    site.store.hang_up()
    await site.store.wait_for(1)
    await site.send(content=b"Subject: later" + WHOLE)
    await site.store.wait_for(2)
    delivered = [detail["queue_id"] for kind, detail in await site.journal() if kind is Kind.DELIVERED]
    assert len(delivered) == len(set(delivered)) == 2


async def test_an_edit_of_the_world_is_taken_up(site: Site) -> None:
    refused, _ = await site.send("bob@beta.test", "eve@beta.test", port=2525)
    assert list(refused) == ["eve@beta.test"]
    site.world_file.write_bytes(TEXT.replace(b'dave = "gravel"', b'dave = "gravel", eve = "apple"'))
    for _ in range(200):
        refused, _ = await site.send("bob@beta.test", "eve@beta.test", port=2525)
        if not refused:
            break
        await asyncio.sleep(0.02)
    assert not refused


async def test_without_a_certificate_there_is_no_port_465(tmp_path: Path) -> None:
    site = Site(tmp_path, None)
    assert site.make().listeners == ()
    async with site:
        assert [listener.port for listener in site.relay.listeners] == [1025, 2525, 1587]
        await site.send(port=2525)
        await site.store.wait_for(1)
