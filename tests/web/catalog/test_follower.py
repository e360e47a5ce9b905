"""Following a journal: waiting, gaps, and services that are away."""

from __future__ import annotations

import asyncio
import logging
from typing import TYPE_CHECKING

from postroad.clock import Clock
from postroad_web.catalog.follower import PAUSES, Follower
from tests.harness.doors import START, ToyDoor

if TYPE_CHECKING:
    import pytest


class Taken:
    """What a follower has handed over."""

    def __init__(self) -> None:
        self.pieces: list[tuple[str, int, int]] = []
        self.bell = asyncio.Event()
        self.rested: list[tuple[str, int]] = []

    async def take(self, service: str, lines: list[bytes], position: int) -> None:
        self.pieces.append((service, len(lines), position))
        self.bell.set()
        self.bell = asyncio.Event()

    async def rest(self, service: str, lines: int) -> None:
        self.rested.append((service, lines))

    async def count(self, count: int) -> None:
        async with asyncio.timeout(10):
            while len(self.pieces) < count:
                await self.bell.wait()


async def followed(door: ToyDoor, position: int, taken: Taken, clock: Clock | None = None) -> asyncio.Task[None]:
    follower = Follower("relay", door, position, taken.take, clock=clock or Clock(), rest=taken.rest)
    return asyncio.create_task(follower.run())


async def test_it_reads_on_and_waits() -> None:
    door, taken = ToyDoor("relay", 10), Taken()
    door.note("accepted", START)
    task = await followed(door, 0, taken)
    await taken.count(1)
    door.note("queued", START)
    await taken.count(2)
    task.cancel()
    assert taken.pieces == [("relay", 1, 10), ("relay", 1, 11)]
    assert taken.rested == [("relay", 1)] * 2


async def test_an_empty_journal_has_a_position() -> None:
    door, taken = ToyDoor("relay", 10), Taken()
    task = await followed(door, 0, taken)
    await taken.count(1)
    task.cancel()
    assert taken.pieces == [("relay", 0, 9)]


async def test_a_gap_is_logged(caplog: pytest.LogCaptureFixture) -> None:
    door, taken = ToyDoor("relay", 10), Taken()
    for _ in range(5):
        door.note("accepted", START)
    door.dropped_before = 13
    task = await followed(door, 10, taken)
    await taken.count(1)
    task.cancel()
    assert taken.pieces == [("relay", 2, 14)]
    assert "gap of 2 events" in caplog.text


async def test_a_journal_that_begins_anew_is_read_again(caplog: pytest.LogCaptureFixture) -> None:
    door, taken = ToyDoor("relay", 10), Taken()
    door.note("accepted", START)
    task = await followed(door, 500, taken)
    await taken.count(1)
    task.cancel()
    assert taken.pieces == [("relay", 1, 10)]
    assert "begun anew" in caplog.text


async def test_a_service_that_is_away_is_asked_again(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO)
    door, taken, clock = ToyDoor("relay", 10), Taken(), Clock()
    door.note("accepted", START)
    door.away = True
    task = await followed(door, 0, taken, clock)
    for failures in range(1, len(PAUSES) + 3):
        async with asyncio.timeout(10):
            while len(door.asked) < failures or clock.until_next() is None:  # noqa: ASYNC110 - a few turns of the loop
                await asyncio.sleep(0)
        clock.push(PAUSES[min(failures, len(PAUSES)) - 1])
    door.away = False
    clock.push(PAUSES[-1])
    await taken.count(1)
    task.cancel()
    assert caplog.text.count("can't be read") == 1
    assert "there again" in caplog.text


async def test_a_service_that_is_back_tells_at_once_how_far_its_journal_is() -> None:
    door, taken, clock = ToyDoor("relay", 10), Taken(), Clock()
    task = await followed(door, 9, taken, clock)
    async with asyncio.timeout(10):
        while len(door.asked) < 2:  # the second question is held  # noqa: ASYNC110 - a few turns of the loop
            await asyncio.sleep(0)
        door.away = True
        door.wake()
        while clock.until_next() is None:  # noqa: ASYNC110 - as above
            await asyncio.sleep(0)
    # It was killed before it had any event, and counts from the time of its new start.
    door.away, door.number, door.dropped_before = False, 49, 50
    clock.push(PAUSES[0])
    await taken.count(1)
    task.cancel()
    assert taken.pieces == [("relay", 0, 49)]
