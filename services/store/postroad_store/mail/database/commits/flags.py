"""The commit that changes flags (RFC 3501 §6.4.6)."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from postroad_store.mail.database.commits.base import FEW, Commit
from postroad_store.mail.database.commits.keywords import Numbers
from postroad_store.mail.database.commits.reflag import Reflag
from postroad_store.mail.database.commits.tally import Tally
from postroad_store.mail.database.packs import forget_packs
from postroad_store.mail.database.rows import joined
from postroad_store.mail.database.stretches import read_parts
from postroad_store.mail.model.arrival import FlagsStored
from postroad_store.mail.model.errors import LimitReached
from postroad_store.mail.model.flags import MAX_KEYWORDS, SYSTEM, Change, FlagSet
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
        # Two ranges may tear a stretch, and then all that is in it is written row by row.
        self.brief = len(runs) == 1 and runs[0][1] - runs[0][0] < FEW and not flags.keywords

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
        if Reflag(db, mailbox.id, tally, change, bits).write(runs):
            forget_packs(db, mailbox.id, runs, tally.uid_next)
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
        for low, high, stretch in read_parts(db, self._mailbox.id, self._runs):
            said, modseq = (None, None) if stretch is None else (stretch.flags, stretch.modseq)
            rows = db.execute(_CHANGED, (said, self._mailbox.id, low, high, modseq, since)).fetchall()
            for uid, narrow, wide in rows:
                if joined(narrow, wide) & bits == expected:
                    overruled = True
                else:
                    failed.append(uid)
        return without(self._runs, failed), failed, overruled

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


_CHANGED = (
    "SELECT uid, ifnull(?, flags), wide_flags FROM entries"
    " WHERE mailbox = ? AND uid BETWEEN ? AND ? AND ifnull(?, modseq) > ?"
)
