r"""Commits that nobody waits for: which messages are \Recent no longer, and the removal of garbage."""

from __future__ import annotations

from itertools import accumulate
from typing import TYPE_CHECKING

from postroad_store.mail.database.commits.base import Commit
from postroad_store.mail.database.schema import PIECE_BITS

if TYPE_CHECKING:
    from collections.abc import Callable
    from sqlite3 import Connection

    from postroad_store.mail.model.mailbox import Mailbox


class Claim(Commit[None, None]):
    r"""Keep the highest UID that some session has seen as \Recent."""

    def __init__(self, mailbox: Mailbox) -> None:
        self._mailbox = mailbox
        self._uid = mailbox.recent_uid

    def write(self, db: Connection) -> None:
        """Raise the mark; it never falls."""
        db.execute("UPDATE mailboxes SET recent_uid = max(recent_uid, ?) WHERE id = ?", (self._uid, self._mailbox.id))

    def show(self, written: None) -> None:
        """Do nothing: the memory has the mark already."""


class Collect(Commit[bool, None]):
    """Remove contents that no entry names any longer, a few at a time so that other commits need not wait long."""

    LIMIT = 200  # contents
    OCTETS = 64 << 20

    def __init__(self, again: Callable[[], None]) -> None:
        self._again = again  # called if there may be more to remove

    def write(self, db: Connection) -> bool:
        """Remove some; return whether there may be more."""
        listed = db.execute(
            "SELECT g.content, coalesce(c.size, 0) FROM garbage g LEFT JOIN contents c ON c.id = g.content LIMIT ?",
            (self.LIMIT,),
        ).fetchall()
        before = accumulate([size for _, size in listed], initial=0)
        suspects = [(content,) for (content, _), octets in zip(listed, before, strict=False) if octets < self.OCTETS]
        garbage = [
            suspect
            for suspect in suspects
            if db.execute("SELECT 1 FROM entries WHERE content = ? LIMIT 1", suspect).fetchone() is None
        ]
        highest = max(garbage, default=(0,))
        db.execute("UPDATE counters SET value = ? WHERE name = 'content' AND value < ?", highest * 2)
        db.executemany("DELETE FROM contents WHERE id = ?", garbage)
        db.executemany("DELETE FROM texts WHERE content = ?", garbage)
        db.executemany(
            "DELETE FROM octets WHERE piece BETWEEN ? AND ?",
            [(content << PIECE_BITS, (content + 1 << PIECE_BITS) - 1) for (content,) in garbage],
        )
        db.executemany("DELETE FROM garbage WHERE content = ?", suspects)
        return len(listed) == self.LIMIT or len(suspects) < len(listed)

    def show(self, written: bool) -> None:
        """Go on, if there may be more."""
        if written:
            self._again()
