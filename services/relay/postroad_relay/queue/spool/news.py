"""What the journal has to say of the log's records: it is on disk with them, so that a kill keeps none of it back.

A record is durable first and in the journal a moment later. If the process is killed in between, nobody would ever hear
what became of the message. So each group of records is followed by one with their events, and by a mark: up to which
place the events are in the journal for sure, and the number up to which the journal has them. A start reads the events
behind the last mark, looks for them in the journal behind that number, and records those that are missing. An event is
found by its whole line without number and time, which says of which message, recipient and attempt it is; so none is
recorded twice.
"""

from __future__ import annotations

import logging
import struct
from collections import Counter, deque
from typing import TYPE_CHECKING, NamedTuple

from postroad.journal.writer import QUEUE_LIMIT
from postroad_relay.queue.spool.record import Kind, RecordError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from postroad.journal import Journal, Note
    from postroad_relay.queue.spool.log import Position

log = logging.getLogger(__name__)

_HEAD = struct.Struct("<BQQQ")  # kind, and the mark
_NOTE = struct.Struct("<dI")  # time, length of the line


class Mark(NamedTuple):
    """Events up to `place` (segment, offset) are in the journal, and those behind it have numbers above `number`."""

    place: tuple[int, int]
    number: int


class News:
    """Passes events to the journal once the records that they are about are durable.

    All methods are for the event loop's thread, except for `record`. Without a journal it does nothing.
    """

    def __init__(self, journal: Journal | None) -> None:
        self._journal = journal
        self._mark = Mark((0, 0), 0)
        self._next: Mark | None = None  # what the mark is once the journal is written up to its number
        self._found: deque[tuple[tuple[int, int], list[tuple[float, bytes]]]] = deque(maxlen=QUEUE_LIMIT)

    def record(self, notes: Sequence[Note]) -> bytes:
        """Return the record for events."""
        (segment, offset), number = self._mark
        pieces = [_HEAD.pack(Kind.NEWS, segment, offset, number)]
        for note in notes:
            line = note.line
            pieces += (_NOTE.pack(note.at, len(line)), line)
        return b"".join(pieces)

    def tell(self, notes: Sequence[Note]) -> None:
        """Record events in the journal: what they are about is durable."""
        if self._journal is not None:
            self._journal.tell(notes)

    def told(self, position: Position) -> None:
        """Note that the journal has all events up to a record of events."""
        if self._journal is not None and (self._next is None or self._journal.written >= self._next.number):
            self._mark = self._next or self._mark
            self._next = Mark((position.segment, position.offset), self._journal.recorded)

    # -- a start --------------------------------------------------------------------------------------------------

    def visit(self, position: Position, record: bytes | memoryview) -> None:
        """Take in a record of events that was found on disk; they come in the order in which they were written."""
        try:
            mark, events = decode_news(record)
        except RecordError as error:
            log.error("spool: segment %d at %d: %s", position.segment, position.offset, error)  # noqa: TRY400 - no bug
            return
        self._mark = max(self._mark, mark)
        self._found.append(((position.segment, position.offset), events))
        while self._found and self._found[0][0] <= self._mark.place:
            self._found.popleft()

    def catch_up(self) -> None:
        """Record the events that were found and are not in the journal."""
        journal, unrecorded = self._journal, self._found
        if journal is None:
            return
        place = self._mark.place
        if unrecorded:
            told = Counter(journal.ends_after(self._mark.number))
            for place, events in unrecorded:  # noqa: B007 - the last one is the next mark's
                for at, line in events:
                    if told[line]:
                        told[line] -= 1
                    else:
                        journal.tell_again(at, line)
            unrecorded.clear()
            journal.flush()
        self._next = Mark(place, journal.recorded)


def decode_news(record: bytes | memoryview) -> tuple[Mark, list[tuple[float, bytes]]]:
    """Return the mark and the events of a record, each with its time and the end of its line; raises `RecordError`."""
    try:
        _, segment, offset, number = _HEAD.unpack_from(record)
        events = []
        at = _HEAD.size
        while at < len(record):
            when, length = _NOTE.unpack_from(record, at)
            at += _NOTE.size + length
            events.append((when, bytes(record[at - length : at])))
    except struct.error as error:
        raise RecordError(f"not events: {error}") from error
    return Mark((segment, offset), number), events
