"""Search keys for the ids of messages and threads, and for save dates (RFC 8474 §6, RFC 8514 §4.3)."""

from __future__ import annotations

import re
from datetime import UTC, date, datetime, timedelta
from functools import partial
from typing import TYPE_CHECKING

from postroad.value import value
from postroad_store.mail.model.message import Column
from postroad_store.mail.search.dates import When
from postroad_store.mail.search.key import ONE_NUMBER, Argument, Leaf, Word
from postroad_store.mail.search.keys import And

if TYPE_CHECKING:
    from postroad_store.mail.search.evaluate import Evaluation
    from postroad_store.mail.search.key import Numbers

_DAY = timedelta(days=1)
_HEX = re.compile(r"[1-9a-f][0-9a-f]{0,14}")


def _number(letter: str, object_id: str) -> int:
    """Return the number in an id of this kind; 0, which no object has, for any other (RFC 8474 §6: exactly)."""
    digits = object_id.removeprefix(letter)
    return int(digits, 16) if digits != object_id and _HEX.fullmatch(digits) else 0


@value
class EmailId(Leaf):
    """Messages with this content: the message itself, and copies of it."""

    content: int

    @staticmethod
    def words() -> tuple[Word, ...]:
        """EMAILID."""
        return (Word("EMAILID", (Argument.OBJECT_ID,), lambda given: EmailId(_number("e", given)), "OBJECTID"),)

    async def among(self, numbers: Numbers, search: Evaluation) -> Numbers:
        """Look the content up."""
        return await search.with_uids(numbers, frozenset(search.reader.with_content(search.view.mailbox, self.content)))


@value
class ThreadId(Leaf):
    """Messages of this thread."""

    thread: int

    @staticmethod
    def words() -> tuple[Word, ...]:
        """THREADID."""
        return (Word("THREADID", (Argument.OBJECT_ID,), lambda given: ThreadId(_number("t", given)), "OBJECTID"),)

    async def among(self, numbers: Numbers, search: Evaluation) -> Numbers:
        """Look the thread up."""
        return await search.with_uids(numbers, frozenset(search.reader.with_thread(search.view.mailbox, self.thread)))


@value
class SaveDate(Leaf):
    """Messages that came into the mailbox on the right side of the date, in UTC: SAVEDBEFORE, SAVEDON, SAVEDSINCE."""

    when: When
    date: date
    cost = ONE_NUMBER

    @staticmethod
    def words() -> tuple[Word, ...]:
        """SAVEDBEFORE, SAVEDON, SAVEDSINCE; and SAVEDATESUPPORTED: all messages, for all mailboxes have it."""
        dated = [Word("SAVED" + when.value, (Argument.DATE,), partial(SaveDate, when), "SAVEDATE") for when in When]
        return (*dated, Word("SAVEDATESUPPORTED", (), partial(And, ()), "SAVEDATE"))

    async def among(self, numbers: Numbers, search: Evaluation) -> Numbers:
        """Compare seconds."""
        midnight = datetime(self.date.year, self.date.month, self.date.day, tzinfo=UTC)
        epoch = datetime(1970, 1, 1, tzinfo=UTC)
        start = (midnight - epoch) // timedelta(seconds=1)
        low, high = self.when.bounds(start, start + _DAY // timedelta(seconds=1))
        return await search.matching(numbers, Column.SAVE_DATE, lambda moment: low <= moment < high)


KEYS: tuple[type[Leaf], ...] = (EmailId, ThreadId, SaveDate)
