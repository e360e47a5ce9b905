"""kill -9 between the store's database and its journal: what is durable is told after the next start, and told once."""

from __future__ import annotations

import asyncio
import contextlib
import imaplib
import poplib
import smtplib
import ssl
import sys
from collections import Counter
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from postroad.config import Settings
from postroad.control.client import DoorAway, DoorClient, quote_path
from postroad.control.token import read_token
from postroad.journal import JournalReader
from postroad_stack import init
from tests.harness.processes import own_settings, plain_environment

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable

    from postroad.journal import Entry

FATAL = Path(__file__).with_name("killed_at.py")
BOB = "bob@beta.test"
BROKEN = (OSError, imaplib.IMAP4.abort, poplib.error_proto, smtplib.SMTPServerDisconnected, DoorAway)
CONTENT = "Message-ID: <m@x.test>\r\nSubject: x\r\n\r\nbody\r\n"
SCRIPT = 'require ["fileinto", "copy"]; redirect :copy "eve@elsewhere.example"; fileinto "Junk";'


class Lives:
    """The lives of a store's process, one after the other, in a folder."""

    def __init__(self, folder: Path, environ: dict[str, str]) -> None:
        self.environ = plain_environment() | environ
        self.settings = Settings.from_environ(environ)
        init.prepare(self.settings)
        self.host = f"{environ['POSTROAD_NETWORK']}.143"
        self._journal = folder / "data" / "journal"
        self._token = read_token(folder / "data" / "control")

    @contextlib.asynccontextmanager
    async def store(self, point: str = "never") -> AsyncIterator[asyncio.subprocess.Process]:
        """A store; it kills itself at a point, at the latest when the block has ended, or else ends there."""
        process = await asyncio.create_subprocess_exec(
            sys.executable, FATAL, point, env=self.environ, stderr=asyncio.subprocess.PIPE
        )
        assert process.stderr is not None
        try:
            while point != "retelling" and b"msg=ready" not in (line := await process.stderr.readline()):
                assert line, "it ended before it was ready"
            yield process
            if point == "never":
                process.terminate()
            async with asyncio.timeout(20):
                assert await process.wait() == (0 if point == "never" else -9)
        finally:
            if process.returncode is None:
                process.kill()
                await process.wait()

    async def dies(self, point: str, work: Callable[[], Any]) -> None:
        """Have a store die while it does something; it answers nothing then."""
        async with self.store(point):
            with pytest.raises(BROKEN):
                await (work() if asyncio.iscoroutinefunction(work) else asyncio.to_thread(work))

    def told(self) -> list[Entry]:
        """What the journal has by now; nothing of it twice, and in the order of its numbers."""
        entries = [entry for entry in JournalReader(self._journal).entries() if entry.service == "store"]
        assert set(Counter((entry.kind, entry.queue_id, str(entry.detail)) for entry in entries).values()) <= {1}
        numbers = [entry.number or 0 for entry in entries]
        assert numbers == sorted(set(numbers))
        return entries

    def details(self, kind: str) -> list[dict[str, Any]]:
        return [dict(entry.detail) for entry in self.told() if entry.kind == kind]

    # -- what clients do ----------------------------------------------------------------------------------------

    def deliver(self) -> str:
        """Deliver a message, and return the queue ID that the store gives it."""
        with smtplib.SMTP(self.host, self.settings.smtp_port, timeout=10) as client:
            client.ehlo()
            client.mail("a@x.test")
            client.rcpt(BOB)
            code, reply = client.data(CONTENT)
            assert code == 250
            return reply.decode().split("stored as ")[1]

    def say(self, *commands: tuple[str, ...]) -> list[str]:
        """Say something by IMAP, as Bob with INBOX open; return the UIDs that are there then."""
        context = ssl._create_unverified_context()
        client = imaplib.IMAP4_SSL(self.host, self.settings.imaps_port, ssl_context=context, timeout=10)
        try:
            client.login(BOB, "builder")
            client.select()
            for name, *arguments in commands:
                assert client._simple_command(name, *arguments)[0] == "OK"
            _, listed = client.uid("SEARCH", "ALL")
            return [uid.decode() for uid in listed[0].split()]
        finally:
            client.shutdown()

    def pop(self) -> None:
        """Remove two messages by POP3."""
        context = ssl._create_unverified_context()
        client = poplib.POP3_SSL(self.host, self.settings.pop3s_port, context=context, timeout=10)
        try:
            client.user(BOB)
            client.pass_("builder")
            client.dele(1)
            client.dele(2)
            client.quit()
        finally:
            client.close()

    @contextlib.asynccontextmanager
    async def door(self) -> AsyncIterator[DoorClient]:
        client = DoorClient("store", self.host, self.settings.control_port, self._token)
        try:
            yield client
        finally:
            await client.close()


@pytest.fixture
def lives(tmp_path: Path) -> Any:
    with own_settings(tmp_path) as environ:
        yield Lives(tmp_path, environ | {"POSTROAD_RETRY": "50ms"})


