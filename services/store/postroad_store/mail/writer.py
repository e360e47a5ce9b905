"""The writer: commits in batches, each batch in one transaction and one fsync, in a thread of its own.

Works that take little time are written by the event loop, and only the commit itself, which waits for the disk, is the
thread's (decision 45): in a thread each statement gives Python's lock away, and waits for it while the loop is busy.

If the database refuses a batch, each work is tried once more by itself, so that a message too large for the disk
takes no smaller one with it. The log says which file SQLite has refused to write, and what to do. The callers get a
`StorageError` that is fit for a client.
"""

from __future__ import annotations

import asyncio
import logging
import sqlite3
from collections import deque
from functools import partial
from time import perf_counter
from types import GeneratorType
from typing import TYPE_CHECKING, Any, TypeAlias, TypeVar, cast

from postroad.control.histogram import Histogram
from postroad.groupcommit import GroupCommit
from postroad_store.mail.database.checkpoint import Checkpointer
from postroad_store.mail.database.commits.append import write_together
from postroad_store.mail.database.connection import explained, open_writer, storage_error, wait_for_lock
from postroad_store.mail.database.facts import Boxes
from postroad_store.mail.model.errors import MailError, StorageFull
from postroad_store.mail.news import News

if TYPE_CHECKING:
    from collections.abc import Generator, Iterable, Iterator, Sequence
    from pathlib import Path

    from postroad.journal import Journal, Line
    from postroad_store.mail.database.commits.base import Commit

Shown = TypeVar("Shown")
_Begun: TypeAlias = "tuple[list[Any], list[Line]]"  # the outcome of each work, and the events of all
_LATER = object()  # the outcome of a work that is still to be written
BRIEF = 0.001  # seconds, after which the event loop leaves the rest of a batch to the thread
TOGETHER = 16  # messages that are written together at most, in well under that time
MOST_TOGETHER = 64  # the same in the thread

_log = logging.getLogger(__name__)


