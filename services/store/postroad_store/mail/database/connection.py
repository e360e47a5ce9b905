"""Opens the database, and explains its errors.

WAL with `synchronous=FULL`: a commit is one write and one fsync of the log, and readers never wait for a commit.
`checkpoint` copies the log back into the database, in a thread of its own, so that no commit waits for that.
"""

from __future__ import annotations

import logging
import sqlite3
from contextlib import closing
from typing import TYPE_CHECKING

from postroad_store.mail.database.migrations import migrate
from postroad_store.mail.lock import FILE as LOCK
from postroad_store.mail.model.errors import StorageBusy, StorageCorrupt, StorageError, StorageFull

if TYPE_CHECKING:
    from pathlib import Path

# Python asks each octet string how SQLite shall have it, and catches the exception that says "as it is". With this
# answer in its place, a row of eight is inserted a microsecond sooner.
sqlite3.register_adapter(bytes, bytes)

FILE = "mail.sqlite"
PAGE = 4096  # octets
CHECKPOINT_PAGES = 4000  # pages of the log (16 MB), above which it is copied back

_log = logging.getLogger(__name__)


def storage_error(error: sqlite3.Error) -> StorageError:
    """Return SQLite's error as a client may know it: without paths and statements."""
    code = getattr(error, "sqlite_errorcode", None)
    primary = code & 0xFF if code is not None else None
    if primary == sqlite3.SQLITE_FULL:
        return StorageFull("no space is left for the mail")
    if primary in {sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED}:
        return StorageBusy("the mail is held by another process")
    if primary in {sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB}:
        return StorageCorrupt("the mail's database is damaged")
    return StorageError("the mail cannot be read or written")


def explained(error: sqlite3.Error, path: Path) -> str:
    """Return SQLite's error as an administrator needs it: which file, what is wrong, what to do."""
    refused = storage_error(error)
    said = f"the mail's database {path}: {error}"
    match refused:
        case StorageCorrupt():
            return (
                f"{said}: it is damaged. Stop the store and put a backup in its place; or save the readable part with"
                f" `sqlite3 {path.name} .recover`; or move it away, and the store begins with an empty one"
            )
        case StorageFull():
            return f"{said}: make room on the disk, or remove mail"
        case StorageBusy():
            return f"{said}: another process has it open; stop that one first"
        case _:
            return f"{said}: see whether the store may read and write the file and its folder"


def connect(
    path: Path, *, read_only: bool = False, factory: type[sqlite3.Connection] = sqlite3.Connection
) -> sqlite3.Connection:
    """Open a connection for one thread at a time; the caller begins and ends transactions."""
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
    """Open the database for the writer; make it if it is missing, migrate it if it is old.

    Where another process has locked it, a transaction is refused at once: the event loop may have begun it, and must
    not wait. Raises `StorageError`; its text names the file, and is not for clients.
    """
    # Only the store writes into this folder. If the folder is not empty, the store has run before, and had a database.
    # To SQLite an empty file is as good as none.
    lost = (not path.exists() or path.stat().st_size == 0) and any(
        entry.name != LOCK for entry in path.parent.iterdir()
    )
    try:
        connection = connect(path)
        try:
            if not path.stat().st_size:
                connection.execute("PRAGMA auto_vacuum = INCREMENTAL")  # for `Shrink`; it can't be changed later
            _set_up(connection)
            migrate(connection, path)
            connection.execute("PRAGMA busy_timeout = 0")
        except BaseException:
            connection.close()
            raise
    except sqlite3.Error as error:
        raise type(storage_error(error))(explained(error, path)) from error
    if lost:
        _log.warning(
            "made a new database in %s: there was none, or an empty one, though the folder had been used", path.parent
        )
    return connection


def wait_for_lock(path: Path) -> None:
    """Return when no other process writes; raises `sqlite3.Error` if that takes longer than a connection waits."""
    with closing(connect(path)) as connection:
        connection.execute("BEGIN IMMEDIATE")


def _set_up(connection: sqlite3.Connection) -> None:
    connection.execute("PRAGMA journal_mode = WAL")
    connection.execute("PRAGMA synchronous = FULL")
    connection.execute("PRAGMA wal_autocheckpoint = 0")  # the Checkpointer does it
    # SQLite cuts a log that starts anew to this size, so that the file's size tells how much there is to copy.
    connection.execute(f"PRAGMA journal_size_limit = {CHECKPOINT_PAGES * PAGE}")
    connection.execute("PRAGMA cache_size = -8000")
    connection.execute("PRAGMA secure_delete = OFF")  # by default, Debian's SQLite overwrites what is deleted


def open_reader(path: Path) -> sqlite3.Connection:
    """Open the database for reading.

    Not through a memory map: it would save a tenth of the time to read messages for the first time, but its pages count
    as the process's memory, up to the size of the database. The cache holds what FETCH ENVELOPE reads of some thousand
    messages: a quarter of its time is gone when it is asked again.
    """
    connection = connect(path, read_only=True)
    connection.execute("PRAGMA cache_size = -16000")
    return connection
