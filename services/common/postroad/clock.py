"""The clock that every timer and timestamp of relay, store and client goes by, so that a test can push it.

    clock = Clock()
    timer = clock.call_later(300.0, retry)
    clock.push(300.0)  # `retry` runs in the next turn of the event loop; `now()` is five minutes ahead

A clock is real time plus the seconds that it was pushed by. Timers keep their order when they are pushed: the timer
that is due first runs first. Time never runs back: a clock is pushed forward only.
"""

from __future__ import annotations

import asyncio
import math
import time
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable


class Timer:
    """Calls `ring` at a time. `Clock.call_at` makes a timer of a function."""

    __slots__ = ("_clock", "_handle", "when")

    def __init__(self, clock: Clock) -> None:
        self.when = math.inf  # seconds of `Clock.monotonic`
        self._clock = clock
        self._handle: asyncio.TimerHandle | None = None

    def start(self, when: float) -> None:
        """Ring once `Clock.monotonic` has reached `when`; the timer must not run already."""
        self.when = when
        clock = self._clock
        clock.remember(self)
        self._handle = asyncio.get_running_loop().call_later(max(0.0, when - clock.monotonic()), self._fire)

    def cancel(self) -> None:
        """Never ring, unless it is started again; harmless when it has rung."""
        if self._handle is not None:
            self._handle.cancel()
            self._handle = None
            self._clock.forget(self)

    def arm(self, seconds: float) -> None:
        """Wait `seconds` of real time from now instead of any earlier wait (for `Clock`)."""
        if self._handle is not None:
            self._handle.cancel()
        self._handle = asyncio.get_running_loop().call_later(seconds, self._fire)

    def ring(self) -> None:
        """Do the work that is due."""
        raise NotImplementedError

    def _fire(self) -> None:
        self._handle = None
        self._clock.forget(self)
        self.ring()


class _Call(Timer):
    """A call that is due at a time."""

    __slots__ = ("_callback",)

    def __init__(self, clock: Clock, callback: Callable[[], object]) -> None:
        super().__init__(clock)
        self._callback = callback

    def ring(self) -> None:
        self._callback()


class Clock:
    """Gives the time and calls back in time, on the running event loop.

    `now` returns the seconds since the epoch, for timestamps; `monotonic` returns seconds that never run back, for
    spans and deadlines. Both may be asked from any thread; timers belong to the loop's. `wall` and `steady` are what
    they go by; an administrator may set `wall` back or forth. Until the clock is pushed these are `now` and `monotonic`
    themselves, because a message asks twenty times. So neither may be kept: a push puts others in their place.
    """

    def __init__(self, *, wall: Callable[[], float] = time.time, steady: Callable[[], float] = time.monotonic) -> None:
        self._wall = wall
        self._steady = steady
        self.now = wall
        self.monotonic = steady
        self._ahead = 0.0  # seconds
        self._timers: set[Timer] = set()

    def _now_ahead(self) -> float:
        return self._wall() + self._ahead

    def _monotonic_ahead(self) -> float:
        return self._steady() + self._ahead

    def call_later(self, seconds: float, callback: Callable[..., object], *arguments: Any) -> Timer:
        """Call back after so many seconds, at once if they are 0 or less."""
        return self.call_at(self.monotonic() + seconds, callback, *arguments)

    def call_at(self, when: float, callback: Callable[..., object], *arguments: Any) -> Timer:
        """Call back once `monotonic` has reached `when`."""
        timer = _Call(self, (lambda: callback(*arguments)) if arguments else callback)
        timer.start(when)
        return timer

    async def sleep(self, seconds: float) -> None:
        """Wait so many seconds of this clock."""
        woken = asyncio.get_running_loop().create_future()
        timer = self.call_later(seconds, _wake, woken)
        try:
            await woken
        finally:
            timer.cancel()

    def until_next(self) -> float | None:
        """Return the seconds until the first timer is due, or None if nothing waits."""
        if not self._timers:
            return None
        return max(0.0, min(timer.when for timer in self._timers) - self.monotonic())

    def push(self, seconds: float) -> None:
        """Move time forward by `seconds`: timers that fall due run in the next turns of the loop, in their order.

        Raises ValueError if `seconds` is below 0.
        """
        if not seconds >= 0:
            raise ValueError("time cannot be pushed back")
        self._ahead += seconds
        self.now, self.monotonic = self._now_ahead, self._monotonic_ahead
        now = self.monotonic()
        for timer in sorted(self._timers, key=lambda timer: timer.when):
            timer.arm(max(0.0, timer.when - now))

    def remember(self, timer: Timer) -> None:
        """Note a timer that runs (for `Timer`)."""
        self._timers.add(timer)

    def forget(self, timer: Timer) -> None:
        """Drop a timer that has been cancelled or has called back (for `Timer`)."""
        self._timers.discard(timer)


def _wake(sleeper: asyncio.Future[None]) -> None:
    if not sleeper.done():  # it may have been cancelled in this very turn of the event loop
        sleeper.set_result(None)
