"""Gets the contents of new messages: from the store, where a copy is in a mailbox, or from the relay's queue.

Most messages are in a mailbox a few milliseconds after they came in. The relay is asked for what waits longer there, or
can't be delivered: then the record need not wait for its content.
"""

from __future__ import annotations

import asyncio
import logging
import math
from collections import Counter, OrderedDict
from typing import TYPE_CHECKING, Any, Protocol

from postroad.control.client import DoorAway, DoorRefused, quote_path
from postroad_web.catalog.digesting import Content
from postroad_web.catalog.folding import WANTED

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Iterable

    from postroad.clock import Clock, Timer
    from postroad_web.catalog.folding import Want
    from postroad_web.catalog.journey import Place

_log = logging.getLogger(__name__)

EARLY = 50  # copies that are read before their records are known
PATIENCE = 0.05  # seconds in which a message is expected to be in a mailbox
# Messages that are waited for in this way. If there are more, the stack is busy, and not to be asked about each.
YOUNG = 100
STRIKES = 3  # times that the store may say of a copy that it is gone, before the content counts as lost
PAUSE = 0.5  # seconds before a door is asked again
MOST = 5000  # records that wait for one door; others wait in the database
AT_ONCE = 10  # contents that the relay is asked for at a time
RECENT = 4 << 20  # octets of contents that are kept in memory
RECENT_EACH = 256 << 10  # octets of one of them
_GONE = 0xFFFFFFFF


class ContentDoor(Protocol):
    """A door, as far as it gives contents."""

    async def octets(self, path: str, **query: Any) -> bytes:
        """GET octets."""

    async def post_for_octets(self, path: str, value: Any) -> bytes:
        """POST a value and return the answer's octets."""


class Recent:
    """The contents of the latest copies: whoever waits for a message asks for its content a moment after it was read.

    The content of a copy never changes (RFC 3501 §2.3.1.1), so it is right for as long as there is the copy.
    """

    def __init__(self) -> None:
        self._contents: OrderedDict[Place, bytes] = OrderedDict()
        self._octets = 0

    def keep(self, place: Place, content: bytes) -> None:
        """Keep a content, and let go of the oldest if they are too much."""
        if len(content) > RECENT_EACH or place in self._contents:
            return
        self._contents[place] = content
        self._octets += len(content)
        while self._octets > RECENT:
            _, oldest = self._contents.popitem(last=False)
            self._octets -= len(oldest)

    def get(self, place: Place) -> bytes | None:
        """Return the content of a copy, if it is kept."""
        return self._contents.get(place)


