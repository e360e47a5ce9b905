"""kill -9 between the spool and the journal: what is durable is told after the next start, and told once."""

from __future__ import annotations

import asyncio
import contextlib
import sys
from collections import Counter
from pathlib import Path
from typing import TYPE_CHECKING

import aiosmtplib
import pytest

from postroad.control.client import DoorAway, DoorClient, quote_path
from postroad.control.token import read_token
from postroad.journal import JournalReader, Kind
from tests.relay.test_kill import relay, surroundings

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Awaitable, Callable

    from postroad.journal import Entry

FATAL = Path(__file__).with_name("killed_at.py")
CONTENT = b"Subject: hi\r\nMessage-ID: <hi@y.example>\r\n\r\nbody\r\n"


@contextlib.asynccontextmanager
async def doomed(environ: dict[str, str], point: str) -> AsyncIterator[None]:
    """A relay that kills itself at a point, at the latest when the block has ended."""
    process = await asyncio.create_subprocess_exec(
        sys.executable, FATAL, point, env=environ, stderr=asyncio.subprocess.PIPE
    )
    assert process.stderr is not None
    while point != "retold" and b"msg=ready" not in (line := await process.stderr.readline()):
        assert line, "it ended before it was ready"
    try:
        yield
        async with asyncio.timeout(20):
            assert await process.wait() == -9
    finally:
        if process.returncode is None:
            process.kill()


def told(folder: Path) -> list[Entry]:
    """The events of the relay's messages in their order."""
    entries = JournalReader(folder / "data" / "journal").entries()
    return [entry for entry in entries if entry.service == "relay" and entry.queue_id is not None]


def kinds(entries: list[Entry], queue_id: str) -> list[str]:
    return [entry.kind.value for entry in entries if entry.queue_id == queue_id]


async def send(network: str, *, sender: str = "x@y.example") -> str | None:
    """Send a message; return its queue ID, None if there was no 250."""
    with contextlib.suppress(aiosmtplib.SMTPException, OSError):
        async with aiosmtplib.SMTP(hostname=f"{network}.1", port=1025, timeout=10) as client:
            _, reply = await client.sendmail(sender, ["bob@beta.test"], CONTENT)
            return reply.split("queued as ")[1]
    return None


async def quiet(door: DoorClient) -> None:
    async with asyncio.timeout(20):
        while (state := await door.get("/state", wait=5))["queued"] > state["held"]:
            pass


def check(entries: list[Entry]) -> None:
    """Nothing is told twice, and numbers grow."""
    told = Counter(
        (entry.kind, entry.queue_id, str(entry.detail.get("recipient")), entry.detail.get("attempt"))
        for entry in entries
        if entry.kind is not Kind.RESOLVED
    )
    assert set(told.values()) == {1}, told
    numbers = [entry.number or 0 for entry in entries]
    assert numbers == sorted(set(numbers))


@pytest.mark.parametrize(
    ("point", "reply", "expected"),
    [
        ("accepted", None, ["accepted", "queued", "resolved", "attempted", "delivered"]),
        ("delivered", None, ["accepted", "queued", "resolved", "attempted", "delivered"]),
        ("failed", "550 5.1.1 No", ["accepted", "queued", "resolved", "attempted", "failed", "reported"]),
        ("deferred", "450 4.2.1 Busy", ["accepted", "queued", "resolved", "attempted", "deferred"]),
    ],
)
@pytest.mark.parametrize("again", [False, True])
async def test_what_became_of_a_message(
    tmp_path: Path, point: str, reply: str | None, expected: list[str], again: bool
) -> None:
    async with surroundings(tmp_path) as (network, environ, store):
        door = DoorClient("relay", f"{network}.25", 8026, read_token(tmp_path / "data" / "control"))
        if reply is not None:
            store.replies["RCPT"] = reply
        environ["POSTROAD_RETRY"] = "1h"
        async with doomed(environ, point):
            answered = await send(network)
        assert (answered is None) == (point == "accepted")
        store.replies.clear()
        if again:  # the start that tells it is killed too
            async with doomed(environ, "retold"):
                pass
        async with relay(environ) as process:
            if point != "deferred":
                await quiet(door)
            process.terminate()
            await process.wait()
        await door.close()
        entries = told(tmp_path)
        check(entries)
        first = next(entry.queue_id for entry in entries if entry.kind is Kind.ACCEPTED)
        assert first is not None
        assert answered in {None, first}
        assert kinds(entries, first) == expected
        assert len(store.mails) == (point != "deferred")  # none came twice
        if point == "failed":
            (report,) = [entry for entry in entries if entry.kind is Kind.REPORTED]
            dsn = kinds(entries, report.detail["dsn_queue_id"])
            assert dsn == ["queued", "resolved", "attempted", "delivered"]
        if point == "delivered":
            (delivered,) = [entry for entry in entries if entry.kind is Kind.DELIVERED]
            assert (delivered.detail["recipient"], delivered.detail["attempt"]) == ("bob@beta.test", 1)
            assert delivered.detail["reply"].startswith("250")
            assert delivered.detail["latency"] < 10


async def test_what_an_administrator_did(tmp_path: Path) -> None:
    async with surroundings(tmp_path) as (network, environ, store):
        store.replies["RCPT"] = "450 4.2.1 Busy"
        environ["POSTROAD_RETRY"] = "1h"
        door = DoorClient("relay", f"{network}.25", 8026, read_token(tmp_path / "data" / "control"))
        async with relay(environ):
            ident = await send(network)
            assert ident is not None
            await door.post(quote_path("queue", ident, "hold"))
            other = await send(network)
            assert other is not None
        changes: list[tuple[str, Callable[[], Awaitable[object]]]] = [
            ("held", lambda: door.post(quote_path("queue", other, "hold"))),
            ("released", lambda: door.post(quote_path("queue", ident, "release"))),
            ("dropped", lambda: door.delete(quote_path("queue", other), report=True)),
        ]
        for point, change in changes:
            async with doomed(environ, point):
                with contextlib.suppress(DoorAway):
                    await change()
        async with relay(environ) as process:
            process.terminate()
            await process.wait()
        await door.close()
        entries = told(tmp_path)
        for point, _ in changes:
            assert sum(entry.kind == point for entry in entries) == (2 if point == "held" else 1)
        assert kinds(entries, other)[-3:] == ["failed", "reported", "dropped"]
        assert kinds(entries, other).count("held") == 1
