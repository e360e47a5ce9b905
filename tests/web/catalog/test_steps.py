"""The steps of the writer's thread, one by one."""

from __future__ import annotations

import asyncio
import sqlite3
from typing import TYPE_CHECKING, Any

import pytest

from postroad_web.catalog import digesting as digesting_module
from postroad_web.catalog import keeper as keeper_module
from postroad_web.catalog import shelf as shelf_module
from postroad_web.catalog.catalog import Catalog
from postroad_web.catalog.database import containing
from postroad_web.catalog.digesting import Content, Digesting
from postroad_web.catalog.folding import Folding, places_in
from postroad_web.catalog.hub import Happened
from postroad_web.catalog.reader import Reader
from postroad_web.catalog.tallies import Tallies
from postroad_web.catalog.worlds import DefaultWorld
from postroad_web.catalog.writer import Writer
from tests.harness.doors import ToyStack

if TYPE_CHECKING:
    from pathlib import Path


class Steps:
    """A writer with a folded stack of three messages, the last of them queued."""

    def __init__(self, folder: Path) -> None:
        self.stack = stack = ToyStack()
        self.idents = [stack.send(b"Subject: x\r\n\r\n", None, ["bob@beta.test"]) for _ in range(2)]
        self.idents.append(stack.accept(b"Subject: x\r\n\r\n", None, ["bob@beta.test"]))
        self.writer = Writer(folder, DefaultWorld())
        self.tallies = Tallies()
        self.folding = Folding(self.writer, self.tallies)
        self.digesting = Digesting(self.writer, self.tallies)
        self.fold()

    def fold(self) -> Any:
        pieces = [
            (door.service, [line for _, line in door.journal_lines], door.number)
            for door in (self.stack.relay, self.stack.store)
        ]
        return self.folding.fold(pieces)


@pytest.fixture
def steps(tmp_path: Path) -> Steps:
    return Steps(tmp_path)


