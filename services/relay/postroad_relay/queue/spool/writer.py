"""The work of the spool's writer thread: append, move, drop; each batch in the order of its submission."""

from __future__ import annotations

import contextlib
from dataclasses import dataclass
from typing import TYPE_CHECKING, TypeAlias

from postroad_relay.queue.spool.log import Log, LogError, Position

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from postroad.journal import Journal, Note
    from postroad_relay.queue.spool.news import News


@dataclass(slots=True)
class Append:
    """Records to write together, what the journal says of them, and a content file to remove once they are written."""

    records: Sequence[Sequence[bytes]]
    status: bool  # small, and about a message that is on disk: written alone if the disk is too full for the batch
    unlink: Path | None = None
    notes: Sequence[Note] = ()  # what the journal has to say of them
    led: int = 0  # the number of the journal's last event that has led to them


@dataclass(slots=True)
class Move:
    """Records of some messages, to be copied to the end of the log."""

    positions: list[list[Position]]


@dataclass(slots=True)
class Drop:
    """A segment to remove, unless it has more records than the index has seen."""

    segment: int
    seen: int


Work: TypeAlias = Append | Move | Drop


class UnreadableError(Exception):
    """A message that was to be moved can't be read; `index` is its place in the work."""

    def __init__(self, index: int, error: LogError) -> None:
        super().__init__(str(error))
        self.index = index


class Writer:
    """The work of the writer thread.

    What has led to outcomes is in `journal` before they are on disk. Most of the time the event loop has written it
    already; to write it here would mean to take Python's lock from the loop for it.
    """

    def __init__(self, records: Log, news: News, journal: Journal | None) -> None:
        self._log = records
        self._news = news
        self._journal = journal

    def commit(self, batch: Sequence[Work]) -> list[list[Position] | Exception]:
        """Do a batch in order: a record must not come before an earlier one about the same message."""
        journal = self._journal
        if journal is not None and any(work.led > journal.written for work in batch if isinstance(work, Append)):
            journal.flush()
        results: list[list[Position] | Exception] = []
        run: list[Append] = []
        for work in batch:
            if isinstance(work, Append):
                run.append(work)
                continue
            results += self._append(run)
            run = []
            results.append(self._move(work) if isinstance(work, Move) else self._drop(work))
        return results + self._append(run)

    def _append(self, works: list[Append]) -> list[list[Position] | Exception]:
        if not works:
            return []
        records = [record for work in works for record in work.records]
        notes = [note for work in works for note in work.notes]
        if notes:
            # Behind what they are about: the journal must not tell of a message that is not there.
            records.append((self._news.record(notes),))
        try:
            positions = iter(self._log.append(records))
        except OSError as error:
            if all(work.status for work in works) or not any(work.status for work in works):
                return [error] * len(works)
            # The disk is full: records about finished deliveries may still fit without the new messages.
            kept = iter(self._append([work for work in works if work.status]))
            return [next(kept) if work.status else error for work in works]
        results: list[list[Position] | Exception] = []
        for work in works:
            done = [next(positions) for _ in work.records]
            results.append(done)
            if work.unlink is not None:
                with contextlib.suppress(OSError):  # recovery removes a file that stays behind
                    work.unlink.unlink(missing_ok=True)
        done += positions  # that of the events is the last one's
        return results

    def _move(self, work: Move) -> list[Position] | Exception:
        records = []
        for positions in work.positions:
            try:
                records.append([self._log.read(position) for position in positions])
            except LogError as error:
                return UnreadableError(len(records), error)
        try:
            return self._log.append([(record,) for pair in records for record in pair])
        except OSError as error:
            return error

    def _drop(self, work: Drop) -> list[Position] | Exception:
        try:
            if self._log.records(work.segment) == work.seen:
                self._log.delete(work.segment)
        except (OSError, KeyError) as error:
            return error
        return []
