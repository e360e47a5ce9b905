"""INPROGRESS: who is told, when, and who is not."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

import pytest

from postroad.value import value
from postroad_store.imap.events import Command
from postroad_store.imap.grammar.arguments import no_arguments
from postroad_store.imap.registry import SPECS, Registry
from postroad_store.imap.spec import Spec
from postroad_store.imap.states import AUTH
from postroad_store.imap.underway import INTERVAL, LOOK
from tests.harness.imap import Place, Wire

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from postroad_store.imap.session import Session

LOGIN = b"l LOGIN alice@alpha.test wonderland\r\n"
TOLD = '* OK [INPROGRESS ("a" NIL NIL)] Still under way.\r\n'


@value
class Long(Command):
    """Takes long."""


class Stage:
    """A server with a command that goes on until it may end."""

    def __init__(self, folder: Path, *without: str) -> None:
        self.may_end = asyncio.Event()
        spec = Spec(b"XLONG", AUTH, Long, no_arguments(Long), self._handle, "none")
        self.place = Place(folder, registry=Registry((*SPECS, spec), without=without))
        self.wires: list[Wire] = []

    async def _handle(self, session: Session, command: Long) -> None:
        await self.may_end.wait()
        session.finish(command, b"OK At last.")

    async def begin(self) -> Wire:
        """Return a connection whose command is under way."""
        wire = Wire(self.place)
        self.wires.append(wire)
        wire.feed(LOGIN)
        await wire.idle()
        wire.received.clear()
        wire.feed(b"a XLONG\r\n")
        await asyncio.sleep(0)
        return wire

    async def pass_by(self, seconds: float) -> None:
        """Let time go by, and all timers ring."""
        self.place.shared.clock.push(seconds)
        for _ in range(10):
            await asyncio.sleep(0)

    def end(self) -> None:
        for wire in self.wires:
            wire.end()
        self.place.close()


@pytest.fixture
def stage(tmp_path: Path) -> Iterator[Stage]:
    stage = Stage(tmp_path)
    yield stage
    stage.end()


async def told(wire: Wire) -> str:
    return (await wire.until(0)).decode()


async def test_at_intervals(stage: Stage) -> None:
    wire = await stage.begin()
    await stage.pass_by(LOOK + 0.1)
    assert await told(wire) == ""
    for _ in range(3):
        await stage.pass_by(INTERVAL)
        assert await told(wire) == TOLD
    stage.may_end.set()
    await wire.idle()
    assert await told(wire) == "a OK At last.\r\n"


async def test_each_session_by_its_own_time(stage: Stage) -> None:
    first = await stage.begin()
    await stage.pass_by(LOOK + 0.1)
    second = await stage.begin()
    await stage.pass_by(LOOK + 0.1)
    assert (await told(first), await told(second)) == (TOLD, "")
    await stage.pass_by(LOOK + 0.1)
    assert (await told(first), await told(second)) == ("", TOLD)
    stage.may_end.set()


async def test_no_timer_is_left(stage: Stage) -> None:
    wire = await stage.begin()
    stage.may_end.set()
    await wire.idle()
    await stage.pass_by(INTERVAL)
    assert stage.place.shared.clock.until_next() is None


async def test_a_client_that_does_not_read_or_is_in_a_literal_is_not_told(stage: Stage) -> None:
    wire = await stage.begin()
    wire.writable = False
    await stage.pass_by(INTERVAL)
    wire.writable = True
    assert await told(wire) == ""
    wire.session.in_literal = True
    await stage.pass_by(INTERVAL)
    wire.session.in_literal = False
    assert await told(wire) == ""
    stage.may_end.set()


async def test_hidden(tmp_path: Path) -> None:
    stage = Stage(tmp_path, "INPROGRESS")
    wire = await stage.begin()
    await stage.pass_by(INTERVAL)
    assert await told(wire) == ""
    stage.may_end.set()
    await wire.idle()
    stage.end()
