"""Drops worlds in the background: a test need not wait until all of its world has gone from four services' disks."""

from __future__ import annotations

from collections import deque
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Self

if TYPE_CHECKING:
    from concurrent.futures import Future

    from postroad_kit.world import World

MOST = 8  # worlds that wait; then a test waits for the oldest


class Dropper:
    """A thread that drops one world after the other. It raises what went wrong at a later call, or at the end."""

    def __init__(self) -> None:
        self._thread = ThreadPoolExecutor(1, "postroad-dropper")
        self._waiting: deque[Future[None]] = deque()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._thread.shutdown()
        self._settle(0)

    def drop(self, world: World) -> None:
        """Drop a world soon; now, if it has a port: there are few, and the next test may want one."""
        if world.own_port is not None:
            world.drop()
            return
        self._waiting.append(self._thread.submit(world.drop))
        self._settle(MOST)

    def _settle(self, most: int) -> None:
        while self._waiting and (len(self._waiting) > most or self._waiting[0].done()):
            self._waiting.popleft().result()
