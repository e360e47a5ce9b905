"""Numbers for a mailbox's keywords, given out and taken back in the database.

A keyword keeps its number at least while a message has it. Numbers are taken back from all keywords that no message
has, but only when a mailbox has more keywords than one of SQLite's integers has bits for (`NARROW_KEYWORDS`).
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from postroad_store.mail.database.commits.base import Commit
from postroad_store.mail.database.commits.tally import Tally
from postroad_store.mail.database.rows import joined
from postroad_store.mail.database.schema import NARROW_KEYWORDS
from postroad_store.mail.database.stretches import merged
from postroad_store.mail.model.contents import Counts
from postroad_store.mail.model.flags import FIRST_KEYWORD, MAX_KEYWORDS
from postroad_store.mail.model.keywords import Naming

if TYPE_CHECKING:
    from collections.abc import Iterable
    from sqlite3 import Connection

    from postroad_store.mail.model.mailbox import Mailbox


class Numbers:
    """The numbers of one mailbox's keywords, for the length of one commit."""

    def __init__(self, db: Connection, mailbox: int) -> None:
        self.naming: Naming = []  # numbers and keywords for the mailbox in memory
        self.full = False  # a keyword was left out
        self._db = db
        self._mailbox = mailbox
        self._used: set[int] | None = None  # numbers; read when the first is given out
        self._lowest = 0  # no number below is free
        self._handed_out = 0  # flag bits that the commit is about to give to messages
        self._swept = False

    def bits(self, keywords: Iterable[str], *, make: bool) -> int:
        """Return the flag bits of keywords; new ones are given numbers if `make`, else left out.

        New ones are also left out where messages of this mailbox have `MAX_KEYWORDS` others.
        """
        bits = 0
        for keyword in keywords:
            number = self._find(keyword)
            if number is None and make:
                number = self._give(keyword)
            if number is not None:
                bit = 1 << (FIRST_KEYWORD + number)
                bits |= bit
                self._handed_out |= bit
        return bits

    def _find(self, keyword: str) -> int | None:
        row = self._db.execute(
            "SELECT number FROM keywords WHERE mailbox = ? AND keyword = ? COLLATE NOCASE", (self._mailbox, keyword)
        ).fetchone()
        return None if row is None else int(row[0])

    def _give(self, keyword: str) -> int | None:
        """Give the lowest free number to a keyword, and return it; None if the mailbox is full."""
        used = self._read() if self._used is None else self._used
        number = self._free(used)
        if (
            number == len(used)
            and number
            and not self._swept
            and (number % NARROW_KEYWORDS == 0 or number >= MAX_KEYWORDS)
        ):
            self.take_back()
            used = self._read()
            number = self._free(used)
        if len(used) >= MAX_KEYWORDS:
            self.full = True
            return None
        self._db.execute("INSERT INTO keywords VALUES (?, ?, ?)", (self._mailbox, number, keyword))
        self.naming.append((number, keyword))
        used.add(number)
        return number

    def _read(self) -> set[int]:
        rows = self._db.execute("SELECT number FROM keywords WHERE mailbox = ?", (self._mailbox,)).fetchall()
        self._used = {number for (number,) in rows}
        self._lowest = 0
        return self._used

    def _free(self, used: set[int]) -> int:
        while self._lowest in used:
            self._lowest += 1
        return self._lowest

    def take_back(self) -> None:
        """Take the numbers back from all keywords that no message has."""
        self._swept = True
        used = self._handed_out
        for narrow, wide in self._db.execute(
            f"SELECT DISTINCT flags, wide_flags FROM {merged()} WHERE mailbox = ?",  # noqa: S608
            (self._mailbox,),
        ):
            used |= joined(narrow, wide)
        unused = [number for number in sorted(self._read()) if not used >> (FIRST_KEYWORD + number) & 1]
        self._db.executemany(
            "DELETE FROM keywords WHERE mailbox = ? AND number = ?", [(self._mailbox, number) for number in unused]
        )
        self.naming += [(number, None) for number in unused]


class TakeBack(Commit[tuple[int, Counts, Naming], None]):
    """Take the numbers back from keywords that no message has."""

    def __init__(self, mailbox: Mailbox) -> None:
        self._mailbox = mailbox

    def write(self, db: Connection) -> tuple[int, Counts, Naming]:
        """Remove the keywords; return modseq, the counts and which."""
        tally = Tally(db, self._mailbox)
        numbers = Numbers(db, self._mailbox.id)
        numbers.take_back()
        return tally.modseq, tally.close(), numbers.naming

    def show(self, written: tuple[int, Counts, Naming]) -> None:
        """Forget the keywords; the views let their sessions know."""
        modseq, counts, naming = written
        self._mailbox.counted(modseq, counts)
        self._mailbox.rename_keywords(modseq, naming)
