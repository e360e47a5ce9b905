"""A folder of mail that a test may spoil, and the programs that keep it."""

from __future__ import annotations

import sqlite3
import sys
from contextlib import closing
from typing import TYPE_CHECKING

import pytest

from postroad.clock import Clock
from postroad.progress import Progress
from postroad_store.mail.database.connection import FILE
from postroad_store.mail.model.arrival import Arrival
from postroad_store.mail.model.flags import DELETED, SEEN, Change, FlagSet
from postroad_store.mail.storage import Storage

if TYPE_CHECKING:
    from pathlib import Path

LOGIN = "bob@beta.test"
MAIL = b"From: a@x.test\r\nSubject: %d\r\nContent-Type: text/plain; charset=utf-8\r\n\r\ncaf\xc3\xa9 %d\r\n"
LARGE = b"Subject: large\r\n\r\n" + b"0123456789abcde\n" * 100_000


@pytest.fixture
def progress() -> Progress:
    return Progress(sys.stderr)


@pytest.fixture
async def folder(tmp_path: Path) -> Path:
    """Return a folder with mail in which nothing is wrong: two mailboxes, flags, keywords, expunged messages."""
    folder = tmp_path / "mail"
    storage = Storage(folder, clock=Clock(wall=lambda: 1000.0))
    account = await storage.account(LOGIN)
    await storage.subscribe(account, "INBOX")
    work = await storage.create(account, "Work")
    flags = FlagSet(SEEN, ("Urgent",))
    await storage.append([Arrival((account.inbox, work), MAIL % (at, at), 1000, flags) for at in range(8)])
    await storage.append([Arrival((work,), LARGE, 1000, FlagSet(0))])
    await storage.store(account.inbox, [1, 2, 3], Change.ADD, FlagSet(DELETED))
    await storage.expunge(account.inbox, [1, 2])
    storage.close()
    return folder


def spoil(folder: Path, *statements: str) -> None:
    """Change the database behind the store's back."""
    with closing(sqlite3.connect(folder / FILE, isolation_level=None)) as db:
        for statement in statements:
            db.execute(statement)


def rows(folder: Path, sql: str) -> list[tuple[object, ...]]:
    with closing(sqlite3.connect(folder / FILE, isolation_level=None)) as db:
        return db.execute(sql).fetchall()
