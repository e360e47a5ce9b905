"""Keeps the catalog whole: follows the journals, folds, reads contents, indexes, forgets what is too old or too much.

All that changes the database runs in the writer's thread, one step after the other. Lines that have come are folded
first, then contents are read, and the index of texts comes last, when nothing else is to be done: lists are whole
before searches are fast.
"""

from __future__ import annotations

import asyncio
import functools
import logging
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Any, Protocol, TypeVar

from postroad_web.catalog.contents import RECENT_EACH, ContentDoor, Contents
from postroad_web.catalog.database import is_damage, note_damage
from postroad_web.catalog.folding import Folding, Want, places_in, refusals_in
from postroad_web.catalog.follower import GATHER, Feed, Follower
from postroad_web.catalog.gathering import Gathering
from postroad_web.catalog.rush import Rush
from postroad_web.catalog.tallies import Tallies
from postroad_web.catalog.worlds import world_of_refusal
from postroad_web.catalog.writer import Writer

if TYPE_CHECKING:
    from collections.abc import Callable, Coroutine
    from pathlib import Path

    from postroad.clock import Clock, Timer
    from postroad_web.catalog.digesting import Content
    from postroad_web.catalog.worlds import Worlds
    from postroad_web.catalog.writer import News

_log = logging.getLogger(__name__)

T = TypeVar("T")

FEW = 20  # lines of the store's journal whose contents are read at once: the stack is not busy
WAITING = 4  # pieces of a journal that may wait to be folded
# Seconds that the index of texts lets other work go first. What comes meanwhile shares a transaction, and what goes
# meanwhile, as a test's mail does, is never indexed; searches find all of it (`unindexed`).
INDEX_LAG = 0.5
RETAIN_EVERY = 10.0  # seconds
AGAIN = 1.0  # seconds after an error of the database


class Door(Feed, ContentDoor, Protocol):
    """What the catalog asks of the relay's and the store's control doors."""


