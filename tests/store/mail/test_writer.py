"""The writer: works that come together share a transaction, and a work that fails takes nothing of another along."""

from __future__ import annotations

import asyncio
import sqlite3
import threading
from typing import TYPE_CHECKING

import pytest

from postroad_store.mail.database.commits.base import Commit
from postroad_store.mail.model.errors import MailError, NoSuchMailbox, StorageFull
from postroad_store.mail.writer import Writer

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path
    from sqlite3 import Connection


class Note(Commit[int, int]):
    """Writes a number, and fails before or after that if it is told to."""

    def __init__(
        self,
        number: int,
        *,
        before: Exception | None = None,
        after: Exception | None = None,
        brief: bool = False,
        last: bool = False,
    ) -> None:
        self.number = number
        self.brief = brief
        self.last = last
        self.threads: list[int] = []  # that have written it, in turn
        self.before = before
        self.after = after
        self.times = 0

    def write(self, db: Connection) -> int:
        self.times += 1
        self.threads.append(threading.get_ident())
        if self.before is not None:
            raise self.before
        db.execute("INSERT INTO garbage VALUES (?)", (self.number,))
        if self.after is not None:
            raise self.after
        return self.number

    def show(self, written: int) -> int:
        return written


@pytest.fixture
def writer(tmp_path: Path) -> Iterator[Writer]:
    writer = Writer(tmp_path / "mail.sqlite")
    yield writer
    writer.close()


def numbers(writer: Writer) -> list[int]:
    return [number for (number,) in writer._db.execute("SELECT content FROM garbage ORDER BY content")]


async def together(writer: Writer, *works: Note) -> list[int | BaseException]:
    """Hand works over in one turn of the loop, so that they are one batch."""
    return await asyncio.gather(*[writer.submit(work) for work in works], return_exceptions=True)


async def test_works_share_a_transaction(writer: Writer) -> None:
    works = [Note(number) for number in range(1, 6)]
    assert await together(writer, *works) == [1, 2, 3, 4, 5]
    assert numbers(writer) == [1, 2, 3, 4, 5]
    assert writer.times.count == 1
    assert {work.times for work in works} == {1}


async def test_a_work_that_fails_with_something_written_leaves_nothing_and_the_others_stay(writer: Writer) -> None:
    full = StorageFull("no room")
    works = [Note(1), Note(2, after=full), Note(3), Note(4, before=full), Note(5)]
    assert await together(writer, *works) == [1, full, 3, full, 5]
    assert numbers(writer) == [1, 3, 5]


async def test_a_work_that_fails_before_it_writes_costs_the_others_nothing(writer: Writer) -> None:
    gone = NoSuchMailbox("gone")
    works = [Note(1), Note(2, before=gone), Note(3)]
    assert await together(writer, *works) == [1, gone, 3]
    assert numbers(writer) == [1, 3]
    assert {work.times for work in works} == {1}


async def test_a_work_that_fails_alone_leaves_nothing(writer: Writer) -> None:
    full = StorageFull("no room")
    assert await together(writer, Note(1, after=full)) == [full]
    assert numbers(writer) == []
    assert await together(writer, Note(1)) == [1]


async def test_a_work_that_the_database_refuses_takes_none_along(writer: Writer) -> None:
    assert await together(writer, Note(7)) == [7]
    first, refused, last = await together(writer, Note(6), Note(7), Note(8))
    assert isinstance(refused, MailError)
    assert (first, last) == (6, 8)
    assert numbers(writer) == [6, 7, 8]


async def test_work_in_no_hurry_shares_the_next_transaction(writer: Writer) -> None:
    patient = writer.submit(Note(1), hurry=False)
    assert await writer.submit(Note(2)) == 2
    assert await patient == 1
    assert writer.times.count == 1


async def test_brief_works_are_written_by_the_event_loop_and_the_rest_by_the_thread_in_one_commit(
    writer: Writer,
) -> None:
    here = threading.get_ident()
    works = [Note(1, last=True), Note(2, brief=True), Note(3, brief=True), Note(4), Note(5, brief=True)]
    assert await together(writer, *works) == [1, 2, 3, 4, 5]
    assert [work.threads == [here] for work in works] == [False, True, True, False, False]
    assert {work.times for work in works} == {1}
    assert writer.times.count == 1
    assert numbers(writer) == [1, 2, 3, 4, 5]


async def test_works_that_come_last_alone_are_the_threads(writer: Writer) -> None:
    work = Note(1, last=True, brief=True)
    assert await together(writer, work) == [1]
    assert work.threads != [threading.get_ident()]


async def test_the_event_loop_leaves_to_the_thread_what_would_hold_it_for_long(
    writer: Writer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("postroad_store.mail.writer.BRIEF", -1.0)
    work = Note(1, brief=True)
    assert await together(writer, work) == [1]
    assert work.threads != [threading.get_ident()]
    assert numbers(writer) == [1]


@pytest.mark.parametrize("error", [StorageFull("no room"), ZeroDivisionError()])
async def test_a_brief_work_that_fails_with_something_written_leaves_nothing_and_the_others_stay(
    writer: Writer, error: Exception
) -> None:
    works = [Note(1, brief=True), Note(2, brief=True, after=error), Note(3, brief=True)]
    assert await together(writer, *works) == [1, error, 3]
    assert numbers(writer) == [1, 3]


async def test_a_brief_work_that_fails_before_it_writes_costs_the_others_nothing(writer: Writer) -> None:
    gone = NoSuchMailbox("gone")
    works = [Note(1, brief=True), Note(2, brief=True, before=gone), Note(3, brief=True)]
    assert await together(writer, *works) == [1, gone, 3]
    assert numbers(writer) == [1, 3]
    assert {work.times for work in works} == {1}


async def test_a_brief_work_that_the_database_refuses_takes_none_along(writer: Writer) -> None:
    assert await together(writer, Note(7)) == [7]
    first, refused, last = await together(writer, Note(6, brief=True), Note(7, brief=True), Note(8, brief=True))
    assert isinstance(refused, MailError)
    assert (first, last) == (6, 8)
    assert numbers(writer) == [6, 7, 8]


async def test_a_brief_work_for_which_there_is_no_room_is_refused(
    writer: Writer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(writer._checkpointer, "room", lambda _: 1000)
    large, small = Note(1, brief=True), Note(2, brief=True)
    large.octets, small.octets = 1001, 1000
    refused, stored = await together(writer, large, small)
    assert isinstance(refused, StorageFull)
    assert stored == 2
    assert numbers(writer) == [2]


async def test_the_event_loop_waits_for_no_other_process(writer: Writer, tmp_path: Path) -> None:
    other = sqlite3.connect(tmp_path / "mail.sqlite", isolation_level=None)
    other.execute("BEGIN IMMEDIATE")
    work = Note(1, brief=True)
    promise = writer.submit(work)
    for _ in range(10):  # turns of the loop, which would last for as long as the other is there
        await asyncio.sleep(0)
    assert not promise.done()
    other.execute("ROLLBACK")
    other.close()
    assert await promise == 1
    assert work.threads != [threading.get_ident()]
