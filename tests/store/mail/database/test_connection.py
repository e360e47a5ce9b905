from __future__ import annotations

import sqlite3
from pathlib import Path

import pytest

from postroad_store.mail.database.connection import FILE, explained, open_reader, open_writer, storage_error
from postroad_store.mail.database.schema import VERSION
from postroad_store.mail.model.errors import StorageBusy, StorageCorrupt, StorageError, StorageFull


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
    translated = storage_error(error)
    assert type(translated) is kind
    assert "secret" not in str(translated)


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


@pytest.mark.parametrize(
    ("code", "advice"),
    [
        (sqlite3.SQLITE_CORRUPT, "put a backup in its place"),
        (sqlite3.SQLITE_NOTADB, "put a backup in its place"),
        (sqlite3.SQLITE_FULL, "make room on the disk"),
        (sqlite3.SQLITE_BUSY, "another process has it open"),
        (sqlite3.SQLITE_CANTOPEN, "may read and write the file"),
    ],
)
def test_an_administrator_learns_which_file_and_what_to_do(code: int, advice: str) -> None:
    error = sqlite3.OperationalError("what SQLite says")
    error.sqlite_errorcode = code
    text = explained(error, Path("/somewhere/mail.sqlite"))
    assert text.startswith("the mail's database /somewhere/mail.sqlite: what SQLite says")
    assert advice in text


def test_a_file_that_is_no_database_is_refused(tmp_path: Path) -> None:
    (tmp_path / FILE).write_bytes(b"no database" * 1000)
    with pytest.raises(
        StorageCorrupt, match=f"{tmp_path / FILE}: file is not a database: it is damaged. Stop the store"
    ):
        open_writer(tmp_path / FILE)


def test_a_folder_that_cannot_be_written(tmp_path: Path) -> None:
    (tmp_path / FILE).mkdir()
    with pytest.raises(StorageError, match=f"{tmp_path / FILE}: unable to open database file"):
        open_writer(tmp_path / FILE)


@pytest.mark.parametrize("left", [None, b""])
def test_a_database_that_has_gone_is_made_anew_with_a_warning(
    left: bytes | None, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    open_writer(tmp_path / FILE).close()
    assert not caplog.messages  # the first is nothing to talk about
    open_writer(tmp_path / FILE).close()
    (tmp_path / "incoming").mkdir()  # as the store leaves it
    (tmp_path / FILE).unlink()
    if left is not None:
        (tmp_path / FILE).write_bytes(left)
    assert not caplog.messages
    open_writer(tmp_path / FILE).close()
    (message,) = caplog.messages
    assert message.startswith(f"made a new database in {tmp_path}: ")
