from __future__ import annotations

import os
import sqlite3
import threading
from typing import TYPE_CHECKING, Any

import pytest

from postroad_store.mail.database import checkpoint
from postroad_store.mail.database.checkpoint import Checkpointer
from postroad_store.mail.database.connection import FILE, PAGE, connect, open_writer

if TYPE_CHECKING:
    from pathlib import Path


@pytest.fixture
def writer(tmp_path: Path) -> sqlite3.Connection:
    writer = open_writer(tmp_path / FILE)
    writer.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchall()
    return writer


def fill(writer: sqlite3.Connection, pages: int) -> None:
    writer.execute("INSERT INTO octets (octets) VALUES (zeroblob(?))", (pages * PAGE,))


def copied_back(path: Path, pages: int) -> bool:
    return (path / FILE).stat().st_size >= pages * PAGE


def test_a_long_log_is_copied_back_in_another_thread(
    tmp_path: Path, writer: sqlite3.Connection, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(checkpoint, "CHECKPOINT_PAGES", 10)
    done = threading.Event()
    checkpointer = Checkpointer(tmp_path / FILE)
    checkpointer._connection.close()
    checkpointer._connection = connect(tmp_path / FILE, factory=_told(done))
    checkpointer.committed()
    assert not done.is_set()
    fill(writer, 50)
    checkpointer.committed()
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
    monkeypatch.setattr(checkpoint, "LONG_LOG_PAGES", 10)
    checkpointer = Checkpointer(tmp_path / FILE)
    fill(writer, 50)
    assert checkpointer.log_pages() > 50
    checkpointer.committed()
    assert checkpointer.log_pages() == 0
    assert copied_back(tmp_path, 50)
    checkpointer.close()
    writer.close()


def test_a_checkpoint_that_fails_is_tried_again_later(
    tmp_path: Path, writer: sqlite3.Connection, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(checkpoint, "CHECKPOINT_PAGES", 10)
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
        checkpointer.committed()
        assert failed.wait(10)
    checkpointer.close()
    writer.close()


def disk_with(free: int) -> os.statvfs_result:
    """Return a disk of 2 GiB with so many free octets."""
    return os.statvfs_result((PAGE, PAGE, (2 << 30) // PAGE, free // PAGE, free // PAGE, 0, 0, 0, 0, 255))


def test_with_plenty_of_room_free_pages_of_the_database_are_not_counted(
    tmp_path: Path, writer: sqlite3.Connection, monkeypatch: pytest.MonkeyPatch
) -> None:
    checkpointer = Checkpointer(tmp_path / FILE)
    fill(writer, 500)
    writer.execute("DELETE FROM octets")
    checkpointer.relieve()
    for free in (checkpoint.PLENTY + 2 * checkpoint.SPARE, checkpoint.PLENTY):
        disk = disk_with(free)
        monkeypatch.setattr(os, "statvfs", lambda _, disk=disk: disk)
        counted = free == checkpoint.PLENTY
        assert checkpointer.room(writer) == free - checkpoint.SPARE // (2 if counted else 1)
    checkpointer.close()
    writer.close()


def test_room_is_what_the_disk_has_without_spare_and_log(
    tmp_path: Path, writer: sqlite3.Connection, monkeypatch: pytest.MonkeyPatch
) -> None:
    checkpointer = Checkpointer(tmp_path / FILE)
    fill(writer, 50)
    disk = disk_with(100 << 20)
    monkeypatch.setattr(os, "statvfs", lambda _: disk)
    before = checkpointer.room(writer)
    checkpointer.relieve()
    assert checkpointer.room(writer) - before >= 50 * PAGE
    assert checkpointer.room(writer) == disk.f_bavail * disk.f_frsize - checkpoint.SPARE

    writer.execute("DELETE FROM octets")
    assert checkpointer.room(writer) > disk.f_bavail * disk.f_frsize - checkpoint.SPARE + 40 * PAGE
    fill(writer, 500)
    writer.execute("DELETE FROM octets")
    checkpointer.relieve()
    assert checkpointer.room(writer) == disk.f_bavail * disk.f_frsize - checkpoint.SPARE // 2

    def fail(_: Path) -> os.statvfs_result:
        raise OSError

    monkeypatch.setattr(os, "statvfs", fail)
    assert checkpointer.room(writer) == 0
    checkpointer.close()
    writer.close()


def test_nobody_asks_the_log_for_its_times_for_the_next_write_would_pay(
    tmp_path: Path, writer: sqlite3.Connection, monkeypatch: pytest.MonkeyPatch
) -> None:
    checkpointer = Checkpointer(tmp_path / FILE)
    asked: list[object] = []

    def audit(path: object, *_: object, **__: object) -> os.stat_result:
        asked.append(path)
        raise OSError

    monkeypatch.setattr(os, "stat", audit)
    monkeypatch.setattr(os, "fstat", audit)
    fill(writer, 50)
    checkpointer.committed()
    assert checkpointer.log_pages() > 50
    monkeypatch.undo()
    assert not asked
    checkpointer.close()
    writer.close()
