"""When worlds end whose time is limited."""

from __future__ import annotations

import asyncio
import heapq
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

    from postroad.clock import Clock

_SOON = 0.05  # seconds until a world is dropped that could not be when its time was over


class Ends:
    """The times, in a heap; a world that has another time now, or has gone, is still in it with the old one."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._ends: list[tuple[float, str]] = []
        self._changed = asyncio.Event()  # when the next one ends may be another

    def add(self, when: float | None, ident: str) -> None:
        """Note when a world ends; None: never."""
        if when is not None:
            heapq.heappush(self._ends, (when, ident))
            if self._ends[0][1] == ident:
                self._changed.set()

    def due(self) -> Iterator[tuple[float, str]]:
        """Yield what was noted of worlds whose time is over, and forget it."""
        now = self._clock.now()
        while self._ends and self._ends[0][0] <= now:
            yield heapq.heappop(self._ends)

    async def wait(self) -> None:
        """Wait until the time of one may be over."""
        self._changed.clear()
        wait = self._ends[0][0] - self._clock.now() if self._ends else None
        bell = None if wait is None else self._clock.call_later(max(_SOON, wait), self._changed.set)
        await self._changed.wait()
        if bell is not None:
            bell.cancel()
