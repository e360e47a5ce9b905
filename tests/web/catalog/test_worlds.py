"""Each world has its own records, marks, tags, counts and changes, and nothing of it is left once it is dropped."""

from __future__ import annotations

import sqlite3
from typing import TYPE_CHECKING, Any

import pytest

from postroad_web.catalog import database, writer
from postroad_web.catalog.catalog import Catalog
from postroad_web.catalog.database import Share
from postroad_web.catalog.folding import Folding
from postroad_web.catalog.hub import Change, Happened, Hub
from postroad_web.catalog.marks import Marks
from postroad_web.catalog.reader import Reader
from postroad_web.catalog.tallies import Tallies
from postroad_web.catalog.worlds import DefaultWorld, is_admitted, world_of_refusal
from postroad_web.catalog.writer import Writer
from postroad_web.search import parse
from tests.harness.doors import START, ToyStack
from tests.web.some import record
from tests.web.worlds import SomeWorlds

if TYPE_CHECKING:
    from pathlib import Path

    from tests.harness.doors import ToyDoor

WORLDS = ("default", "w1", "w2")


class Town:
    """A catalog of three worlds, with two messages in each: one that waits in the queue, one delivered."""

    def __init__(self, folder: Path, worlds: SomeWorlds) -> None:
        self.folder = folder
        self.stack = ToyStack()
        self.worlds = worlds
        self.idents: dict[str, list[str]] = {}
        self.catalog = self.opened()

    def opened(self) -> Catalog:
        return Catalog(self.folder, relay=self.stack.relay, store=self.stack.store, worlds=self.worlds)

    def accept(self, world: str, subject: str = "Hello", *, deliver: bool = True, more: str = "") -> str:
        named = {} if world == "default" else {"world": world}
        octets = f"From: a@{world}.test\r\nSubject: {subject}\r\n{more}\r\nbody".encode()
        ident = self.stack.accept(octets, f"a@{world}.test", [f"bob@{world}.test"], **named)
        if deliver:
            self.stack.deliver(ident)
        return ident

    async def fill(self) -> None:
        await self.catalog.start()
        for world in WORLDS:
            waiting = self.accept(world, f"Waiting {world}", deliver=False, more="X-Tags: blue\r\n")
            self.idents[world] = [waiting, self.accept(world, f"Hello {world}")]
        await self.stack.told(self.catalog)

    def listed(self, world: str, query: str | None = None, **window: Any) -> list[str]:
        page = self.catalog.of(world).page(None if query is None else parse(query), **window)
        return [row.id for row in page.records]


@pytest.fixture
def worlds() -> SomeWorlds:
    return SomeWorlds(w1="", w2="")


@pytest.fixture
def town(tmp_path: Path, worlds: SomeWorlds) -> Town:
    return Town(tmp_path, worlds)


@pytest.mark.parametrize("share", Share)
async def test_each_world_sees_its_own(town: Town, monkeypatch: pytest.MonkeyPatch, share: Share) -> None:
    monkeypatch.setattr("postroad_web.catalog.reader.share_of", lambda *_: share)
    await town.fill()
    for world in WORLDS:
        mine = town.idents[world]
        view = town.catalog.of(world)
        assert town.listed(world, oldest_first=True) == mine
        assert view.counts() == (2, 2)
        assert view.tag_counts() == {"blue": 1}
        assert (latest := view.latest()) is not None
        assert (latest.id, latest.world) == (mine[1], world)
        assert view.latest_number() == latest.number
        assert {change.record.world for change in view.changed_since(0)} == {world}
        for query in ("hello or waiting", "body", "is:unread", "from:a@", "subject:o or subject:a", "larger:1"):
            assert sorted(town.listed(world, query)) == mine
        for query in ("tag:blue", "is:tagged", "state:queued"):
            assert town.listed(world, query) == mine[:1]
        for query in ("mailbox:INBOX", f"account:bob@{world}.test", "not tag:blue"):
            assert town.listed(world, query) == mine[1:]
        assert (newest := await view.newest(parse("hello"))) is not None
        assert newest.id == mine[1]
        other = town.idents["w2" if world == "w1" else "w1"][0]
        assert view.get(other) is None
        assert view.get(mine[0]) is not None
    assert len(town.listed("*")) == 6
    assert town.catalog.every.counts() == (6, 6)
    assert town.catalog.every.tag_counts() == {"blue": 3}
    assert town.listed("w3") == []
    assert town.catalog.of("w3").counts() == (0, 0)
    await town.catalog.close()


