r"""A change of flags as it is written: to entries and stretches, and counted in the mailbox's row."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING

from postroad_store.mail.database.rows import joined, parted
from postroad_store.mail.database.stretches import (
    Stretch,
    alike,
    count_messages,
    cut,
    dissolve,
    has_messages,
    is_long,
    lay,
    parts,
    read_stretches,
    write_entries,
)
from postroad_store.mail.model.flags import DELETED, SEEN, Change

if TYPE_CHECKING:
    from sqlite3 import Connection

    from postroad_store.mail.database.commits.tally import Tally
    from postroad_store.mail.model.ranges import Runs


# Each look-up of a member costs as much as a small function.
_ADD, _REMOVE, _REPLACE = Change.ADD, Change.REMOVE, Change.REPLACE


class Reflag:
    """One change of one mailbox's flags, in one commit."""

    def __init__(self, db: Connection, mailbox: int, tally: Tally, change: Change, bits: int) -> None:
        self._db = db
        self._mailbox = mailbox
        self._tally = tally
        self._change = change
        self._bits = bits
        narrow, wide = parted(bits)
        self._narrow = narrow
        self._wide = wide is not None
        self._rewrite = self._each if self._wide and change is not _REPLACE else self._range
        # If only one of the two flags that are counted is added or removed, the change itself tells the number.
        self._single = change is not _REPLACE and narrow in {SEEN, DELETED}
        self._by_count = change is _REPLACE or (narrow & (SEEN | DELETED) != 0 and not self._single)
        self._count, self._update = _COUNT[change], _UPDATE[change]
        self._values = {"bits": narrow, "wide": wide, "modseq": tally.modseq, "mailbox": mailbox, "low": 0, "high": 0}

    def write(self, runs: Runs) -> bool:
        """Change the flags of the messages in these ranges; return whether one had others before."""
        changed = 0
        for low, high, stretch in parts(self._whole(runs), runs):
            if stretch is not None:
                changed += self._restretch(low, high, stretch)
            elif self._wide or not is_long(low, high):
                changed += self._rewrite(low, high)
            else:
                changed += self._stretch(low, high)
        return changed > 0

    def _whole(self, runs: Runs) -> list[Stretch]:
        """Return the stretches that are in these ranges, without those that would fall to pieces: there are none then.

        These are dissolved, and so are all where flags are to be set that a stretch cannot have.
        """
        stretches = read_stretches(self._db, self._mailbox, runs)
        if not stretches or (len(runs) == 1 and not self._wide):  # one range has at most one part of each
            return stretches
        met = Counter([stretch for _, _, stretch in parts(stretches, runs) if stretch is not None])
        torn = {stretch for stretch, count in met.items() if count > 1 or self._wide}
        dissolve(self._db, self._mailbox, torn)
        return [stretch for stretch in stretches if stretch not in torn]

    def _restretch(self, low: int, high: int, stretch: Stretch) -> int:
        """Change what is in a stretch, or a part of it; return how many messages have changed, or just 1."""
        flags = self._change.apply(stretch.flags, self._narrow)
        if flags == stretch.flags:
            return 0
        cut(self._db, self._mailbox, stretch, low, high)
        return self._lay(low, high, stretch.flags, flags)

    def _stretch(self, low: int, high: int) -> int:
        """Change messages that are in no stretch, and make stretches of them where they are alike; return the same."""
        changed = 0
        for first, last, before in alike(self._db, self._mailbox, low, high):
            if before is None:
                changed += self._rewrite(first, last)
            elif (flags := self._change.apply(before, self._narrow)) != before:
                changed += self._lay(first, last, before, flags)
        return changed

    def _lay(self, low: int, high: int, before: int, flags: int) -> int:
        """Give flags to all messages of a range, which are in no stretch and all had the same; return the same."""
        tally = self._tally
        stretch = Stretch(low, min(high, tally.uid_next - 1), flags, tally.modseq)
        if not is_long(low, high):
            count = write_entries(self._db, self._mailbox, stretch)
        else:
            counted = (before ^ flags) & (SEEN | DELETED)
            count = (count_messages if counted else has_messages)(self._db, self._mailbox, low, high)
            if count:
                lay(self._db, self._mailbox, stretch)
        tally.unseen += (bool(before & SEEN) - bool(flags & SEEN)) * count
        tally.deleted += (bool(flags & DELETED) - bool(before & DELETED)) * count
        return count

    def _range(self, low: int, high: int) -> int:
        """Change the entries of a range in one statement; return how many messages have changed."""
        values = self._values
        values["low"], values["high"] = low, high
        if self._by_count:
            messages, unseen, deleted = self._db.execute(self._count, values).fetchone()
            if not messages:
                return 0
            self._recount(messages, unseen, deleted)
        changed = self._db.execute(self._update, values).rowcount
        if self._single:
            more = changed if self._change is _ADD else -changed
            self._tally.unseen -= more if self._narrow == SEEN else 0
            self._tally.deleted += more if self._narrow == DELETED else 0
        return changed

    def _recount(self, messages: int, unseen: int, deleted: int) -> None:
        r"""Count messages that are about to change, of which so many lack \Seen and have \Deleted now."""
        change, bits, tally = self._change, self._narrow, self._tally
        if change is _REPLACE or bits & SEEN:
            tally.unseen += (0 if change is not _REMOVE and bits & SEEN else messages) - unseen
        if change is _REPLACE or bits & DELETED:
            tally.deleted += (messages if change is not _REMOVE and bits & DELETED else 0) - deleted

    def _each(self, low: int, high: int) -> int:
        """Add or remove flags of which SQLite's integers are too narrow, message by message; return the same."""
        changed = []
        for uid, narrow, wide in self._db.execute(_READ_FLAGS, (self._mailbox, low, high)).fetchall():
            flags = joined(narrow, wide)
            new = self._change.apply(flags, self._bits)
            if new != flags:
                changed.append((*parted(new), self._tally.modseq, self._mailbox, uid))
                self._tally.unseen += bool(flags & SEEN) - bool(new & SEEN)
                self._tally.deleted += bool(new & DELETED) - bool(flags & DELETED)
        self._db.executemany(_WRITE_FLAGS, changed)
        return len(changed)