@pytest.mark.parametrize("again", [False, True])
async def test_a_delivery(lives: Lives, again: bool) -> None:
    await lives.dies("stored", lives.deliver)
    assert lives.details("stored") == []
    if again:  # the start that tells it is killed too
        async with lives.store("retelling"):
            pass
        assert len(lives.details("stored")) == 1
    async with lives.store():
        assert await asyncio.to_thread(lives.say) == ["1"]
        (stored,) = lives.details("stored")
        assert (stored["account"], stored["mailbox"], stored["uid"]) == (BOB, "INBOX", 1)
        assert (stored["reverse_path"], stored["recipients"]) == ("a@x.test", [BOB])
    assert len(lives.details("stored")) == 1


async def test_a_delivery_that_comes_again(lives: Lives) -> None:
    """Its client has had no 250, and sends it again: it gets the answer that it has missed, and once only."""
    await lives.dies("stored", lives.deliver)
    async with lives.store():
        (first,) = lives.told()
        assert await asyncio.to_thread(lives.deliver) == first.queue_id
        assert await asyncio.to_thread(lives.say) == ["1"]
        assert await asyncio.to_thread(lives.deliver) != first.queue_id
        assert await asyncio.to_thread(lives.say) == ["1", "2"]
    # What was answered before the kill is another message when it comes again.
    await lives.dies("moved", lambda: lives.say(("MOVE", "1", "Trash")))
    async with lives.store():
        await asyncio.to_thread(lives.deliver)
        assert await asyncio.to_thread(lives.say) == ["2", "3"]


async def test_a_delivery_by_a_script(lives: Lives) -> None:
    async with lives.store(), lives.door() as door:
        await door.put(quote_path("accounts", BOB, "scripts", "main"), {"script": SCRIPT, "active": True})
    await lives.dies("filtered", lives.deliver)
    async with lives.store():
        (stored,), (filtered,) = lives.details("stored"), lives.details("filtered")
        assert (stored["mailbox"], stored["uid"]) == ("Junk", 1)
        assert filtered["actions"] == ["redirect", "file"]


async def test_what_a_client_of_imap_does(lives: Lives) -> None:
    async with lives.store():
        for _ in range(6):
            await asyncio.to_thread(lives.deliver)
        await asyncio.to_thread(lives.say, ("CREATE", "old"), ("CREATE", "old/deep"))
    changes: list[tuple[str, tuple[str, ...], dict[str, Any]]] = [
        ("copied", ("COPY", "1:2", "old"), {"mailbox": "INBOX", "uid": "1:2", "to": "old", "to_uid": "1:2"}),
        ("moved", ("MOVE", "2", "old"), {"mailbox": "INBOX", "uid": 2, "to": "old", "to_uid": 3}),
        ("removed", ("EXPUNGE",), {"mailbox": "INBOX", "uid": "3,5"}),
        ("renamed", ("RENAME", "old", "new"), {"mailbox": "old", "to": "new"}),
        ("removed", ("DELETE", "new"), {"mailbox": "new"}),
        ("moved", ("RENAME", "INBOX", "all"), {"mailbox": "INBOX", "uid": "1:6", "to": "all", "to_uid": "1:6"}),
    ]
    for kind, command, detail in changes:
        if command == ("EXPUNGE",):
            async with lives.store():
                await asyncio.to_thread(lives.say, ("STORE", "2,4", "+FLAGS", "(\\Deleted)"))
        await lives.dies(kind, lambda command=command: lives.say(command))  # type: ignore[misc]
        async with lives.store("retelling"):  # also where the start that tells it is killed
            pass
        told = lives.told()[-2 if kind == "renamed" else -1]
        assert (told.kind, told.detail["account"], told.detail["protocol"]) == (kind, BOB, "imap")
        assert detail.items() <= told.detail.items()
        assert ("uid" in told.detail) == ("uid" in detail)
    async with lives.store():
        assert await asyncio.to_thread(lives.say) == []
    kinds = Counter(entry.kind.value for entry in lives.told())
    assert kinds == {"stored": 6, "copied": 1, "moved": 2, "removed": 2, "renamed": 2}


async def test_what_others_do(lives: Lives) -> None:
    async with lives.store():
        for _ in range(5):
            await asyncio.to_thread(lives.deliver)
    async with lives.door() as door:
        asked = {"world": "default", "name": "seeded", "token": "t1"}
        changes: list[tuple[str, Callable[[], Any]]] = [
            ("removed", lives.pop),
            ("kept", lambda: asyncio.run_coroutine_threadsafe(door.post("/snapshots", asked), loop).result()),
            (
                "restored",
                lambda: asyncio.run_coroutine_threadsafe(
                    door.post("/snapshots/restore", asked | {"token": "r1", "fresh": True}), loop
                ).result(),
            ),
            ("removed", lambda: asyncio.run_coroutine_threadsafe(door.delete("/mail"), loop).result()),
        ]
        loop = asyncio.get_running_loop()
        for point, change in changes:
            await lives.dies(point, change)
    async with lives.store():
        assert await asyncio.to_thread(lives.say) == []
    removed = [(detail["uid"], detail["protocol"]) for detail in lives.details("removed")]
    assert removed == [(1, "pop3"), (2, "pop3"), ("3:5", "control")]
    (kept,) = (detail for detail in lives.details("kept") if detail["account"] == BOB)
    (restored,) = (detail for detail in lives.details("restored") if detail["account"] == BOB)
    assert (kept["snapshot"], kept["token"]) == ("seeded", "t1")
    assert (restored["token"], restored["uid_validities"]["INBOX"]) == (
        "t1",
        lives.details("removed")[-1]["uid_validity"],
    )
