"""Sequence sets (RFC 3501 §9): of message sequence numbers, or of UIDs.

A set is kept as the client wrote it, with 0 for `*`; `resolve` needs the largest number in use.
"""

from __future__ import annotations

import re
from bisect import bisect_left, bisect_right
from typing import TYPE_CHECKING

from postroad.value import value
from postroad_store.imap.extensions import SEARCHRES
from postroad_store.imap.grammar.reader import MAX_NUMBER, Reader, SyntaxFault

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

STAR = 0
_SET = re.compile(rb"[0-9*:,]+")
_SET_OR_SAVED = re.compile(rb"[0-9*:,$]+")
# seq-number = nz-number / "*"; seq-range = seq-number ":" seq-number
_RANGE = re.compile(rb"(\*|[1-9]\d{0,9})(?::(\*|[1-9]\d{0,9}))?\Z")


@value
class SequenceSet:
    """Ranges of numbers, both ends included, in the order written; 0 is `*`.

    With `saved`, the result of an earlier SEARCH (RFC 5182), which the view has, is a part of the set, or all of it.
    """

    ranges: tuple[tuple[int, int], ...]
    saved: bool = False

    def resolve(self, largest: int) -> tuple[tuple[int, int], ...]:
        """Return the ranges ascending, overlaps coalesced, `*` being `largest`.

        RFC 3501 §9 seq-range: 2:4 and 4:2 are equivalent, and 3291:* holds the last message even where that is
        less than 3291.
        """
        ranges = self.ranges
        if len(ranges) == 1:  # the most common case: no sorting, no merging
            low, high = ranges[0]
            low, high = low or largest, high or largest
            return ((low, high),) if low <= high else ((high, low),)
        return coalesce((min(a or largest, b or largest), max(a or largest, b or largest)) for a, b in ranges)

    def __str__(self) -> str:
        """Give the set as the wire has it."""
        parts = [f"{low or '*'}" if low == high else f"{low or '*'}:{high or '*'}" for low, high in self.ranges]
        return ",".join([*parts, "$"] if self.saved else parts)


SAVED = SequenceSet((), saved=True)


class PinnedSet:
    """Message numbers, or `$`, that go on meaning the messages that they meant when the command came.

    RFC 5267 §4.3: "any message sequence numbers used in the search program are evaluated at the time the command is
    received".
    """

    __slots__ = ("_messages", "_uids")

    saved = False

    def __init__(self, messages: SequenceSet) -> None:
        self._messages = messages
        self._uids: tuple[tuple[int, int], ...] = ()

    def pin(self, uids: Sequence[int], saved: Sequence[int]) -> None:
        """Look the messages up in the UIDs of a view, or in the result that it has saved."""
        if self._messages.saved:
            self._uids = tuple(zip(saved[::2], saved[1::2], strict=True))
            return
        count = len(uids)
        ranges = self._messages.resolve(count)
        self._uids = tuple((uids[low - 1], uids[min(high, count) - 1]) for low, high in ranges if 0 < low <= count)

    def resolve(self, largest: int) -> tuple[tuple[int, int], ...]:  # noqa: ARG002 - as that of any set
        """Return the UIDs."""
        return self._uids


def coalesce(ranges: Iterable[tuple[int, int]]) -> tuple[tuple[int, int], ...]:
    """Return ascending ranges with none that touch or overlap."""
    merged: list[tuple[int, int]] = []
    for low, high in sorted(ranges):
        if merged and low <= merged[-1][1] + 1:
            if high > merged[-1][1]:
                merged[-1] = merged[-1][0], high
        else:
            merged.append((low, high))
    return tuple(merged)


def ranges_of(numbers: Sequence[int]) -> tuple[tuple[int, int], ...]:
    """Return ascending numbers, all above 0, as ranges."""
    if numbers and numbers[-1] - numbers[0] == len(numbers) - 1:  # in one piece: 200,000 take no 50 ms
        return ((numbers[0], numbers[-1]),)
    return tuple(_runs(numbers))


def runs_of(numbers: Iterable[int]) -> list[tuple[int, int]]:
    """Return numbers above 0, in any order, as runs that ascend one by one."""
    return list(_runs(numbers))


def _runs(numbers: Iterable[int]) -> Iterator[tuple[int, int]]:
    low = high = 0  # no run yet: numbers are above 0
    for number in numbers:
        if low and number == high + 1:
            high = number
            continue
        if low:
            yield low, high
        low = high = number
    if low:
        yield low, high


def format_ranges(ranges: Iterable[tuple[int, int]]) -> bytes:
    """Return ranges as a uid-set (RFC 4315 §4)."""
    return b",".join(b"%d" % low if low == high else b"%d:%d" % (low, high) for low, high in ranges)


def indexes(ranges: Iterable[tuple[int, int]], ascending: Sequence[int]) -> list[range]:
    """Return the indexes, as ranges, of those ascending numbers that are in the ranges."""
    places = []
    for low, high in ranges:
        start, stop = bisect_left(ascending, low), bisect_right(ascending, high)
        if start < stop:
            places.append(range(start, stop))
    return places


def parse_sequence_set(text: bytes) -> SequenceSet:
    """Parse a sequence set; raises `SyntaxFault`."""
    if text.isdigit() and text[0] != 48 and len(text) < 10:  # one number, as pipelining clients send it
        number = int(text)
        return SequenceSet(((number, number),))
    ranges = []
    for part in text.split(b","):
        match = _RANGE.match(part)
        if match is None:
            raise SyntaxFault("Invalid messageset")
        low = STAR if match[1] == b"*" else int(match[1])
        high = low if match[2] is None else STAR if match[2] == b"*" else int(match[2])
        if low > MAX_NUMBER or high > MAX_NUMBER:
            raise SyntaxFault("Invalid messageset")
        ranges.append((low, high))
    return SequenceSet(tuple(ranges))


def read_sequence_set(reader: Reader) -> SequenceSet:
    """Take a sequence set from a command."""
    # sequence-set = (seq-number / seq-range) *("," sequence-set)                                   (RFC 3501 §9)
    # sequence-set =/ seq-last-command; seq-last-command = "$"                                      (RFC 5182 §3)
    # So `$` stands alone, or behind numbers: 7,$ is a set, and $,7 is none.
    text = reader.match(_SET_OR_SAVED if reader.offers(SEARCHRES) else _SET, "messageset")
    if text == b"$":
        return SAVED
    if b"$" not in text or text.startswith(b"$"):
        return parse_sequence_set(text)
    numbers = [part for part in text.split(b",") if part != b"$"]
    return SequenceSet(parse_sequence_set(b",".join(numbers)).ranges, saved=True)


def read_number(reader: Reader) -> int:
    """Take one number, 0 being `*` (RFC 3501 §9 seq-number)."""
    if reader.skip(b"*"):
        return STAR
    number = reader.number()
    if not number:
        raise SyntaxFault("Invalid number")
    return number


def read_ranges(reader: Reader) -> tuple[tuple[int, int], ...]:
    """Take a set of numbers without `*`, and return its ranges as the client ordered them (RFC 7162 §7 known-uids)."""
    ranges = parse_sequence_set(reader.match(_SET, "messageset")).ranges
    if any(STAR in span for span in ranges):
        raise SyntaxFault("Invalid messageset")
    return ranges
