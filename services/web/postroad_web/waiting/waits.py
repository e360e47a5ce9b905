"""Waits for messages: each is held until the catalog's changes decide it, or its time is over.

A wait first listens to the changes and then looks at what is there already, so that nothing falls between. `exactly n`
and `none` are decided by quiet (`quiet`), not by the clock.
"""

from __future__ import annotations

import asyncio
import math
from collections import OrderedDict
from contextlib import suppress
from typing import TYPE_CHECKING, Any, NamedTuple

from postroad.value import value
from postroad_web.catalog.catalog import ContentGone
from postroad_web.catalog.hub import Happened
from postroad_web.message.reader import at_once_or_in_a_thread, read_message
from postroad_web.waiting.narrow import Narrow, UnderWay
from postroad_web.waiting.refused import Refusals
from postroad_web.waiting.tally import Decision, Tally

if TYPE_CHECKING:
    from postroad_web.catalog.catalog import Catalog
    from postroad_web.catalog.hub import Change, Subscription
    from postroad_web.catalog.page import Query, Window
    from postroad_web.catalog.record import Record
    from postroad_web.catalog.view import View
    from postroad_web.catalog.worlds import Worlds
    from postroad_web.message.parsed import Parsed
    from postroad_web.waiting.criteria import Judge, Verdict
    from postroad_web.waiting.quiet import Quiet
    from postroad_web.waiting.tally import Mode

PAGE = 200  # records that are read at a time
FEW = 50  # records of a world that are looked through at once, without a thread
CONTENTS = 1000  # contents of earlier messages that one wait looks into
LOOKING = 5.0  # seconds after time is over, in which what was there before is counted, and what the store has is listed
NEAR = 200  # the newest messages among which near misses are looked for
UNDER_WAY = 20
GLANCES = 16  # worlds whose messages are kept for the next wait that ends
PLACED_WITHIN = 1.0  # seconds in which the store's journal names the place of a copy that the relay has delivered
KEPT = 32  # parsed messages
KEPT_OCTETS = 256 << 10  # of one of them


class TooManyContents(Exception):  # noqa: N818 - a state of affairs
    """The criteria would have more earlier messages opened than one wait may."""


@value
class Asked:
    """What one wait is for."""

    catalog: View  # the messages of one world
    judge: Judge
    mode: Mode
    after: int | str | None = None  # a message's number, or its queue ID
    settled: bool = True  # whether a message counts only once nothing more will happen to it
    query: Query | None = None  # that the judge asks too


class WorldGone(Exception):  # noqa: N818 - an outcome, as the caller sees it
    """The world that was waited for is no more."""


@value
class Found:
    """How a wait has ended."""

    decision: Decision  # WAIT or IF_QUIET: its time was over
    tally: Tally
    cursor: int
    started: bool  # False: the queue ID after which messages count has not come
    start: int = 0  # the number after which messages counted


class _Glance(NamedTuple):
    """What waits tell when their time is over."""

    cursor: int  # of the catalog
    newest: tuple[Record, ...]
    under_way: tuple[Record, ...]