_READ_FLAGS = "SELECT uid, flags, wide_flags FROM entries WHERE mailbox = ? AND uid BETWEEN ? AND ?"
_WRITE_FLAGS = "UPDATE entries SET flags = ?, wide_flags = ?, modseq = ? WHERE mailbox = ? AND uid = ?"
_RANGE = "WHERE mailbox = :mailbox AND uid BETWEEN :low AND :high"
_DIFFER = {
    Change.ADD: f"{_RANGE} AND flags & :bits <> :bits",
    Change.REMOVE: f"{_RANGE} AND flags & :bits",
    Change.REPLACE: f"{_RANGE} AND (flags <> :bits OR wide_flags IS NOT :wide)",
}
_UPDATE = {
    Change.ADD: f"UPDATE entries SET flags = flags | :bits, modseq = :modseq {_DIFFER[Change.ADD]}",  # noqa: S608
    Change.REMOVE: f"UPDATE entries SET flags = flags & ~:bits, modseq = :modseq {_DIFFER[Change.REMOVE]}",  # noqa: S608
    Change.REPLACE: "UPDATE entries SET flags = :bits, wide_flags = :wide, modseq = :modseq"  # noqa: S608
    f" {_DIFFER[Change.REPLACE]}",
}
_COUNT = {
    change: "SELECT count(*), coalesce(sum(flags & 1 = 0), 0), coalesce(sum(flags & 8 <> 0), 0)"  # noqa: S608
    f" FROM entries {differ}"
    for change, differ in _DIFFER.items()
}
