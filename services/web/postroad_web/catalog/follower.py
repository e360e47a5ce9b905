"""Follows the journal of one service by its control door: asks for what comes after the last number, and waits for it.

A service that is away is asked again and again, less often the longer it is away. A gap, where the journal was rotated
away before we read it, is logged; what is kept goes on from there.
"""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING, Protocol

import orjson

from postroad.control.client import DoorAway, DoorRefused

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from postroad.clock import Clock
    from postroad.control.client import Lines

_log = logging.getLogger(__name__)

WAIT = 25.0  # seconds that the door holds an answer until there is news
GATHER = 0.02  # seconds that what has only begun waits for its end: a delivery takes that long on a busy machine
LIMIT = 2000  # lines of one answer
PAUSES = (0.05, 0.1, 0.2, 0.5, 1.0)  # seconds, after the first failure, the second, ...


class Feed(Protocol):
    """A door, as far as it gives a journal."""

    async def journal(self, after: int, *, wait: float = 0.0, limit: int = 2000, gather: float = 0.0) -> Lines:
        """Return the lines after a number."""


class Follower:
    """Follows one journal from a position on; `take` gets the lines with the number of the last, and is waited for.

    So is `rest`, with the number of lines, before the next question.
    """

    def __init__(
        self,
        service: str,
        feed: Feed,
        position: int,
        take: Callable[[str, list[bytes], int], Awaitable[None]],
        *,
        clock: Clock,
        rest: Callable[[str, int], Awaitable[None]],
    ) -> None:
        self._service = service
        self._feed = feed
        self._position = position
        self._take = take
        self._clock = clock
        self._rest = rest
        self._failures = 0
        self._wait = 0.0  # the first answer tells at once how far the journal is

    async def run(self) -> None:
        """Follow the journal for ever."""
        while True:
            try:
                lines = await self._feed.journal(self._position, wait=self._wait, limit=LIMIT, gather=GATHER)
            except (DoorAway, DoorRefused) as error:
                await self._failed(error)
                continue
            if self._failures:
                self._failures = 0
                _log.info("the journal is there again", extra={"of": self._service})
            await self._read(lines)

    async def _failed(self, error: Exception) -> None:
        if not self._failures:
            _log.info("the journal can't be read: %s", error, extra={"of": self._service})
        self._wait = 0.0  # a service that was started anew may count from elsewhere, without any event to tell
        pause = PAUSES[min(self._failures, len(PAUSES) - 1)]
        self._failures += 1
        await self._clock.sleep(pause)

    async def _read(self, lines: Lines) -> None:
        _, first, last = lines
        self._wait = WAIT
        if last is not None and last < self._position:
            _log.warning("the journal has begun anew: what it has is read again", extra={"of": self._service})
            self._position = 0
            return
        if self._position and first is not None and first > self._position + 1:
            missing = first - 1 - self._position
            _log.warning("the journal has a gap of %d events", missing, extra={"of": self._service})
        if lines.lines:
            self._position = int(orjson.loads(lines.lines[-1])["n"])
        elif last is not None and last > self._position:  # there is nothing to read up to there
            self._position = last
        else:
            return
        await self._take(self._service, lines.lines, self._position)
        await self._rest(self._service, len(lines.lines))
