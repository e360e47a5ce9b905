"""The journal as a feed."""

from __future__ import annotations

import asyncio
import itertools
from typing import TYPE_CHECKING

import orjson

from postroad.clock import Clock
from postroad.control.client import DoorClient
from postroad.control.door import Door
from postroad.control.feed import journal_figures, journal_route
from postroad.journal import Journal, Kind

if TYPE_CHECKING:
    from pathlib import Path

TOKEN = "t" * 43


async def test_a_reader_follows_and_is_woken_by_events(tmp_path: Path) -> None:
    journal = Journal(tmp_path, service="relay")
    door = Door([journal_route(journal)], token=TOKEN, clock=Clock())
    await door.start("127.0.0.1", 0)
    client = DoorClient("relay", *door.address, TOKEN)
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
    await client.close()
    await door.close()
    journal.close()
