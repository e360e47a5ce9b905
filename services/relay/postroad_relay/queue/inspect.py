"""The queue seen from outside: reads the spool's files while the relay runs or not.

It opens files for reading alone and takes no lock, so it neither disturbs the relay nor waits for it. A segment may be
written or removed at the same moment. A frame that is half-written fails its checksum and does not count.

Only the oldest segment is ever removed, after those of its messages that are still queued were copied to the newest. So
the segments are read from the newest to the oldest: the end of a message is read before the message, though both may
vanish meanwhile. Then the segment that was the newest, and later ones, are read once more for the copies.
"""

from __future__ import annotations

import os
import unicodedata
from contextlib import suppress
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from postroad.harmless import harmless
from postroad.jsontext import to_json
from postroad.mail.dates import utc
from postroad.value import value
from postroad_relay.queue.spool.record import (
    UNTRIED,
    Kind,
    RecordError,
    decode_message,
    decode_progress,
    peek,
)
from postroad_relay.queue.spool.segment import Frame, is_segment, number_in, open_segment

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence
    from pathlib import Path

    from postroad.mail.address import Address
    from postroad.smtp.client.outcome import Deferred, Failed
    from postroad_relay.queue.spool import Message, Progress, QueueId

_LONGEST = 200  # characters of a reply in the table; JSON has it whole
_NOBODY = "<>"  # the null reverse-path


@value
class Queued:
    """A message in the queue."""

    message: Message
    progress: Progress = UNTRIED

    @property
    def recipients(self) -> Iterator[tuple[Address, str, Deferred | Failed | None]]:
        """Yield address, state (`done`, `failed` or `waiting`) and last outcome of each recipient."""
        progress = self.progress
        for index, recipient in enumerate(self.message.envelope.recipients):
            if index in progress.done:
                yield recipient.address, "done", None
            elif index in progress.failed:
                yield recipient.address, "failed", progress.failed[index]
            else:
                yield recipient.address, "waiting", progress.deferred.get(index)

    @property
    def due(self) -> float:
        """When the next attempt is due, in seconds since the epoch."""
        return self.progress.due if self.progress.attempts else self.message.arrived


@dataclass(slots=True)
class Inspection:
    """The queued messages, and how many pieces of the files hold no record."""

    _gaps: dict[Path, int] = field(default_factory=dict)
    _messages: dict[QueueId, Message] = field(default_factory=dict)
    _progress: dict[QueueId, Progress] = field(default_factory=dict)
    _done: set[QueueId] = field(default_factory=set)

    def read(self, path: Path, *, older: bool = False) -> None:
        """Read a segment; one that is `older` than those before adds only what they did not have.

        Raises `OSError`, and `ValueError` if the file is not a segment.
        """
        segment = open_segment(path, os.O_RDONLY | os.O_NONBLOCK)
        if segment is None:
            raise ValueError(f"{path} has lost its header, and its name lacks the salt: its records cannot be checked")
        progress: dict[QueueId, Progress] = {}
        gaps = 0
        try:
            for piece in segment.scan(os.fstat(segment.handle).st_size):
                gaps += not (isinstance(piece, Frame) and self._take(piece.record, progress))
        finally:
            os.close(segment.handle)
        self._gaps[path] = gaps
        self._progress = progress | self._progress if older else self._progress | progress

    def note_no_segment(self, path: Path) -> None:
        """Count a file that is not a segment as one piece without a record."""
        self._gaps[path] = 1

    @property
    def gaps(self) -> int:
        """How many pieces of the files hold no record."""
        return sum(self._gaps.values())

    def _take(self, record: bytes, progress: dict[QueueId, Progress]) -> bool:
        """Take a record; return False if it is not one."""
        try:
            kind, ident = peek(record)
            if kind is Kind.DONE:
                self._done.add(ident)
            elif kind is Kind.MESSAGE:
                self._messages[ident] = decode_message(record)[0]
            elif kind is Kind.PROGRESS:
                progress[ident] = decode_progress(record)
        except RecordError:
            return False
        return True

    @property
    def queued(self) -> dict[QueueId, Queued]:
        """The messages by their IDs."""
        progress = self._progress
        return {
            ident: Queued(message, progress.get(ident, UNTRIED))
            for ident, message in self._messages.items()
            if ident not in self._done
        }

    @property
    def oldest_first(self) -> list[Queued]:
        """The messages by the time of their arrival."""
        return sorted(self.queued.values(), key=lambda queued: (queued.message.arrived, queued.message.queue_id))


