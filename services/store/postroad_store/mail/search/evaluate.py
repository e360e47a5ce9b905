"""Evaluation of search keys over a view (RFC 3501 §6.4.4).

Each key narrows a list of sequence numbers; the cheap ones of an AND go first, so that text is read for what is
left. A search is a generator: it yields now and then so that its driver can let others run, None for a pause or a
function that takes long, whose result it wants sent back.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from bisect import bisect_right
from datetime import UTC, datetime, timedelta
from functools import partial
from typing import TYPE_CHECKING, Any, TypeAlias

from postroad_store.mail.mime.fields import fields, unfold
from postroad_store.mail.mime.structure import parse
from postroad_store.mail.mime.text import fold, header_text, text
from postroad_store.mail.search.fieldtext import FieldText, values
from postroad_store.mail.search.keys import (
    And,
    Body,
    Flag,
    Header,
    InternalDate,
    Keyword,
    Larger,
    Not,
    Or,
    Recent,
    SearchKey,
    SentDate,
    Smaller,
    Text,
    Uids,
    When,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Generator, Sequence

    from postroad_store.mail.database.reader import Reader
    from postroad_store.mail.model.view import View
    from postroad_store.mail.search.fieldtext import FieldTexts

Numbers: TypeAlias = "Sequence[int]"
_Row: TypeAlias = "tuple[int, int, bytes | None, bytes]"  # as Reader.texts gives them
Search: TypeAlias = "Generator[Callable[[], Any] | None, Any, Numbers]"

_DAY = 86400


def search(view: View, reader: Reader, texts: FieldTexts, key: SearchKey) -> Search:
    """Search the view; the generator's value is the sequence numbers that match, ascending."""
    flags = view.pick(view.mailbox.flags, 1, len(view.uids))
    present = [number for number, one in enumerate(flags, 1) if one >= 0]
    return (yield from _Evaluation(view, reader, texts, flags).match(key, present))


def _cost(key: SearchKey) -> int:
    """Rank keys: 0 in memory, 1 reads a number of each message, 2 its header, 3 its text."""
    match key:
        case And(keys):
            return max(map(_cost, keys), default=0)
        case Or(left, right):
            return max(_cost(left), _cost(right))
        case Not(inner):
            return _cost(inner)
        case SentDate():
            return 1
        case Header():
            return 2
        case Body() | Text():
            return 3
        case _:
            return 0


