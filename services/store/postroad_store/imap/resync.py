"""What a client that comes back knows of a mailbox: the QRESYNC parameter of SELECT (RFC 7162 §3.2.5)."""

from __future__ import annotations

from bisect import bisect_right
from itertools import pairwise
from typing import TYPE_CHECKING

from postroad.value import value
from postroad_store.imap.grammar.modseq import read_modseq
from postroad_store.imap.grammar.reader import SyntaxFault, UidRequired
from postroad_store.imap.grammar.sequence import coalesce, read_ranges

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from postroad_store.imap.grammar.reader import Reader

    Ranges = tuple[tuple[int, int], ...]


@value
class Known:
    """The mailbox as a client has cached it."""

    uid_validity: int
    modseq: int
    uids: Ranges | None = None  # ascending, disjoint; None: all that the mailbox ever had
    numbers: Ranges = ()  # sequence numbers, ascending...
    number_uids: Ranges = ()  # ...and the UIDs that they had, as many

    def within(self, uids: Sequence[int], uid_next: int) -> Ranges:
        """Return the ranges of UIDs whose expunges the client may have missed, in a mailbox with these UIDs.

        RFC 7162 §3.2.5.2: up to the last sequence number whose UID is still as the client has it, it missed none.
        """
        ranges = ((1, uid_next - 1),) if self.uids is None else self.uids
        least = self._agreed(uids) + 1
        most = uid_next - 1
        return tuple((max(low, least), min(high, most)) for low, high in ranges if high >= least and low <= most)

    def _agreed(self, uids: Sequence[int]) -> int:
        """Return the highest UID whose sequence number is the one that the client has for it; 0 if there is none.

        Messages come last and go anywhere, so a number's UID only ever rises: after one that has, all have.
        """
        agreed = 0
        for number, uid, length in _in_step(self.numbers, self.number_uids):
            start, stop = number - 1, min(number - 1 + length, len(uids))
            if stop - start == length and uids[stop - 1] == uid + length - 1:
                agreed = uid + length - 1
                continue
            last = start + _rise(uids, start, stop, uid) - 1
            return uids[last] if last >= start and uids[last] - uid == last - start else agreed
        return agreed


def _rise(uids: Sequence[int], start: int, stop: int, uid: int) -> int:
    """Return how many of the UIDs at these places are not above `uid`, `uid` + 1, ..."""
    return bisect_right(range(start, stop), 0, key=lambda place: uids[place] - uid - (place - start))


def _in_step(numbers: Ranges, uids: Ranges) -> Iterator[tuple[int, int, int]]:
    """Yield (sequence number, UID, length) of runs in which both rise by one; neither is ever written out."""
    others = iter(uids)
    low, high = 1, 0
    for first, last in numbers:
        number = first
        while number <= last:
            if low > high:
                low, high = next(others)
            length = min(last - number, high - low) + 1
            yield number, low, length
            number += length
            low += length


def read_known(reader: Reader, *, numbers: bool = True) -> Known:
    """Take the arguments of QRESYNC with their parentheses; without `numbers`, the last one raises `UidRequired`."""
    # "(" uidvalidity SP mod-sequence-value [SP known-uids] [SP seq-match-data] ")"
    reader.take(b"(")
    uid_validity = reader.number()
    if not uid_validity:
        raise SyntaxFault("Invalid UIDVALIDITY")
    reader.space()
    modseq = read_modseq(reader)
    uids: Ranges | None = None
    match: tuple[Ranges, Ranges] = (), ()
    space = reader.skip(b" ")
    if space and reader.peek() != b"(":
        uids = coalesce((min(span), max(span)) for span in read_ranges(reader))
        space = reader.skip(b" ")
    if space:
        if not numbers:
            raise UidRequired
        match = _read_match(reader)
    reader.take(b")")
    return Known(uid_validity, modseq, uids, *match)


def _read_match(reader: Reader) -> tuple[Ranges, Ranges]:
    # seq-match-data = "(" known-sequence-set SP known-uid-set ")"
    reader.take(b"(")
    numbers = read_ranges(reader)
    reader.space()
    uids = read_ranges(reader)
    reader.take(b")")
    for ranges in numbers, uids:  # RFC 7162 §3.2.5.2: both in ascending order
        if any(low > high for low, high in ranges) or any(before[1] >= after[0] for before, after in pairwise(ranges)):
            raise SyntaxFault("Invalid QRESYNC message sequence match data")
    if _count(numbers) != _count(uids):
        raise SyntaxFault("Invalid QRESYNC message sequence match data")
    return numbers, uids


def _count(ranges: Ranges) -> int:
    return sum(high - low + 1 for low, high in ranges)
