"""The commit that changes flags (RFC 3501 §6.4.6)."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from postroad_store.mail.database.commits.base import Commit
from postroad_store.mail.database.commits.keywords import Numbers
from postroad_store.mail.database.commits.tally import Tally
from postroad_store.mail.database.packs import forget_packs
from postroad_store.mail.database.rows import joined, parted
from postroad_store.mail.model.arrival import FlagsStored
from postroad_store.mail.model.errors import LimitReached
from postroad_store.mail.model.flags import DELETED, MAX_KEYWORDS, SEEN, SYSTEM, Change, FlagSet
from postroad_store.mail.model.mailbox import STEP
from postroad_store.mail.model.ranges import without

if TYPE_CHECKING:
    from collections.abc import Generator
    from sqlite3 import Connection

    from postroad_store.mail.model.contents import Counts
    from postroad_store.mail.model.keywords import Naming
    from postroad_store.mail.model.mailbox import Mailbox
    from postroad_store.mail.model.message import UID
    from postroad_store.mail.model.ranges import Runs
    from postroad_store.mail.model.view import View


class _Written(NamedTuple):
    modseq: int
    counts: Counts | None  # None: nothing has changed
    bits: int
    naming: Naming
    runs: Runs  # without the messages that failed
    failed: list[UID]
    overruled: bool


class StoreFlags(Commit[_Written, FlagsStored]):
    """Change flags of ranges of messages."""

    def __init__(
        self,
        mailbox: Mailbox,
        runs: Runs,
        change: Change,
        flags: FlagSet,
        *,
        view: View | None,
        unchanged_since: int | None,
    ) -> None:
        self._mailbox = mailbox
        self._runs = runs
        self._change = change
        self._flags = flags
        self._view = view
        self._unchanged_since = unchanged_since

    def write(self, db: Connection) -> _Written:
        """Change flags that differ. A message whose flags stay as they are keeps its modseq.

        Raises `LimitReached` if the mailbox would have too many keywords.
        """
        mailbox, change = self._mailbox, self._change
        tally = Tally(db, mailbox)
        bits = self._flags.system & SYSTEM
        naming: Naming = []
        if self._flags.keywords:
            numbers = Numbers(db, mailbox.id)
            bits |= numbers.bits(self._flags.keywords, make=change is not Change.REMOVE)
            if numbers.full:
                raise LimitReached(f"the messages of a mailbox have at most {MAX_KEYWORDS} keywords")
            naming = numbers.naming
        runs: Runs = self._runs
        failed: list[UID] = []
        overruled = False
        if self._unchanged_since is not None:
            runs, failed, overruled = self._unchanged(db, self._unchanged_since, bits)
        narrow, wide = parted(bits)
        if wide is not None and change is not Change.REPLACE:
            changed = self._write_wide(db, tally, runs, bits)
        else:
            changed = self._write_narrow(db, tally, runs, narrow, wide)
        if changed:
            forget_packs(db, mailbox.id, runs)
        elif not naming:
            return _Written(tally.modseq - 1, None, bits, naming, runs, failed, overruled)
        return _Written(tally.modseq, tally.close(), bits, naming, runs, failed, overruled)

    def _unchanged(self, db: Connection, since: int, bits: int) -> tuple[Runs, list[UID], bool]:
        """Return the ranges without the messages that failed, these, and whether one passed that has changed since.

        RFC 7162 §3.1.12: a change of other flags is no reason to fail. A message passes if every flag that is to be
        added is still missing, or every one to be removed still there: that is what the client has seen.
        RFC 7162 §3.1.3: after 0 all fail that have the flag, and a system flag counts as if they had it.
        """
        failed: list[UID] = []
        overruled = False
        expected = {Change.ADD: 0, Change.REMOVE: bits}.get(self._change)
        if not bits or (not since and bits & SYSTEM):
            expected = None
        for low, high in self._runs:
            for uid, narrow, wide in db.execute(_CHANGED, (self._mailbox.id, low, high, since)).fetchall():
                if joined(narrow, wide) & bits == expected:
                    overruled = True
                else:
                    failed.append(uid)
        return without(self._runs, failed), failed, overruled

    def _write_narrow(self, db: Connection, tally: Tally, runs: Runs, narrow: int, wide: bytes | None) -> int:
        """Change flags range by range; return how many messages have changed."""
        change, seen_or_deleted = self._change, narrow & (SEEN | DELETED)
        update, count = _UPDATE[change], _COUNT[change]
        # If only one of the two flags that are counted is added or removed, the change itself tells the number.
        single = change is not Change.REPLACE and narrow in {SEEN, DELETED}
        by_count = change is Change.REPLACE or (seen_or_deleted and not single)
        values = {"bits": narrow, "wide": wide, "modseq": tally.modseq, "mailbox": self._mailbox.id}
        changed = 0
        for values["low"], values["high"] in runs:
            if by_count:
                messages, unseen, deleted = db.execute(count, values).fetchone()
                if not messages:
                    continue
                self._recount(tally, messages, unseen, deleted, narrow)
            changed += db.execute(update, values).rowcount
        if single and change is Change.ADD:
            tally.unseen -= changed if narrow == SEEN else 0
            tally.deleted += changed if narrow == DELETED else 0
        elif single:
            tally.unseen += changed if narrow == SEEN else 0
            tally.deleted -= changed if narrow == DELETED else 0
        return changed

    def _recount(self, tally: Tally, messages: int, unseen: int, deleted: int, bits: int) -> None:
        r"""Count messages that are about to change, of which so many lack \Seen and have \Deleted now."""
        change = self._change
        if change is Change.REPLACE or bits & SEEN:
            tally.unseen += (0 if change is not Change.REMOVE and bits & SEEN else messages) - unseen
        if change is Change.REPLACE or bits & DELETED:
            tally.deleted += (messages if change is not Change.REMOVE and bits & DELETED else 0) - deleted

    def _write_wide(self, db: Connection, tally: Tally, runs: Runs, bits: int) -> int:
        """Add or remove flags of which SQLite's integers are too narrow: message by message."""
        mailbox, modseq = self._mailbox.id, tally.modseq
        count = 0
        for low, high in runs:
            changed = []
            for uid, narrow, wide in db.execute(_READ_FLAGS, (mailbox, low, high)).fetchall():
                flags = joined(narrow, wide)
                new = self._change.apply(flags, bits)
                if new != flags:
                    changed.append((*parted(new), modseq, mailbox, uid))
                    tally.unseen += bool(flags & SEEN) - bool(new & SEEN)
                    tally.deleted += bool(new & DELETED) - bool(flags & DELETED)
            db.executemany(_WRITE_FLAGS, changed)
            count += len(changed)
        return count

    def show(self, written: _Written) -> FlagsStored | Generator[None, None, FlagsStored]:
        """Show the flags."""
        if written.counts is None:
            return FlagsStored(written.modseq, written.failed, written.overruled)
        mailbox, runs = self._mailbox, written.runs
        mailbox.counted(written.modseq, written.counts)
        if sum([high - low for low, high in runs]) >= STEP:
            return self._show_in_steps(written)
        mailbox.reflag(written.modseq, runs, self._change, written.bits, naming=written.naming, by=self._view)
        return FlagsStored(written.modseq, written.failed, written.overruled)

    def _show_in_steps(self, written: _Written) -> Generator[None, None, FlagsStored]:
        yield from self._mailbox.reflag_in_steps(
            written.modseq, written.runs, self._change, written.bits, naming=written.naming, by=self._view
        )
        return FlagsStored(written.modseq, written.failed, written.overruled)


_READ_FLAGS = "SELECT uid, flags, wide_flags FROM entries WHERE mailbox = ? AND uid BETWEEN ? AND ?"
_WRITE_FLAGS = "UPDATE entries SET flags = ?, wide_flags = ?, modseq = ? WHERE mailbox = ? AND uid = ?"
_CHANGED = "SELECT uid, flags, wide_flags FROM entries WHERE mailbox = ? AND uid BETWEEN ? AND ? AND modseq > ?"
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
