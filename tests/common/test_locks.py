"""`postroad.locks`."""

from __future__ import annotations

import asyncio
import gc
import weakref

from postroad.locks import Locks


def test_each_name_has_one_lock_of_its_own() -> None:
    locks = Locks()
    lock = locks.of("one")
    assert locks.of("one") is lock
    assert locks.of("two") is not lock


async def test_a_lock_is_kept_as_long_as_somebody_has_it_or_waits() -> None:
    locks = Locks()
    order: list[str] = []
    begun, may_go = asyncio.Event(), asyncio.Event()

    async def take(name: str) -> None:
        async with locks.of("one"):
            order.append(name)
            begun.set()
            await may_go.wait()

    tasks = [asyncio.create_task(take("first")), asyncio.create_task(take("second"))]
    await begun.wait()
    gc.collect()
    assert order == ["first"]
    assert locks.of("one").locked()
    may_go.set()
    await asyncio.gather(*tasks)
    assert order == ["first", "second"]


def test_a_lock_that_nobody_has_is_forgotten() -> None:
    locks = Locks()
    seen = weakref.ref(locks.of("one"))
    gc.collect()
    assert seen() is None
