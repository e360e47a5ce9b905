"""The catalog whole, with toys for the control doors."""

from __future__ import annotations

import asyncio
import sqlite3
import time
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING

import pytest

from postroad.clock import Clock
from postroad.control.client import DoorAway
from postroad.world.world import DEFAULT_WORLD
from postroad_web.catalog import catalog as module
from postroad_web.catalog import keeper
from postroad_web.catalog.catalog import Catalog, ContentGone
from postroad_web.catalog.database import containing
from postroad_web.catalog.hub import Happened
from postroad_web.catalog.page import SearchTooLong
from postroad_web.catalog.record import Origin, State
from tests.harness.doors import ToyStack

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Sequence
    from pathlib import Path
    from typing import Any

HELLO = b"From: Alice <alice@alpha.test>\r\nTo: bob@beta.test\r\nSubject: Hello\r\n\r\nSome words.\r\n"


class Words:
    """A query for text."""

    def __init__(self, text: str) -> None:
        self.text = text

    def where(self) -> tuple[str, Sequence[Any]]:
        return containing(self.text)


@asynccontextmanager
async def opened(folder: Path, stack: ToyStack, **settings: Any) -> AsyncIterator[Catalog]:
    catalog = Catalog(folder, relay=stack.relay, store=stack.store, **settings)
    await catalog.start()
    try:
        await stack.told(catalog)
        yield catalog
    finally:
        await catalog.close()


async def test_a_page_is_of_one_moment(tmp_path: Path) -> None:
    """The writer commits in a thread of its own, between the statements of a reader too."""
    stack = ToyStack()
    async with opened(tmp_path, stack) as catalog:
        idents = [stack.send(HELLO, "alice@alpha.test", ["bob@beta.test"]) for _ in range(3)]
        await stack.told(catalog)
        for query, left in ((None, 2), (Words("words"), 1)):
            gone = [idents.pop()]

            def remove(statement: str, gone: list[str] = gone) -> None:
                if "ORDER BY number" in statement and gone:
                    catalog.writer.delete(DEFAULT_WORLD, [gone.pop()])

            catalog.reader.connection.set_trace_callback(remove)
            page = catalog.reader.page(DEFAULT_WORLD, query)
            catalog.reader.connection.set_trace_callback(None)
            assert (page.total, page.unread, len(page.records)) == (left + 1, left + 1, left + 1)
            page = catalog.reader.page(DEFAULT_WORLD, query)
            assert (page.total, page.unread, len(page.records)) == (left, left, left)


async def test_a_message_becomes_a_record(tmp_path: Path) -> None:
    stack = ToyStack()
    async with opened(tmp_path, stack) as catalog:
        changes = catalog.every.subscribe()
        ident = stack.send(HELLO, "alice@alpha.test", ["bob@beta.test"], message_id="<1@alpha.test>")
        await stack.told(catalog)
        record = catalog.every.get(ident)
        assert record is not None
        assert record.digest is not None
        assert record.digest.subject == "Hello"
        assert record.digest.from_ == (("Alice", "alice@alpha.test"),)
        assert record.state is State.DELIVERED
        assert record.recipients[0].copies[0].account == "bob@beta.test"
        assert (record.sender, record.message_id, record.size) == ("alice@alpha.test", "<1@alpha.test>", len(HELLO))
        assert catalog.every.page().records == (record,)
        assert catalog.every.latest() == record
        assert catalog.every.latest_number() == record.number
        assert catalog.every.page(after=record.number).records == ()
        assert catalog.every.counts() == catalog.every.counts(present=True) == (1, 1)
        assert "some words." in catalog.text(ident)
        assert await catalog.content(ident) == b"Return-Path: <>\r\n" + HELLO
        change = await anext(changes)
        assert (change.kind, change.records) == (Happened.ARRIVED, (record,))
        assert catalog.cursor >= change.cursor
        assert catalog.every.changed_since(change.cursor - 1)[0][:2] == (change.cursor, record)
        changes.close()


async def test_search(tmp_path: Path) -> None:
    stack = ToyStack()
    async with opened(tmp_path, stack) as catalog:
        idents = [
            stack.send(HELLO.replace(b"words", f"number {number} in a row".encode()), "a@a.test", ["bob@beta.test"])
            for number in range(60)
        ]
        await stack.told(catalog)
        page = catalog.every.page(Words("NUMBER 7"))
        assert [record.id for record in page.records] == [idents[7]]
        assert (page.total, page.unread, page.next) == (1, 1, None)
        assert catalog.every.page(Words("hello")).total == 60
        assert catalog.every.page(Words("7 ")).total == len([n for n in range(60) if f"{n} ".endswith("7 ")])
        assert catalog.every.page(Words("number 7 in")).total == 1
        window = await catalog.every.find(Words("in a row"), limit=20, offset=5)
        assert [record.id for record in window.records] == idents[::-1][5:25]
        assert window.total == 60
        first = catalog.every.page(limit=25)
        second = catalog.every.page(before=first.next, limit=25)
        third = catalog.every.page(before=second.next, limit=25)
        records = [record.id for page in (first, second, third) for record in page.records]
        assert records == idents[::-1]
        assert third.next is None
        assert [record.id for record in catalog.every.page(oldest_first=True, limit=2, offset=1).records] == idents[1:3]
        assert catalog.every.page(limit=-1).total == 60
        newest = await catalog.every.newest(Words("number 9 in"))
        assert newest is not None
        assert newest.id == idents[9]


