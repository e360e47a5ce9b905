"""What it costs to read one world's records: as much with thousands of other worlds as with one.

The cost is counted in steps of SQLite's machine, so that no busy processor matters.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from postroad_web.catalog.database import FEW, Share, share_of
from postroad_web.catalog.journey import Journey
from postroad_web.catalog.reader import Reader
from postroad_web.catalog.record import Origin
from postroad_web.catalog.writer import Writer
from postroad_web.search import parse
from postroad_web.search.match import Subject
from postroad_web.waiting.criteria import Criteria
from postroad_web.waiting.narrow import Narrow, UnderWay
from tests.web.search.database import insert
from tests.web.some import digest, record
from tests.web.worlds import SomeWorlds

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from postroad_web.catalog.page import Query

EACH = 10  # messages of a world
QUERIES = (
    "welcome",
    "tag:blue",
    "is:unread",
    "from:ann",
    "subject:hello",
    "state:queued",
    "not welcome",
)
WINDOWS: dict[str, Callable[[Reader], Any]] = {
    "page": lambda reader: reader.page("w1"),
    "present": lambda reader: reader.page("w1", present=True, offset=2, limit=3),
    "counts": lambda reader: reader.counts("w1"),
    "tags": lambda reader: reader.tag_counts("w1"),
    "changed": lambda reader: reader.changed_since("w1", 0, 5),
    "under way": lambda reader: reader.page("w1", UnderWay(), limit=20, counted=False),
    "wait": lambda reader: reader.page("w1", Narrow(Criteria(recipient="bob@beta.test")), counted=False),
    **{query: lambda reader, query=query: reader.page("w1", parse(query)) for query in QUERIES},  # type: ignore[misc]
}


def catalog(folder: Path, others: int, size: int = EACH) -> Reader:
    """Return the reader of a catalog in which `w1` has some records, among those of other worlds."""
    writer = Writer(folder, SomeWorlds(w1=""))
    execute = writer.connection.execute
    execute("BEGIN")
    for turn in range(size):
        for place in range(others + 1):
            number = turn * (others + 1) + place + 1
            world = f"w{place + 1}"
            tags = ("blue",) if turn % 2 else ()
            row = record(number, world=world, digest=digest(f"Hello {number}"), tags=tags)
            insert(writer.connection, Subject(row, f"hello welcome bob@beta.test number {number}", ""))
    rest = Journey("", 0, Origin.APP, 0.0, "").pack()
    execute("UPDATE records SET digested = 1, present = 1, changed = number, rest = ?", (rest,))
    execute("COMMIT")
    writer.close()
    return Reader(folder)


def steps(reader: Reader, read: Callable[[Reader], Any]) -> tuple[int, Any]:
    """Return how many steps something takes, and what it gives."""
    count = 0

    def step() -> int:
        nonlocal count
        count += 1
        return 0

    reader.connection.set_progress_handler(step, 1)
    given = read(reader)
    reader.connection.set_progress_handler(None, 0)
    return count, given


@pytest.fixture(scope="module")
def readers(tmp_path_factory: pytest.TempPathFactory) -> dict[int, Reader]:
    return {others: catalog(tmp_path_factory.mktemp("catalog"), others) for others in (1, 300)}


@pytest.mark.parametrize("name", WINDOWS)
def test_other_worlds_cost_nothing(readers: dict[int, Reader], name: str) -> None:
    (alone, few), (among, many) = (steps(readers[others], WINDOWS[name]) for others in (1, 300))
    assert among <= 1.2 * alone
    if hasattr(few, "records"):
        assert len(few.records) == len(many.records) > 0 or name in {"under way", "state:queued", "not welcome"}
        assert few.total == many.total


PLANS = {
    Share.FEW: {"": "records_world", "welcome": "records_world", "tag:blue": "records_world"},
    Share.SOME: {"": "records_world", "welcome": "PRIMARY KEY", "is:read": "records_world"},
    Share.MOST: {"": "records_world", "welcome": "PRIMARY KEY", "is:read": "SCAN records"},
}


@pytest.mark.parametrize("share", Share)
def test_how_a_world_is_read(readers: dict[int, Reader], monkeypatch: pytest.MonkeyPatch, share: Share) -> None:
    monkeypatch.setattr("postroad_web.catalog.reader.share_of", lambda *_: share)
    for query, way in PLANS[share].items():
        plan = plan_of(readers[1], parse(query) if query else None)
        assert any(way in step for step in plan), (query, plan)
        assert not any("TEMP B-TREE FOR ORDER" in step for step in plan), (query, plan)
    assert "records_pending" in plan_of(readers[1], UnderWay())[0]


def plan_of(reader: Reader, query: Query | None) -> list[str]:
    """Return how SQLite reads a page."""
    said: list[str] = []
    reader.connection.set_trace_callback(said.append)
    reader.page("w1", query)
    reader.connection.set_trace_callback(None)
    asked = [sql for sql in said if "ORDER BY number" in sql]  # others are the index's own
    return [row[3] for row in reader.connection.execute(f"EXPLAIN QUERY PLAN {asked[-1]}")]


def test_shares() -> None:
    assert share_of(0, lambda: 0) is Share.FEW
    assert share_of(FEW, lambda: FEW) is Share.FEW
    assert share_of(FEW + 1, lambda: 2 * FEW + 2) is Share.MOST
    assert share_of(FEW + 1, lambda: 10 * FEW) is Share.SOME
