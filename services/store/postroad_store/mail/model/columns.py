"""What is in a mailbox, in memory: parallel sequences, ascending by UID."""

from __future__ import annotations

from array import array
from bisect import bisect_left, bisect_right
from itertools import compress
from typing import TYPE_CHECKING

from postroad_store.mail.model.flags import SEEN, count_unseen
from postroad_store.mail.model.message import UID

if TYPE_CHECKING:
    from collections.abc import Sequence

    from postroad_store.mail.model.flags import Change
    from postroad_store.mail.model.ranges import Runs

Entry = tuple[int, int, int, int]  # UID, flags, size, internal date of a message
MANY = 50  # messages, above which it is quicker to copy or extend whole lists than to go message by message
CHUNK = 500  # UIDs that are compared at a time
FEW = 8  # messages, up to which it is quicker to look at each


class Columns:
    r"""UIDs, flags, sizes, internal dates and mod-sequences of messages, and how many of them lack \Seen."""

    __slots__ = ("_all_seen", "flags", "internal_dates", "modseqs", "sizes", "uids", "unseen")

    def clear(self) -> None:
        """Forget all messages."""
        self.uids: list[UID] = []
        self.flags: list[int] = []
        self.sizes: array[int] = array("q")  # octets, RFC822.SIZE
        self.internal_dates: array[int] = array("q")  # seconds since 1970 UTC
        self.modseqs: array[int] = array("Q")  # of the last change of the flags, or of the arrival (RFC 7162 §3.1)
        self.unseen = 0  # how many messages lack \Seen
        self._all_seen = 0  # at least so many of the first messages have \Seen

    def index(self, uid: int) -> int | None:
        """Return where the message is in the parallel lists, or None if it has gone."""
        at = bisect_left(self.uids, uid)
        return at if at < len(self.uids) and self.uids[at] == uid else None

    def first_unseen(self) -> int | None:
        r"""Return where the first message without \Seen is in the parallel lists, or None if all have it."""
        if not self.unseen:
            return None
        at = self._all_seen
        while self.flags[at] & SEEN:
            at += 1
        self._all_seen = at  # so that the next SELECT need not look at all of these again
        return at

    def runs_of(self, uids: Sequence[int]) -> Runs:
        """Return ranges that cover these of its UIDs (ascending) and none of its others.

        UIDs that it does not have are passed over.
        """
        if not uids:
            return []
        mine = self.uids
        first, last = bisect_left(mine, uids[0]), bisect_right(mine, uids[-1])
        if last - first == len(uids) and mine[first:last] == list(uids):  # all between: the common case
            return [(uids[0], uids[-1])]
        runs: Runs = []
        previous = -2  # where the last of them is
        for start in range(0, len(uids), CHUNK):
            some = list(uids[start : start + CHUNK])
            at = bisect_left(mine, some[0])
            if mine[at : at + len(some)] == some:  # none is missing here: a hundred times as quick
                places = [(at, at + len(some) - 1)]
            else:
                places = [(place, place) for uid in some if (place := self.index(uid)) is not None]
            for low, high in places:
                if low == previous + 1:
                    runs[-1] = (runs[-1][0], mine[high])
                else:
                    runs.append((mine[low], mine[high]))
                previous = high
        return runs

    def add(self, entries: Sequence[Entry], modseq: int) -> None:
        """Add messages, whose UIDs are above all others."""
        if len(entries) > MANY:
            self._add_many(entries, modseq)
            return
        for uid, flags, size, internal_date in entries:
            self.uids.append(UID(uid))
            self.flags.append(flags)
            self.sizes.append(size)
            self.internal_dates.append(internal_date)
            self.modseqs.append(modseq)
            self.unseen += not flags & SEEN

    def _add_many(self, entries: Sequence[Entry], modseq: int) -> None:
        """Add messages column by column: half the time."""
        flags = [entry[1] for entry in entries]
        self.uids += [UID(entry[0]) for entry in entries]
        self.flags += flags
        self.sizes.extend([entry[2] for entry in entries])
        self.internal_dates.extend([entry[3] for entry in entries])
        self.modseqs.extend([modseq] * len(entries))
        self.unseen += count_unseen(flags)

    def change_flags(self, start: int, end: int, change: Change, bits: int, modseq: int) -> list[UID]:
        """Change the flags of the messages at these places; return the UIDs of those whose flags were different."""
        if end - start > FEW:
            return self._change_many(start, end, change, bits, modseq)
        return [self.uids[at] for at in range(start, end) if self._change_one(at, change, bits, modseq)]

    def _change_one(self, at: int, change: Change, bits: int, modseq: int) -> bool:
        """Change the flags of one message; return whether they were different."""
        old = self.flags[at]
        new = change.apply(old, bits)
        if new == old:
            return False
        self.flags[at] = new
        self.modseqs[at] = modseq
        if (new ^ old) & SEEN:
            self.unseen += 1 if old & SEEN else -1
            self._all_seen = min(self._all_seen, at)
        return True

    def _change_many(self, start: int, end: int, change: Change, bits: int, modseq: int) -> list[UID]:
        """Do the same for messages that follow each other; return the UIDs of those whose flags were different.

        Among 10,000 messages there are few different values, so each value is changed once: 0.2 ms instead of 2.
        """
        old = self.flags[start:end]
        becomes = {flags: change.apply(flags, bits) for flags in set(old)}
        different = {flags for flags, new in becomes.items() if flags != new}
        if not different:
            return []
        self.flags[start:end] = map(becomes.__getitem__, old)
        if any((becomes[flags] ^ flags) & SEEN for flags in different):
            self.unseen += count_unseen(self.flags[start:end]) - count_unseen(old)
            self._all_seen = min(self._all_seen, start)
        uids = self.uids[start:end]
        if len(different) == len(becomes):
            self.modseqs[start:end] = array("Q", [modseq]) * (end - start)
            return uids
        changed = [at for at, flags in enumerate(old) if flags in different]
        for at in changed:
            self.modseqs[start + at] = modseq
        return [uids[at] for at in changed]

    def drop(self, uids: Sequence[int]) -> None:
        """Take out a few messages (ascending UIDs)."""
        for at in reversed([at for uid in uids if (at := self.index(uid)) is not None]):
            self.unseen -= not self.flags[at] & SEEN
            self._all_seen = min(self._all_seen, at)
            del self.uids[at], self.flags[at]
            del self.sizes[at], self.internal_dates[at], self.modseqs[at]

    def drop_between(self, start: int, stop: int, gone: set[int]) -> None:
        """Take messages out whose places are from `start` to before `stop`."""
        stays = [uid not in gone for uid in self.uids[start:stop]]
        flags = self.flags[start:stop]
        kept = list(compress(flags, stays))
        self.unseen -= count_unseen(flags) - count_unseen(kept)
        self._all_seen = min(self._all_seen, start)
        self.flags[start:stop] = kept
        self.uids[start:stop] = list(compress(self.uids[start:stop], stays))
        self.sizes[start:stop] = array("q", list(compress(self.sizes[start:stop], stays)))
        self.internal_dates[start:stop] = array("q", list(compress(self.internal_dates[start:stop], stays)))
        self.modseqs[start:stop] = array("Q", list(compress(self.modseqs[start:stop], stays)))
