"""Changes and those who listen."""

from __future__ import annotations

import asyncio

from postroad_web.catalog.hub import Change, Happened, Hub

PURGED = Change(1, Happened.PURGED, (), "default")


async def test_everybody_hears_everything() -> None:
    hub = Hub()
    assert not hub
    first, second = hub.subscribe("default"), hub.subscribe("*")
    assert hub
    hub.tell(PURGED)
    assert await anext(first) == await anext(second) == PURGED
    waiting = asyncio.ensure_future(anext(first))
    await asyncio.sleep(0)
    hub.tell(PURGED)
    assert await waiting == PURGED
    first.close()
    assert [change async for change in first] == []


async def test_a_slow_one_is_closed() -> None:
    hub = Hub()
    slow = hub.subscribe("default", limit=2)
    for _ in range(3):
        hub.tell(PURGED)
    assert slow.closed
    assert slow.overrun
    assert not hub
    assert [change async for change in slow] == []


async def test_the_end_ends_all() -> None:
    hub = Hub()
    subscription = hub.subscribe("default")
    waiting = asyncio.ensure_future(anext(subscription, None))
    await asyncio.sleep(0)
    hub.close()
    assert await waiting is None
    assert not subscription.overrun


async def test_those_who_listen_to_a_world_hear_the_rest_and_its_end() -> None:
    hub = Hub()
    own, other, every = hub.subscribe("shop"), hub.subscribe("default"), hub.subscribe("*")
    last = PURGED._replace(world="shop")
    hub.tell(last)
    hub.drop("shop")
    hub.drop("nobody")
    again = hub.subscribe("shop")  # another world of this ID
    hub.tell(last._replace(cursor=2))
    assert [change async for change in own] == [last]
    assert own.finished
    assert (await anext(again)).cursor == 2
    assert not other.closed
    assert not every.closed