async def test_bounces_and_deferrals(tmp_path: Path) -> None:
    stack = ToyStack()
    async with opened(tmp_path, stack) as catalog:
        ident = stack.accept(HELLO, "alice@alpha.test", ["bob@beta.test", "nobody@beta.test"])
        stack.defer(ident, "bob@beta.test")
        await stack.told(catalog)
        record = catalog.every.get(ident)
        assert record is not None
        assert record.state is State.QUEUED  # nobody@ is slower
        assert record.recipients[0].state is State.DEFERRED
        assert record.recipients[0].due is not None
        assert record.digest is not None  # from the relay
        report = stack.fail(ident, "nobody@beta.test")
        stack.deliver(ident, ["bob@beta.test"])
        stack.deliver(report)
        await stack.told(catalog)
        record, dsn = catalog.every.get(ident), catalog.every.get(report)
        assert record is not None
        assert dsn is not None
        assert record.state is State.FAILED
        assert record.reports == (report,)
        assert (dsn.origin, dsn.about, dsn.state, dsn.sender) == (Origin.REPORT, ident, State.DELIVERED, None)
        assert catalog.every.counts() == (2, 2)
        assert catalog.every.counts(present=True) == (1, 1)
        assert [record.id for record in catalog.every.page(present=True).records] == [ident]


async def test_marks_outlive_the_catalog(tmp_path: Path) -> None:
    stack = ToyStack()
    idents = [stack.send(HELLO, "a@a.test", ["bob@beta.test"]) for _ in range(4)]
    stack.send(HELLO, "a@a.test", ["bob+spring@beta.test"])
    async with opened(tmp_path, stack) as catalog:
        await catalog.of("default").mark([idents[0]], read=True)
        await catalog.every.tag([idents[1], "unknown"], ["red", "blue"])
        await catalog.of("default").rename_tag("RED", "green")
        await catalog.every.delete([idents[2]])
        assert catalog.every.counts() == (4, 3)
        assert catalog.every.tag_counts() == {"blue": 1, "green": 1, "spring": 1}
        before = catalog.every.page().records
    (tmp_path / "catalog.sqlite").unlink()
    async with opened(tmp_path, stack) as catalog:
        assert catalog.every.page().records == before
        assert catalog.every.counts() == (4, 3)
        assert catalog.every.get(idents[2]) is None
        await catalog.of("default").mark(None, read=True)
        await catalog.of("default").mark([idents[3]], read=False)
        await catalog.of("default").drop_tag("spring")
        await catalog.every.delete(
            [record.id for record in (await catalog.every.find(Words("hello"), limit=-1)).records]
        )
        assert catalog.every.counts() == (0, 0)


async def test_all_read_is_remembered(tmp_path: Path) -> None:
    stack = ToyStack()
    idents = [stack.send(HELLO, "a@a.test", ["bob@beta.test"]) for _ in range(3)]
    async with opened(tmp_path, stack) as catalog:
        await catalog.of("default").mark(None, read=True)
        await catalog.of("default").mark([idents[1]], read=False)
        idents.append(stack.send(HELLO, "a@a.test", ["bob@beta.test"]))
        await stack.told(catalog)
    (tmp_path / "catalog.sqlite").unlink()
    async with opened(tmp_path, stack) as catalog:
        assert [bool(record.read) for record in catalog.every.page(oldest_first=True).records] == [
            True,
            False,
            True,
            False,
        ]


async def test_a_purge_empties_the_world(tmp_path: Path) -> None:
    stack = ToyStack()
    async with opened(tmp_path, stack) as catalog:
        stack.send(HELLO, "a@a.test", ["bob@beta.test"])
        stack.accept(HELLO, "a@a.test", ["bob@beta.test"])
        await stack.told(catalog)
        changes = catalog.every.subscribe()
        await catalog.of("default").purge()
        assert (await anext(changes)).kind is Happened.PURGED
        assert catalog.every.counts() == (0, 0)
        assert not stack.queued
        assert not stack.store.contents
        later = stack.send(HELLO, "a@a.test", ["bob@beta.test"])
        await stack.told(catalog)
        assert [record.id for record in catalog.every.page().records] == [later]
    (tmp_path / "catalog.sqlite").unlink()
    async with opened(tmp_path, stack) as catalog:
        assert [record.id for record in catalog.every.page().records] == [later]
        stack.store.away = True
        with pytest.raises(DoorAway):
            await catalog.of("default").purge()
        stack.store.away = False


