"""Connections over a bad line, on real sockets; time is the clock's."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

from postroad.clock import Clock
from postroad.mail.reply import OK
from postroad.smtp.server.shaping import Held
from tests.common.smtp.server.test_connection import MAIL, RCPT, Rig, rig, start_tls

if TYPE_CHECKING:
    import ssl

    from postroad.smtp.server.service import Session

__all__ = ["rig"]  # a fixture

LONG, HOUR = 100.0, 3600.0  # seconds


class Line:
    """A line that is as bad as the test says."""

    def __init__(self, *, refusing: bool = False, speed: float | None = None) -> None:
        self.refusing = refusing
        self.pace = speed
        self.breaking = False
        self.blocks = 0

    def refuses(self, session: Session) -> bool:
        assert session.client_name is None
        return self.refusing

    def speed(self, session: Session) -> float | None:
        assert session.host.startswith("127.")
        return self.pace

    def breaks(self, session: Session) -> bool:
        assert session.session_id
        self.blocks += 1
        return self.breaking


async def serve(rig: Rig, line: Line) -> Line:
    await rig.serve()
    rig.server.shaping = lambda: line
    return line


async def test_a_refused_connection_is_closed_without_a_word(rig: Rig) -> None:
    await serve(rig, Line(refusing=True))
    client = await rig.connect(greeted=False)
    assert await client.is_closed()
    assert rig.keeper.sessions == []


async def test_a_broken_line_lets_the_reply_through(rig: Rig) -> None:
    line = await serve(rig, Line())
    client = await rig.connect()
    assert await client.say(b"NOOP\r\n") == "250 2.0.0 OK"
    line.breaking = True
    assert await client.say(b"NOOP\r\n") == "250 2.0.0 OK"
    assert await client.is_closed()
    assert line.blocks == 2


async def test_a_line_that_breaks_behind_the_message_loses_no_250(rig: Rig) -> None:
    line = await serve(rig, Line())
    client = await rig.connect()
    await client.open_transaction()
    rig.keeper.go_on.clear()
    line.breaking = True
    client.writer.write(b"Subject: x\r\n\r\nx\r\n.\r\n")
    await rig.keeper.arrived.wait()
    rig.keeper.go_on.set()
    assert await client.line() == str(OK)
    assert await client.is_closed()
    assert len(rig.keeper.taken) == 1


async def test_a_slow_line(rig: Rig) -> None:
    line = await serve(rig, Line(speed=10))
    client = await rig.connect()
    for octets, replies in ((b"HELO x\r\n", 1), (MAIL + RCPT, 2)):
        client.writer.write(octets)
        await rig.until(lambda: (rig.clock.until_next() or HOUR) < LONG)
        rig.clock.push(LONG)
        assert [(await client.line())[:3] for _ in range(replies)] == ["250"] * replies
    assert line.blocks == 2


async def test_a_slow_line_brings_all_before_its_end(rig: Rig) -> None:
    await serve(rig, Line(speed=10))
    client = await rig.connect()
    client.writer.write(b"HELO x\r\n")
    client.writer.write_eof()
    await rig.until(lambda: (rig.clock.until_next() or HOUR) < LONG)
    rig.clock.push(LONG)
    assert await client.line() == "250 mx.test"
    assert await client.is_closed()


async def test_what_is_on_the_way_of_a_connection_that_is_gone_is_forgotten(rig: Rig) -> None:
    line = await serve(rig, Line(speed=10))
    client = await rig.connect()
    client.writer.write(b"HELO x\r\n")
    await rig.until(lambda: (rig.clock.until_next() or HOUR) < LONG)
    for connection in rig.server.admission:
        connection.abort()
    assert await client.is_closed()
    await rig.until(lambda: rig.server.connections == 0)
    assert rig.clock.until_next() is None
    assert line.blocks == 0


async def test_octets_are_held_for_as_long_as_the_line_takes() -> None:
    clock = Clock(steady=lambda: 0.0)
    arrived: asyncio.Queue[bytes] = asyncio.Queue()
    held = Held(10, clock, arrived.put_nowait)
    assert held.is_empty
    held.receive(b"a" * 5)
    held.receive(b"b" * 10)  # behind the others
    assert clock.until_next() == 0.5
    clock.push(0.5)
    assert (await arrived.get(), held.is_empty) == (b"a" * 5, False)
    held.sent(20)  # the reply, in front of what comes next
    assert clock.until_next() == 1.0
    clock.push(1.0)
    assert (await arrived.get(), held.is_empty) == (b"b" * 10, True)
    held.receive(b"c" * 10)
    assert clock.until_next() == 3.0
    held.drop()
    held.drop()
    assert clock.until_next() is None
    assert held.is_empty


async def test_a_slow_line_may_change_to_tls(rig: Rig, server_tls: ssl.SSLContext, client_tls: ssl.SSLContext) -> None:
    await rig.serve(tls=server_tls)
    rig.server.shaping = lambda: Line(speed=100_000)
    client = await rig.connect()
    await start_tls(client)
    await client.writer.start_tls(client_tls)
    await client.open_transaction()
    assert await client.say(b"x\r\n.\r\n") == str(OK)
    (session,) = rig.keeper.sessions
    assert session.tls_version == "TLSv1.3"
