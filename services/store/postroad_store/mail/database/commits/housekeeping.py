r"""Commits that nobody waits for: which messages are \Recent no longer, and the removal of garbage."""

from __future__ import annotations

from itertools import accumulate
from typing import TYPE_CHECKING

from postroad_store.mail.database.commits.base import Commit
from postroad_store.mail.database.schema import PIECE_BITS
from postroad_store.mail.database.threads import forget_threads
from postroad_store.mail.model.contents import Counts

if TYPE_CHECKING:
    from collections.abc import Callable
    from sqlite3 import Connection

    from postroad_store.mail.model.mailbox import Mailbox


class Claim(Commit["tuple[int, Counts] | None", None]):
    r"""Keep the highest UID that some session has seen as \Recent."""

    brief = True

    def __init__(self, mailbox: Mailbox) -> None:
        self._mailbox = mailbox
        self._uid = mailbox.recent_uid

    def write(self, db: Connection) -> tuple[int, Counts] | None:
        r"""Raise the mark, which never falls, and count what is \Recent still; return modseq and the counts."""
        row = db.execute(_CLAIM, {"uid": self._uid, "mailbox": self._mailbox.id}).fetchall()
        return (row[0][0], Counts(*row[0][1:])) if row else None

    def show(self, written: tuple[int, Counts] | None) -> None:
        """Show the counts: the memory has the mark already."""
        if written is not None:
            self._mailbox.counted(*written)


_CLAIM = (
    "UPDATE mailboxes SET recent_uid = :uid,"
    " recent = (SELECT count(*) FROM entries WHERE mailbox = :mailbox AND uid > :uid)"
    " WHERE id = :mailbox AND recent_uid < :uid RETURNING modseq, messages, unseen, deleted, octets, recent"
)


class Shrink(Commit[bool, None]):
    """Give pages that are free back to the disk, a few at a time, if they are many; some are kept for what comes."""

    last = True
    KEPT = 4096  # pages (16 MB)
    SHARE = 4  # pages are given back only if more than one in so many is free
    STEP = 500  # pages

    def __init__(self, again: Callable[[], None]) -> None:
        self._again = again

    def write(self, db: Connection) -> bool:
        """Give some back; return whether there are more to give."""
        (free,) = db.execute("PRAGMA freelist_count").fetchone()
        (pages,) = db.execute("PRAGMA page_count").fetchone()
        (kind,) = db.execute("PRAGMA auto_vacuum").fetchone()
        if kind != _INCREMENTAL or free <= self.KEPT or free * self.SHARE <= pages:
            return False
        db.execute(f"PRAGMA incremental_vacuum({min(self.STEP, free - self.KEPT)})").fetchall()
        return True

    def show(self, written: bool) -> None:
        """Go on, if there is more to give back."""
        if written:
            self._again()


_INCREMENTAL = 2  # what PRAGMA auto_vacuum says of a database that was made so


class Collect(Commit[bool, None]):
    """Remove contents that no entry names any longer, a few at a time so that other commits need not wait long."""

    last = True
    LIMIT = 200  # contents
    OCTETS = 64 << 20

    def __init__(
        self,
        again: Callable[[], None],
        reads: Callable[[int], bool] = lambda _: False,
        later: Callable[[], None] = lambda: None,
    ) -> None:
        self._again = again  # called if there may be more to remove
        self._reads = reads  # whether somebody is reading a content: it stays
        self._later = later  # called if there is such a one
        self._stay = False

    def write(self, db: Connection) -> bool:
        """Remove some; return whether there may be more that nobody is reading."""
        listed = db.execute(
            "SELECT g.content, coalesce(c.size, 0) FROM garbage g LEFT JOIN contents c ON c.id = g.content LIMIT ?",
            (self.LIMIT,),
        ).fetchall()
        before = accumulate([size for _, size in listed], initial=0)
        some = [content for (content, _), octets in zip(listed, before, strict=False) if octets < self.OCTETS]
        suspects = [(content,) for content in some if not self._reads(content)]
        garbage = [
            suspect
            for suspect in suspects
            if db.execute("SELECT 1 FROM entries WHERE content = ? LIMIT 1", suspect).fetchone() is None
            and db.execute("SELECT 1 FROM kept_entries WHERE content = ? LIMIT 1", suspect).fetchone() is None
        ]
        highest = max(garbage, default=(0,))
        db.execute("UPDATE counters SET value = ? WHERE name = 'content' AND value < ?", highest * 2)
        forget_threads(db, garbage)
        db.executemany("DELETE FROM contents WHERE id = ?", garbage)
        db.executemany("DELETE FROM texts WHERE content = ?", garbage)
        db.executemany(
            "DELETE FROM octets WHERE piece BETWEEN ? AND ?",
            [(content << PIECE_BITS, (content + 1 << PIECE_BITS) - 1) for (content,) in garbage],
        )
        db.executemany("DELETE FROM garbage WHERE content = ?", suspects)
        more = len(listed) == self.LIMIT or len(some) < len(listed)
        self._stay = len(suspects) < len(some)
        return more and bool(suspects)

    def show(self, written: bool) -> None:
        """Go on, if there may be more."""
        if written:
            self._again()
        if self._stay:
            self._later()
