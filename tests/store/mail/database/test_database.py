from __future__ import annotations

import os
import sqlite3
import threading
from typing import TYPE_CHECKING, Any

import pytest

from postroad_store.mail.database import database
from postroad_store.mail.database.database import FILE, Checkpointer, connect, open_reader, open_writer, storage_error
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
    assert writer.execute("PRAGMA user_version").fetchone() == (database.VERSION,)
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


@pytest.fixture
def writer(tmp_path: Path) -> sqlite3.Connection:
    writer = open_writer(tmp_path / FILE)
    writer.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchall()
    return writer


def fill(writer: sqlite3.Connection, pages: int) -> None:
    writer.execute("INSERT INTO octets (octets) VALUES (zeroblob(?))", (pages * database.PAGE,))


def copied_back(path: Path, pages: int) -> bool:
    return (path / FILE).stat().st_size >= pages * database.PAGE


def test_a_long_log_is_copied_back_in_another_thread(
    tmp_path: Path, writer: sqlite3.Connection, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(database, "CHECKPOINT_PAGES", 10)
    done = threading.Event()
    checkpointer = Checkpointer(tmp_path / FILE)
    checkpointer._connection.close()
    checkpointer._connection = connect(tmp_path / FILE, factory=_told(done))
    checkpointer.committed(writer)
    assert not done.is_set()
    fill(writer, 50)
    checkpointer.committed(writer)
    assert done.wait(10)
    assert copied_back(tmp_path, 50)
    checkpointer.close()
    writer.close()


def _told(done: threading.Event) -> type[sqlite3.Connection]:
    class Told(sqlite3.Connection):
        def execute(self, sql: str, /, *args: Any) -> sqlite3.Cursor:
            cursor = super().execute(sql, *args)
            if "checkpoint" in sql:
                cursor.fetchall()
                done.set()
            return cursor

    return Told


def test_the_writer_waits_for_a_log_that_is_too_long(
    tmp_path: Path, writer: sqlite3.Connection, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(database, "LONG_LOG_PAGES", 10)
    checkpointer = Checkpointer(tmp_path / FILE)
    fill(writer, 50)
    assert checkpointer.log_pages() > 50
    checkpointer.committed(writer)
    assert checkpointer.log_pages() == 0
    assert copied_back(tmp_path, 50)
    checkpointer.close()
    writer.close()


def test_a_checkpoint_that_fails_is_tried_again_later(
    tmp_path: Path, writer: sqlite3.Connection, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(database, "CHECKPOINT_PAGES", 10)
    failed = threading.Event()

    class Failing(sqlite3.Connection):
        def execute(self, sql: str, /, *args: Any) -> sqlite3.Cursor:
            if "checkpoint" in sql:
                failed.set()
                raise sqlite3.OperationalError
            return super().execute(sql, *args)

    checkpointer = Checkpointer(tmp_path / FILE)
    checkpointer._connection.close()
    checkpointer._connection = connect(tmp_path / FILE, factory=Failing)
    fill(writer, 50)
    for _ in range(2):
        failed.clear()
        checkpointer.committed(writer)
        assert failed.wait(10)
    checkpointer.close()
    writer.close()


def test_room_is_what_the_disk_has_without_spare_and_log(
    tmp_path: Path, writer: sqlite3.Connection, monkeypatch: pytest.MonkeyPatch
) -> None:
    checkpointer = Checkpointer(tmp_path / FILE)
    fill(writer, 50)
    disk = os.statvfs(tmp_path)
    monkeypatch.setattr(os, "statvfs", lambda _: disk)
    before = checkpointer.room(writer)
    checkpointer.relieve(writer)
    assert checkpointer.room(writer) - before >= 50 * database.PAGE
    assert checkpointer.room(writer) == disk.f_bavail * disk.f_frsize - database.SPARE

    writer.execute("DELETE FROM octets")
    assert checkpointer.room(writer) > disk.f_bavail * disk.f_frsize - database.SPARE + 40 * database.PAGE
    fill(writer, 500)
    writer.execute("DELETE FROM octets")
    checkpointer.relieve(writer)
    assert checkpointer.room(writer) == disk.f_bavail * disk.f_frsize - database.SPARE // 2

    def fail(_: Path) -> os.statvfs_result:
        raise OSError

    monkeypatch.setattr(os, "statvfs", fail)
    assert checkpointer.room(writer) == 0
    checkpointer.close()
    writer.close()


def test_a_log_that_is_not_there_is_short(tmp_path: Path) -> None:
    checkpointer = Checkpointer(tmp_path / "other")
    assert checkpointer.log_pages() == 0
    checkpointer.close()