def test_digests_and_the_index(steps: Steps, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(digesting_module, "INDEXED", 1)
    wants = steps.folding.wants(0)
    assert [want.id for want in wants] == steps.idents
    assert [want.copy is not None for want in wants] == [True, True, False]
    contents = [Content(wants[0].number, b"Subject: needle\r\n\r\n"), Content(wants[1].number, None), Content(5, b"")]
    news = steps.digesting.digest(contents)
    assert (news.kind, news.numbers) == (Happened.ARRIVED, [wants[0].number, wants[1].number])
    assert steps.digesting.digest(contents).numbers == []  # once is enough
    reader = Reader(tmp_path)
    for _ in range(2):
        condition, values = containing("Needle")
        sql = f"SELECT id FROM records WHERE {condition}"
        assert reader.connection.execute(sql, values).fetchall() == [(steps.idents[0],)]
        assert steps.digesting.index() == (_ == 0)
    assert reader.connection.execute("SELECT count(*) FROM unindexed").fetchone() == (0,)
    assert [want.id for want in steps.folding.wants(0)] == steps.idents[2:]
    assert reader.counts("*", present=True) == (1, 1)
    reader.close()


def test_a_content_that_cannot_be_read_holds_up_nobody(
    steps: Steps, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def broken(*_: object) -> None:
        raise ZeroDivisionError

    monkeypatch.setattr(digesting_module, "read_content", broken)
    (want, *_) = steps.folding.wants(0)
    assert steps.digesting.digest([Content(want.number, b"x")]).numbers == [want.number]
    assert "can't be read" in caplog.text


def test_a_step_that_fails_leaves_nothing(steps: Steps, monkeypatch: pytest.MonkeyPatch) -> None:
    (want, *_) = steps.folding.wants(0)
    monkeypatch.setattr(digesting_module, "digest_columns", lambda *_: ("too", "few"))
    with pytest.raises(Exception, match="bindings"):
        steps.digesting.digest([Content(want.number, b"x")])
    monkeypatch.undo()
    assert steps.digesting.digest([Content(want.number, b"x")]).numbers == [want.number]


def test_the_digest_of_a_message_that_people_have_tagged_keeps_their_tags(steps: Steps, tmp_path: Path) -> None:
    (want, *_) = steps.folding.wants(0)
    steps.writer.tag("default", [want.id], ["mine"])
    steps.digesting.digest([Content(want.number, b"X-Tags: theirs\r\n\r\n")])
    reader = Reader(tmp_path)
    record = reader.get(want.id, "*")
    assert record is not None
    assert record.digest is not None
    assert (record.tags, record.digest.tags) == (("mine",), ("theirs",))
    assert reader.tag_counts("*") == {"mine": 1}
    reader.close()


def test_a_content_at_hand_is_read_in_the_step_that_tells_of_its_copy(tmp_path: Path) -> None:
    steps = Steps(tmp_path)
    before = steps.stack.store.number, steps.stack.relay.number
    idents = [steps.stack.send(b"Subject: x\r\n\r\n", None, ["bob@beta.test"]) for _ in range(2)]
    doors = steps.stack.store, steps.stack.relay
    pieces = [
        (door.service, [line for number, line in door.journal_lines if number > last], door.number)
        for door, last in zip(doors, before, strict=True)
    ]
    at_hand = {place: octets for place, octets in steps.stack.store.contents.items() if place[3] == 3}
    folded = steps.folding.fold(pieces, at_hand.get)
    assert [want.id for want in folded.wants] == idents[1:]
    (news,) = folded.news
    assert (news.kind, tuple(news.numbers)) == (Happened.ARRIVED, folded.read)
    reader = Reader(tmp_path)
    (record,) = reader.records(folded.read)
    assert record.id == idents[0]
    assert record.digest is not None
    assert [copy.uid for copy in record.recipients[0].copies] == [3]
    assert steps.tallies.latencies["catalog"].count == 1
    reader.close()


@pytest.mark.parametrize("whole", [True, False])
async def test_a_delivery_is_taken_up_once_it_is_whole(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, whole: bool
) -> None:
    steps: list[int] = []
    fold = Folding.fold

    def counted(self: Folding, pieces: Any, *more: Any) -> Any:
        steps.append(sum(len(lines) for _, lines, _ in pieces))
        return fold(self, pieces, *more)

    monkeypatch.setattr(Folding, "fold", counted)
    monkeypatch.setattr(keeper_module, "GATHER", 60.0 if whole else 0.001)
    stack = ToyStack()
    catalog = Catalog(tmp_path, relay=stack.relay, store=stack.store)
    await catalog.start()
    changes = catalog.every.subscribe()
    ident = stack.send(b"", None, ["bob@beta.test"])
    if not whole:
        stack.store.journal_lines.clear()
        async with asyncio.timeout(10):
            while catalog.every.get(ident) is None:  # noqa: ASYNC110 - nobody is told of it without its content
                await asyncio.sleep(0.001)
        assert steps == [3]
    else:
        change = await anext(changes)
        assert (change.kind, [record.id for record in change.records]) == (Happened.ARRIVED, [ident])
        assert steps == [4]
    await catalog.close()


def test_lines_that_make_no_sense_are_logged(steps: Steps, caplog: pytest.LogCaptureFixture) -> None:
    lines = [b"rubbish\n", b'{"kind":"stored"}\n', b'{"kind":"resolved"}\n']
    steps.folding.fold([("store", lines, 9_000)])
    assert caplog.text.count("makes no sense") == 2
    assert steps.tallies.events["resolved"] == 1
    assert steps.writer.facts()["store"] == 9_000


def test_few_journeys_stay_in_memory(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(shelf_module, "KEPT", 1)
    steps = Steps(tmp_path)
    stack = steps.stack
    before = stack.relay.number, stack.store.number
    stack.remove(next(iter(stack.store.contents)))
    stack.deliver(steps.idents[2])
    lines = [
        [line for number, line in door.journal_lines if number > last]
        for door, last in zip((stack.relay, stack.store), before, strict=True)
    ]
    folded = steps.folding.fold([("store", lines[1], stack.store.number), ("relay", lines[0], stack.relay.number)])
    assert {want.id: want.is_lost for want in folded.wants} == {steps.idents[0]: True, steps.idents[2]: False}
    assert steps.folding.wants(0)[-1].copy is not None


async def test_the_work_goes_on_when_the_disk_has_room_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(keeper_module, "AGAIN", 0.01)
    full = [True, True]
    fold = Folding.fold

    def fold_or_fail(self: Folding, *pieces: Any) -> Any:
        if full:
            full.pop()
            raise OSError("no space")
        return fold(self, *pieces)

    monkeypatch.setattr(Folding, "fold", fold_or_fail)
    stack = ToyStack()
    catalog = Catalog(tmp_path, relay=stack.relay, store=stack.store)
    await catalog.start()
    ident = stack.send(b"", None, ["bob@beta.test"])
    await stack.told(catalog)
    assert catalog.every.get(ident) is not None
    assert "can't be written" in caplog.text
    await catalog.close()


async def test_many_pieces_wait_for_their_turn(tmp_path: Path) -> None:
    stack = ToyStack()
    catalog = Catalog(tmp_path, relay=stack.relay, store=stack.store)
    idents = []
    await catalog.start()
    for _ in range(30):
        idents.append(stack.send(b"Subject: y\r\n\r\n", None, ["bob@beta.test"]))
        await asyncio.sleep(0)
    await stack.told(catalog)
    assert [record.id for record in catalog.every.page(oldest_first=True).records] == idents
    assert catalog.tallies.events["stored"] == 30
    await catalog.close()


async def test_work_is_begun_again_after_an_error_that_nobody_foresaw(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(keeper_module, "AGAIN", 0.01)
    stack = ToyStack()
    journal = stack.relay.journal
    failures = [ZeroDivisionError("unforeseen")]

    async def broken(after: int, **how: Any) -> Any:
        if failures:
            raise failures.pop()
        return await journal(after, **how)

    monkeypatch.setattr(stack.relay, "journal", broken)
    catalog = Catalog(tmp_path, relay=stack.relay, store=stack.store)
    await catalog.start()
    ident = stack.send(b"", None, ["bob@beta.test"])
    await stack.told(catalog)
    assert catalog.every.get(ident) is not None
    assert "unforeseen" in caplog.text
    await catalog.close()


def test_places_of_lines_that_make_no_sense() -> None:
    place = b'"account":"a","mailbox":"INBOX","uid_validity":1,"uid":2'
    assert places_in([b'{"kind":"stored"', b'{"kind":"stored"}', b'{"kind":"removed"}'], 9) == []
    lines = [b'{"kind":"stored",%b,"size":%d}' % (place, size) for size in (9, 10)]
    assert places_in(lines, 9) == [("a", "INBOX", 1, 2)]


async def test_a_catalog_that_is_found_damaged_is_made_anew_at_the_next_start(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(keeper_module, "AGAIN", 0.01)
    stack = ToyStack()
    ident = stack.send(b"", None, ["bob@beta.test"])
    fold = Folding.fold
    errors = [sqlite3.DatabaseError("database disk image is malformed")]
    errors[0].sqlite_errorcode = sqlite3.SQLITE_CORRUPT

    def fold_or_fail(self: Folding, *pieces: Any) -> Any:
        if errors:
            raise errors.pop()
        return fold(self, *pieces)

    monkeypatch.setattr(Folding, "fold", fold_or_fail)
    for damaged in (True, False):
        catalog = Catalog(tmp_path, relay=stack.relay, store=stack.store)
        await catalog.start()
        assert catalog.every.counts().total == 0  # made anew the second time
        await stack.told(catalog)
        assert catalog.every.get(ident) is not None
        await catalog.close()
        assert (tmp_path / "catalog.damaged").exists() == damaged
    assert "the catalog is damaged" in caplog.text


def test_a_database_that_another_process_has_is_left_alone(tmp_path: Path) -> None:
    other = Writer(tmp_path, DefaultWorld())
    other.connection.execute("PRAGMA locking_mode = EXCLUSIVE")
    other.connection.execute("BEGIN EXCLUSIVE")
    with pytest.raises(sqlite3.OperationalError, match="locked"):
        Writer(tmp_path, DefaultWorld())
    other.connection.execute("COMMIT")
    other.close()
    assert (tmp_path / "catalog.sqlite").exists()
