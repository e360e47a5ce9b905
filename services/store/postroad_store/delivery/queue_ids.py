"""IDs of the messages that the store accepts, for its replies, log and journal."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from postroad.clock import Clock


class QueueIds:
    """Gives each accepted message a unique ID: microseconds since 1970, in hexadecimal."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._last = 0

    def next(self) -> str:
        """Return a new ID; of two IDs in one microsecond the second is one higher."""
        self._last = max(int(self._clock.now() * 1_000_000), self._last + 1)
        return f"{self._last:x}"
