"""Search keys that compare dates: BEFORE, ON, SINCE and their SENT forms (RFC 3501 §6.4.4)."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from enum import Enum
from functools import partial
from typing import TYPE_CHECKING

from postroad.value import value
from postroad_store.mail.search.key import ONE_NUMBER, Argument, Leaf, Word
from postroad_store.mail.search.near import DAYS, around, near_sent

if TYPE_CHECKING:
    from postroad_store.mail.search.evaluate import Evaluation
    from postroad_store.mail.search.key import Numbers

_DAY = 86400  # seconds
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


class When(Enum):
    """How a date is compared, without time and zone."""

    BEFORE = "BEFORE"  # earlier than the date
    ON = "ON"
    SINCE = "SINCE"  # on the date or later

    def bounds(self, start: int, end: int) -> tuple[float, float]:
        """Return the first value that matches and the first that no longer does, of a day from `start` to `end`."""
        if self is When.BEFORE:
            return float("-inf"), start
        return start, end if self is When.ON else float("inf")


@value
class InternalDate(Leaf):
    """Messages whose internal date, in UTC, is on the right side of the date: BEFORE, ON, SINCE."""

    when: When
    date: date

    @staticmethod
    def words() -> tuple[Word, ...]:
        """BEFORE, ON, SINCE."""
        return tuple(Word(when.value, (Argument.DATE,), partial(InternalDate, when)) for when in When)

    async def among(self, numbers: Numbers, search: Evaluation) -> Numbers:
        """Compare seconds."""
        return await search.within(numbers, search.view.mailbox.internal_dates, *self._bounds())

    async def near(self, numbers: Numbers, search: Evaluation) -> Numbers:
        """Return those of the days around it, too."""
        return await around(search, numbers, search.view.mailbox.internal_dates, self._bounds(), DAYS * _DAY)

    def _bounds(self) -> tuple[float, float]:
        midnight = datetime(self.date.year, self.date.month, self.date.day, tzinfo=UTC)
        start = (midnight - _EPOCH) // timedelta(seconds=1)
        return self.when.bounds(start, start + _DAY)


@value
class SentDate(Leaf):
    """Messages whose Date field, in its own zone, is on the right side of the date: SENTBEFORE, SENTON, SENTSINCE.

    A message without a readable Date field never matches.
    """

    when: When
    date: date
    cost = ONE_NUMBER

    @staticmethod
    def words() -> tuple[Word, ...]:
        """SENTBEFORE, SENTON, SENTSINCE."""
        return tuple(Word("SENT" + when.value, (Argument.DATE,), partial(SentDate, when)) for when in When)

    async def among(self, numbers: Numbers, search: Evaluation) -> Numbers:
        """Compare days."""
        day = self.date.toordinal()
        return await search.sent(numbers, *self.when.bounds(day, day + 1))

    async def near(self, numbers: Numbers, search: Evaluation) -> Numbers:
        """Return those of the days around it, too."""
        day = self.date.toordinal()
        return await near_sent(search, numbers, *self.when.bounds(day, day + 1))
