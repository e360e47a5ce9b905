from __future__ import annotations

import sqlite3
from typing import TYPE_CHECKING

import pytest

from postroad_store.mail.database.connection import FILE, open_reader, open_writer, storage_error
from postroad_store.mail.database.schema import VERSION
from postroad_store.mail.model.errors import StorageBusy, StorageCorrupt, StorageError, StorageFull

if TYPE_CHECKING:
    from pathlib import Path


@pytest.mark.parametrize(
    ("code", "kind"),
    [
        (sqlite3.SQLITE_FULL, StorageFull),
        (sqlite3.SQLITE_BUSY, StorageBusy),
        (sqlite3.SQLITE_BUSY_SNAPSHOT, StorageBusy),
        (sqlite3.SQLITE_LOCKED, StorageBusy),
        (sqlite3.SQLITE_CORRUPT, StorageCorrupt),
        (sqlite3.SQLITE_NOTADB, StorageCorrupt),
        (sqlite3.SQLITE_IOERR_WRITE, StorageError),
        (None, StorageError),
    ],
)
def test_what_errors_mean(code: int | None, kind: type[StorageError]) -> None:
    error = sqlite3.OperationalError("secret path")
    if code is not None:
        error.sqlite_errorcode = code
    found = storage_error(error)
    assert type(found) is kind
    assert "secret" not in str(found)


def test_durability_is_as_promised(tmp_path: Path) -> None:
    writer = open_writer(tmp_path / FILE)
    assert writer.execute("PRAGMA journal_mode").fetchone() == ("wal",)
    assert writer.execute("PRAGMA synchronous").fetchone() == (2,)  # FULL
    assert writer.execute("PRAGMA user_version").fetchone() == (VERSION,)
    writer.close()


def test_the_reader_cannot_write(tmp_path: Path) -> None:
    writer = open_writer(tmp_path / FILE)
    reader = open_reader(tmp_path / FILE)
    with pytest.raises(sqlite3.OperationalError):
        reader.execute("DELETE FROM contents")
    reader.close()
    writer.close()


def test_another_schema_is_refused(tmp_path: Path) -> None:
    writer = open_writer(tmp_path / FILE)
    writer.execute("PRAGMA user_version = 99")
    writer.close()
    with pytest.raises(StorageError, match="schema 99"):
        open_writer(tmp_path / FILE)


def test_a_file_that_is_no_database_is_refused(tmp_path: Path) -> None:
    (tmp_path / FILE).write_bytes(b"no database" * 1000)
    with pytest.raises(StorageCorrupt):
        open_writer(tmp_path / FILE)