class Contents:
    """Gets contents and hands them to `digest`; `more` gives the next records without content after a number."""

    def __init__(
        self,
        *,
        relay: ContentDoor,
        store: ContentDoor,
        digest: Callable[[list[Content]], Awaitable[None]],
        more: Callable[[int], Awaitable[list[Want]]],
        clock: Clock,
        calm: Callable[[], Awaitable[object]],
    ) -> None:
        self._relay = relay
        self._store = store
        self._digest = digest
        self._more = more
        self._clock = clock
        self._calm = calm
        self._in_store: dict[int, Want] = {}
        self._in_relay: dict[int, Want] = {}
        self._young: dict[int, Timer] = {}
        self._early: dict[Place, asyncio.Task[None]] = {}
        self._strikes: dict[int, int] = {}
        self._reading: Counter[int] = Counter()
        self._asking: set[int] = set()  # the relay is asked for them, and the store has not given them meanwhile
        self._look: int | None = 0  # the database may know further records without content after this number
        self._left_out = False  # records that were too many; they are in the database
        self._store_bell = asyncio.Event()
        self._relay_bell = asyncio.Event()
        self.recent = Recent()

    def settled(self, upto: float = math.inf) -> bool:
        """Whether every content of records up to a number that is to be had at the moment has been read."""
        if self._left_out or (self._look is not None and self._look < upto):
            return False
        wanted = (self._reading, self._in_store, self._in_relay, self._young)
        return not any(number <= upto for numbers in wanted for number in numbers)

    def read_early(self, places: list[Place], done: Callable[[], object]) -> None:
        """Read copies that the store has just reported, for the step that takes up the report; then call `done`."""
        if places and len(self._early) + len(places) <= EARLY:
            self._early |= dict.fromkeys(places, asyncio.create_task(self._read_early(places, done)))

    @property
    def is_early(self) -> bool:
        """Whether copies are being read that the store has just reported."""
        return bool(self._early)

    def add(self, wants: Iterable[Want], read: Iterable[int] = ()) -> None:
        """Get the contents of these records; those with the numbers `read` have theirs by now."""
        for number in read:
            self._forget(number)
            self._asking.discard(number)
        for want in wants:
            self._forget(want.number)
            if want.copy is not None:
                self._add_to(self._in_store, want)
            elif want.is_tried or want.is_lost:
                self._add_to(self._in_relay, want)
            elif len(self._young) < YOUNG:
                self._young[want.number] = self._clock.call_later(PATIENCE, self._grown, want)
        if self._in_store:
            self._store_bell.set()
        if self._in_relay:
            self._relay_bell.set()

    def _add_to(self, wants: dict[int, Want], want: Want) -> None:
        if len(wants) < MOST:
            wants[want.number] = want
        else:
            self._left_out = True

    async def run(self) -> None:
        """Get contents for ever."""
        try:
            async with asyncio.TaskGroup() as tasks:
                tasks.create_task(self._run_store())
                tasks.create_task(self._run_relay())
        finally:
            for timer in self._young.values():
                timer.cancel()
            for task in self._early.values():
                task.cancel()

    def _forget(self, number: int) -> None:
        self._in_store.pop(number, None)
        self._in_relay.pop(number, None)
        timer = self._young.pop(number, None)
        if timer is not None:
            timer.cancel()

    def _grown(self, want: Want) -> None:
        del self._young[want.number]
        self._in_relay[want.number] = want
        self._relay_bell.set()

    # -- the store ------------------------------------------------------------------------------------------------

    async def _run_store(self) -> None:
        self._store_bell.set()
        while True:
            await self._store_bell.wait()
            self._store_bell.clear()
            while self._in_store:
                await self._calm()
                await self._read_store(self._taken(self._in_store, WANTED))
            if self._left_out and self._look is None and not (self._in_store or self._in_relay):
                self._look, self._left_out = 0, False
            if self._look is not None:
                await self._find_more(self._look)

    async def _find_more(self, after: int) -> None:
        """Add the next records that the database knows to be without content."""
        wants = await self._more(after)
        self._look = wants[-1].number if wants else None
        self.add(wants)
        if wants or self._left_out:
            self._store_bell.set()
        if not wants:
            await self._digest([])  # those who wait until all is settled look again

    async def _read_store(self, wants: list[Want]) -> None:
        numbers = [want.number for want in wants]
        self._reading.update(numbers)
        try:
            contents = await self._contents([want.copy.place for want in wants if want.copy is not None])
            read: list[Content] = []
            for want, octets in zip(wants, contents, strict=False):
                if octets is not None or self._is_lost(want):
                    read.append(Content(want.number, octets))
                if octets is not None and want.copy is not None:
                    self.recent.keep(want.copy.place, octets)
                    self._strikes.pop(want.number, None)
            # The answer may end early; those that are wanted anew meanwhile are in a newer place.
            for want in wants[len(contents) :]:
                self._in_store.setdefault(want.number, want)
            await self._digest(read)
            self._asking.difference_update(numbers)
        except (DoorAway, DoorRefused) as error:
            _log.info("contents can't be read: %s", error)
            for want in wants:
                self._in_store.setdefault(want.number, want)
        else:
            return
        finally:
            self._reading -= Counter(numbers)
        await self._clock.sleep(PAUSE)

    async def _contents(self, places: list[Place]) -> list[bytes | None]:
        """Return the contents of copies, or of the first of them."""
        if early := {self._early[place] for place in places if place in self._early}:
            await asyncio.wait(early)
        recent = [self.recent.get(place) for place in places]
        if None not in recent:
            return recent
        return contents_in(await self._store.post_for_octets("/contents", {"copies": places}))

    async def _read_early(self, places: list[Place], done: Callable[[], object]) -> None:
        try:
            contents = contents_in(await self._store.post_for_octets("/contents", {"copies": places}))
            for place, octets in zip(places, contents, strict=False):
                if octets is not None:
                    self.recent.keep(place, octets)
        except (DoorAway, DoorRefused) as error:
            _log.info("contents can't be read early: %s", error)
        finally:
            for place in places:
                self._early.pop(place, None)
            done()

    def _is_lost(self, want: Want) -> bool:
        """Note that the store does not have a copy: it was moved, which its journal will tell, or it is lost."""
        strikes = self._strikes.pop(want.number, 0) + 1
        if strikes >= STRIKES:
            return True
        self._strikes[want.number] = strikes
        self._clock.call_later(PAUSE, self._again, want)
        return False

    def _again(self, want: Want) -> None:
        if want.number not in self._in_relay:
            self._in_store.setdefault(want.number, want)
            self._store_bell.set()

    # -- the relay ------------------------------------------------------------------------------------------------

    async def _run_relay(self) -> None:
        while True:
            await self._relay_bell.wait()
            self._relay_bell.clear()
            while self._in_relay:
                await self._calm()
                await self._read_relay(self._taken(self._in_relay, AT_ONCE))
            self._store_bell.set()  # there is room for those that were left out

    async def _read_relay(self, wants: list[Want]) -> None:
        numbers = [want.number for want in wants]
        self._reading.update(numbers)
        try:
            contents = await asyncio.gather(*(self._content(want) for want in wants))
            await self._digest([content for content in contents if content is not None])
        except (DoorAway, DoorRefused) as error:
            _log.info("a content can't be read: %s", error)
            for want in wants:
                self._in_relay.setdefault(want.number, want)
        else:
            return
        finally:
            self._reading -= Counter(numbers)
        await self._clock.sleep(PAUSE)  # what the store gives meanwhile is read, and nothing of it is left to wait for

    async def _content(self, want: Want) -> Content | None:
        self._asking.add(want.number)
        try:
            return Content(want.number, await self._relay.octets(quote_path("content", want.id)))
        except DoorRefused as refused:
            if refused.status != 404:
                raise
            is_wanted = want.number in self._asking and self._reading[want.number] == 1
        finally:
            self._asking.discard(want.number)
        if not is_wanted:
            return None
        if want.is_lost or (want.is_tried and not want.is_queued):
            return Content(want.number, None)
        self._wait_on(want)
        return None

    def _wait_on(self, want: Want) -> None:
        """Wait for a message that has just left the queue: in a moment the journals will tell where it is."""
        known = want.number in self._in_store or want.number in self._in_relay or want.number in self._young
        strikes = self._strikes.pop(want.number, 0) + 1
        if strikes < STRIKES and not known:
            self._strikes[want.number] = strikes
            self._young[want.number] = self._clock.call_later(PAUSE, self._grown, want)

    def _taken(self, wants: dict[int, Want], most: int) -> list[Want]:
        return [wants.pop(number) for number in list(wants)[:most]]


def contents_in(answer: bytes) -> list[bytes | None]:
    """Return the contents of an answer to POST /contents; None: the copy is gone."""
    contents: list[bytes | None] = []
    position = 0
    while position < len(answer):
        length = int.from_bytes(answer[position : position + 4], "big")
        position += 4
        if length == _GONE:
            contents.append(None)
            continue
        contents.append(answer[position : position + length])
        position += length
    return contents
