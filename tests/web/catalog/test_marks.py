"""Marks are on disk before they are answered, and are taken over by a catalog that lacks them."""

from __future__ import annotations

import sqlite3
from typing import TYPE_CHECKING

import pytest

from postroad_web.catalog import writer as writer_module
from postroad_web.catalog.folding import Folding
from postroad_web.catalog.hub import Happened
from postroad_web.catalog.marks import FILE, Mark, Marked, Marks
from postroad_web.catalog.reader import Reader
from postroad_web.catalog.tallies import Tallies
from postroad_web.catalog.worlds import DefaultWorld
from postroad_web.catalog.writer import Writer
from tests.harness.doors import ToyStack

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path


def filled(folder: Path, count: int = 3) -> tuple[Writer, list[str]]:
    stack = ToyStack()
    idents = [stack.send(b"", None, ["bob@beta.test"]) for _ in range(count)]
    writer = Writer(folder, DefaultWorld())
    lines = [line for _, line in stack.relay.journal_lines]
    Folding(writer, Tallies()).fold([("relay", lines, stack.relay.number)])
    return writer, idents


def marked(ident: str, world: str = "default") -> Marked:
    return Marked(ident, world)


A, B, C = map(marked, "abc")


def test_marks_are_kept(tmp_path: Path) -> None:
    marks = Marks(tmp_path)
    marks.set_read([A, B], read=True)
    marks.set_tags([(A, ["x"]), (C, [])])
    marks.delete([B])
    marks.set_read([A], read=False)
    marks.close()
    marks = Marks(tmp_path)
    assert marks.change == 4
    known = marks.of(["a", "b", "c", "d"])
    assert known == {"a": Mark(read=False, tags=("x",)), "b": Mark(read=True, deleted=True), "c": Mark(tags=())}
    assert marks.since(3) == {"a": known["a"]}
    marks.set_all_read("default", 10, read=True)
    assert marks.is_read(marks.of(["a"])["a"], 10, "default")
    assert not marks.is_read(None, 11, "default")
    assert not marks.is_read(None, 10, "w1")
    assert not marks.is_read(Mark(read=False), 5, "default")
    marks.purge("default", 7)
    assert marks.since(0) == {}
    marks.close()
    marks = Marks(tmp_path)
    assert (marks.of_all("default").purged, marks.of_all("w1").purged) == (7, 0)
    assert marks.worlds_since(0) == ["default"]
    assert marks.worlds_since(marks.change) == []


def test_a_change_that_fails_leaves_nothing(tmp_path: Path) -> None:
    marks = Marks(tmp_path)

    def broken() -> Iterator[Marked]:
        yield A
        raise ValueError("broken")

    with pytest.raises(ValueError, match="broken"):
        marks.set_read(broken(), read=True)
    assert sqlite3.connect(tmp_path / FILE).execute("SELECT count(*) FROM marks").fetchone() == (0,)


def test_a_death_between_mark_and_catalog(tmp_path: Path) -> None:
    """The marks are on disk; the catalog takes them over at the next start."""
    writer, idents = filled(tmp_path, 5)
    writer.marks.set_all_read("default", 2**60, read=True)
    writer.marks.set_read([marked(idents[1])], read=False)
    writer.marks.set_tags([(marked(idents[2]), ["red"])])
    writer.marks.delete([marked(idents[3])])
    writer.close()
    Writer(tmp_path, DefaultWorld()).close()
    reader = Reader(tmp_path)
    records = reader.page("*", oldest_first=True).records
    assert [record.id for record in records] == [*idents[:3], idents[4]]
    assert [record.read for record in records] == [True, False, True, True]
    assert records[2].tags == ("red",)
    assert reader.counts("*") == (4, 1)
    reader.close()


def test_a_death_between_purge_and_catalog(tmp_path: Path) -> None:
    writer, _ = filled(tmp_path)
    writer.marks.purge("default", 2**60)
    writer.close()
    writer = Writer(tmp_path, DefaultWorld())
    assert writer.connection.execute("SELECT total FROM counts WHERE world = '*'").fetchone() == (0,)
    writer.close()


