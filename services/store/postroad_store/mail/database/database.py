"""The SQLite database: its schema, how it is opened, and what its errors mean.

WAL with `synchronous=FULL`: a commit is one write and one fsync of the log, and readers never wait for it. The
log is copied back into the database by `Checkpointer`, in a thread of its own, so that no commit waits for that.

- `entries` is narrow and has no rowid: a range of UIDs lies together, so the flags of 10,000 messages change in
  one statement and about a millisecond.
- `contents` has what FETCH reads of a message, the header section last; the body is in `octets`, cut in pieces,
  so that ENVELOPE never reads past it and a range of a large body is read without the rest.
- A content is shared by all entries that name it. One that may have lost its last entry goes into `garbage` in
  the same transaction, and is removed soon after if it has.
"""

from __future__ import annotations

import os
import sqlite3
import threading
from contextlib import suppress
from typing import TYPE_CHECKING

from postroad_store.mail.model.errors import StorageBusy, StorageCorrupt, StorageError, StorageFull

if TYPE_CHECKING:
    from pathlib import Path

FILE = "mail.sqlite"
VERSION = 1  # of the schema, kept as user_version
APPLICATION = 0x506F7374  # "Post"

PIECE = 1 << 20  # octets of a body in one row of `octets`
PIECE_BITS = 16  # a piece's key is the content's id and, in this many bits, its number

PAGE = 4096
CHECKPOINT_PAGES = 4000  # of the log (16 MB), after which it is copied back
SPARE = 2 << 20  # octets of the disk that no message takes, so that removing some is always possible
LONG_LOG_PAGES = 16_000  # of the log (64 MB), after which the writer waits until it has been copied

_SCHEMA = """
CREATE TABLE counters (name TEXT PRIMARY KEY, value INTEGER NOT NULL) WITHOUT ROWID;
INSERT INTO counters VALUES ('uid_validity', 0);
CREATE TABLE accounts (id INTEGER PRIMARY KEY, login TEXT NOT NULL UNIQUE);
CREATE TABLE mailboxes (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    account INTEGER NOT NULL,
    name TEXT NOT NULL,
    special_use TEXT,
    selectable INTEGER NOT NULL,
    uid_validity INTEGER NOT NULL UNIQUE,
    uid_next INTEGER NOT NULL,
    modseq INTEGER NOT NULL,
    recent_uid INTEGER NOT NULL,
    UNIQUE (account, name)
);
CREATE TABLE keywords (mailbox INTEGER, number INTEGER, keyword TEXT NOT NULL, PRIMARY KEY (mailbox, number))
    WITHOUT ROWID;
CREATE TABLE subscriptions (account INTEGER, name TEXT, PRIMARY KEY (account, name)) WITHOUT ROWID;
CREATE TABLE entries (
    mailbox INTEGER, uid INTEGER, content INTEGER NOT NULL, flags INTEGER NOT NULL, internal_date INTEGER NOT NULL,
    size INTEGER NOT NULL, modseq INTEGER NOT NULL, PRIMARY KEY (mailbox, uid)
) WITHOUT ROWID;
CREATE INDEX entries_by_content ON entries (content);
CREATE TABLE contents (
    id INTEGER PRIMARY KEY,
    size INTEGER NOT NULL,
    header_size INTEGER NOT NULL,
    sent_day INTEGER,
    plain INTEGER NOT NULL,
    envelope BLOB NOT NULL,
    body BLOB NOT NULL,
    bodystructure BLOB NOT NULL,
    parts BLOB NOT NULL,
    header BLOB NOT NULL
);
CREATE TABLE octets (piece INTEGER PRIMARY KEY, octets BLOB NOT NULL);
CREATE TABLE texts (content INTEGER PRIMARY KEY, header BLOB NOT NULL, body BLOB NOT NULL);
CREATE TABLE garbage (content INTEGER PRIMARY KEY);
"""


def storage_error(error: sqlite3.Error) -> StorageError:
    """Return the error that SQLite's stands for."""
    code = getattr(error, "sqlite_errorcode", None)
    primary = code & 0xFF if code is not None else None
    if primary == sqlite3.SQLITE_FULL:
        return StorageFull("no space is left for the mail")
    if primary in {sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED}:
        return StorageBusy("the mail is held by another process")
    if primary in {sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB}:
        return StorageCorrupt("the mail's database is damaged")
    return StorageError("the mail cannot be read or written")


def connect(
    path: Path, *, read_only: bool = False, factory: type[sqlite3.Connection] = sqlite3.Connection
) -> sqlite3.Connection:
    """Open a connection; transactions are begun and ended by hand. May be used from any one thread at a time."""
    connection = sqlite3.connect(
        f"{path.absolute().as_uri()}?mode={'ro' if read_only else 'rwc'}",
        uri=True,
        isolation_level=None,
        check_same_thread=False,
        cached_statements=256,
        timeout=5.0,
        factory=factory,
    )
    connection.execute("PRAGMA temp_store = MEMORY")
    return connection


def open_writer(path: Path) -> sqlite3.Connection:
    """Open the database for the writer thread, making it where it is missing; raises `StorageError`."""
    try:
        connection = connect(path)
        try:
            _prepare(connection)
        except BaseException:
            connection.close()
            raise
    except sqlite3.Error as error:
        raise storage_error(error) from error
    return connection


def _prepare(connection: sqlite3.Connection) -> None:
    connection.execute("PRAGMA journal_mode = WAL")
    connection.execute("PRAGMA synchronous = FULL")
    connection.execute("PRAGMA wal_autocheckpoint = 0")  # the Checkpointer's
    # A log that starts anew is cut to this, so that its size tells how much there is to copy.
    connection.execute(f"PRAGMA journal_size_limit = {CHECKPOINT_PAGES * PAGE}")
    connection.execute("PRAGMA cache_size = -8000")
    connection.execute("PRAGMA secure_delete = OFF")  # Debian's SQLite else writes zeros over all that is deleted
    (version,) = connection.execute("PRAGMA user_version").fetchone()
    if version == 0:
        connection.executescript(
            f"BEGIN EXCLUSIVE;{_SCHEMA}PRAGMA application_id = {APPLICATION};PRAGMA user_version = {VERSION};COMMIT;"
        )
    elif version != VERSION:
        raise StorageError(f"the mail's database has schema {version}, and this is schema {VERSION}")


def open_reader(path: Path) -> sqlite3.Connection:
    """Open the database for reading.

    Pages are read by way of a memory map: that saves one copy, a fifth of the time that reading many messages takes.
    """
    connection = connect(path, read_only=True)
    connection.execute("PRAGMA cache_size = -4000")
    connection.execute(f"PRAGMA mmap_size = {1 << 30}")
    return connection


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