async def test_removed_everywhere(tmp_path: Path) -> None:
    stack = ToyStack()
    async with opened(tmp_path, stack) as catalog:
        ident = stack.accept(HELLO, "a@a.test", ["bob@beta.test", "carol@beta.test"])
        bob, carol = stack.deliver(ident)
        await stack.told(catalog)
        stack.remove(bob)
        await stack.told(catalog)
        assert await catalog.content(ident)
        assert catalog.every.counts(present=True).total == 1
        del stack.relay.contents[ident]
        stack.remove(carol)
        await stack.told(catalog)
        assert catalog.every.counts(present=True).total == 0
        assert catalog.every.counts().total == 1
        with pytest.raises(ContentGone):
            await catalog.content(ident)
        with pytest.raises(ContentGone):
            await catalog.content("unknown")


async def test_only_the_newest_are_kept(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(keeper, "RETAIN_EVERY", 0.05)
    stack = ToyStack()
    idents = [stack.send(HELLO, "a@a.test", ["bob@beta.test"]) for _ in range(10)]
    async with asyncio.timeout(30), opened(tmp_path, stack, keep_messages=3) as catalog:
        changes = catalog.every.subscribe()
        while catalog.every.counts().total > 3:
            await anext(changes)
        assert [record.id for record in catalog.every.page().records] == idents[:-4:-1]


class Endless(Words):
    """A query that never ends."""

    def where(self) -> tuple[str, Sequence[Any]]:
        numbers = "WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n)"
        return f"({numbers} SELECT count(*) FROM n)", ()


async def test_the_end_does_not_wait_for_searches(tmp_path: Path) -> None:
    stack = ToyStack()
    async with opened(tmp_path, stack) as catalog:
        stack.send(HELLO, "a@a.test", ["bob@beta.test"])
        await stack.told(catalog)
        searches = [asyncio.ensure_future(catalog.every.find(Endless("x"))) for _ in range(3)]
        while not catalog._idle.empty():  # noqa: ASYNC110 - a few turns of the loop
            await asyncio.sleep(0)
        started = time.monotonic()
    assert time.monotonic() - started < 5.0  # a search may take 10 s
    ends = await asyncio.gather(*searches, return_exceptions=True)
    assert {type(end) for end in ends} <= {SearchTooLong, asyncio.CancelledError}


async def test_a_search_that_takes_too_long_ends(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    stack = ToyStack()
    async with opened(tmp_path, stack) as catalog:
        monkeypatch.setattr(module, "LONGEST", 0.05)

        stack.send(HELLO, "a@a.test", ["bob@beta.test"])
        await stack.told(catalog)
        with pytest.raises(SearchTooLong, match="takes longer than"):
            await catalog.every.find(Endless("x"))
        assert (await catalog.every.find(Words("hello"), counted=False))[1:] == (0, 0, None)
        assert (await catalog.every.find()).total == 1

        class Wrong(Words):
            def where(self) -> tuple[str, Sequence[Any]]:
                return "no_such_column", ()

        with pytest.raises(sqlite3.OperationalError):
            await catalog.every.find(Wrong("x"))


async def test_a_content_that_is_between_two_services_is_waited_for(tmp_path: Path) -> None:
    stack = ToyStack()
    async with opened(tmp_path, stack) as catalog:
        ident = stack.accept(HELLO, "alice@alpha.test", ["bob@beta.test"])
        await catalog.caught_up(stack.relay.number, 0, 10.0)
        del stack.relay.contents[ident]  # it has been delivered, and no journal has told it yet
        asked = asyncio.ensure_future(catalog.content(ident))
        await asyncio.sleep(0)
        stack.deliver(ident)
        assert (await asyncio.wait_for(asked, 10.0)).endswith(HELLO)
        stack.store.contents.clear()
        lost = stack.accept(HELLO, "alice@alpha.test", ["bob@beta.test"])
        del stack.relay.contents[lost]
        with pytest.raises(ContentGone):
            await catalog.content(lost)


async def test_what_is_too_old_is_forgotten(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(keeper, "RETAIN_EVERY", 0.05)
    stack = ToyStack()
    idents = [stack.send(HELLO, "a@a.test", ["bob@beta.test"]) for _ in range(5)]  # one per second
    clock = Clock(wall=lambda: stack.time)
    async with asyncio.timeout(30), opened(tmp_path, stack, keep_age=1.5, clock=clock) as catalog:
        changes = catalog.every.subscribe()
        while catalog.every.counts().total > 2:
            await anext(changes)
        assert [record.id for record in catalog.every.page().records] == idents[:-3:-1]
