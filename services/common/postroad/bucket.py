"""A token bucket: bounds a rate, and lets a burst pass."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from postroad.clock import Clock


class Bucket:
    """Lets `rate` per second through, and `burst` at once."""

    __slots__ = ("_at", "_burst", "_clock", "_left", "_rate")

    def __init__(self, clock: Clock, rate: float, burst: float) -> None:
        self._clock = clock
        self._rate = rate
        self._burst = self._left = burst
        self._at = clock.monotonic()

    def take(self) -> bool:
        """Return True if one more may pass."""
        now = self._clock.monotonic()
        self._left = min(self._burst, self._left + (now - self._at) * self._rate)
        self._at = now
        if self._left < 1.0:
            return False
        self._left -= 1.0
        return True

    def give_back(self) -> None:
        """Count one out that has passed."""
        self._left = min(self._burst, self._left + 1.0)