class Waits:
    """Holds waits."""

    def __init__(self, catalog: Catalog, quiet: Quiet, worlds: Worlds) -> None:
        self._catalog = catalog
        self._quiet = quiet
        self.refusals = Refusals(worlds)
        catalog.refusals.add(self.refusals.hear)
        self._contents: OrderedDict[tuple[str, bool], Parsed] = OrderedDict()
        self._glances: OrderedDict[str, _Glance] = OrderedDict()  # by world

    async def wait(self, asked: Asked, timeout: float) -> Found:  # noqa: ASYNC109 - it ends with what was found so far
        """Hold the wait until it is decided, or for `timeout` seconds.

        Raises `DoorAway`, `TooManyContents`, and `WorldGone` if the world is dropped meanwhile.
        """
        tally = Tally(asked.mode)
        held = _Held(self._quiet, self, asked, tally)
        try:
            async with asyncio.timeout(timeout):
                decision = await held.decided()
        except TimeoutError:
            decision = await held.out_of_time()
        return Found(decision, tally, held.cursor, held.started, held.start)

    def forget(self, world: str) -> None:
        """Forget a world that is no more."""
        self._glances.pop(world, None)
        self.refusals.forget(world)

    def newest(self, catalog: View) -> tuple[Record, ...]:
        """Return the newest messages of a world, the newest first."""
        return self._glanced(catalog).newest

    def under_way(self, catalog: View) -> tuple[Record, ...]:
        """Return messages of a world that something may still happen to, the newest first."""
        return self._glanced(catalog).under_way

    def _glanced(self, catalog: View) -> _Glance:
        """Return what the catalog says now. It is read once for all waits that end before the next change."""
        glance = self._glances.get(catalog.world)
        if glance is None or glance.cursor != catalog.cursor:
            newest = catalog.page(None, limit=NEAR, counted=False).records
            under_way = catalog.page(UnderWay(), limit=UNDER_WAY, counted=False).records
            self._glances[catalog.world] = glance = _Glance(catalog.cursor, newest, under_way)
            if len(self._glances) > GLANCES:
                self._glances.popitem(last=False)
        return glance

    async def content(self, record: Record) -> Parsed | None:
        """Return a message as parsed, None if it is gone; raises `DoorAway`."""
        # A copy has trace fields that the queued message lacks.
        is_stored = any(not copy.removed for recipient in record.recipients for copy in recipient.copies)
        key = record.id, is_stored
        if (parsed := self._contents.get(key)) is None:
            try:
                octets = self._catalog.recent(record)
                parsed = await read_message(await self._catalog.content(record.id) if octets is None else octets)
            except ContentGone:
                return None
            if parsed.size <= KEPT_OCTETS:
                self._contents[key] = parsed
                if len(self._contents) > KEPT:
                    self._contents.popitem(last=False)
        return parsed


