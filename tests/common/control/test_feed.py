"""The journal as a feed."""

from __future__ import annotations

import asyncio
import itertools
import os
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING

import orjson

from postroad.control import feed as feed_module
from postroad.control.feed import journal_figures, journal_routes
from postroad.journal import Journal, Kind
from postroad.journal.numbered import Lines, NumberedLines
from postroad.journal.writer import RECENT, RECENT_OCTETS
from tests.common.control.test_door import client_of, opened

if TYPE_CHECKING:
    from collections.abc import AsyncIterator
    from pathlib import Path

    import pytest

    from postroad.control.client import DoorClient


async def test_a_reader_follows_and_is_woken_by_events(tmp_path: Path) -> None:
    journal = Journal(tmp_path, service="relay")
    async with feed_of(journal) as client:
        assert await client.journal(0) == ([], journal.last + 1, journal.last)
        after, told = 0, []
        for number in range(20):
            waiting = asyncio.create_task(client.journal(after, wait=10))
            journal.record(Kind.QUEUED, f"q{number}")
            if number % 2:
                journal.record(Kind.DELIVERED, f"q{number}")
            while after < journal.last:
                events = [orjson.loads(line) for line in (await waiting).lines]
                told += [event["n"] for event in events]
                after = told[-1]
                waiting = asyncio.create_task(client.journal(after, wait=10))
            waiting.cancel()
            await asyncio.wait([waiting])
        assert all(second == first + 1 for first, second in itertools.pairwise(told))
        lines, first, last = await client.journal(0, limit=3)
        assert [orjson.loads(line)["n"] for line in lines] == told[:3]
        assert (first, last) == (told[0], told[-1])
        assert (await client.journal(after, wait=0.01)).lines == []
        assert journal_figures(journal) == {"last": after, "dropped": 0}
        assert await client.get("/journal/last") == {"last": after}


async def test_what_has_only_begun_waits_for_its_end(tmp_path: Path) -> None:
    journal = Journal(tmp_path, service="relay")
    async with feed_of(journal) as client:
        after = journal.last
        waiting = asyncio.create_task(client.journal(after, wait=10, gather=10))
        for kind in (Kind.ACCEPTED, Kind.QUEUED, Kind.RESOLVED, Kind.ATTEMPTED):
            journal.record(kind, "q", text=f'"kind":"{Kind.DELIVERED}"')
            while journal.written < journal.last:
                await client.journal(journal.last - 1, wait=10)  # the feed has told of it
        assert not waiting.done()
        journal.record(Kind.DELIVERED, "q")
        assert numbers((await waiting).lines) == list(range(after + 1, after + 6))
        journal.record(Kind.QUEUED, "q")
        assert numbers((await client.journal(after + 5, wait=10, gather=0.01)).lines) == [after + 6]
        journal.record(Kind.DEFERRED, "q")
        assert numbers((await client.journal(after + 6, wait=10, gather=10)).lines) == [after + 7]
        assert numbers((await client.journal(after + 5, wait=10, gather=10)).lines) == [after + 6, after + 7]
        assert numbers((await client.journal(after + 5, limit=1, wait=0.01, gather=10)).lines) == [after + 6]
        assert numbers((await client.journal(after + 5, limit=1, gather=10)).lines) == [after + 6]


@asynccontextmanager
async def feed_of(journal: Journal) -> AsyncIterator[DoorClient]:
    try:
        async with opened(*journal_routes(journal)) as door, client_of(door) as client:
            yield client
    finally:
        journal.close()


async def written(client: DoorClient, journal: Journal, count: int) -> None:
    """Record events, and wait until they are written."""
    for _ in range(count):
        journal.record(Kind.QUEUED, "q", text="x" * 100)
    while journal.written < journal.last:
        await client.journal(journal.last - 1, wait=10)


def numbers(lines: list[bytes]) -> list[int]:
    return [orjson.loads(line)["n"] for line in lines]


async def test_memory_and_files_give_the_same(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Whatever the number, the limit, and how much is remembered."""
    journal = Journal(tmp_path, service="relay")
    begin = journal.last
    async with feed_of(journal) as client:
        for _ in range(12):
            await written(client, journal, 7)
        assert len(journal.recent) == RECENT
        everything = numbers((await client.journal(0)).lines)
        assert everything == list(range(begin + 1, begin + 85))
        from_files = []
        read = NumberedLines.read

        def noted(reader: NumberedLines, after: int, limit: int) -> Lines:
            from_files.append(after)
            return read(reader, after, limit)

        monkeypatch.setattr(NumberedLines, "read", noted)
        for after in range(begin - 1, begin + 86):
            for limit in (1, 10, 100):
                lines, first, last = await client.journal(after, limit=limit)
                assert numbers(lines) == [number for number in everything if number > after][:limit]
                assert (first, last) == (begin + 1, begin + 84)
        assert max(from_files) == begin + 85  # beyond the end: the files are asked
        assert begin + 80 in from_files  # more lines than the limit
        assert from_files.count(begin + 82) == 1


async def test_memory_is_bounded(tmp_path: Path) -> None:
    journal = Journal(tmp_path, service="relay")
    async with feed_of(journal) as client:
        for _ in range(6):
            journal.record(Kind.QUEUED, "q", text="x" * 100_000)
            while journal.written < journal.last:
                await client.journal(journal.last - 1, wait=10)
        assert sum(len(batch.octets) for batch in journal.recent) < RECENT_OCTETS + 210_000
        assert len((await client.journal(0)).lines) == 6


async def test_the_first_number_is_right_after_a_rotation(tmp_path: Path) -> None:
    journal = Journal(tmp_path, service="relay", rotate_at=2000, kept=1)
    async with feed_of(journal) as client:
        for _ in range(20):
            await written(client, journal, 5)
            lines, first, last = await client.journal(journal.last - 1)
            assert numbers(lines) == [journal.last]
            assert last == journal.last
            kept = numbers((await client.journal(0)).lines)
            assert first == kept[0]


async def test_a_disk_that_was_full_for_a_moment(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    journal = Journal(tmp_path, service="relay")
    async with feed_of(journal) as client:
        await written(client, journal, 3)
        after = journal.last
        write = os.write

        def fail(handle: int, data: bytes) -> int:
            if b"queue_id" not in data:
                return write(handle, data)
            monkeypatch.setattr(os, "write", write)
            raise OSError(28, "No space left on device")

        monkeypatch.setattr(os, "write", fail)
        waiting = asyncio.create_task(client.journal(after, wait=10))
        journal.record(Kind.QUEUED, "lost")
        while not journal.dropped:  # noqa: ASYNC110 - nobody is told
            await asyncio.sleep(0.001)
        assert journal.recent == ()
        journal.record(Kind.QUEUED, "kept")
        assert numbers((await waiting).lines)[0] == after + 2  # then one that says what was lost


async def test_a_reader_whose_loop_is_gone_harms_nobody(tmp_path: Path) -> None:
    journal = Journal(tmp_path, service="relay")
    feed = feed_module._Feed(journal)
    loop = asyncio.new_event_loop()
    loop.close()
    feed._loop = loop
    feed._waiting.add(asyncio.get_running_loop().create_future())
    feed._written()
    feed._wake()
    feed._wake()
    assert all(woken.done() for woken in feed._waiting)
    journal.close()
