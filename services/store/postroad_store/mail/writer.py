"""The writer: commits in batches, each batch in one transaction and one fsync, in a thread of its own.

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
from typing import TYPE_CHECKING, Any, TypeVar, cast

from postroad.control.histogram import Histogram
from postroad.groupcommit import GroupCommit
from postroad_store.mail.database.checkpoint import Checkpointer
from postroad_store.mail.database.connection import explained, open_writer, storage_error
from postroad_store.mail.model.errors import StorageFull
from postroad_store.mail.news import News

if TYPE_CHECKING:
    from collections.abc import Generator, Sequence
    from pathlib import Path

    from postroad.journal import Journal, Line
    from postroad_store.mail.database.commits.base import Commit

Shown = TypeVar("Shown")
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
        self._news = News(journal)
        self._news.catch_up(self._db)
        self._checkpointer = Checkpointer(path)
        self._commits: GroupCommit[Commit[Any, Any], Any] = GroupCommit(self._commit, name="mail-writer")
        # Commits that wait until one before them is shown, which takes steps; None: none takes any.
        self._to_show: deque[tuple[Commit[Any, Any], asyncio.Future[Any], Any]] | None = None

    def close(self) -> None:
        """Commit all work that was handed over, and close the database."""
        self._commits.close()
        self._news.catch_up(self._db)
        self._checkpointer.close()
        self._db.close()

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
        wanted = sum([work.octets for work in batch])
        room = self._checkpointer.room(self._db) if wanted else 0
        if wanted > room:
            self._checkpointer.relieve(self._db)
            room = self._checkpointer.room(self._db)
        try:
            outcomes = self._transaction(batch, room)
        except sqlite3.Error:
            self._checkpointer.relieve(self._db)
            outcomes = [self._alone(work) for work in batch]
        self._checkpointer.committed(self._db)
        return outcomes

    def _alone(self, work: Commit[Any, Any]) -> Any:
        try:
            return self._transaction([work], self._checkpointer.room(self._db))[0]
        except sqlite3.Error as error:
            _log.error("mail could not be written: %s", explained(error, self._path))
            return storage_error(error)

    def _transaction(self, batch: Sequence[Commit[Any, Any]], room: int, *, guarded: bool = False) -> list[Any]:
        """Commit a batch, of which new messages may take so many octets of the disk.

        Savepoints keep a copy of each page that changes, a third of a small commit. So work is `guarded` by them only
        after the batch has been rolled back, because one of its works has failed with something written.
        """
        db = self._db
        began = perf_counter()
        outcomes: list[Any] = []
        lines: list[Line] = []
        left = room
        try:
            db.execute("BEGIN IMMEDIATE")
            for work in batch:
                if guarded:
                    db.execute("SAVEPOINT work")
                before = db.total_changes
                try:
                    if work.octets > left:
                        raise StorageFull("no space is left for the mail")
                    left -= work.octets
                    written = work.write(db)
                    lines += self._news.take(work, db, written)
                    outcomes.append(written)
                except sqlite3.Error:
                    raise
                except Exception as error:  # noqa: BLE001 - this caller's alone
                    if guarded:
                        db.execute("ROLLBACK TO work")
                    elif db.total_changes != before:
                        db.execute("ROLLBACK")
                        return [error] if len(batch) == 1 else self._transaction(batch, room, guarded=True)
                    outcomes.append(error)
                if guarded:
                    db.execute("RELEASE work")
            self._news.write(db, lines)
            db.execute("COMMIT")
            self.times.observe(perf_counter() - began)
        except sqlite3.Error:
            if db.in_transaction:
                db.execute("ROLLBACK")
            raise
        return outcomes

    # -- on the event loop's thread -----------------------------------------------------------------------------

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


def _broken(promise: asyncio.Future[Any], mistake: Exception) -> None:
    _log.exception("a commit could not be shown")
    if not promise.done():
        promise.set_exception(mistake)
