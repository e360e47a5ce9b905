"""`GET /journal`: the journal of this service as a feed, by numbers.

    GET /journal?after=1764115200000000&limit=2000&wait=25&gather=0.02

gives the lines with higher numbers as application/x-ndjson, at most `limit` of them and about 1 MiB. If there are none
yet, the response waits until one is written or `wait` seconds are over, and is empty then. With `gather`, lines that
only say that something has begun wait so many seconds for one that says what came of it: an answer for each step of a
message would cost as much as the message. `Postroad-First` and
`Postroad-Last` are the numbers that are still kept; lines before the first one are gone. `GET /journal/last` gives the
number of the last event alone, for who has to know up to where to read; with `world=` that of the last one that may be
this world's.

A reader that follows gets the last events from memory: a turn to another thread would cost more than all the rest. For
others the files are read, in a thread of their own, so that a slow disk delays no mail. A writer wakes the requests
that wait; nothing is polled.
"""

from __future__ import annotations

import asyncio
import threading
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from typing import TYPE_CHECKING

from postroad.control.messages import LONGEST_WAIT, Request, Response, Route, answer
from postroad.journal.files import number_of
from postroad.journal.kinds import only_begins
from postroad.journal.numbered import NumberedLines

if TYPE_CHECKING:
    from collections.abc import Sequence

    from postroad.journal import Journal
    from postroad.journal.writer import Batch

LIMIT = 2000  # lines, unless fewer or more are asked for
MOST_LINES = 20_000


def journal_routes(journal: Journal) -> Sequence[Route]:
    """Return the routes of a journal's feed; they are for one event loop."""

    async def last(request: Request) -> Response:
        world = request.query.get("world")
        return answer({"last": journal.last if world is None else journal.last_of(world)})

    return (Route("GET", "/journal", _Feed(journal).give), Route("GET", "/journal/last", last))


def journal_figures(journal: Journal) -> dict[str, int]:
    """Return the last number and how many events were dropped, for `GET /figures`."""
    return {"last": journal.last, "dropped": journal.dropped}


class _Feed:
    def __init__(self, journal: Journal) -> None:
        self._journal = journal
        self._lines = NumberedLines(journal.path, journal.kept, journal.files)
        self._thread = ThreadPoolExecutor(1, "feed")
        self._loop: asyncio.AbstractEventLoop | None = None
        self._thread_id = 0  # the loop's
        self._waiting: set[asyncio.Future[None]] = set()
        self._first: int | None = None  # the first number that is kept, after so many rotations:
        self._rotations = 0

    async def give(self, request: Request) -> Response:
        """Answer one request."""
        after = request.whole("after", 0)
        limit = request.whole("limit", LIMIT, least=1, most=MOST_LINES)
        wait = request.seconds("wait", 0.0, most=LONGEST_WAIT)
        gather = request.seconds("gather", 0.0, most=LONGEST_WAIT)
        if self._loop is None:
            self._loop, self._thread_id = asyncio.get_running_loop(), threading.get_ident()
            self._journal.listener = self._written
        with suppress(TimeoutError):
            async with asyncio.timeout(wait or None) as patience:
                is_gathering = False
                while True:
                    # Before anything is read: what is written while it is wakes this request.
                    woken = self._loop.create_future()
                    self._waiting.add(woken)
                    try:
                        response = await self._look(after, limit)
                        if not wait or (response.body and not (gather and only_begins(response.body))):
                            return response
                        if response.body and not is_gathering:
                            is_gathering = True
                            patience.reschedule(min(patience.when() or 0.0, self._loop.time() + gather))
                        await woken
                    finally:
                        self._waiting.discard(woken)
        return await self._look(after, limit)

    async def _look(self, after: int, limit: int) -> Response:
        """Return what there is: what was written a moment ago from memory, and else from the files."""
        journal = self._journal
        rotations, written, recent = journal.rotations, journal.written, journal.recent
        if self._first is not None and rotations == self._rotations:
            if after == written:
                return _response(b"", self._first, written)
            known = _since(recent, after, limit)
            if known is not None:
                return _response(known, self._first, recent[-1].last)
        loop = asyncio.get_running_loop()
        octets, first, last = await loop.run_in_executor(self._thread, self._lines.read, after, limit)
        if first is None:  # no event is kept: a reader has not missed any that comes later
            first = written + 1
        self._first, self._rotations = first, rotations
        return _response(octets, first, max(written, last or 0))

    def _written(self) -> None:
        """Wake the requests that wait; called in any thread, after each write."""
        if not self._waiting or self._loop is None:
            return
        if threading.get_ident() == self._thread_id:  # a flush: the loop need not be woken
            self._wake()
            return
        with suppress(RuntimeError):  # the loop is closed
            self._loop.call_soon_threadsafe(self._wake)

    def _wake(self) -> None:
        for woken in self._waiting:
            if not woken.done():
                woken.set_result(None)


def _since(recent: Sequence[Batch], after: int, limit: int) -> bytes | None:
    """Return the lines after a number from memory; None if they are not there, or too many."""
    if not recent or not recent[0].first - 1 <= after < recent[-1].last or recent[-1].last - after > limit:
        return None
    pieces = []
    for batch in recent:
        if batch.first > after:
            pieces.append(batch.octets)
        elif batch.last > after:
            lines = batch.octets.splitlines(keepends=True)
            pieces += [line for line in lines if (number_of(line) or 0) > after]
    return b"".join(pieces)


def _response(octets: bytes, first: int, last: int) -> Response:
    headers = (("Postroad-First", str(first)), ("Postroad-Last", str(last)))
    return Response(body=octets, content_type="application/x-ndjson", headers=headers)
