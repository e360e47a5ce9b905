"""Copies SQLite's log back into the database, and measures the room that is left on the disk."""

from __future__ import annotations

import os
import sqlite3
import threading
from contextlib import closing, suppress
from typing import TYPE_CHECKING

from postroad_store.mail.database.connection import CHECKPOINT_PAGES, PAGE, connect

if TYPE_CHECKING:
    from pathlib import Path

SPARE = 2 << 20  # octets of the disk that messages leave free, so that messages can always be removed
PLENTY = 1 << 30  # octets of room, above which the database's own free pages are not counted
LONG_LOG_PAGES = 16_000  # pages of the log (64 MB), above which the writer waits until it has been copied


class Checkpointer:
    """Copies the log back into the database when it has become long, in a thread of its own.

    A passive checkpoint waits for nobody, and nobody waits for it. But SQLite starts the log anew only when all of it
    has been copied, so under a load that never pauses the log would grow for ever. Therefore the writer itself waits
    once for a log of more than `LONG_LOG_PAGES`.
    """

    def __init__(self, path: Path) -> None:
        """Start the thread; a writer has the database open."""
        self._path = path
        self._folder = str(path.parent)
        self._connection = _durable(path)
        # The writer has made it. Its length is not asked by `stat`: Linux gives a file of which somebody has asked the
        # times a new one with the next write, and the next fsync has that to write too (decision 45).
        self._log = os.open(path.with_name(path.name + "-wal"), os.O_RDONLY)
        self._wake = threading.Event()
        self._closing = False
        self._thread = threading.Thread(target=self._run, name="mail-checkpoint", daemon=True)
        self._thread.start()

    def log_pages(self) -> int:
        """Return how long the log's file is, in pages."""
        return os.lseek(self._log, 0, os.SEEK_END) // PAGE

    def committed(self) -> None:
        """Note that the writer has committed; the writer's thread calls it, outside of any transaction."""
        pages = self.log_pages()
        if pages > LONG_LOG_PAGES:
            self.relieve()
        elif pages > CHECKPOINT_PAGES:
            self._wake.set()

    def room(self, writer: sqlite3.Connection) -> int:
        """Return how many octets new messages may take.

        They go into the log first, then into the database, where removed messages have left free pages. Pages that are
        in the log already may have to go into the database too. `SPARE` must remain: on a disk that is full to the last
        page not even a removal can be committed.

        The free pages are counted only where it matters: to ask for them takes as long as to store a small message.
        """
        try:
            disk = os.statvfs(self._folder)
            free = disk.f_bavail * disk.f_frsize
            room = free - self.log_pages() * PAGE - SPARE
            if room > PLENTY:
                return room
            (free_pages,) = writer.execute("PRAGMA freelist_count").fetchone()
        except (OSError, sqlite3.Error):
            return 0
        return min(free - SPARE // 2, room + int(free_pages) * PAGE)

    def relieve(self) -> None:
        """Copy back as much of the log as possible, at once, so that its space can be used again; wait for readers."""
        with suppress(sqlite3.Error), closing(_durable(self._path)) as connection:
            connection.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchall()

    def close(self) -> None:
        """End the thread."""
        self._closing = True
        self._wake.set()
        self._thread.join()
        self._connection.close()
        os.close(self._log)

    def _run(self) -> None:
        while True:
            self._wake.wait()
            self._wake.clear()
            if self._closing:
                return
            try:
                self._connection.execute("PRAGMA wal_checkpoint(PASSIVE)").fetchall()
            except sqlite3.Error:
                continue  # for example a full disk: the log keeps everything, and the next commit asks again


def _durable(path: Path) -> sqlite3.Connection:
    connection = connect(path)
    connection.execute("PRAGMA synchronous = FULL")
    return connection
