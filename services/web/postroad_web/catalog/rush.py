"""A rush: mail comes faster than anybody reads it. Then the journals are read in larger pieces, and contents later.

To read a piece costs relay, store and web about as much as twenty messages, whatever is in it, and while mail pours in
the processors have better things to do. Nothing is put off while somebody listens for what happens, or waits until the
catalog is whole.
"""

from __future__ import annotations

import asyncio
import math
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable

    from postroad.clock import Clock

MANY = 100  # lines in one answer of a journal; a message has about six in the relay's
REST = 0.5  # seconds from one answer to the next question
LONGEST = 2.0  # seconds that contents are put off, counted from the beginning of the rush


class Rush:
    """The rush that there may be; `is_awaited` says whether somebody listens or waits."""

    def __init__(self, clock: Clock, is_awaited: Callable[[], bool]) -> None:
        self._clock = clock
        self._is_awaited = is_awaited
        self._hurried: set[str] = set()  # services whose last answer was long
        self._over = asyncio.Event()
        self._over.set()
        self._began = -math.inf  # by `Clock.monotonic`

    def end(self) -> None:
        """Put nothing off any longer: somebody has begun to listen or to wait."""
        self._hurried.clear()
        self._over.set()

    async def rest(self, service: str, lines: int) -> None:
        """Note how many lines a service's answer had, and rest if there is a rush."""
        if lines < MANY or self._is_awaited():
            self._hurried.discard(service)
            if not self._hurried:
                self._over.set()
            return
        if self._over.is_set():
            self._over.clear()
            self._began = self._clock.monotonic()
        self._hurried.add(service)
        await self._wait(REST)

    async def over(self) -> None:
        """Return at the end of the rush, or once it has lasted long."""
        await self._wait(self._began + LONGEST - self._clock.monotonic())

    async def _wait(self, seconds: float) -> None:
        if self._over.is_set() or seconds <= 0:
            return
        timer = self._clock.call_later(seconds, (woken := asyncio.Event()).set)
        waits = [asyncio.ensure_future(event.wait()) for event in (self._over, woken)]
        try:
            await asyncio.wait(waits, return_when=asyncio.FIRST_COMPLETED)
        finally:
            timer.cancel()
            for wait in waits:
                wait.cancel()