class Writer:
    """The one connection that writes, and the thread that uses it."""

    def __init__(self, path: Path, journal: Journal | None = None) -> None:
        """Open the database; make it if it is missing, migrate it if it is old. Raises `StorageError`.

        The journal gets what it lacks of the last commits.
        """
        self._path = path
        self.times = Histogram()  # of the commits, each with its fsync, in seconds; the thread counts them
        self._db = open_writer(path)
        self._news = News(journal, Boxes(self._db))
        self._news.catch_up()
        self._checkpointer = Checkpointer(path)
        self._begun: _Begun | None = None  # the transaction that the event loop has begun
        self._commits: GroupCommit[Commit[Any, Any], Any] = GroupCommit(
            self._commit, name="mail-writer", begin=self._begin
        )
        # Commits that wait until one before them is shown, which takes steps; None: none takes any.
        self._to_show: deque[tuple[Commit[Any, Any], asyncio.Future[Any], Any]] | None = None

    def close(self) -> None:
        """Commit all work that was handed over, and close the database."""
        self._commits.close()
        self._news.catch_up()
        self._checkpointer.close()
        self._db.close()

    @property
    def left(self) -> list[bytes]:
        """Events that the process before has not given to the journal, because it was killed."""
        return self._news.left

    def submit(self, commit: Commit[Any, Shown], *, hurry: bool = True) -> asyncio.Future[Shown]:
        """Hand work over. The future ends after `show`, which is called even if the future is cancelled.

        Work for which nobody waits is in no `hurry`: it shares the next commit.
        """
        promise: asyncio.Future[Shown] = asyncio.get_running_loop().create_future()
        self._commits.submit(commit, partial(self._show, commit, promise), hurry=hurry)
        return promise

    def _commit(self, batch: Sequence[Commit[Any, Any]]) -> Sequence[Any]:
        """Commit a batch, in the writer's thread; return the result of `write` for each work, or its exception.

        If there is too little room on the disk, the log is copied back first, which may make some.
        """
        begun, self._begun = self._begun, None
        wanted = sum([work.octets for work in batch])
        room = self._checkpointer.room(self._db) if wanted and begun is None else wanted
        if wanted > room:
            self._checkpointer.relieve()
            room = self._checkpointer.room(self._db)
        try:
            outcomes = self._transaction(batch, room, begun)
        except sqlite3.Error:
            self._checkpointer.relieve()
            outcomes = [self._alone(work) for work in batch]
        self._checkpointer.committed()
        return outcomes

    def _alone(self, work: Commit[Any, Any]) -> Any:
        try:
            return self._transaction([work], self._checkpointer.room(self._db))[0]
        except sqlite3.Error as error:
            _log.error("mail could not be written: %s", explained(error, self._path))
            return storage_error(error)

    def _transaction(
        self, batch: Sequence[Commit[Any, Any]], room: int, begun: _Begun | None = None, *, guarded: bool = False
    ) -> list[Any]:
        """Commit a batch, of which new messages may take so many octets of the disk; go on where it was `begun`.

        Savepoints keep a copy of each page that changes, a third of a small commit. So work is `guarded` by them only
        after the batch has been rolled back, because one of its works has failed with something written.
        """
        db = self._db
        began = perf_counter()
        outcomes, lines = begun or _nothing_of(batch)
        try:
            if begun is None:
                self._begin_patiently()
            most = 1 if guarded or sum([work.octets for work in batch]) > room else MOST_TOGETHER
            left = room
            for places in _runs(batch, [at for at, outcome in enumerate(outcomes) if outcome is _LATER], most):
                if guarded:
                    db.execute("SAVEPOINT work")
                before = db.total_changes
                try:
                    wanted = sum([batch[at].octets for at in places])
                    if wanted > left:
                        raise StorageFull("no space is left for the mail")
                    left -= wanted
                    self._write(batch, places, outcomes, lines)
                except sqlite3.Error:
                    raise
                except Exception as error:  # noqa: BLE001 - this caller's alone
                    if guarded:
                        db.execute("ROLLBACK TO work")
                        self._news.undone()
                    elif len(places) > 1 or db.total_changes != before:
                        db.execute("ROLLBACK")
                        self._news.undone()
                        return [error] if len(batch) == 1 else self._transaction(batch, room, guarded=True)
                    outcomes[places[0]] = error
                if guarded:
                    db.execute("RELEASE work")
            self._news.write(lines)
            db.execute("COMMIT")
            self.times.observe(perf_counter() - began)
        except sqlite3.Error:
            if db.in_transaction:
                db.execute("ROLLBACK")
            self._news.undone()
            raise
        return outcomes

    def _write(
        self, batch: Sequence[Commit[Any, Any]], places: Sequence[int], outcomes: list[Any], lines: list[Line]
    ) -> None:
        """Write the works at these places of a batch, several together; their events go to the `lines`."""
        works: list[Any] = [batch[at] for at in places]
        written = write_together(self._db, works) if len(works) > 1 else [works[0].write(self._db)]
        for at, outcome in zip(places, written, strict=True):
            outcomes[at] = outcome
            if not isinstance(outcome, MailError):
                lines += self._news.take(batch[at], outcome)

    def _begin_patiently(self) -> None:
        try:
            self._db.execute("BEGIN IMMEDIATE")
        except sqlite3.OperationalError:
            wait_for_lock(self._path)
            self._db.execute("BEGIN IMMEDIATE")

    # -- on the event loop's thread -----------------------------------------------------------------------------

    def _begin(self, batch: Sequence[Commit[Any, Any]]) -> None:
        """Begin a transaction, with the first works of a batch, as far as they are brief; the thread goes on with it.

        Whatever is in the way, be it a lock, a fault or a full disk, is left to the thread: it does all of the batch.
        """
        db = self._db
        wanted = sum([work.octets for work in batch])
        first = next((work for work in batch if not work.last), None)
        if first is None or not first.brief or (wanted and wanted > self._checkpointer.room(db)):
            return
        outcomes, lines = begun = _nothing_of(batch)
        until = perf_counter() + BRIEF
        try:
            db.execute("BEGIN IMMEDIATE")
            for places in _runs(batch, [at for at, work in enumerate(batch) if not work.last], TOGETHER):
                work = batch[places[0]]
                if not work.brief or perf_counter() > until:
                    break
                before = db.total_changes
                try:
                    self._write(batch, places, outcomes, lines)
                except MailError as error:  # this caller's alone
                    if len(places) > 1 or db.total_changes != before:
                        raise
                    outcomes[places[0]] = error
            self._begun = begun
        except Exception:  # noqa: BLE001 - the thread will meet it again, and answer it
            if db.in_transaction:
                db.execute("ROLLBACK")
            self._news.undone()

    def _show(self, commit: Commit[Any, Shown], promise: asyncio.Future[Shown], written: Any) -> None:
        """Show a commit that is on disk, then end the caller's future."""
        if self._to_show is not None:
            self._to_show.append((commit, promise, written))
            return
        if isinstance(written, Exception):
            if not promise.done():
                promise.set_exception(written)
            return
        self._news.tell(commit)
        try:
            shown = commit.show(written)
        except Exception as mistake:  # noqa: BLE001 - the work is on disk, and the caller must not wait for ever
            _broken(promise, mistake)
            return
        if type(shown) is GeneratorType:
            self._to_show = deque()
            self._step(shown, promise)
        elif not promise.done():
            promise.set_result(cast("Shown", shown))

    def _step(self, steps: Generator[None, None, Shown], promise: asyncio.Future[Shown]) -> None:
        """Show a step of a commit; after the last one, show the commits that have waited."""
        try:
            next(steps)
        except StopIteration as end:
            if not promise.done():
                promise.set_result(end.value)
        except Exception as mistake:  # noqa: BLE001 - as above
            _broken(promise, mistake)
        else:
            promise.get_loop().call_soon(self._step, steps, promise)
            return
        waiting, self._to_show = self._to_show or deque(), None
        for commit in waiting:  # if one of them takes steps too, `_show` lets the rest wait again
            self._show(*commit)


def _runs(batch: Sequence[Commit[Any, Any]], places: Iterable[int], most: int) -> Iterator[list[int]]:
    """Yield those of these places of a batch whose works are written together, at most so many, else each alone."""
    run: list[int] = []
    for at in places:
        if run and not (len(run) < most and batch[at].joins and batch[run[0]].joins):
            yield run
            run = []
        run.append(at)
    if run:
        yield run


def _nothing_of(batch: Sequence[Commit[Any, Any]]) -> _Begun:
    return [_LATER] * len(batch), []


def _broken(promise: asyncio.Future[Any], mistake: Exception) -> None:
    _log.exception("a commit could not be shown")
    if not promise.done():
        promise.set_exception(mistake)