async def test_what_is_done_in_a_world_stays_there(town: Town) -> None:
    await town.fill()
    first, other = town.catalog.of("w1"), town.catalog.of("w2")
    everything = [ident for idents in town.idents.values() for ident in idents]
    await first.mark(everything, read=True)
    await first.tag(everything, ["red"])
    assert (first.counts(), other.counts()) == ((2, 0), (2, 2))
    await other.mark(None, read=True)
    assert (other.counts(), town.catalog.of("default").counts()) == ((2, 0), (2, 2))
    await other.rename_tag("blue", "green")
    assert (first.tag_counts(), other.tag_counts()) == ({"red": 2}, {"green": 1})
    await first.drop_tag("red")
    assert (first.tag_counts(), town.catalog.of("default").tag_counts()) == ({}, {"blue": 1})
    await first.delete(everything[-2:])
    assert other.counts().total == 2
    await other.delete(everything[-1:])
    assert [view.counts().total for view in (first, other)] == [2, 1]
    await town.catalog.close()
    # All of it is the same when the catalog is made anew.
    (town.folder / database.FILE).unlink()
    again = town.opened()
    await again.start()
    await town.stack.told(again)
    assert [again.of(world).counts() for world in ("default", "w1", "w2")] == [(2, 2), (2, 0), (1, 0)]
    assert [again.of(world).tag_counts() for world in ("default", "w1", "w2")] == [{"blue": 1}, {}, {"green": 1}]
    await again.close()


