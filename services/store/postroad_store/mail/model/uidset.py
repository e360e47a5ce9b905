"""A set of UIDs in little memory: what a session has not been told yet, and which messages are new to it.

A change of a million messages is news to every other session on the mailbox. A Python set would take 60 MB for each of
them. Here a bit does: UIDs that agree in all but the lowest 12 bits share one number of 4,096 bits.
"""

from __future__ import annotations

from bisect import bisect_left
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

BITS = 12
LOW = (1 << BITS) - 1
FEW = 64  # UIDs of a page, above which the bits are written as digits: 0.04 µs each instead of 0.15
ONE = ord("1")


class UidSet:
    """A set of UIDs."""

    __slots__ = ("pages",)

    def __init__(self, uids: Sequence[int] = ()) -> None:
        # Bits by the upper part of the UIDs; never 0. Whether there is any is asked here where it is asked by every
        # command: `bool` of the set takes ten times as long.
        self.pages: dict[int, int] = {}
        if uids:
            self.add(uids)

    def __bool__(self) -> bool:
        """Return whether there is any."""
        return bool(self.pages)

    def __len__(self) -> int:
        """How many there are; most sets of a session that idles are empty."""
        return sum(map(int.bit_count, self.pages.values())) if self.pages else 0

    def __contains__(self, uid: object) -> bool:
        """Return whether the UID is in the set."""
        return isinstance(uid, int) and bool(self.pages.get(uid >> BITS, 0) >> (uid & LOW) & 1)

    def __iter__(self) -> Iterator[int]:
        """Iterate over the UIDs, ascending."""
        for low, high in self.runs():
            yield from range(low, high + 1)

    def __repr__(self) -> str:
        """Show the ranges."""
        return f"UidSet({list(self.runs())})"

    def runs(self) -> Iterator[tuple[int, int]]:
        """Iterate over the ranges of consecutive UIDs, ascending; one that crosses a page is cut there."""
        for page in sorted(self.pages):
            bits = self.pages[page]
            at = page << BITS
            while bits:
                skip = (bits & -bits).bit_length() - 1
                bits >>= skip
                count = (~bits & (bits + 1)).bit_length() - 1
                bits >>= count
                at += skip
                yield at, at + count - 1
                at += count

    def add(self, uids: Sequence[int]) -> None:
        """Add UIDs, which ascend."""
        start = 0
        while start < len(uids):
            first = uids[start]
            page = first >> BITS
            end = bisect_left(uids, (page + 1) << BITS, start)
            last = uids[end - 1]
            if last - first == end - 1 - start:  # none is missing in between
                bits = (2 << last - first) - 1 << (first & LOW)
            elif end - start < FEW:
                bits = 0
                for uid in uids[start:end]:
                    bits |= 1 << (uid & LOW)
            else:
                digits = bytearray(b"0" * (LOW + 1))
                for uid in uids[start:end]:
                    digits[LOW - (uid & LOW)] = ONE
                bits = int(digits, 2)
            self.pages[page] = self.pages.get(page, 0) | bits
            start = end

    def update(self, other: UidSet, last: int) -> None:
        """Add the other's UIDs up to `last`."""
        pages = self.pages
        for page, bits in other.pages.items():
            if page > last >> BITS:
                continue
            if page == last >> BITS:
                bits &= (2 << (last & LOW)) - 1  # noqa: PLW2901 - those up to the last
            if bits:
                pages[page] = pages.get(page, 0) | bits

    def remove(self, other: UidSet) -> None:
        """Take out the other's UIDs."""
        pages = self.pages
        for page, bits in other.pages.items():
            left = pages.get(page, 0) & ~bits
            if left:
                pages[page] = left
            else:
                pages.pop(page, None)

    def between(self, first: int, last: int) -> UidSet:
        """Return those from `first` to `last`."""
        part = UidSet()
        low, high = first >> BITS, last >> BITS
        for page, bits in self.pages.items():
            if low <= page <= high:
                if page == high:
                    bits &= (2 << (last & LOW)) - 1  # noqa: PLW2901 - those up to the last
                if page == low:
                    bits = bits >> (first & LOW) << (first & LOW)  # noqa: PLW2901 - those from the first
                if bits:
                    part.pages[page] = bits
        return part

    def clear(self) -> None:
        """Take out all."""
        self.pages.clear()
