"""The client's session on real sockets: how it waits, by a clock that is pushed."""

from __future__ import annotations

import asyncio
from ipaddress import IPv4Address
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from postroad.clock import Clock
from postroad.mail.address import Address
from postroad.mail.envelope import Envelope, Recipient
from postroad.smtp.client.events import Refused, Transaction
from postroad.smtp.client.outcome import Deferred
from postroad.smtp.client.session import CONNECT_TIMEOUT, QUIT_TIMEOUT, Session

if TYPE_CHECKING:
    from collections.abc import Iterator

TRANSACTION = Transaction(Envelope(None, (Recipient(Address("bob", "beta.test")),)), 4)


class Target:
    host = "mx.test"
    address = IPv4Address("127.0.0.1")

    def __str__(self) -> str:
        return f"{self.host}[{self.address}]"


class Text:
    def __init__(self, path: Path | None = None) -> None:
        self.path = path

    def blocks(self) -> Iterator[bytes]:
        yield b"hi\r\n"


class Host:
    """A server that says what it is told to, and nothing else."""

    def __init__(self, *replies: bytes) -> None:
        self.replies = list(replies)
        self.heard = b""
        self.waiting = asyncio.Event()  # all has been said

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        for reply in self.replies:
            writer.write(reply)
            self.heard += await reader.readline()
        self.waiting.set()
        self.heard += await reader.read()
        writer.close()


async def start(host: Host) -> tuple[asyncio.Server, int]:
    server = await asyncio.start_server(host.serve, "127.0.0.1", 0)
    return server, server.sockets[0].getsockname()[1]


@pytest.fixture
def clock() -> Clock:
    return Clock()


GREETING = b"220 mx.test\r\n"
HELLO = b"250 mx.test\r\n"


async def test_a_server_that_says_nothing_is_given_five_minutes(clock: Clock) -> None:
    host = Host()
    server, port = await start(host)
    session = Session(Target(), "relay.test", None, clock)
    opening = asyncio.ensure_future(session.open(port))
    await host.waiting.wait()
    clock.push(299)
    await asyncio.sleep(0.01)
    assert not opening.done()
    clock.push(2)
    refused = await opening
    assert isinstance(refused, Refused)
    assert refused.outcome.reason == "host mx.test[127.0.0.1]: timeout (in reply to the connection)"
    server.close()


async def test_a_connection_that_does_not_come_about_is_given_half_a_minute(
    clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    begun = asyncio.Event()

    async def hang(*_: Any) -> None:
        begun.set()
        await asyncio.Event().wait()

    session = Session(Target(), "relay.test", None, clock)
    monkeypatch.setattr(asyncio.get_running_loop(), "create_connection", hang, raising=False)
    opening = asyncio.ensure_future(session.open(25))
    await begun.wait()
    clock.push(CONNECT_TIMEOUT + 1)
    with pytest.raises(TimeoutError):
        await opening
    assert clock.until_next() is None


async def test_a_transaction_waits_by_the_clock(clock: Clock) -> None:
    host = Host(GREETING, HELLO)
    server, port = await start(host)
    session = Session(Target(), "relay.test", None, clock)
    assert await session.open(port) is None
    running = asyncio.ensure_future(session.run(TRANSACTION, Text()))
    await host.waiting.wait()
    clock.push(301)
    finished = await running
    assert finished.lost
    assert "timeout (in reply to MAIL FROM)" in str(finished.outcomes[0])
    assert not session.is_ready
    server.close()


@pytest.mark.parametrize("path", [None, Path("content")], ids=["in memory", "in a file"])
async def test_a_server_that_goes_down_with_its_354_gets_no_content(
    clock: Clock, path: Path | None, caplog: pytest.LogCaptureFixture
) -> None:
    host = Host(GREETING, HELLO, b"250 OK\r\n", b"250 OK\r\n", b"354 go on\r\n421 4.3.2 going down\r\n")
    server, port = await start(host)
    session = Session(Target(), "relay.test", None, clock)
    assert await session.open(port) is None
    finished = await session.run(TRANSACTION, Text(path))
    assert finished.lost
    (outcome,) = finished.outcomes
    assert isinstance(outcome, Deferred)
    assert outcome.reason.endswith("421 4.3.2 going down (in reply to nothing)")
    await host.waiting.wait()
    assert b"hi" not in host.heard
    assert not caplog.records, caplog.text
    server.close()


async def test_a_farewell_is_waited_for_a_moment(clock: Clock) -> None:
    host = Host(GREETING, HELLO)
    server, port = await start(host)
    session = Session(Target(), "relay.test", None, clock)
    assert await session.open(port) is None
    session.leave()
    await host.waiting.wait()
    clock.push(QUIT_TIMEOUT + 1)
    await asyncio.sleep(0.01)
    assert host.heard == b"EHLO relay.test\r\nQUIT\r\n"
    assert not session.is_ready
    server.close()
