"""A connection over a bad line, as a test asks for it: octets are held back, and the line may break.

`Shaping` decides; `Held` keeps what has come until it would have come over the slow line. Replies share the line: what
was sent delays what comes next.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from collections.abc import Callable

    from postroad.clock import Clock, Timer
    from postroad.smtp.server.service import Session


class Shaping(Protocol):
    """How the connections of a server fare."""

    def refuses(self, session: Session) -> bool:
        """Whether a connection is closed before it is greeted."""

    def speed(self, session: Session) -> float | None:
        """Return how many octets per second a connection carries, both ways together; None: all that come."""

    def breaks(self, session: Session) -> bool:
        """Whether a connection is closed once the octets that have just come are answered."""


class Held:
    """The octets of one connection that are still on a slow line; `arrive` is called with them when they are not."""

    def __init__(self, speed: float, clock: Clock, arrive: Callable[[bytes], None]) -> None:
        self._speed = speed
        self._clock = clock
        self._arrive = arrive
        self._octets = bytearray()
        self._sent = 0
        self._timer: Timer | None = None

    @property
    def is_empty(self) -> bool:
        """Whether all that has come has arrived."""
        return not self._octets

    def receive(self, octets: bytes) -> None:
        """Take octets from the network."""
        self._octets += octets
        if self._timer is None:
            self._wait()

    def sent(self, count: int) -> None:
        """Note octets that were sent."""
        self._sent += count

    def drop(self) -> None:
        """Forget what has not arrived: the connection is gone, or goes on in TLS (RFC 3207 §4.2)."""
        self._octets.clear()
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    def _wait(self) -> None:
        seconds = (len(self._octets) + self._sent) / self._speed
        self._sent = 0
        due = len(self._octets)
        self._timer = self._clock.call_later(seconds, lambda: self._release(due))

    def _release(self, count: int) -> None:
        self._timer = None
        octets = bytes(self._octets[:count])
        del self._octets[:count]
        if self._octets:
            self._wait()
        self._arrive(octets)
