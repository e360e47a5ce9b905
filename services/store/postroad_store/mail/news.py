"""What the journal has to say of commits: it is on disk with them, so that a kill keeps none of it back.

A commit is durable first and in the journal a moment later. If the process is killed in between, nobody would ever hear
where the message is. So a transaction whose work has events writes them as a row of `news`, all of its works together;
a transaction without any, such as APPEND's or STORE's, writes none. Once the journal's file has the events of a row, a
later one takes its place; that is one statement, and one page. A start looks for the events of the others, in the
journal behind the numbers that the rows name, and records those that are missing. An event is found by its whole line,
without number and time, so none is recorded twice.
"""

from __future__ import annotations

import struct
from collections import Counter, deque
from typing import TYPE_CHECKING, Any, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Sequence

    from postroad.journal import Journal, Line
    from postroad_store.mail.database.commits.base import Commit
    from postroad_store.mail.database.facts import Boxes

_EVENT = struct.Struct("<dI")  # time, length of the line


class Mark(NamedTuple):
    """Events of the rows up to `row` are in the journal once it is written up to `number`."""

    row: int
    number: int


class News:
    """Passes events to the journal once what they are about is durable. Without a journal it does nothing."""

    def __init__(self, journal: Journal | None, boxes: Boxes) -> None:
        self._journal = journal
        self._boxes = boxes
        self._mark = Mark(0, 0)
        self._row = 0  # the last one that was written, or was to be
        self._begun = 0  # the last one of which the journal has got an event
        self._told = 0  # all rows up to this one are in the journal's file
        self._places: deque[tuple[int, int]] = deque()  # of the others: row and place
        self._free: deque[int] = deque()
        self.left: list[bytes] = []  # events of the process before that the journal lacks

    # -- while a transaction is open -----------------------------------------------------------------------------------

    def take(self, work: Commit[Any, Any], written: object) -> Sequence[Line]:
        """Return the events of a work that has been written; called where that was, the event loop or the thread."""
        if work.renames:
            self._boxes.forget()
        if work.events is None or self._journal is None:
            return ()
        work.lines = work.events(self._boxes, written)
        work.row = self._row + 1
        return work.lines

    def write(self, lines: Sequence[Line]) -> None:
        """Write the events of a transaction, in the place of those that the journal's file has."""
        journal, mark, places = self._journal, self._mark, self._places
        if journal is None or not lines:
            return
        if journal.written >= mark.number:
            self._told = mark.row
            while places and places[0][0] <= mark.row:
                self._free.append(places.popleft()[1])
        self._row += 1
        place = self._free.popleft() if self._free else len(places) + 1
        places.append((self._row, place))
        self._boxes.db.execute(
            "INSERT OR REPLACE INTO news VALUES (?, ?, ?, ?, ?)",
            (place, self._row, self._told, journal.written, encode(lines)),
        )

    def undone(self) -> None:
        """Note that a transaction has been rolled back."""
        self._boxes.forget()

    # -- on the event loop's thread -------------------------------------------------------------------------------

    def tell(self, work: Commit[Any, Any]) -> None:
        """Record a work's events in the journal: what they are about is durable. Works come in their order."""
        journal, lines = self._journal, work.lines
        if journal is None or not lines:
            return
        if work.row > self._begun:
            # All events of the rows before have been recorded. An older mark stays until it is of use.
            if journal.written >= self._mark.number:
                self._mark = Mark(work.row - 1, journal.recorded)
            self._begun = work.row
        journal.tell(lines, hurry=work.hurry)

    # -- a start, and an orderly end ------------------------------------------------------------------------------

    def catch_up(self) -> None:
        """Record the events that the journal lacks, while nobody writes or tells any."""
        journal = self._journal
        if journal is None:
            return
        journal.flush()
        db = self._boxes.db
        rows = db.execute(
            "SELECT number, events FROM news WHERE id > (SELECT max(told) FROM news) ORDER BY id"
        ).fetchall()
        if not rows:
            return
        told = Counter(journal.ends_after(min(number for number, _ in rows)))
        for _, events in rows:
            for at, line in decode(events):
                if told[line]:
                    told[line] -= 1
                else:
                    journal.tell_again(at, line)
                    self.left.append(line)
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
