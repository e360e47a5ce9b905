"""Sessions that wait for their clients to read go on, or end; those that were cancelled are left alone."""

from __future__ import annotations

import asyncio

import pytest

from postroad_store.protocol.contract import ConnectionLost
from postroad_store.protocol.waiting import at_once, release


async def test_those_that_wait_go_on() -> None:
    waiting, cancelled = (asyncio.get_running_loop().create_future() for _ in range(2))
    cancelled.cancel()
    release([cancelled, waiting], None)
    assert await waiting is None
    assert cancelled.cancelled()


async def test_those_that_wait_for_a_client_that_is_gone_end() -> None:
    waiting = asyncio.get_running_loop().create_future()
    release([waiting], ConnectionLost())
    with pytest.raises(ConnectionLost):
        await waiting


async def test_work_that_does_not_wait_ends_at_once() -> None:
    done: list[str] = []

    async def work() -> None:
        done.append("worked")

    assert at_once(work()) is None
    assert done == ["worked"]


async def test_work_that_fails_at_once_says_so() -> None:
    async def work() -> None:
        raise ValueError("broken")

    with pytest.raises(ValueError, match="broken"):
        at_once(work())


async def test_the_rest_of_work_that_waits_is_awaited() -> None:
    news: asyncio.Future[str] = asyncio.get_running_loop().create_future()
    done: list[str] = []

    async def work() -> None:
        await asyncio.sleep(0)
        done.append(await news)
        raise ValueError("in the end")

    rest = at_once(work())
    assert rest is not None
    asyncio.get_running_loop().call_soon(news.set_result, "heard")
    with pytest.raises(ValueError, match="in the end"):
        await rest
    assert done == ["heard"]


async def test_work_that_waits_may_be_cancelled_and_fail() -> None:
    failing: asyncio.Future[None] = asyncio.get_running_loop().create_future()
    has_failed = asyncio.Event()
    ended: list[str] = []

    async def work() -> None:
        try:
            await failing
        except ValueError:
            has_failed.set()
        try:
            await asyncio.get_running_loop().create_future()
        finally:
            ended.append("cancelled")

    rest = at_once(work())
    assert rest is not None
    task = asyncio.ensure_future(rest)
    failing.set_exception(ValueError())
    await has_failed.wait()
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert ended == ["cancelled"]
