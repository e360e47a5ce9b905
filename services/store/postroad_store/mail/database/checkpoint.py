"""Copying SQLite's log back into the database, and how much room that leaves on the disk."""

from __future__ import annotations

import os
import sqlite3
import threading
from contextlib import suppress
from typing import TYPE_CHECKING

from postroad_store.mail.database.connection import CHECKPOINT_PAGES, PAGE, connect

if TYPE_CHECKING:
    from pathlib import Path

SPARE = 2 << 20  # octets of the disk that no message takes, so that removing some is always possible
LONG_LOG_PAGES = 16_000  # of the log (64 MB), after which the writer waits until it has been copied


class Checkpointer:
    """Copies the log back into the database, in a thread of its own, whenever it has become long.

    A passive checkpoint waits for nobody and nobody waits for it. Under a load that never pauses the log could
    grow for ever, since it starts anew only when all of it has been copied; so beyond `LONG_LOG_PAGES` the
    writer itself waits for it once.
    """

    def __init__(self, path: Path) -> None:
        self._log = path.with_name(path.name + "-wal")
        self._connection = connect(path)
        self._connection.execute("PRAGMA synchronous = FULL")
        self._wake = threading.Event()
        self._closing = False
        self._thread = threading.Thread(target=self._run, name="mail-checkpoint", daemon=True)
        self._thread.start()

    def log_pages(self) -> int:
        """Return how long the log's file is, in pages."""
        try:
            return self._log.stat().st_size // PAGE
        except OSError:
            return 0

    def committed(self, writer: sqlite3.Connection) -> None:
        """Note that the writer has committed: called in its thread, outside of any transaction."""
        pages = self.log_pages()
        if pages > LONG_LOG_PAGES:
            self.relieve(writer)
        elif pages > CHECKPOINT_PAGES:
            self._wake.set()

    def room(self, writer: sqlite3.Connection) -> int:
        """Return how many octets new messages may take.

        They go into the log, then into the database, where what was removed has left free pages; what the log
        holds already may have to go there too. A spare must remain: on a disk that is full to the last page not
        even a removal could be committed.
        """
        try:
            disk = os.statvfs(self._log.parent)
            (free_pages,) = writer.execute("PRAGMA freelist_count").fetchone()
        except (OSError, sqlite3.Error):
            return 0
        free = disk.f_bavail * disk.f_frsize
        return min(free - SPARE // 2, free + (int(free_pages) - self.log_pages()) * PAGE - SPARE)

    def relieve(self, writer: sqlite3.Connection) -> None:
        """Copy back all of the log at once, as far as that can be, so that its space may be used again."""
        with suppress(sqlite3.Error):
            writer.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchall()

    def close(self) -> None:
        """End the thread."""
        self._closing = True
        self._wake.set()
        self._thread.join()
        self._connection.close()

    def _run(self) -> None:
        while True:
            self._wake.wait()
            self._wake.clear()
            if self._closing:
                return
            try:
                self._connection.execute("PRAGMA wal_checkpoint(PASSIVE)").fetchall()
            except sqlite3.Error:
                continue  # a full disk, say: the log keeps everything, and the next commit asks again
