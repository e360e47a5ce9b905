"""Searches take turns, let others run in between, and one at a time reads what is large."""

from __future__ import annotations

import asyncio

import pytest

from postroad_store.mail.search import pacer
from postroad_store.mail.search.pacer import Pacer, Turns


@pytest.fixture(autouse=True)
def _no_patience(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pacer, "PAUSE_AFTER", 0.0)


async def test_one_works_at_a_time_and_all_get_their_turn() -> None:
    turns = Turns()
    order: list[int] = []

    async def search(number: int) -> None:
        async with Pacer(turns) as pace:
            for _ in range(3):
                order.append(number)
                await pace()

    await asyncio.gather(*[search(number) for number in range(3)])
    assert order == [0, 1, 2] * 3


async def test_ten_searches_take_no_more_of_a_turn_than_one() -> None:
    """However many there are, each turn of the event loop has one step of one of them."""
    turns = Turns()
    steps = 0

    async def search() -> None:
        nonlocal steps
        async with Pacer(turns) as pace:
            for _ in range(20):
                steps += 1
                await pace()

    searches = [asyncio.ensure_future(search()) for _ in range(10)]
    most = 0
    while not all(task.done() for task in searches):
        before = steps
        await asyncio.sleep(0)
        most = max(most, steps - before)
    assert most == 1
    assert steps == 200


async def test_no_pause_before_it_is_time(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pacer, "PAUSE_AFTER", 1000.0)
    turned = asyncio.ensure_future(asyncio.sleep(0))
    async with Pacer(Turns()) as pace:
        await pace()
        assert not turned.done()
    await turned


async def test_others_work_while_one_waits_for_a_thread() -> None:
    turns = Turns()
    begun = asyncio.Event()
    loop = asyncio.get_running_loop()

    async def other() -> str:
        async with Pacer(turns):
            begun.set()
            return "other"

    async with Pacer(turns) as pace:
        task = asyncio.ensure_future(other())
        assert await pace.apart(lambda: asyncio.run_coroutine_threadsafe(begun.wait(), loop).result(10)) is True
        assert await task == "other"


async def test_large_messages_one_at_a_time() -> None:
    turns = Turns()
    within = most = 0

    async def search() -> None:
        nonlocal within, most
        async with Pacer(turns) as pace:
            async with pace.alone():
                within += 1
                most = max(most, within)
                for _ in range(5):
                    await pace()
                within -= 1
            await pace()

    await asyncio.gather(*[search() for _ in range(4)])
    assert (most, within) == (1, 0)


async def test_a_search_whose_client_has_gone_ends() -> None:
    turns = Turns()

    async def gone() -> None:
        raise ConnectionError

    with pytest.raises(ConnectionError):
        async with Pacer(turns, gone) as pace:
            await pace()
    await asyncio.sleep(0)
    assert not turns.work.locked()


async def test_cancelling_one_that_waits_takes_no_turn_away() -> None:
    turns = Turns()

    async def search() -> None:
        async with Pacer(turns) as pace:
            for _ in range(1000):
                await pace()

    searches = [asyncio.ensure_future(search()) for _ in range(3)]
    for _ in range(10):
        await asyncio.sleep(0)
    searches[0].cancel()
    searches[1].cancel()
    await searches[2]
    await asyncio.sleep(0)
    assert not turns.work.locked()
