"""What the journal has to say of commits: it is on disk with them, so that a kill keeps none of it back.

A commit is durable first and in the journal a moment later. If the process is killed in between, nobody would ever hear
where the message is. So a transaction whose work has events writes them as a row of `news`, all of its works together;
a transaction without any, such as APPEND's or STORE's, writes none. The row goes with the next one that is written,
once the journal's file has its events. A start looks for the events of the rows that are left, in the journal behind
the numbers that the rows name, and records those that are missing. An event is found by its whole line, but for number
and time, so none is recorded twice.
"""

from __future__ import annotations

import struct
from collections import Counter
from typing import TYPE_CHECKING, Any, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Sequence
    from sqlite3 import Connection

    from postroad.journal import Journal, Line
    from postroad_store.mail.database.commits.base import Commit

_EVENT = struct.Struct("<dI")  # time, length of the line


class Mark(NamedTuple):
    """Events of the rows up to `row` are in the journal once it is written up to `number`."""

    row: int
    number: int


class News:
    """Passes events to the journal once what they are about is durable. Without a journal nothing is told."""

    def __init__(self, journal: Journal | None) -> None:
        self._journal = journal
        self._mark = Mark(0, 0)
        self._row = 0  # the last one that was written, or was to be
        self._told = 0  # the last one of which an event was told

    # -- while a transaction is open -----------------------------------------------------------------------------------

    def take(self, work: Commit[Any, Any], db: Connection, written: object) -> Sequence[Line]:
        """Return the events of a work that has been written; called where that was, the event loop or the thread."""
        if work.events is None or self._journal is None:
            return ()
        work.lines = work.events(db, written)
        work.row = self._row + 1
        return work.lines

    def write(self, db: Connection, lines: Sequence[Line]) -> None:
        """Write the events of a transaction, and forget those that the journal's file has."""
        journal, mark = self._journal, self._mark
        if journal is None or not lines:
            return
        if mark.row and journal.written >= mark.number:
            db.execute("DELETE FROM news WHERE id <= ?", (mark.row,))
        self._row += 1
        db.execute("INSERT INTO news VALUES (?, ?, ?)", (self._row, journal.written, encode(lines)))

    # -- on the event loop's thread -------------------------------------------------------------------------------

    def tell(self, work: Commit[Any, Any]) -> None:
        """Record a work's events in the journal: what they are about is durable. Works come in their order."""
        journal, lines = self._journal, work.lines
        if journal is None or not lines:
            return
        if work.row > self._told:
            # All events of the rows before have been recorded. An older mark stays until it is of use.
            if journal.written >= self._mark.number:
                self._mark = Mark(work.row - 1, journal.recorded)
            self._told = work.row
        journal.tell(lines, hurry=work.hurry)

    # -- a start, and an orderly end ------------------------------------------------------------------------------

    def catch_up(self, db: Connection) -> None:
        """Record the events that the journal lacks, while nobody writes or tells any."""
        journal = self._journal
        if journal is None:
            return
        journal.flush()
        rows = db.execute("SELECT number, events FROM news ORDER BY id").fetchall()
        if not rows:
            return
        told = Counter(journal.ends_after(min(number for number, _ in rows)))
        for _, events in rows:
            for at, line in decode(events):
                if told[line]:
                    told[line] -= 1
                else:
                    journal.tell_again(at, line)
        journal.flush()
        db.execute("DELETE FROM news")


def encode(lines: Sequence[Line]) -> bytes:
    """Return events as a row has them."""
    return b"".join([piece for at, line in lines for piece in (_EVENT.pack(at, len(line)), line)])


def decode(events: bytes) -> list[Line]:
    """Return the events of a row."""
    lines = []
    at = 0
    while at < len(events):
        when, length = _EVENT.unpack_from(events, at)
        at += _EVENT.size + length
        lines.append((when, events[at - length : at]))
    return lines
