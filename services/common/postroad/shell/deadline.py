"""The timer of a connection: when its time is up, unless it is given more."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable

    from postroad.clock import Clock, Timer


class Deadline:
    """Calls `expired` at the time that was set last.

    Every block of octets sets it anew, so setting is cheap: the timer is armed once, and looks at the deadline when it
    rings. It rings after `soonest` seconds at the latest, for a caller that will set shorter times than its first.
    """

    __slots__ = ("_at", "_clock", "_expired", "_soonest", "_timer")

    def __init__(self, clock: Clock, expired: Callable[[], None], *, soonest: float = math.inf) -> None:
        self._clock = clock
        self._expired = expired
        self._soonest = soonest
        self._at = math.inf  # seconds of `Clock.monotonic`
        self._timer: Timer | None = None

    def set(self, seconds: float) -> None:
        """Be due in `seconds` from now, whatever was set before."""
        now = self._clock.monotonic()
        self._at = at = now + seconds
        timer = self._timer
        if timer is None:
            self._timer = self._clock.call_at(min(at, now + self._soonest), self._ring)
        elif at < timer.when:
            timer.cancel()
            self._timer = self._clock.call_at(at, self._ring)

    def cancel(self) -> None:
        """Never be due, unless it is set again."""
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    def _ring(self) -> None:
        if self._clock.monotonic() < self._at:
            self._timer = self._clock.call_at(self._at, self._ring)
        else:
            self._timer = None
            self._expired()