class _Evaluation:
    """What one search looks at."""

    def __init__(self, view: View, reader: Reader, texts: FieldTexts, flags: Sequence[int]) -> None:
        self._view = view
        self._mailbox = view.mailbox
        self._reader = reader
        self._fields = texts
        self._flags = flags

    def match(self, key: SearchKey, numbers: Numbers) -> Search:
        """Return those of `numbers` that match the key."""
        if not numbers:
            return numbers
        match key:
            case And(keys):
                for one in sorted(keys, key=_cost):
                    numbers = yield from self.match(one, numbers)
                return numbers
            case Or(left, right):
                found = yield from self.match(left, numbers)
                rest = _without(numbers, found)
                more = yield from self.match(right, rest)
                return sorted([*found, *more]) if more else found
            case Not(inner):
                found = yield from self.match(inner, numbers)
                return _without(numbers, found)
            case SentDate(when, date):
                return (yield from self._sent(when, date.toordinal(), numbers))
            case Header(name, value):
                return (yield from self._header(fold(name).strip(), fold(value), numbers))
            case Text(value):
                return (yield from self._texts(numbers, _TextTest(fold(value))))
            case Body(value):
                return (yield from self._texts(numbers, _BodyTest(fold(value))))
            case _:
                return self._memory(key, numbers)

    def _memory(self, key: SearchKey, numbers: Numbers) -> Numbers:
        """Match a key against what is in memory."""
        flags, uids, mailbox = self._flags, self._view.uids, self._mailbox
        match key:
            case Flag(bit):
                return [number for number in numbers if flags[number - 1] & bit]
            case Keyword(keyword):
                bit = mailbox.keyword_bit(keyword)
                return [number for number in numbers if flags[number - 1] & bit] if bit else []
            case Recent():
                recent = self._view.recent
                return [number for number in numbers if uids[number - 1] in recent]
            case Uids(ranges):
                found: set[int] = set()
                for first, last in ranges:
                    found.update(range(self._view.position(first), self._view.position(last + 1)))
                return [number for number in numbers if number - 1 in found]
            case Larger(octets):
                sizes = self._view.pick(mailbox.sizes, 1, len(uids))
                return [number for number in numbers if sizes[number - 1] > octets]
            case Smaller(octets):
                sizes = self._view.pick(mailbox.sizes, 1, len(uids))
                return [number for number in numbers if sizes[number - 1] < octets]
            case InternalDate(when, date):
                start = datetime(date.year, date.month, date.day, tzinfo=UTC) - datetime(1970, 1, 1, tzinfo=UTC)
                first = start // timedelta(seconds=1)
                low, high = _span(when, first, first + _DAY)
                dates = self._view.pick(mailbox.internal_dates, 1, len(uids))
                return [
                    number
                    for number in numbers
                    if (low is None or dates[number - 1] >= low) and (high is None or dates[number - 1] < high)
                ]
            case _:  # pragma: no cover - match() has dealt with all others
                raise TypeError(key)

    def _sent(self, when: When, day: int, numbers: Numbers) -> Search:
        low, high = _span(when, day, day + 1)
        matched: set[int] = set()
        for rows in self._reader.sent_days(self._mailbox, self._uids(numbers)):
            matched.update(
                uid
                for uid, sent in rows
                if sent is not None and (low is None or sent >= low) and (high is None or sent < high)
            )
            yield None
        return self._numbers(numbers, matched)

    def _header(self, name: bytes, needle: bytes, numbers: Numbers) -> Search:
        mailbox = self._mailbox
        kept = self._fields.get(mailbox.id, name)
        if kept is None and 4 * len(numbers) < len(mailbox.uids):  # few are left: the others are not worth reading
            one = yield from self._field(FieldText(), name, self._uids(numbers))
        else:
            one = kept or FieldText()
            if len(one.uids) > 2 * len(mailbox.uids) + 1000:  # most of it is gone
                one = FieldText()
            new = mailbox.uids[bisect_right(mailbox.uids, one.upto) :]
            if new:
                one = yield from self._field(one, name, new)
                self._fields.put(mailbox.id, name, one)
        return self._numbers(numbers, one.search(needle))

    def _field(
        self, one: FieldText, name: bytes, uids: Sequence[int]
    ) -> Generator[Callable[[], Any] | None, Any, FieldText]:
        """Return the text of a field with that of more messages."""
        found: list[tuple[int, list[bytes]]] = []
        for rows in self._reader.headers(self._mailbox, uids):
            for uid, plain, header, raw in rows:
                if header is None:  # its text is not kept, for it is long
                    header = yield partial(_header, raw)  # noqa: PLW2901
                found.append((uid, values(header.lower() if plain else header, name)))
            yield None
        return one.extended(uids[-1], found)

    def _texts(self, numbers: Numbers, test: _Test) -> Search:
        matched: set[int] = set()
        for rows in self._reader.texts(self._mailbox, self._uids(numbers)):
            found = test.among(rows)
            matched.update(uid for uid, _, header, _ in found if header is not None)
            for uid in [uid for uid, _, header, _ in found if header is None]:
                content = self._reader.content(self._mailbox, uid, 0, None)
                if content is not None:
                    made = yield partial(_text, content)
                    if test.one(*made):
                        matched.add(uid)
            yield None
        return self._numbers(numbers, matched)

    def _uids(self, numbers: Numbers) -> Sequence[int]:
        uids = self._view.uids
        if len(numbers) == len(uids):
            return uids
        return [uids[number - 1] for number in numbers]

    def _numbers(self, numbers: Numbers, matched: set[int]) -> Numbers:
        uids = self._view.uids
        return [number for number in numbers if uids[number - 1] in matched] if matched else []


def _header(section: bytes) -> bytes:
    return header_text(fields(section))


def _text(content: bytes) -> tuple[bytes, bytes]:
    return text(content, parse(content))


class _Test(ABC):
    """Whether a message's text has the needle in it."""

    def __init__(self, needle: bytes) -> None:
        self.needle = needle
        self.spaced = b" " in needle or b"\t" in needle  # only then can the folding of a field part it

    @abstractmethod
    def one(self, header: bytes, body: bytes) -> bool:
        """Look into one message's text."""

    @abstractmethod
    def among(self, rows: list[_Row]) -> list[_Row]:
        """Return those that match, and those whose text is not kept; this is where a search's time goes.

        Lowering suits plain messages and does nothing to the texts of others.
        """


class _TextTest(_Test):
    def one(self, header: bytes, body: bytes) -> bool:
        return self.needle in body or self.needle in header

    def among(self, rows: list[_Row]) -> list[_Row]:
        needle = self.needle
        if self.spaced:
            return [
                row for row in rows if row[2] is None or needle in row[3].lower() or needle in unfold(row[2]).lower()
            ]
        return [row for row in rows if row[2] is None or needle in row[3].lower() or needle in row[2].lower()]


class _BodyTest(_Test):
    def one(self, header: bytes, body: bytes) -> bool:  # noqa: ARG002
        return self.needle in body

    def among(self, rows: list[_Row]) -> list[_Row]:
        needle = self.needle
        return [row for row in rows if row[2] is None or needle in row[3].lower()]


def _span(when: When, start: int, end: int) -> tuple[int | None, int | None]:
    """Return the bounds, first included and last not, of what is BEFORE, ON or SINCE a day."""
    if when is When.BEFORE:
        return None, start
    return start, end if when is When.ON else None


def _without(numbers: Numbers, taken: Numbers) -> Numbers:
    if not taken:
        return numbers
    gone = set(taken)
    return [number for number in numbers if number not in gone]