async def test_a_world_is_emptied_and_no_other(town: Town, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(writer, "_EMPTIED", 1)
    await town.fill()
    changes = {world: town.catalog.of(world).subscribe() for world in (*WORLDS, "*")}
    await town.catalog.write(town.catalog.writer.purge, "w1", town.stack.relay.number)
    for world in ("w1", "*"):
        told = await anext(changes[world])
        assert (told.kind, told.world, told.records) == (Happened.PURGED, "w1", ())
    assert [town.catalog.of(world).counts().total for world in WORLDS] == [2, 0, 2]
    later = town.accept("w1")
    await town.stack.told(town.catalog)
    assert town.listed("w1") == [later]
    arrived = await anext(changes["w1"])
    assert (arrived.kind, [arrival.id for arrival in arrived.records]) == (Happened.ARRIVED, [later])
    await town.catalog.close()
    # The others have heard nothing.
    for world in ("default", "w2"):
        assert [change async for change in changes[world]] == []


async def test_a_world_that_is_dropped_leaves_nothing(town: Town) -> None:
    await town.fill()
    await town.catalog.of("w1").tag(town.idents["w1"], ["red"])
    await town.catalog.of("w1").mark(None, read=True)
    town.worlds.times.pop("w1")
    town.accept("w1", "Late")  # an event that comes after the drop
    await town.stack.told(town.catalog)
    await town.catalog.drop(["w1"])
    assert town.listed("w1") == []
    assert [town.catalog.of(world).counts().total for world in (*WORLDS, "*")] == [2, 0, 2, 4]
    await town.catalog.close()
    with_rows = Writer(town.folder, town.worlds)
    for table in ("records", "counts", "tags"):
        rows = with_rows.connection.execute(f"SELECT count(*) FROM {table} WHERE world = 'w1'").fetchone()
        assert (table, rows) == (table, (0,))
    for table in database.DEPENDENT[1:]:
        sql = f"SELECT count(*) FROM {table} WHERE number NOT IN (SELECT number FROM records)"
        assert with_rows.connection.execute(sql).fetchone() == (0,)
    for table in ("marks", "worlds"):
        sql = f"SELECT count(*) FROM {table} WHERE world = 'w1'"
        assert with_rows.marks._connection.execute(sql).fetchone() == (0,)
    with_rows.close()


async def test_a_catalog_that_is_made_anew_has_nothing_of_worlds_that_are_no_more(town: Town) -> None:
    await town.fill()
    await town.catalog.close()
    (town.folder / database.FILE).unlink()
    del town.worlds.times["w1"]
    town.worlds.times["w2"] = START + 1000  # another one that has the same ID
    again = town.opened()
    await again.start()
    await town.stack.told(again)
    assert [again.of(world).counts().total for world in (*WORLDS, "*")] == [2, 0, 0, 2]
    town.stack.time = START + 1000
    ident = town.accept("w2")
    await town.stack.told(again)
    assert again.of("w2").get(ident) is not None
    await again.close()


async def test_a_death_between_the_drop_and_the_catalog(town: Town) -> None:
    await town.fill()
    await town.catalog.close()
    del town.worlds.times["w1"]
    again = town.opened()
    await again.start()
    assert [again.of(world).counts().total for world in (*WORLDS, "*")] == [2, 0, 2, 4]
    await again.close()


async def test_a_notification_has_the_world_of_its_message(town: Town) -> None:
    await town.fill()
    report = town.stack.fail(town.idents["w1"][0], "bob@w1.test")
    await town.stack.told(town.catalog)
    assert (notification := town.catalog.of("w1").get(report)) is not None
    assert (notification.world, notification.about) == ("w1", town.idents["w1"][0])
    assert town.catalog.of("default").get(report) is None
    await town.catalog.close()


async def test_a_notification_about_a_message_that_was_deleted_is_not_the_default_worlds(town: Town) -> None:
    await town.fill()
    await town.catalog.of("w1").delete(town.idents["w1"])
    report = town.stack.fail(town.idents["w1"][0], "bob@w1.test", world="w1")
    await town.stack.told(town.catalog)
    assert town.catalog.of("w1").get(report) is not None
    assert town.catalog.of("default").get(report) is None
    await town.catalog.close()


async def test_the_newest_of_each_world_stay(town: Town) -> None:
    await town.fill()
    third = town.accept("w1")
    await town.stack.told(town.catalog)
    await town.catalog.close()
    write = Writer(town.folder, town.worlds)
    news = write.retain(2, 0.0)
    assert news is not None
    assert [removed.id for removed in news.records] == town.idents["w1"][:1]
    assert write.retain(2, 0.0) is None
    assert third
    write.close()


async def test_the_traffic_of_each_world_is_counted(town: Town) -> None:
    await town.fill()
    for details in ({"world": "w1"}, {"recipient": "nobody@w2.test"}, {"recipient": "nobody@beta.test"}):
        town.stack.relay.note("refused", START, command="RCPT", reply="550 no", **details)
    town.stack.relay.note("refused", START, command="RCPT", reply="550 no", world="gone")
    await town.stack.told(town.catalog)
    traffic = [town.catalog.tallies.of(world) for world in (*WORLDS, "gone")]
    assert [(tally.accepted, tally.refused) for tally in traffic] == [(2, 1), (2, 1), (2, 1), (0, 0)]
    assert town.catalog.tallies.octets == sum(tally.octets for tally in traffic)
    await town.catalog.drop(["w1"])
    assert town.catalog.tallies.of("w1").accepted == 0
    await town.catalog.close()


def test_marks_from_before_there_were_worlds_are_the_default_worlds(tmp_path: Path) -> None:
    old = sqlite3.connect(tmp_path / "marks.sqlite")
    old.executescript(
        """
        CREATE TABLE marks (
            id TEXT PRIMARY KEY, change INTEGER NOT NULL, read INTEGER, tags TEXT, deleted INTEGER NOT NULL DEFAULT 0
        ) WITHOUT ROWID;
        CREATE TABLE facts (name TEXT PRIMARY KEY, value INTEGER NOT NULL) WITHOUT ROWID;
        INSERT INTO facts VALUES ('change', 9), ('purged', 5), ('everything', 7), ('everything_read', 1);
        INSERT INTO marks VALUES ('a', 9, 0, NULL, 0);
        """
    )
    old.close()
    for _ in range(2):
        marks = Marks(tmp_path)
        assert marks.change == 9
        assert marks.of_all("default") == (5, 7, True)
        assert not marks.is_read(marks.of(["a"])["a"], 6, "default")
        assert marks.is_read(None, 6, "default")
        marks.close()
    marks = Marks(tmp_path)
    marks.purge("default", 8)
    assert marks.since(0) == {}
    marks.close()


def test_a_change_of_several_worlds_is_told_to_each() -> None:
    hub = Hub()
    ears = {world: hub.subscribe(world) for world in ("w1", "w2", "*")}
    first, second, third = record(1, world="w1"), record(2, world="w3"), record(3, world="w1")
    hub.tell(Change(5, Happened.UPDATED, (first, second, third), "*"))
    assert list(ears["w1"]._waiting) == [Change(5, Happened.UPDATED, (first, third), "w1")]
    assert list(ears["w2"]._waiting) == []
    assert list(ears["*"]._waiting) == [Change(5, Happened.UPDATED, (first, second, third), "*")]
    ears["w1"].close()
    ears["w1"].close()
    hub.tell(Change(6, Happened.PURGED, (), "w1"))
    assert len(ears["*"]._waiting) == 2


def test_whose_a_refusal_is() -> None:
    worlds = SomeWorlds(w1="", w2="")
    for event, world in (
        ({}, "default"),
        ({"world": "w1", "login": "w2"}, "w1"),
        ({"login": "w1"}, "w1"),
        ({"login": "default", "recipient": "a@w2.test"}, "w2"),
        ({"login": "ann@w1.test"}, "w1"),
        ({"login": "ann@alpha.test", "recipients": ["a@b.test", "a@w2.test"]}, "w2"),
        ({"recipient": "a@b.test"}, "default"),
    ):
        assert world_of_refusal(worlds, event) == world


def test_without_other_worlds_all_is_the_default_worlds() -> None:
    worlds = DefaultWorld()
    for event in ({}, {"login": "w1"}, {"login": "a@w1.test", "recipients": ["b@w2.test"]}, {"recipient": "b@w2.test"}):
        assert world_of_refusal(worlds, event) == "default"
    assert (worlds.begun("default"), worlds.begun("w1"), worlds.password("default")) == (0.0, None, None)
    assert (worlds.made("default"), list(worlds.others())) == (None, [])


def test_what_has_happened_before_a_world_was_made_is_not_its_own() -> None:
    worlds = SomeWorlds(w1="")
    worlds.times["w1"] = 100.0005
    assert is_admitted(worlds, "w1", 100.0)
    assert not is_admitted(worlds, "w1", 99.0)
    assert is_admitted(worlds, "w1", 100.0005 - 0.001)
    assert not is_admitted(worlds, "w1", 100.0005 - 0.0011)
    assert is_admitted(worlds, "w1", 200.0)
    assert not is_admitted(worlds, "w2", 200.0)


@pytest.mark.parametrize("many", [0, 100])
def test_a_drop_takes_no_copy_of_what_is_still_to_come(town: Town, monkeypatch: pytest.MonkeyPatch, many: int) -> None:
    """The store's journal may be ahead: a copy waits for the delivery of a message of another world."""
    monkeypatch.setattr(writer, "_MANY", many)
    write = Writer(town.folder, town.worlds)
    folding = Folding(write, Tallies())

    def fold(door: ToyDoor) -> None:
        folding.fold([(door.service, [line for _, line in door.journal_lines], door.number)])

    stack = town.stack
    town.accept("w1")
    fold(stack.relay)
    fold(stack.store)
    ident = town.accept("w2")
    stack.store.journal_lines = stack.store.journal_lines[-1:]
    fold(stack.store)
    del town.worlds.times["w1"]
    assert [news.world for news in write.drop(["w1"])] == ["w1"]
    fold(stack.relay)
    write.close()
    reader = Reader(town.folder)
    assert reader.counts("w1") == (0, 0)
    assert (message := reader.get(ident, "w2")) is not None
    assert [copy.account for copy in message.recipients[0].copies] == ["bob@w2.test"]
    reader.close()


@pytest.mark.parametrize("first", ["relay", "store"])
def test_no_copy_of_a_world_that_is_dropped_waits_for_ever(town: Town, first: str) -> None:
    """Its message is taken out of the catalog while the journals still tell of the delivery."""
    write = Writer(town.folder, town.worlds)
    folding = Folding(write, Tallies())
    stack = town.stack
    ident = town.accept("w1", deliver=False)
    folding.fold([("relay", [line for _, line in stack.relay.journal_lines], stack.relay.number)])
    stack.relay.journal_lines.clear()
    stack.deliver(ident)
    of_store = [b'{"world":"w1",' + line.removeprefix(b"{") for _, line in stack.store.journal_lines]
    pieces = {
        "relay": ("relay", [line for _, line in stack.relay.journal_lines], stack.relay.number),
        "store": ("store", of_store, stack.store.number),
    }
    if first == "store":
        folding.fold([pieces["store"]])
        assert write.connection.execute("SELECT count(*) FROM copies").fetchone() == (1,)
    del town.worlds.times["w1"]
    write.drop(["w1"])
    folding.fold([pieces["relay"]])
    folding.fold([pieces["store"]])
    assert write.connection.execute("SELECT count(*) FROM copies").fetchone() == (0,)
    write.close()