def inspect_spool(spool: Path) -> Inspection:
    """Read the spool in this folder; raises `OSError` if it can't be read."""
    inspection = Inspection()
    paths = _segments(spool / "log")
    for path in reversed(paths):
        _read(inspection, path, older=True)
    newest = number_in(paths[-1]) if paths else 0
    while paths := [path for path in _segments(spool / "log") if number_in(path) >= newest]:
        for path in paths:
            newest = number_in(path) + 1
            _read(inspection, path)
    return inspection


def _read(inspection: Inspection, path: Path, *, older: bool = False) -> None:
    with suppress(FileNotFoundError):
        try:
            inspection.read(path, older=older)
        except ValueError:
            inspection.note_no_segment(path)


def _segments(directory: Path) -> list[Path]:
    return sorted(filter(is_segment, directory.iterdir()))


# -- printing ---------------------------------------------------------------------------------------------------


def json_lines(messages: Iterable[Queued], now: float) -> Iterator[str]:
    """Yield each message as a JSON object on a line of its own; ages are in seconds, times as RFC 3339 has them."""
    for queued in messages:
        message, progress = queued.message, queued.progress
        line = {
            "queue_id": message.queue_id,
            "message_id": message.message_id,
            "arrived": utc(message.arrived).isoformat(),
            "age": max(0, round(now - message.arrived)),
            "size": message.size,
            "from": message.envelope.sender,
            "attempts": progress.attempts,
            "held": progress.held,
            "recipients": [
                _recipient(address, state, outcome, None if progress.held else queued.due)
                for address, state, outcome in queued.recipients
            ],
        }
        yield harmless(to_json(line).decode())


def _recipient(address: Address, state: str, outcome: Deferred | Failed | None, due: float | None) -> dict[str, Any]:
    return {
        "address": str(address),
        "state": state,
        "next": utc(due).isoformat() if state == "waiting" and due is not None else None,
        "status": str(outcome.status) if outcome is not None else None,
        "host": outcome.host if outcome is not None else None,
        "reply": str(outcome.reply) if outcome is not None and outcome.reply is not None else None,
        "reason": outcome.reason if outcome is not None else None,
    }


def table(messages: Sequence[Queued], now: float) -> Iterator[str]:
    """Yield the lines of a table for people: a line per recipient, with the message's facts on its first one."""
    if not messages:
        yield "The queue is empty."
        return
    rows = [("ID", "AGE", "SIZE", "FROM", "TO", "NEXT", "LAST REPLY")]
    for queued in messages:
        message = queued.message
        facts = [
            message.queue_id,
            span(now - message.arrived),
            _octets(message.size),
            message.envelope.sender or _NOBODY,
        ]
        for address, state, outcome in queued.recipients:
            due = _next(queued, now) if state == "waiting" else "-"
            cells = (*facts, str(address), due, _last_words(state, outcome))
            first, second, third, fourth, *rest = map(harmless, cells)
            rows.append((first, second, third, fourth, rest[0], rest[1], rest[2]))
            facts = ["", "", "", ""]
    widths = [max(map(_width, column)) for column in zip(*rows, strict=True)]
    for row in rows:
        cells = tuple(cell + " " * (width - _width(cell)) for cell, width in zip(row, widths, strict=True))
        yield "  ".join(cells).rstrip()
    total = sum(queued.message.size for queued in messages)
    yield f"{len(messages)} message{'s' if len(messages) > 1 else ''}, {_octets(total)}"


def span(seconds: float) -> str:
    """Return a time in its largest unit: `40 s`, `12 min`, `3 h`, `5 d`."""
    for unit, length in (("d", 86400), ("h", 3600), ("min", 60)):
        if seconds >= length:
            return f"{seconds / length:.0f} {unit}"
    return f"{max(0.0, seconds):.0f} s"


def _next(queued: Queued, now: float) -> str:
    if queued.progress.held:
        return "held"
    seconds = queued.due - now
    return f"in {span(seconds)}" if seconds >= 1 else "now"


def _octets(size: int) -> str:
    if size < 1 << 10:
        return f"{size} B"
    return f"{size / (1 << 10):.1f} KiB" if size < 1 << 20 else f"{size / (1 << 20):.1f} MiB"


def _last_words(state: str, outcome: Deferred | Failed | None) -> str:
    if outcome is None:
        return "done" if state == "done" else "no attempt has been noted"
    words = str(outcome.reply) if outcome.reply is not None else outcome.reason
    return words if len(words) <= _LONGEST else words[: _LONGEST - 1] + "…"


def _width(text: str) -> int:
    """Return how many columns of a terminal the text takes (Unicode Standard Annex 11)."""
    if text.isascii():
        return len(text)
    wide = sum(unicodedata.east_asian_width(character) in "WF" for character in text)
    return len(text) + wide - sum(unicodedata.combining(character) != 0 for character in text)
