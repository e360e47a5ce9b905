"""Errands: begun at once, carried out in turns, and their end is told."""

from __future__ import annotations

import asyncio

import pytest

from postroad.errand import Errand, begun


class Ends:
    """What was told of the ends of errands."""

    def __init__(self) -> None:
        self.told: list[Exception | None] = []
        self.news = asyncio.Event()

    def __call__(self, error: Exception | None) -> None:
        self.told.append(error)
        self.news.set()


@pytest.fixture
async def ends() -> Ends:
    return Ends()


async def test_what_waits_for_nothing_ends_at_once(ends: Ends) -> None:
    async def work() -> None:
        pass

    Errand(work(), ends).step()
    assert ends.told == [None]


async def test_it_begins_at_once_and_goes_on_when_what_it_waits_for_is_there(ends: Ends) -> None:
    done: list[str] = []
    first: asyncio.Future[str] = asyncio.get_running_loop().create_future()
    second = asyncio.create_task(asyncio.sleep(0, "second"))

    async def work() -> None:
        done.append("begun")
        done.append(await first)
        done.append(await second)  # a task
        await asyncio.sleep(0)  # the others' turn
        done.append(await asyncio.to_thread(str, "third"))

    Errand(work(), ends).step()
    assert done == ["begun"]
    first.set_result("first")
    await asyncio.wait_for(ends.news.wait(), 10)
    assert done == ["begun", "first", "second", "third"]
    assert ends.told == [None]


async def test_a_future_may_be_an_errand(ends: Ends) -> None:
    future: asyncio.Future[None] = asyncio.get_running_loop().create_future()
    Errand(future, ends).step()
    assert not ends.told
    future.set_result(None)
    await asyncio.wait_for(ends.news.wait(), 10)
    assert ends.told == [None]


async def test_its_failure_is_told(ends: Ends) -> None:
    fault = ZeroDivisionError()
    future: asyncio.Future[None] = asyncio.get_running_loop().create_future()

    async def work() -> None:
        await future

    Errand(work(), ends).step()
    future.set_exception(fault)
    await asyncio.wait_for(ends.news.wait(), 10)
    assert ends.told == [fault]


async def test_what_it_waits_for_may_be_cancelled(ends: Ends) -> None:
    future: asyncio.Future[None] = asyncio.get_running_loop().create_future()

    async def work() -> None:
        await future

    Errand(work(), ends).step()
    future.cancel()
    await asyncio.wait_for(ends.news.wait(), 10)
    assert ends.told == [None]


async def test_a_future_has_the_result_of_what_was_begun() -> None:
    first: asyncio.Future[str] = asyncio.get_running_loop().create_future()

    async def work() -> str:
        return await first

    future = begun(work())
    first.set_result("done")
    assert await future == "done"


async def test_a_future_has_the_failure_of_what_was_begun() -> None:
    async def work() -> None:
        raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        await begun(work())


async def test_a_future_is_cancelled_with_what_it_was_begun_for() -> None:
    first: asyncio.Future[None] = asyncio.get_running_loop().create_future()

    async def work() -> None:
        await first

    future = begun(work())
    first.cancel()
    with pytest.raises(asyncio.CancelledError):
        await future
    assert future.cancelled()
