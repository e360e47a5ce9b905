from __future__ import annotations

import asyncio

from postroad_relay.submission.arriving import Arriving


async def test_one_waits_until_a_world_has_none() -> None:
    arriving = Arriving()
    await arriving.none_left("one")
    for world in ("one", "one", "two"):
        arriving.come(world)
    waiting = [asyncio.create_task(arriving.none_left("one")) for _ in range(2)]
    await asyncio.sleep(0)
    assert (arriving.total, arriving.of_world("one"), arriving.of_world("none")) == (3, 2, 0)
    arriving.end("one")
    await asyncio.sleep(0)
    assert not any(task.done() for task in waiting)
    arriving.end("one")
    await asyncio.gather(*waiting)
    assert arriving.total == 1
