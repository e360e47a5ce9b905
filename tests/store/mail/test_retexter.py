"""Texts for searches are made anew behind the sessions, after an earlier version has prepared them otherwise."""

from __future__ import annotations

import asyncio
import shutil
import sqlite3
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from postroad.clock import Clock
from postroad_store.mail.database import texts
from postroad_store.mail.database.connection import FILE, open_writer
from postroad_store.mail.index import narrowing
from postroad_store.mail.model.arrival import Arrival
from postroad_store.mail.model.errors import StorageError
from postroad_store.mail.model.flags import NO_FLAGS
from postroad_store.mail.retexter import Retexter
from postroad_store.mail.search.strings import Body, Header, Text
from postroad_store.mail.storage import Storage

if TYPE_CHECKING:
    from postroad_store.mail.database.commits.texts import Retext

OLD = Path(__file__).parent / "database" / "version-4.sqlite"


def untexted(folder: Path) -> list[int]:
    with sqlite3.connect(folder / FILE) as db:
        missing = [
            content
            for (content,) in db.execute(
                "SELECT id FROM contents WHERE NOT plain AND id NOT IN (SELECT content FROM texts) ORDER BY id"
            )
        ]
        left = db.execute(texts.UNTEXTED).fetchone() is not None
    db.close()
    assert left or not missing
    return missing


def opened(folder: Path) -> tuple[Storage, asyncio.Event]:
    """A storage, and what is set once all texts are there."""
    storage, ready = Storage(folder), asyncio.Event()
    storage._retexter._ready = ready.set
    return storage, ready


async def test_a_search_finds_the_same_before_and_after(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(texts, "STEP", 1)
    monkeypatch.setattr(narrowing, "FEW", 0)
    monkeypatch.setattr(narrowing, "SHARE", 1)
    shutil.copy(OLD, tmp_path / FILE)
    open_writer(tmp_path / FILE).close()
    assert untexted(tmp_path) == [2, 3]
    searches = {
        Text("straße"): [2],
        Text("strasse"): [],
        Body("gruesse"): [1],
        Header("SUBJECT", "grüße"): [2],
        Header("SUBJECT", "gru"): [2],
        Body("second"): [3],
        Text("koln"): [],
        Text("KÖLN"): [2],
    }
    storage, ready = opened(tmp_path)
    index = storage.finder.index
    index.open()
    assert not index.extend()  # there is nothing to be indexed before there are texts
    account = await storage.account("alice@alpha.test")
    view = storage.view(account.inbox)
    assert {key: list(await storage.finder.search(view, key)) for key in searches} == searches
    await asyncio.wait_for(ready.wait(), 20)
    storage.finder._sources.fields._kept.clear()
    assert {key: list(await storage.finder.search(view, key)) for key in searches} == searches
    while index.extend():
        pass
    answer = index.candidates((b"stra",), 100)
    assert answer is not None
    assert answer.contents == [2]
    storage.finder._sources.fields._kept.clear()
    assert {key: list(await storage.finder.search(view, key)) for key in searches} == searches
    storage.close()
    assert untexted(tmp_path) == []


async def test_bodies_of_version_6_lose_the_header_sections_of_their_parts(tmp_path: Path) -> None:
    shutil.copy(OLD.with_name("version-6.sqlite"), tmp_path / FILE)
    open_writer(tmp_path / FILE).close()
    assert untexted(tmp_path) == [2]
    searches = {
        Body("inner"): [],
        Body("notes.txt"): [],
        Body("more words"): [2],
        Text("inner"): [2],
        Text("notes.txt"): [2],
        Header("SUBJECT", "inner"): [],
        Header("SUBJECT", "outer"): [2],
    }
    storage, ready = opened(tmp_path)
    view = storage.view((await storage.account("alice@alpha.test")).inbox)
    assert {key: list(await storage.finder.search(view, key)) for key in searches} == searches
    await asyncio.wait_for(ready.wait(), 20)
    storage.finder._sources.fields._kept.clear()
    assert {key: list(await storage.finder.search(view, key)) for key in searches} == searches
    storage.close()
    assert untexted(tmp_path) == []


async def test_it_goes_on_where_it_ended(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    storage = Storage(tmp_path)
    account = await storage.account("alice@alpha.test")
    message = b"Content-Type: text/plain; charset=utf-8\r\n\r\n\xc3\xa9\r\n"
    await storage.append([Arrival((account.inbox,), message + b"x" * number, 0, NO_FLAGS) for number in range(7)])
    storage.close()
    with sqlite3.connect(tmp_path / FILE) as db:
        whole = db.execute("SELECT * FROM texts ORDER BY content").fetchall()
        db.execute("DELETE FROM texts")
        db.execute("INSERT INTO counters VALUES ('untexted', 7)")
        db.commit()
        monkeypatch.setattr(texts, "STEP", 4)
        monkeypatch.setattr(texts, "OCTETS", len(message) + 10)
        assert texts.retext(db)
        db.commit()
        assert db.execute("SELECT count(*) FROM texts").fetchone() == (2,)
        assert db.execute(texts.UNTEXTED).fetchone() == (5,)
    db.close()
    storage, ready = opened(tmp_path)
    await storage.account("alice@alpha.test")
    await asyncio.wait_for(ready.wait(), 20)
    storage.close()
    with sqlite3.connect(tmp_path / FILE) as db:
        assert db.execute("SELECT * FROM texts ORDER BY content").fetchall() == whole
        assert not texts.retext(db)
    db.close()


class Submitted:
    def __init__(self) -> None:
        self.commits: list[Retext] = []
        self.outcomes: list[asyncio.Future[bool]] = []

    def __call__(self, commit: Retext) -> asyncio.Future[bool]:
        self.commits.append(commit)
        self.outcomes.append(asyncio.get_running_loop().create_future())
        return self.outcomes[-1]


@pytest.mark.parametrize("failure", [StorageError("the disk is full"), RuntimeError()])
async def test_a_failure_ends_it(failure: Exception, caplog: pytest.LogCaptureFixture) -> None:
    submitted, calls = Submitted(), list[bool]()
    retexter = Retexter(submitted, Clock(), lambda: calls.append(True))
    retexter.begin()
    submitted.outcomes[0].set_exception(failure)
    await asyncio.sleep(0)
    assert (len(submitted.commits), calls) == (1, [])
    assert ("the disk is full" in caplog.text) is isinstance(failure, StorageError)
    retexter.close()


async def test_it_ends_when_it_is_closed() -> None:
    submitted, calls = Submitted(), list[bool]()
    clock = Clock()
    retexter = Retexter(submitted, clock, lambda: calls.append(True))
    retexter.begin()
    submitted.outcomes[0].set_result(True)
    await asyncio.sleep(0)
    retexter.close()  # while it pauses
    retexter.begin()
    assert len(submitted.commits) == 1
    again = Retexter(submitted, clock, lambda: calls.append(True))
    again.begin()
    again.close()  # while a commit is under way
    submitted.outcomes[1].set_result(True)
    await asyncio.sleep(0)
    assert (len(submitted.commits), calls) == (2, [])
