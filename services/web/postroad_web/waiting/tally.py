"""The count of one wait: which messages match, which may yet, and whether that is what was asked for. Pure."""

from __future__ import annotations

import operator
from enum import Enum, auto
from typing import TYPE_CHECKING, NamedTuple

from postroad.value import value

if TYPE_CHECKING:
    from postroad_web.catalog.record import Record
    from postroad_web.waiting.criteria import Verdict

NEAR_MISSES = 10
FAR = 3  # messages that met none of the criteria
ARRIVALS = 20


class Mode(NamedTuple):
    """How many messages have to match. `most` is None if more don't matter, else more are a failure."""

    least: int
    most: int | None

    @property
    def sentence(self) -> str:
        """What was asked for, in words."""
        if self.most is None:
            return f"at least {self.least}"
        return f"exactly {self.least}" if self.least else "none"


class Decision(Enum):
    """What the count says."""

    WAIT = auto()  # too few match
    IF_QUIET = auto()  # as many match as were asked for: right if no more can come
    DONE = auto()
    TOO_MANY = auto()


@value
class Near:
    """A message that met some of the criteria."""

    record: Record
    verdict: Verdict


class Tally:
    """Counts the messages of one wait as they are seen, again and again, until it can be decided."""

    def __init__(self, mode: Mode) -> None:
        self._mode = mode
        self._matched: dict[str, Record] = {}
        self._pending: dict[str, Record] = {}  # match, and are still under way
        self._near: dict[str, Near] = {}
        self._far: dict[str, Near] = {}  # messages that met none
        self._arrived: dict[str, Record] = {}  # seen since the wait began

    def see(self, record: Record, verdict: Verdict, *, settled: bool, news: bool = False) -> None:
        """Take note of a message as it is now. `news`: it has come, or changed, since the wait began."""
        self._drop(record.id)
        if news:
            self._arrived.pop(record.id, None)
            self._arrived[record.id] = record
            if len(self._arrived) > ARRIVALS:
                del self._arrived[next(iter(self._arrived))]
        if verdict.missed:
            if verdict.met:
                self._near[record.id] = Near(record, verdict)
                if len(self._near) > 2 * NEAR_MISSES:
                    self._near = {near.record.id: near for near in self.near}
            else:
                self._far[record.id] = Near(record, verdict)
                if len(self._far) > 2 * FAR:
                    self._far = {far.record.id: far for far in _nearest(self._far)[:FAR]}
        elif settled:
            self._matched[record.id] = record
        else:
            self._pending[record.id] = record

    def forget(self, ident: str) -> None:
        """Take note that a message has been deleted."""
        self._drop(ident)
        self._arrived.pop(ident, None)

    def clear(self) -> None:
        """Take note that all messages have been deleted."""
        for kept in (self._matched, self._pending, self._near, self._far, self._arrived):
            kept.clear()

    def decide(self, *, quiet: bool = False) -> Decision:
        """Say whether the wait is over. `quiet`: no message is under way."""
        least, most = self._mode
        if most is not None and len(self._matched) + len(self._pending) > most:
            return Decision.TOO_MANY
        if len(self._matched) < least:
            return Decision.WAIT
        return Decision.DONE if most is None or quiet else Decision.IF_QUIET

    @property
    def matched(self) -> list[Record]:
        """The messages that match, the oldest first."""
        return sorted(self._matched.values(), key=_number)

    @property
    def pending(self) -> list[Record]:
        """The messages that match but are still under way, the oldest first."""
        return sorted(self._pending.values(), key=_number)

    @property
    def near(self) -> list[Near]:
        """The messages that met most of the criteria but not all, the nearest first, and among equals the newest.

        If there are none, the newest messages that met none: a wrong address is seen at once beside the right one.
        """
        return _nearest(self._near)[:NEAR_MISSES] or _nearest(self._far)[:FAR]

    @property
    def arrived(self) -> list[Record]:
        """The messages that have come or changed since the wait began, the oldest first."""
        return sorted(self._arrived.values(), key=_number)

    def _drop(self, ident: str) -> None:
        for kept in (self._matched, self._pending, self._near, self._far):
            kept.pop(ident, None)


def _nearest(misses: dict[str, Near]) -> list[Near]:
    return sorted(misses.values(), key=lambda near: (len(near.verdict.met), near.record.number), reverse=True)


_number = operator.attrgetter("number")
