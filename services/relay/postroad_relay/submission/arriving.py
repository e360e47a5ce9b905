"""Messages whose content has come and that the queue's manager does not have yet, counted by world."""

from __future__ import annotations

import asyncio
from collections import Counter


class Arriving:
    """The counts; all is for the event loop's thread."""

    def __init__(self) -> None:
        self.total = 0
        self._counts: Counter[str] = Counter()
        self._waiting: dict[str, asyncio.Future[None]] = {}

    def of_world(self, world: str) -> int:
        """Return how many a world has."""
        return self._counts[world]

    def come(self, world: str) -> None:
        """Count one in."""
        self.total += 1
        self._counts[world] += 1

    def end(self, world: str) -> None:
        """Count one out."""
        self.total -= 1
        left = self._counts[world] - 1
        if left:
            self._counts[world] = left
        else:
            del self._counts[world]
            if (waiting := self._waiting.pop(world, None)) is not None:
                waiting.set_result(None)

    async def none_left(self, world: str) -> None:
        """Wait until a world has none."""
        while self._counts[world]:
            waiting = self._waiting.setdefault(world, asyncio.get_running_loop().create_future())
            await asyncio.shield(waiting)
