"""The commit that changes flags (RFC 3501 §6.4.6)."""

from __future__ import annotations

from typing import TYPE_CHECKING

from postroad_store.mail.database.commits.base import Commit, advance
from postroad_store.mail.database.commits.keywords import Numbers
from postroad_store.mail.database.rows import joined, parted
from postroad_store.mail.model.errors import LimitReached
from postroad_store.mail.model.flags import MAX_KEYWORDS, SYSTEM, Change, FlagSet
from postroad_store.mail.model.keywords import Naming
from postroad_store.mail.model.mailbox import STEP

if TYPE_CHECKING:
    from collections.abc import Generator
    from sqlite3 import Connection

    from postroad_store.mail.model.columns import Runs
    from postroad_store.mail.model.mailbox import Mailbox
    from postroad_store.mail.model.view import View


class StoreFlags(Commit[tuple[int, int, Naming], None]):
    """Change flags of ranges of messages."""

    def __init__(self, mailbox: Mailbox, runs: Runs, change: Change, flags: FlagSet, view: View | None) -> None:
        self._mailbox = mailbox
        self._runs = runs
        self._change = change
        self._flags = flags
        self._view = view

    def write(self, db: Connection) -> tuple[int, int, Naming]:
        """Change flags that differ; return modseq, the bits, and the new keywords.

        Raises `LimitReached` if the mailbox would have too many keywords.
        """
        mailbox, change = self._mailbox, self._change
        _, modseq, _ = advance(db, mailbox)
        bits = self._flags.system & SYSTEM
        naming: Naming = []
        if self._flags.keywords:
            numbers = Numbers(db, mailbox.id)
            bits |= numbers.bits(self._flags.keywords, make=change is not Change.REMOVE)
            if numbers.full:
                raise LimitReached(f"the messages of a mailbox have at most {MAX_KEYWORDS} keywords")
            naming = numbers.naming
        narrow, wide = parted(bits)
        if wide is not None and change is not Change.REPLACE:
            self._write_wide(db, bits, modseq)
        else:
            db.executemany(
                _CHANGE_FLAGS[change],
                [
                    {"bits": narrow, "wide": wide, "modseq": modseq, "mailbox": mailbox.id, "low": low, "high": high}
                    for low, high in self._runs
                ],
            )
        return modseq, bits, naming

    def _write_wide(self, db: Connection, bits: int, modseq: int) -> None:
        """Add or remove flags of which SQLite's integers are too narrow: message by message."""
        mailbox = self._mailbox.id
        for low, high in self._runs:
            changed = []
            for uid, narrow, wide in db.execute(_READ_FLAGS, (mailbox, low, high)).fetchall():
                flags = joined(narrow, wide)
                new = self._change.apply(flags, bits)
                if new != flags:
                    changed.append((*parted(new), modseq, mailbox, uid))
            db.executemany(_WRITE_FLAGS, changed)

    def show(self, written: tuple[int, int, Naming]) -> Generator[None, None, None] | None:
        """Show the flags."""
        modseq, bits, naming = written
        runs, change = self._runs, self._change
        if sum([high - low for low, high in runs]) < STEP:
            self._mailbox.reflag(modseq, runs, change, bits, naming=naming, by=self._view)
            return None
        return self._mailbox.reflag_in_steps(modseq, runs, change, bits, naming=naming, by=self._view)


_READ_FLAGS = "SELECT uid, flags, wide_flags FROM entries WHERE mailbox = ? AND uid BETWEEN ? AND ?"
_WRITE_FLAGS = "UPDATE entries SET flags = ?, wide_flags = ?, modseq = ? WHERE mailbox = ? AND uid = ?"
_RANGE = "WHERE mailbox = :mailbox AND uid BETWEEN :low AND :high"
_CHANGE_FLAGS = {
    Change.ADD: f"UPDATE entries SET flags = flags | :bits, modseq = :modseq {_RANGE} AND flags & :bits <> :bits",  # noqa: S608
    Change.REMOVE: f"UPDATE entries SET flags = flags & ~:bits, modseq = :modseq {_RANGE} AND flags & :bits",  # noqa: S608
    Change.REPLACE: f"UPDATE entries SET flags = :bits, wide_flags = :wide, modseq = :modseq {_RANGE}"  # noqa: S608
    " AND (flags <> :bits OR wide_flags IS NOT :wide)",
}
