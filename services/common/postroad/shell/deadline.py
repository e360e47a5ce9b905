"""The timer of a connection: it ends the connection unless it is given more time."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Protocol

from postroad.clock import Timer

if TYPE_CHECKING:
    from postroad.clock import Clock


class Mortal(Protocol):
    """An object that has a deadline."""

    def expired(self) -> None:
        """Do what is due at the deadline."""
        ...


class Deadline(Timer):
    """Calls its owner's `expired` at the time that was set last.

    Every block of octets sets it anew, so setting is cheap: the timer is started once, and looks at the deadline when
    it rings. It rings after `soonest` seconds at the latest, for a caller that will set shorter times than its first.
    It is a timer itself, and knows its owner, because each connection has one: a timer and a bound method more would
    be 0.2 KiB of the 6 KiB that an idle IMAP session takes.
    """

    __slots__ = ("_at", "_owner", "_soonest")

    def __init__(self, clock: Clock, owner: Mortal, *, soonest: float = math.inf) -> None:
        super().__init__(clock)
        self._owner: Mortal | None = owner  # None once the connection is lost
        self._soonest = soonest
        self._at = math.inf  # seconds of `Clock.monotonic`

    def set(self, seconds: float) -> None:
        """Be due in `seconds` from now instead of at the deadline that was set before."""
        self._at = at = self._clock.monotonic() + seconds
        if self._handle is None:
            self.start(min(at, at - seconds + self._soonest))
        elif at < self.when:
            self.cancel()
            self.start(at)

    def end(self) -> None:
        """Never ring again, and let go of the owner.

        The two refer to each other. If they still did, each lost connection would wait for the garbage collector, which
        took 70 µs per SMTP session.
        """
        self.cancel()
        self._owner = None

    def ring(self) -> None:
        """Call `expired`, or start anew if the time is not up yet."""
        owner = self._owner
        if owner is None:
            return
        if self._clock.monotonic() < self._at:
            self.start(self._at)
        else:
            owner.expired()
