"""`postroad.clock`: pushed time fires timers in their order, at once."""

from __future__ import annotations

import asyncio

import pytest

from postroad.clock import Clock


async def test_a_push_runs_what_is_due_in_order() -> None:
    clock, called, last = Clock(), list[str](), asyncio.Event()
    clock.call_later(350, last.set)
    clock.call_later(300, called.append, "third")
    clock.call_later(100, called.append, "first")
    clock.call_later(200, called.append, "second")
    clock.call_later(1000, called.append, "later")
    clock.push(400)
    await asyncio.wait_for(last.wait(), 5)
    assert called == ["first", "second", "third"]
    left = clock.until_next()
    assert left is not None
    assert 599 < left <= 600


async def test_time_is_ahead_by_what_was_pushed() -> None:
    clock = Clock(wall=lambda: 1000.0, steady=lambda: 5.0)
    clock.push(86400)
    assert (clock.now(), clock.monotonic()) == (87400.0, 86405.0)
    with pytest.raises(ValueError, match="back"):
        clock.push(-1)


async def test_real_time_runs_too() -> None:
    clock, fired = Clock(), asyncio.Event()
    clock.call_later(0.001, fired.set)
    await asyncio.wait_for(fired.wait(), 5)
    assert clock.until_next() is None


async def test_a_cancelled_timer_never_calls() -> None:
    clock, called, last = Clock(), list[int](), asyncio.Event()
    timer = clock.call_later(10, called.append, 1)
    clock.call_later(15, last.set)
    timer.cancel()
    clock.push(20)
    await asyncio.wait_for(last.wait(), 5)
    timer.cancel()
    assert called == []


async def test_sleep() -> None:
    clock = Clock()
    sleeper = asyncio.create_task(clock.sleep(432000))
    await asyncio.sleep(0)
    clock.push(432000)
    await asyncio.wait_for(sleeper, 5)
    given_up = asyncio.create_task(clock.sleep(10))
    await asyncio.sleep(0)
    given_up.cancel()
    await asyncio.gather(given_up, return_exceptions=True)
    assert clock.until_next() is None


async def test_a_sleep_that_is_cancelled_in_the_turn_in_which_it_is_over() -> None:
    clock, mistakes = Clock(), list[dict[str, object]]()
    asyncio.get_running_loop().set_exception_handler(lambda _, context: mistakes.append(context))
    sleeper = asyncio.ensure_future(clock.sleep(10.0))
    clock.call_later(9.0, sleeper.cancel)
    await asyncio.sleep(0)
    clock.push(10)
    with pytest.raises(asyncio.CancelledError):
        await sleeper
    await asyncio.sleep(0)
    assert not mistakes