class _Held:
    """One wait that is held."""

    def __init__(self, quiet: Quiet, waits: Waits, asked: Asked, tally: Tally) -> None:
        self._catalog = asked.catalog
        self._quiet = quiet
        self._waits = waits
        self._asked = asked
        self._tally = tally
        self.start = 0  # the number after which messages count
        self.started = False  # whether it is known
        self._has_looked = False  # at the messages that were there already
        # IDs of messages whose content or whose copies are not known yet, and until when to wait for that
        self._unplaced: dict[str, float] = {}
        self.cursor = 0

    async def decided(self) -> Decision:
        """Return once the count says that the wait is over."""
        while True:
            changes = self._catalog.subscribe()
            try:
                if await self._find_start(changes):
                    await self._look_back()
                    if (decision := await self._follow(changes)) is not None:
                        return decision
            finally:
                changes.close()
            if changes.finished:
                raise WorldGone
            if not changes.overrun:  # the catalog is being closed
                raise asyncio.CancelledError
            self._tally.clear()

    async def out_of_time(self) -> Decision:
        """Return what the count says when time is over; what was there before has been counted in any case."""
        if not self.started:
            return Decision.WAIT
        if not self._has_looked:
            try:
                async with asyncio.timeout(LOOKING):
                    await self._look_back()
            except TimeoutError:
                raise TooManyContents from None
        if self._unplaced:
            with suppress(TimeoutError):
                async with asyncio.timeout(LOOKING):
                    await self._catalog.stored()
            await self._give_up_places(math.inf)
        decision = self._tally.decide()
        if decision is Decision.DONE:
            return self._over(decision)
        await self._look_around()
        return decision

    async def _look_around(self) -> None:
        """Count near misses among the newest messages."""
        for record in self._waits.newest(self._catalog):
            if record.number > self.start:
                await self._see(record, news=False, open_it=False)
                await asyncio.sleep(0)  # a query takes its time for each

    async def _find_start(self, changes: Subscription) -> bool:
        """Set the number after which messages count; False if the subscription has ended meanwhile."""
        after = self._asked.after
        if isinstance(after, str):
            record = await arrival(self._catalog, changes, after)
            if record is None:
                return False
            after = record.number
        self.start = self.cursor = after or 0
        self.started = True
        return True

    async def _look_back(self) -> None:
        """Count the messages that are there already."""
        catalog, query = self._catalog, self._asked.query
        narrow = Narrow(self._asked.judge.criteria, query)
        is_quick = query is None and catalog.counts().total <= FEW  # a turn to a thread and back takes longer
        after: int | None = self.start
        opened = 0
        while after is not None:
            window: Window = {"after": after, "limit": PAGE, "oldest_first": True, "counted": False}
            page = catalog.page(narrow, **window) if is_quick else await catalog.find(narrow, **window)
            for record in page.records:
                opened += self._asked.judge.reads_content
                if opened > CONTENTS:
                    raise TooManyContents
                await self._see(record, news=False)
            after = page.next
        self._has_looked = True

    async def _follow(self, changes: Subscription) -> Decision | None:
        """Count the messages that come until the wait is over; None if the subscription has ended."""
        following = asyncio.ensure_future(anext(changes, None))
        quiet: asyncio.Future[Any] | None = None
        try:
            while True:
                decision = self._tally.decide()
                if decision is Decision.IF_QUIET:
                    quiet = quiet or asyncio.ensure_future(self._quiet.reached(self._catalog.world))
                    await asyncio.wait({following, quiet}, return_when=asyncio.FIRST_COMPLETED)
                elif decision is Decision.WAIT:
                    until = min(self._unplaced.values(), default=math.inf)
                    await asyncio.wait({following}, timeout=None if until == math.inf else until - _now())
                    if until <= _now():
                        await self._catalog.stored()  # a busy store may be slow to tell
                    await self._give_up_places(_now())
                else:
                    return self._over(decision)
                if following.done():
                    change = following.result()
                    if change is None:
                        return None
                    await self._take(change)
                    following = asyncio.ensure_future(anext(changes, None))
                elif quiet is not None and quiet.done():
                    quiet.result()
                    quiet = None
                    await self._look_back()
                    if self._tally.decide(quiet=True) is Decision.DONE:
                        return self._over(Decision.DONE)
        finally:
            following.cancel()
            if quiet is not None:
                quiet.cancel()

    async def _give_up_places(self, now: float) -> None:
        """Count messages that no journal has placed in time: they are on a server that is not the store."""
        for ident in [ident for ident, until in self._unplaced.items() if until <= now]:
            self._unplaced[ident] = -math.inf
            if (record := self._catalog.get(ident)) is not None:
                await self._see(record, news=False)
            self._unplaced.pop(ident, None)

    def _over(self, decision: Decision) -> Decision:
        """Set the cursor: after the newest message that was counted."""
        counted = [record.number for record in self._tally.matched]
        if self._asked.mode.most is not None:
            counted.append(self._catalog.latest_number())  # all that have come were looked at
        self.cursor = max([self.cursor, *counted])
        return decision

    async def _take(self, change: Change) -> None:
        if change.kind is Happened.PURGED:
            self._tally.clear()
        elif change.kind is Happened.DELETED:
            for record in change.records:
                self._tally.forget(record.id)
        else:
            for record in change.records:
                if record.number > self.start:
                    await self._see(record, news=True, arrived=change.kind is Happened.ARRIVED)

    async def _see(self, record: Record, *, news: bool, arrived: bool = False, open_it: bool = True) -> None:
        """Judge a message as it is now."""
        judge = self._asked.judge
        verdict: Verdict = judge.outside(record)
        if not verdict.missed and not verdict.whole:
            if not open_it:
                return
            content = await self._waits.content(record)
            size = 0 if content is None else content.size
            verdict = await at_once_or_in_a_thread(size, judge.inside, verdict, content)
        settled = self._is_settled(record) if self._asked.settled else arrived or record.digest is not None
        self._tally.see(record, verdict, settled=settled, news=news)

    def _is_settled(self, record: Record) -> bool:
        judge = self._asked.judge
        if not judge.settled(record):
            return False
        is_read = record.digest is not None or record.gone
        if is_read and judge.placed(record):
            self._unplaced.pop(record.id, None)
            return True
        until = self._unplaced.get(record.id, math.inf)
        if until == -math.inf:
            return True
        self._unplaced[record.id] = min(until, _now() + PLACED_WITHIN) if is_read else math.inf
        return False


def _now() -> float:
    return asyncio.get_running_loop().time()


async def arrival(catalog: View, changes: Subscription, ident: str) -> Record | None:
    """Return the record with this ID once it is there; None if `changes`, which have begun before, end first."""
    if (known := catalog.get(ident)) is not None:
        return known
    async for change in changes:
        for record in change.records:
            if record.id == ident:
                return record
    return None
