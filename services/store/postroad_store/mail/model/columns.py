r"""What is in a mailbox, in memory: parallel columns, ascending by UID, of 17 octets per message.

The UIDs are lent to views, which are as the mailbox is most of the time: ten sessions share one array. So it is copied
before it changes, if it is lent. That costs a millisecond with a million messages, and nothing with a thousand.
"""

from __future__ import annotations

from array import array
from bisect import bisect_left, bisect_right
from itertools import compress
from typing import TYPE_CHECKING, cast

from postroad_store.mail.model.flagcolumn import FlagColumn
from postroad_store.mail.model.flags import SEEN

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from postroad_store.mail.model.flags import Change
    from postroad_store.mail.model.message import UID
    from postroad_store.mail.model.ranges import Runs

# Numbers take 32 bits as long as all of a mailbox fit, as they do in nearly every one: that holds the dates from 1970
# to 2106, and four thousand million changes.
NARROW = "I"
WIDE_DATES = "q"
WIDE_MODSEQS = "Q"

Entry = tuple[int, int, int, int]  # UID, flags, size, internal date of a message
CHUNK = 500  # UIDs that are compared at a time
FEW = 8  # messages, up to which it is quicker to look at each
FIND = 500  # messages that are found one by one at most


class Columns:
    """UIDs, flags, sizes, internal dates and mod-sequences of messages."""

    __slots__ = ("_lent", "flags", "internal_dates", "modseqs", "sizes", "uids")

    def __init__(self) -> None:
        self.uids = array(NARROW)  # RFC 3501 §2.3.1.1: 32 bits
        self.flags = FlagColumn()
        self.sizes = array(NARROW)  # octets, RFC822.SIZE: a content is at most as long as SQLite lets a row be
        self.internal_dates = array(NARROW)  # seconds since 1970 UTC
        self.modseqs = array(NARROW)  # of the last change of the flags, or of the arrival (RFC 7162 §3.1)
        self._lent = False  # a view has `uids`, which must not change then

    def take_over(self, other: Columns) -> None:
        """Take the columns of another, which must not change any more."""
        self.uids, self.flags, self.sizes = other.uids, other.flags, other.sizes
        self.internal_dates, self.modseqs = other.internal_dates, other.modseqs
        self._lent = False

    def lend_uids(self) -> Sequence[UID]:
        """Return the UIDs as they are now: the caller's array stays so."""
        self._lent = True
        return cast("Sequence[UID]", self.uids)

    def _own_uids(self) -> array[int]:
        """Return the UIDs, to be changed."""
        if self._lent:
            self.uids = self.uids[:]
            self._lent = False
        return self.uids

    def index(self, uid: int) -> int | None:
        """Return the place of the message in the columns, or None if it has gone."""
        at = bisect_left(self.uids, uid)
        return at if at < len(self.uids) and self.uids[at] == uid else None

    def first_unseen(self) -> int | None:
        r"""Return the place of the first message without \Seen, or None if all have it."""
        return self.flags.first(lambda flags: not flags & SEEN)

    def marked(self, bit: int) -> list[int]:
        """Return the UIDs of the messages with a flag; none if it is not worth while to look for each."""
        return [self.uids[at] for at in self.flags.places(bit, FIND)]

    def runs_of(self, uids: Sequence[int]) -> Runs:
        """Return ranges that cover these of its UIDs (ascending) and none of its others.

        UIDs that it does not have are passed over.
        """
        if not uids:
            return []
        mine = self.uids
        if uids is mine:
            return [(uids[0], uids[-1])]
        first, last = bisect_left(mine, uids[0]), bisect_right(mine, uids[-1])
        if last - first == len(uids) and mine[first:last] == array("I", uids):  # all between: the common case
            return [(uids[0], uids[-1])]
        runs: Runs = []
        previous = -2  # where the last of them is
        for start in range(0, len(uids), CHUNK):
            for low, high in self._places(array("I", uids[start : start + CHUNK])):
                if low == previous + 1:
                    runs[-1] = (runs[-1][0], mine[high])
                else:
                    runs.append((mine[low], mine[high]))
                previous = high
        return runs

    def _places(self, uids: array[int]) -> Iterator[tuple[int, int]]:
        """Yield the first and the last place of UIDs that follow each other both here and there.

        Where none is missing that takes a hundredth of the time of a look at each; where one is, the halves are tried.
        """
        at, count = bisect_left(self.uids, uids[0]), len(uids)
        if self.uids[at : at + count] == uids:
            yield at, at + count - 1
        elif count <= FEW:
            yield from [(place, place) for uid in uids if (place := self.index(uid)) is not None]
        else:
            yield from self._places(uids[: count // 2])
            yield from self._places(uids[count // 2 :])

    def add(self, entries: Sequence[Entry], modseq: int) -> None:
        """Add messages, whose UIDs are above all others."""
        if len(entries) == 1:  # as mail comes: in a quarter of the time
            ((uid, flags_of_one, size, internal_date),) = entries
            self._own_uids().append(uid)
            self.flags.append(flags_of_one)
            self.sizes.append(size)
            self.internal_dates = extended(self.internal_dates, (internal_date,), WIDE_DATES)
            self.modseqs = extended(self.modseqs, (modseq,), WIDE_MODSEQS)
        elif entries:
            uids, flags, sizes, internal_dates = zip(*entries, strict=True)
            self.extend(uids, flags, sizes, internal_dates, [modseq] * len(entries))

    def extend(
        self,
        uids: Sequence[int],
        flags: Iterable[int],
        sizes: Sequence[int],
        internal_dates: Sequence[int],
        modseqs: Sequence[int],
    ) -> None:
        """Do the same, column by column."""
        self._own_uids().extend(uids)
        self.flags.extend(flags)
        self.sizes.extend(sizes)
        self.internal_dates = extended(self.internal_dates, internal_dates, WIDE_DATES)
        self.modseqs = extended(self.modseqs, modseqs, WIDE_MODSEQS)

    def change_flags(self, start: int, end: int, change: Change, bits: int, modseq: int) -> Sequence[int]:
        """Change the flags of the messages at these places; return the UIDs of those whose flags were different."""
        if modseq >> 32 and self.modseqs.typecode == NARROW:
            self.modseqs = array(WIDE_MODSEQS, self.modseqs)
        if end - start > FEW:
            return self._change_many(start, end, change, bits, modseq)
        return [self.uids[at] for at in range(start, end) if self._change_one(at, change, bits, modseq)]

    def _change_one(self, at: int, change: Change, bits: int, modseq: int) -> bool:
        """Change the flags of one message; return whether they were different."""
        old = self.flags[at]
        new = change.apply(old, bits)
        if new == old:
            return False
        self.flags.change_one(at, new)
        self.modseqs[at] = modseq
        return True

    def _change_many(self, start: int, end: int, change: Change, bits: int, modseq: int) -> Sequence[int]:
        """Do the same for messages that follow each other, with a few loops of the processor."""
        changed = self.flags.change(start, end, lambda flags: change.apply(flags, bits))
        if not changed:
            return ()
        if 0 not in changed:  # in a bytearray, fifty times as quick as `all`
            self.modseqs[start:end] = array(self.modseqs.typecode, [modseq]) * (end - start)
            return self.uids[start:end]
        for at in compress(range(start, end), changed):
            self.modseqs[at] = modseq
        return array("I", compress(self.uids[start:end], changed))

    def drop(self, uids: Sequence[int]) -> None:
        """Take out a few messages (ascending UIDs)."""
        places = [at for uid in uids if (at := self.index(uid)) is not None]
        if places:
            for column in (self._own_uids(), self.flags.codes, self.sizes, self.internal_dates, self.modseqs):
                _cut(column, places)

    def drop_between(self, start: int, stop: int, gone: set[int]) -> None:
        """Take messages out whose places are from `start` to before `stop`."""
        stays = bytes([uid not in gone for uid in self.uids[start:stop]])
        self.flags.keep(start, stop, stays)
        for column in (self._own_uids(), self.sizes, self.internal_dates, self.modseqs):
            column[start:stop] = array(column.typecode, compress(column[start:stop], stays))


def extended(column: array[int], values: Sequence[int], wide: str) -> array[int]:
    """Return the column with more values; it is made wider if they need that."""
    count = len(column)
    try:
        column.extend(values)
    except OverflowError:
        del column[count:]
        column = array(wide, column)
        column.extend(values)
    return column


def _cut(column: array[int] | bytearray, places: Sequence[int]) -> None:
    """Take out what is at these places (ascending): what is behind moves once, however many they are."""
    to = places[0]
    with memoryview(column) as view:
        for at, end in zip(places, [*places[1:], len(column)], strict=True):
            count = end - at - 1
            view[to : to + count] = view[at + 1 : end]
            to += count
    del column[to:]
