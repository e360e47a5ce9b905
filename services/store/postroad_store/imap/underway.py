"""Commands that take long: the client is told at intervals that they are still under way (INPROGRESS, RFC 9585)."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from postroad.clock import Clock, Timer
    from postroad_store.imap.session import Session

# RFC 9585 §4 recommends notifications every 10 to 15 seconds: each is sent in the first look after 10.
INTERVAL = 10.0
LOOK = 5.0


class UnderWay:
    """The commands of all sessions that are being carried out.

    There is one timer for all, and none while nothing is under way, because most commands take less than a millisecond.
    """

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._since: dict[Session, tuple[bytes, float]] = {}  # tag, and `Clock.monotonic` of the last word about it
        self._timer: Timer | None = None

    def begin(self, session: Session, tag: bytes) -> None:
        """Note that a session's command has begun."""
        self._since[session] = tag, self._clock.monotonic()
        if self._timer is None:
            self._timer = self._clock.call_later(LOOK, self._look)

    def end(self, session: Session) -> None:
        """Note that it has ended."""
        self._since.pop(session, None)

    def _look(self) -> None:
        now = self._clock.monotonic()
        for session, (tag, since) in list(self._since.items()):
            if now - since >= INTERVAL:
                self._since[session] = tag, now
                session.still_under_way(tag)
        self._timer = self._clock.call_later(LOOK, self._look) if self._since else None
