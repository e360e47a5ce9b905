"""The catalog as the rest of the web service uses it: `of` gives a world's records, and takes what is done to them."""

from __future__ import annotations

import asyncio
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from queue import SimpleQueue
from typing import TYPE_CHECKING, Any, Protocol

from postroad.clock import Clock
from postroad.control.client import DoorAway, DoorRefused, quote_path
from postroad.journal.uids import ranges_in
from postroad_web.catalog.hub import Change, Happened, Hub
from postroad_web.catalog.keeper import Door, Keeper
from postroad_web.catalog.reader import Reader
from postroad_web.catalog.record import State
from postroad_web.catalog.view import View
from postroad_web.catalog.worlds import EVERY, DefaultWorld

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from pathlib import Path

    from postroad_web.catalog.page import Page, Query, Window
    from postroad_web.catalog.record import RecipientState, Record
    from postroad_web.catalog.tallies import Tallies
    from postroad_web.catalog.worlds import Worlds
    from postroad_web.catalog.writer import News, Writer


LONGEST = 10.0  # seconds of a search
PATIENCE = 60.0  # seconds for folding what is recorded
UNDER_WAY = 1.0  # seconds in which the journals tell where a message is that has just left the queue
_PENDING = frozenset({State.QUEUED, State.DEFERRED, State.HELD})
FINDERS = 2  # searches at a time


class ContentGone(Exception):  # noqa: N818 - an outcome, as the caller sees it
    """Nobody has the content of a record any more; the text is a sentence."""


class CatalogDoor(Door, Protocol):
    """What the catalog asks of the control doors of relay and store."""

    async def get(self, path: str, **query: Any) -> Any:
        """GET a value."""

    async def delete(self, path: str, **query: Any) -> Any:
        """DELETE, and return the answer's value."""