class Keeper:
    """The work behind a catalog. `tell` gets the news of each step, for those who listen."""

    def __init__(
        self,
        directory: Path,
        *,
        relay: Door,
        store: Door,
        worlds: Worlds,
        clock: Clock,
        tell: Callable[[News], None],
        is_listened_to: Callable[[], bool],
        keep_messages: int,
        keep_age: float,
    ) -> None:
        self._directory = directory
        self._doors: dict[str, Door] = {"relay": relay, "store": store}
        self._worlds = worlds
        self._clock = clock
        self._tell = tell
        self._keep = (keep_messages, keep_age)
        self._thread = ThreadPoolExecutor(1, "catalog-writer")
        self._tasks: list[asyncio.Task[None]] = []
        self._pieces: list[tuple[str, list[bytes], int]] = []
        self._gathering = Gathering()
        self._is_whole = False  # something is whole by the pieces that wait
        self._in_a_moment: Timer | None = None
        self._to_fold = asyncio.Event()
        self._folded = asyncio.Event()
        self._to_index = asyncio.Event()
        self._failing = False  # the database can't be written
        self._waiters: set[asyncio.Future[None]] = set()
        self.tallies = Tallies()
        self.refusals: set[Callable[[dict[str, Any]], None]] = set()
        self.position: dict[str, int] = {}
        self.rush = Rush(clock, lambda: bool(self._waiters) or is_listened_to())
        self.contents = Contents(
            relay=relay, store=store, digest=self._digest, more=self._more, clock=clock, calm=self.rush.over
        )

    async def start(self) -> None:
        """Open the databases, and follow the journals from where the database is."""
        await self.write(self._open)
        facts = await self.write(self.writer.facts)
        for service in self._doors:
            self.position[service] = facts.get(service, 0)

    def follow(self) -> None:
        """Begin to follow the journals."""
        followers = [
            Follower(service, door, self.position[service], self._take, clock=self._clock, rest=self.rush.rest)
            for service, door in self._doors.items()
        ]
        works = [*(follower.run for follower in followers), self._fold, self.contents.run, self._index]
        if any(self._keep):
            works.append(self._retain)
        self._tasks = [asyncio.create_task(self._always(work)) for work in works]

    async def close(self) -> None:
        """End all work, and close the databases."""
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        await self.write(self.writer.close)
        self._thread.shutdown()

    async def write(self, step: Callable[..., T], *arguments: object, **named: object) -> T:
        """Run a step in the writer's thread."""
        loop = asyncio.get_running_loop()
        return await loop.run_in_executor(self._thread, functools.partial(step, *arguments, **named))

    async def reached(self, position: dict[str, int]) -> None:
        """Return once the journals are folded up to there, and the contents up to there are read that are to be had."""
        upto = position["relay"]  # records have the numbers of the relay's journal
        while not self.contents.settled(upto) or any(self.position[name] < at for name, at in position.items()):
            await self.progress()

    async def progress(self) -> None:
        """Return once the next piece is folded, or the next contents are read."""
        waiter = asyncio.get_running_loop().create_future()
        self._waiters.add(waiter)
        self.rush.end()
        self._look()
        try:
            await waiter
        finally:
            self._waiters.discard(waiter)

    def _open(self) -> None:
        self.writer = Writer(self._directory, self._worlds)
        self._folding = Folding(self.writer, self.tallies)

    def _progress(self) -> None:
        for waiter in self._waiters:
            if not waiter.done():
                waiter.set_result(None)

    # -- the steps ------------------------------------------------------------------------------------------------

    async def _take(self, service: str, lines: list[bytes], position: int) -> None:
        while len(self._pieces) >= WAITING:
            self._folded.clear()
            await self._folded.wait()
        if service == "store" and len(lines) <= FEW:
            self.contents.read_early(places_in(lines, RECENT_EACH), self._look)
        if service == "relay":
            for event in refusals_in(lines):
                world = world_of_refusal(self._worlds, event)
                if self._worlds.begun(world) is not None:
                    self.tallies.of(world).refused += 1
                for hear in tuple(self.refusals):
                    hear(event)
        self._pieces.append((service, lines, position))
        self._is_whole |= self._gathering.is_whole(lines)
        self._look()

    def _look(self) -> None:
        """Have the pieces that wait folded: at once if it is worth it or somebody waits, or else in a moment."""
        if not self._pieces:
            return
        if (self._is_whole and not self.contents.is_early) or self._waiters or len(self._pieces) >= WAITING:
            self._to_fold.set()
        elif self._in_a_moment is None:
            self._in_a_moment = self._clock.call_later(GATHER, self._to_fold.set)

    async def _fold(self) -> None:
        while True:
            await self._to_fold.wait()
            self._to_fold.clear()
            if self._in_a_moment is not None:
                self._in_a_moment.cancel()
                self._in_a_moment = None
            pieces, self._pieces, self._is_whole = self._pieces, [], False
            self._folded.set()
            folded = await self._persist(self._folding.fold, pieces, self.contents.recent.get)
            self.contents.add(folded.wants, folded.read)
            if folded.read:
                self._to_index.set()
            for service, _, position in pieces:
                self.position[service] = position
            for news in folded.news:
                self._tell(news)
            self._progress()

    async def _digest(self, contents: list[Content]) -> None:
        if contents:
            self._tell(await self._persist(self._folding.digesting.digest, contents))
            self._to_index.set()
        asyncio.get_running_loop().call_soon(self._progress)  # once the caller knows that it is done

    async def _more(self, after: int) -> list[Want]:
        return await self._persist(self._folding.wants, after)

    async def _index(self) -> None:
        more = True
        while True:
            if not more:
                await self._to_index.wait()
                self._to_index.clear()
            if not more or not self._idle:
                await self._clock.sleep(INDEX_LAG)
            more = await self._persist(self._folding.digesting.index)

    @property
    def _idle(self) -> bool:
        return not self._pieces and self.contents.settled()

    async def _retain(self) -> None:
        messages, age = self._keep
        while True:
            before = self._clock.now() - age if age else 0.0
            news = await self._persist(self.writer.retain, messages, before)
            if news is None:
                await self._clock.sleep(RETAIN_EVERY)
                continue
            self._tell(news)

    async def _always(self, work: Callable[[], Coroutine[None, None, None]]) -> None:
        """Do work that never ends, and begin it again after an error that nobody foresaw."""
        while True:
            try:
                await work()
            except Exception:  # noqa: BLE001 - it is logged, and the catalog goes on
                _log.exception("unforeseen error in the catalog's work")
                await self._clock.sleep(AGAIN)

    async def _persist(self, step: Callable[..., T], *arguments: object) -> T:
        """Run a step until it succeeds: the disk may be full for a while, and the journals keep what is to be done."""
        while True:
            try:
                done = await self.write(step, *arguments)
            except Exception as error:  # noqa: BLE001 - whatever it was, the next attempt may succeed
                if not self._failing:
                    _log.exception("the catalog can't be written")
                    if is_damage(error):
                        note_damage(self._directory)
                        _log.error("the catalog is damaged: it is made anew when the web service is started again")
                self._failing = True
                await self._clock.sleep(AGAIN)
                continue
            if self._failing:
                self._failing = False
                _log.info("the catalog can be written again")
            return done
