"""Drops worlds in the background: a test need not wait until all of its world has gone from four services' disks.

Some are dropped together, while further tests run: they share the commits on the way. At eight at a time each takes the
services a third of what it takes alone, at 32 a third of that. The data of a run are in memory, so no world waits for
others for longer than a second of tests.
"""

from __future__ import annotations

import time
from collections import deque
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Self

from postroad_kit import asking

if TYPE_CHECKING:
    from collections.abc import Callable
    from concurrent.futures import Future

    from postroad_kit.http.call import Call
    from postroad_kit.world import World

TOGETHER = 32  # worlds
LONGEST = 1.0  # seconds that a world waits for others, while there are tests
MOST = 3  # such groups that wait; then a test waits for the oldest


class Dropper:
    """A thread that drops worlds, by `ask`. It raises what went wrong at a later call, or at the end."""

    def __init__(self, ask: Callable[[Call[None]], None], *, steady: Callable[[], float] = time.monotonic) -> None:
        self._ask = ask
        self._steady = steady
        self._since = 0.0  # when the first of those that are going came
        self._thread = ThreadPoolExecutor(1, "postroad-dropper")
        self._ended: list[World] = []
        self._going: list[str] = []
        self._waiting: deque[Future[None]] = deque()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        for world in self.decide():
            self.drop(world)
        self._send()
        self._thread.shutdown()
        self._settle(0)

    def end(self, world: World) -> None:
        """Take a world whose test has ended: whether it stays is decided later, and at the end it does not."""
        self._ended.append(world)

    def decide(self) -> list[World]:
        """Return the worlds that have ended; who asks drops them, or lets them stay."""
        ended, self._ended = self._ended, []
        return ended

    def drop(self, world: World) -> None:
        """Drop a world soon; now, if it has a port: there are few, and the next test may want one."""
        if world.own_port is not None:
            world.drop()
            return
        world.close()
        if world.is_to_be_dropped:
            now = self._steady()
            self._since = self._since if self._going else now
            self._going.append(world.id)
            if len(self._going) >= TOGETHER or now >= self._since + LONGEST:
                self._send()
        self._settle(MOST)

    def _send(self) -> None:
        if self._going:
            self._waiting.append(self._thread.submit(self._ask, asking.drop(*self._going)))
            self._going = []

    def _settle(self, most: int) -> None:
        while self._waiting and (len(self._waiting) > most or self._waiting[0].done()):
            self._waiting.popleft().result()