class Catalog:
    """One record per mail transaction that came in from outside. `start` comes first, `close` last."""

    def __init__(
        self,
        directory: Path,
        *,
        relay: CatalogDoor,
        store: CatalogDoor,
        worlds: Worlds | None = None,
        clock: Clock | None = None,
        keep_messages: int = 0,
        keep_age: float = 0.0,
    ) -> None:
        self._directory = directory
        self._relay = relay
        self._store = store
        self.hub = Hub()
        self._cursor = 0
        self._keeper = Keeper(
            directory,
            relay=relay,
            store=store,
            worlds=worlds or DefaultWorld(),
            clock=clock or Clock(),
            tell=self._tell,
            is_listened_to=lambda: bool(self.hub),
            keep_messages=keep_messages,
            keep_age=keep_age,
        )
        self._finders = ThreadPoolExecutor(FINDERS, "catalog-finder")
        self._idle: SimpleQueue[Reader] = SimpleQueue()

    async def start(self) -> None:
        """Open the databases, and begin to follow the journals."""
        await self._keeper.start()
        self._cursor = self._keeper.writer.cursor
        self.reader = Reader(self._directory)
        self._searching = [Reader(self._directory) for _ in range(FINDERS)]
        for reader in self._searching:
            self._idle.put(reader)
        self._keeper.follow()

    async def close(self) -> None:
        """End the subscriptions, and close the databases."""
        self.hub.close()
        await self._keeper.close()
        for reader in self._searching:
            reader.closing = True
        self._finders.shutdown(cancel_futures=True)
        for reader in self._searching:
            reader.close()
        self.reader.close()

    @property
    def position(self) -> dict[str, int]:
        """The number of the last event that is folded, of each journal: `relay`, `store`."""
        return self._keeper.position

    @property
    def tallies(self) -> Tallies:
        """Events by kind and latencies by hop, since the process began."""
        return self._keeper.tallies

    @property
    def refusals(self) -> set[Callable[[dict[str, Any]], None]]:
        """Functions that get what the relay refuses: events as the journal has them, old ones too while it is read."""
        return self._keeper.refusals

    async def caught_up(self, relay: int, store: int, timeout: float) -> None:  # noqa: ASYNC109 - the contract's
        """Return once both journals are folded up to there, and contents are read; raises TimeoutError."""
        async with asyncio.timeout(timeout):
            await self._keeper.reached({"relay": relay, "store": store})

    async def stored(self) -> None:
        """Return once all that the store has recorded by now is known, or can't be known: the store is away."""
        with suppress(DoorAway, TimeoutError):
            await self.caught_up(0, (await self._store.get("/journal/last"))["last"], PATIENCE)

    # -- reading --------------------------------------------------------------------------------------------------

    def of(self, world: str) -> View:
        """Return what a world sees of the catalog; `EVERY`: all of it."""
        return View(self, world)

    @property
    def every(self) -> View:
        """What there is of all worlds."""
        return self.of(EVERY)

    def text(self, ident: str) -> str:
        """Return the searchable text of a record, in lower case; empty if its content has not been read."""
        return self.reader.text(ident)

    def header(self, ident: str) -> str:
        """Return a record's header fields, as the search language looks at them; empty like `text`."""
        return self.reader.header(ident)

    @property
    def cursor(self) -> int:
        """The cursor of the last change."""
        return self._cursor

    def deliveries_of(self, record: Record) -> list[str]:
        """Return the queue IDs that the store has given to the deliveries of a record."""
        return self.reader.store_ids(record.number)

    def of_deliveries(self, store_ids: Sequence[str]) -> dict[str, str]:
        """Return the IDs of records by the store's queue IDs of their deliveries."""
        return self.reader.of_deliveries(store_ids)

    def in_place(self, account: str, mailbox: str, uid_validity: int, uids: str) -> list[str]:
        """Return the IDs of the records with copies that have these UIDs (a uid-set), or had them."""
        return self.reader.in_place(account, mailbox, uid_validity, ranges_in(uids))

    async def content(self, ident: str) -> bytes:
        """Return the octets of a message: those of a copy in a mailbox, or else those in the relay.

        Raises `ContentGone`, also for an unknown ID, and `DoorAway`.
        """
        with suppress(TimeoutError):
            async with asyncio.timeout(UNDER_WAY):
                while True:
                    record = self.every.get(ident)
                    if record is None:
                        raise ContentGone("there is no such message")
                    content = await self._content(record)
                    if content is not None:
                        return content
                    if not any(map(_is_under_way, record.recipients)):
                        break
                    # The relay has just passed it on, and the journals have yet to tell whereto.
                    await self._keeper.progress()
        await self.stored()  # a busy store may be slow to tell, also of a copy that was moved
        if (record := self.every.get(ident)) is not None and (content := await self._content(record)) is not None:
            return content
        raise ContentGone("the message is removed from all mailboxes")

    def recent(self, record: Record) -> bytes | None:
        """Return the octets of a message, if they are at hand: who waits for it asks a moment after it was read."""
        copy = next((copy for recipient in record.recipients for copy in recipient.copies if not copy.removed), None)
        if copy is None:
            return None
        return self._keeper.contents.recent.get((copy.account, copy.mailbox, copy.uid_validity, copy.uid))

    async def _content(self, record: Record) -> bytes | None:
        if (recent := self.recent(record)) is not None:
            return recent
        for copy in (copy for recipient in record.recipients for copy in recipient.copies if not copy.removed):
            place = {"account": copy.account, "mailbox": copy.mailbox}
            try:
                return await self._store.octets("/content", **place, uid_validity=copy.uid_validity, uid=copy.uid)
            except DoorRefused as refused:
                if refused.status != 404:
                    raise
        try:
            return await self._relay.octets(quote_path("content", record.id))
        except DoorRefused as refused:
            if refused.status != 404:
                raise
        return None

    # -- for views --------------------------------------------------------------------------------------------------

    @property
    def writer(self) -> Writer:
        """The writer, whose methods are for `write`."""
        return self._keeper.writer

    async def find(self, world: str, query: Query | None, window: Window) -> Page:
        """Return a page of a world's records, read in a thread; raises `SearchTooLong`."""
        loop = asyncio.get_running_loop()
        return await loop.run_in_executor(self._finders, self._find, world, query, window)

    def _find(self, world: str, query: Query | None, window: Window) -> Page:
        reader = self._idle.get()
        try:
            with reader.within(LONGEST):
                return reader.page(world, query, **window)
        finally:
            self._idle.put(reader)

    async def write(self, step: Callable[..., News], *arguments: object, **named: object) -> None:
        """Run a step in the writer's thread, and tell of it."""
        self._tell(await self._keeper.write(step, *arguments, **named))

    async def empty(self, world: str) -> None:
        """Empty a world: its queue, its mailboxes, its records. Raises `DoorAway` with the service at fault."""
        await self._relay.delete("/queue", world=world)
        last = (await self._relay.get("/state"))["last"]
        await self._store.delete("/mail", world=world)
        await self.write(self.writer.purge, world, last or self.position["relay"])

    async def drop(self, worlds: Sequence[str]) -> None:
        """Forget worlds that are no more. Their events are not folded any longer."""
        for news in await self._keeper.write(self.writer.drop, worlds):
            self._tell(news)
        for world in worlds:
            self.tallies.drop(world)
            self.hub.drop(world)

    def listened_to(self) -> None:
        """Put nothing off any longer: somebody waits for what comes."""
        self._keeper.rush.end()

    def _tell(self, news: News) -> None:
        self._cursor = max(self._cursor, news.cursor)
        if not self.hub:
            return
        records = news.records
        if news.numbers:
            records = self.reader.records(news.numbers)
        if records or news.kind is Happened.PURGED:
            self.hub.tell(Change(news.cursor, news.kind, records, news.world))


def _is_under_way(recipient: RecipientState) -> bool:
    """Whether the journals may yet tell of a copy for this recipient."""
    delivered = recipient.state in {State.DELIVERED, State.CAPTURED}
    return recipient.state in _PENDING or (delivered and not recipient.copies)
