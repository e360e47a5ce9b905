"""What the journal has to say of commits: on disk with them, told once, and forgotten soon."""

from __future__ import annotations

import asyncio
import shutil
import sqlite3
from typing import TYPE_CHECKING

import pytest

from postroad.journal import Journal, JournalReader, Kind
from postroad_store.mail.database.connection import FILE
from postroad_store.mail.database.facts import Boxes
from postroad_store.mail.model.arrival import Arrival
from postroad_store.mail.model.errors import NoSuchMailbox
from postroad_store.mail.model.flags import NO_FLAGS, SEEN, Change, FlagSet
from postroad_store.mail.model.telling import Places, Telling
from postroad_store.mail.news import News, decode, encode
from postroad_store.mail.storage import Storage

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path

    from postroad.journal import Line
    from postroad.journal.note import Note
    from postroad_store.mail.model.mailbox import Mailbox

LOGIN = "alice@alpha.test"


class Lossy(Journal):
    """A journal whose process is killed before it gets what is told."""

    def tell(self, events: Sequence[Note | Line], *, hurry: bool = False) -> None:
        """Lose it."""


class Lives:
    """The lives of a storage's process, one after the other."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.journals: list[Journal] = []

    def begin(self, kind: type[Journal] = Journal) -> Storage:
        self.journal = kind(self.folder / "journal", service="store")
        self.journals.append(self.journal)
        return Storage(self.folder / "mail", journal=self.journal)

    def rows(self) -> int:
        db = sqlite3.connect(self.folder / "mail" / FILE)
        try:
            return int(db.execute("SELECT count(*) FROM news").fetchone()[0])
        finally:
            db.close()

    def kill(self, storage: Storage) -> None:
        """End it as a kill would: nothing of its memory is written."""
        storage._writer._news = News(None, Boxes(storage._writer._db))
        storage.close()

    def told(self) -> list[tuple[int, str]]:
        self.journal.flush()
        entries = JournalReader(self.folder / "journal").entries()
        return [(entry.detail["uid"], entry.detail["mailbox"]) for entry in entries]

    def telling(self, *, hurry: bool = False) -> Telling[Places]:
        def events(places: Places) -> list[Line]:
            journal = self.journal
            return [
                journal.line(Kind.STORED, uid=uid, mailbox=box.name)
                for box, uid in zip(places.boxes, places.uids, strict=True)
            ]

        return Telling(events, hurry=hurry)


@pytest.fixture
def lives(tmp_path: Path) -> Iterator[Lives]:
    lives = Lives(tmp_path)
    yield lives
    for journal in lives.journals:
        journal.close()


def arrival(*mailboxes: Mailbox) -> Arrival:
    return Arrival(mailboxes, b"Subject: x\r\n\r\n", 0, NO_FLAGS)


async def test_what_was_not_told_is_told_at_the_start(lives: Lives) -> None:
    storage = lives.begin(Lossy)
    inbox = (await storage.account(LOGIN)).inbox
    await asyncio.gather(*(storage.append([arrival(inbox)], lives.telling()) for _ in range(3)))
    await storage.append([arrival(inbox)], lives.telling())
    lives.kill(storage)
    assert lives.told() == []
    storage = lives.begin()
    assert lives.told() == [(1, "INBOX"), (2, "INBOX"), (3, "INBOX"), (4, "INBOX")]
    assert lives.rows() == 0
    lives.kill(storage)
    lives.kill(lives.begin())
    assert len(lives.told()) == 4


async def test_rows_are_few_and_none_is_left_at_the_end(lives: Lives) -> None:
    storage = lives.begin()
    inbox = (await storage.account(LOGIN)).inbox
    for _ in range(20):
        await storage.append([arrival(inbox)], lives.telling())
        lives.journal.flush()
        assert lives.rows() <= 3
    assert lives.rows() >= 1
    storage.close()
    assert lives.rows() == 0
    assert lives.told() == [(uid, "INBOX") for uid in range(1, 21)]


async def test_rows_stay_until_the_journal_is_written(lives: Lives, monkeypatch: pytest.MonkeyPatch) -> None:
    storage = lives.begin()
    inbox = (await storage.account(LOGIN)).inbox
    with monkeypatch.context() as patched:
        patched.setattr(lives.journal, "_write_waiting", lambda: 0)
        for _ in range(5):
            await storage.append([arrival(inbox)], lives.telling(hurry=True))
        assert lives.rows() == 5
    lives.journal.flush()
    for _ in range(2):
        await storage.append([arrival(inbox)], lives.telling(hurry=True))
        lives.journal.flush()
    assert lives.rows() == 5  # in the places of those that are told
    storage.close()
    assert lives.told() == [(uid, "INBOX") for uid in range(1, 8)]


async def test_a_start_looks_only_for_what_may_be_missing(lives: Lives) -> None:
    storage = lives.begin()
    inbox = (await storage.account(LOGIN)).inbox
    for _ in range(9):
        await storage.append([arrival(inbox)], lives.telling())
        lives.journal.flush()
    lives.kill(storage)
    lives.journal.close()
    shutil.rmtree(lives.folder / "journal")
    lives.begin().close()
    told = lives.told()
    assert 1 <= len(told) <= 3
    assert told == [(uid, "INBOX") for uid in range(10 - len(told), 10)]


async def test_work_that_tells_nothing_writes_nothing(lives: Lives) -> None:
    storage = lives.begin()
    account = await storage.account(LOGIN)
    await storage.append([arrival(account.inbox)])
    await storage.store(account.inbox, [1], Change.ADD, FlagSet(SEEN))
    await storage.expunge(account.inbox, only_deleted=True, tell=Telling(lambda _gone: []))
    assert lives.rows() == 0
    storage.close()


async def test_what_fails_is_not_told(lives: Lives) -> None:
    storage = lives.begin()
    account = await storage.account(LOGIN)
    gone = await storage.create(account, "gone")
    deleted = storage.delete(account, "gone")
    works = [
        storage.append([arrival(account.inbox)], lives.telling()),
        storage.append([arrival(account.inbox, gone)], lives.telling()),  # fails with something written
        storage.append([arrival(account.inbox)], lives.telling()),
    ]
    await deleted
    outcomes = await asyncio.gather(*works, return_exceptions=True)
    assert [type(outcome) for outcome in outcomes] == [list, NoSuchMailbox, list]
    storage.close()
    assert lives.told() == [(1, "INBOX"), (2, "INBOX")]


async def test_a_mailbox_has_the_name_that_it_had_at_the_commit(lives: Lives) -> None:
    storage = lives.begin()
    account = await storage.account(LOGIN)
    box = await storage.create(account, "old")
    await asyncio.gather(
        storage.append([arrival(box)], lives.telling()),
        storage.rename(account, "old", "new"),
        storage.append([arrival(box)], lives.telling()),
    )
    storage.close()
    assert lives.told() == [(1, "old"), (2, "new")]


def test_events_in_a_row() -> None:
    lines = [(1.5, b"one\n"), (2.5, b""), (3.5, b"three\n")]
    assert decode(encode(lines)) == lines
