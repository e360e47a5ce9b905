"""A connection's timer: set often, armed seldom, never early."""

from __future__ import annotations

import asyncio

from postroad.clock import Clock
from postroad.shell.deadline import Deadline


class Owner:
    """Counts how often its time was up."""

    def __init__(self) -> None:
        self.times = 0

    def expired(self) -> None:
        self.times += 1


async def push(clock: Clock, seconds: float) -> None:
    clock.push(seconds)
    await asyncio.sleep(0.001)


async def test_it_is_due_at_the_time_that_was_set_last() -> None:
    clock, owner = Clock(steady=lambda: 0.0), Owner()
    deadline = Deadline(clock, owner)
    deadline.set(10)
    await push(clock, 6)
    deadline.set(10)
    await push(clock, 6)  # it rings, and goes on
    assert owner.times == 0
    assert clock.until_next() == 4
    await push(clock, 4)
    assert owner.times == 1
    assert clock.until_next() is None
    deadline.set(3)  # and again
    await push(clock, 3)
    assert owner.times == 2


async def test_an_earlier_time_counts_at_once() -> None:
    clock, owner = Clock(steady=lambda: 0.0), Owner()
    deadline = Deadline(clock, owner)
    deadline.set(100)
    deadline.set(1)
    await push(clock, 1)
    assert owner.times == 1


async def test_it_looks_soon_enough_for_shorter_times() -> None:
    clock, owner = Clock(steady=lambda: 0.0), Owner()
    deadline = Deadline(clock, owner, soonest=10)
    deadline.set(100)
    assert clock.until_next() == 10
    await push(clock, 10)
    assert (owner.times, clock.until_next()) == (0, 90)


async def test_what_is_cancelled_is_never_due() -> None:
    clock, owner = Clock(steady=lambda: 0.0), Owner()
    deadline = Deadline(clock, owner)
    deadline.cancel()
    deadline.set(1)
    deadline.cancel()
    await push(clock, 5)
    assert owner.times == 0