def test_many_removals_make_the_index_anew(tmp_path: Path) -> None:
    writer, idents = filled(tmp_path, 1200)
    writer.connection.execute("INSERT INTO bodies SELECT number, 'some words' FROM records")
    assert writer.delete("default", idents[:100]).kind is Happened.DELETED
    assert writer.connection.execute("SELECT count(*) FROM unindexed").fetchone() == (0,)
    writer.delete("default", idents[100:1150])
    assert writer.connection.execute("SELECT value FROM facts WHERE name = 'stale'").fetchone() == (0,)
    assert writer.connection.execute("SELECT count(*) FROM unindexed").fetchone() == (50,)
    assert writer.delete("default", ["unknown"]).records == ()
    writer.close()


def test_retention(tmp_path: Path) -> None:
    writer, idents = filled(tmp_path, 6)
    assert writer.retain(10, 0.0) is None
    news = writer.retain(4, 0.0)
    assert news is not None
    assert [record.id for record in news.records] == idents[:2]
    arrived = writer.connection.execute("SELECT arrived FROM records ORDER BY number").fetchall()[1][0]
    news = writer.retain(0, arrived)
    assert news is not None
    assert [record.id for record in news.records] == idents[2:3]
    writer.close()


@pytest.mark.parametrize(
    "octets", [b"", b"SQLite format 3\0" + b"\xff" * 5000, b"rubbish"], ids=["empty", "damaged", "rubbish"]
)
def test_a_database_that_is_damaged_or_old_is_made_anew(tmp_path: Path, octets: bytes) -> None:
    (tmp_path / "catalog.sqlite").write_bytes(octets)
    writer = Writer(tmp_path, DefaultWorld())
    assert writer.connection.execute("SELECT total FROM counts WHERE world = '*'").fetchone() == (0,)
    writer.close()


def test_a_purge_leaves_what_came_later(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(writer_module, "_MANY", 0)
    writer, idents = filled(tmp_path, 4)
    numbers = [number for (number,) in writer.connection.execute("SELECT number FROM records ORDER BY number")]
    writer.connection.execute("INSERT INTO bodies SELECT number, 'some words' FROM records")
    assert writer.purge("default", numbers[2]).kind is Happened.PURGED
    assert writer.connection.execute("SELECT id FROM records").fetchall() == [(idents[3],)]
    assert writer.connection.execute("SELECT number FROM bodies").fetchall() == [(numbers[3],)]
    assert writer.connection.execute("SELECT total, unread FROM counts").fetchone() == (1, 1)
    writer.purge("default", numbers[3])
    assert writer.connection.execute("SELECT * FROM counts").fetchall() == [("*", 0, 0, 0, 0)]
    assert writer.facts()["stale"] == 0
    writer.close()


def test_a_copy_that_is_told_of_before_its_message_outlives_a_world_that_is_dropped(tmp_path: Path) -> None:
    """As when the last message of one world goes while the first of another one is under way."""
    stack = ToyStack()
    stack.send(b"", None, ["bob@beta.test"])
    writer = Writer(tmp_path, DefaultWorld())
    folding = Folding(writer, Tallies())
    folding.fold([("store", [line for _, line in stack.store.journal_lines], stack.store.number)])
    writer.drop(["other"])
    writer.purge("default", 1)
    folding.fold([("relay", [line for _, line in stack.relay.journal_lines], stack.relay.number)])
    assert writer.connection.execute("SELECT count(*) FROM copies WHERE number IS NOT NULL").fetchone() == (1,)
    writer.close()


def test_copies_that_nobody_delivered_do_not_pile_up(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    stack = ToyStack()
    for _ in range(5):
        stack.send(b"", None, ["bob@beta.test"])
    writer = Writer(tmp_path, DefaultWorld())
    lines = [line for _, line in stack.store.journal_lines]
    Folding(writer, Tallies()).fold([("store", lines, stack.store.number)])
    writer.close()
    monkeypatch.setattr(writer_module, "UNLINKED", 2)
    writer = Writer(tmp_path, DefaultWorld())
    assert writer.connection.execute("SELECT uid FROM copies ORDER BY uid").fetchall() == [(4,), (5,)]
    writer.close()


def test_marks_that_cannot_be_read_are_named_with_what_to_do(tmp_path: Path) -> None:
    (tmp_path / FILE).write_bytes(b"rubbish" * 1000)
    with pytest.raises(
        sqlite3.DatabaseError, match=r"marks\.sqlite: file is not a database; put a backup in its place"
    ):
        Marks(tmp_path)
