"""The catalog as the rest of the web service uses it.

Reading is at once, on a connection of the event loop's own; `find` reads in a thread, for searches that may take long.
Writing is awaited: it is durable when the call returns, and those who listen have been told.
"""

from __future__ import annotations

import asyncio
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from queue import SimpleQueue
from typing import TYPE_CHECKING, Any, Protocol, Unpack

from postroad.clock import Clock
from postroad.control.client import DoorRefused, quote_path
from postroad_web.catalog.hub import Change, Happened, Hub, Subscription
from postroad_web.catalog.keeper import Door, Keeper
from postroad_web.catalog.reader import Reader
from postroad_web.catalog.record import State

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from pathlib import Path

    from postroad_web.catalog.page import Changed, Counts, Page, Query, Window
    from postroad_web.catalog.record import RecipientState, Record
    from postroad_web.catalog.tallies import Tallies
    from postroad_web.catalog.writer import News


LONGEST = 10.0  # seconds of a search
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
        clock: Clock | None = None,
        keep_messages: int = 0,
        keep_age: float = 0.0,
    ) -> None:
        self._directory = directory
        self._relay = relay
        self._store = store
        self._hub = Hub()
        self._cursor = 0
        self._keeper = Keeper(
            directory,
            relay=relay,
            store=store,
            clock=clock or Clock(),
            tell=self._tell,
            is_listened_to=lambda: bool(self._hub),
            keep_messages=keep_messages,
            keep_age=keep_age,
        )
        self._finders = ThreadPoolExecutor(FINDERS, "catalog-finder")
        self._idle: SimpleQueue[Reader] = SimpleQueue()

    async def start(self) -> None:
        """Open the databases, and begin to follow the journals."""
        await self._keeper.start()
        self._cursor = self._keeper.writer.cursor
        self._reader = Reader(self._directory)
        self._searching = [Reader(self._directory) for _ in range(FINDERS)]
        for reader in self._searching:
            self._idle.put(reader)
        self._keeper.follow()

    async def close(self) -> None:
        """End the subscriptions, and close the databases."""
        self._hub.close()
        await self._keeper.close()
        for reader in self._searching:
            reader.closing = True
        self._finders.shutdown(cancel_futures=True)
        for reader in self._searching:
            reader.close()
        self._reader.close()

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

    # -- reading --------------------------------------------------------------------------------------------------

    def get(self, ident: str) -> Record | None:
        """Return a record by its ID, the relay's queue ID."""
        return self._reader.get(ident)

    def text(self, ident: str) -> str:
        """Return the searchable text of a record, in lower case; empty if its content has not been read."""
        return self._reader.text(ident)

    def header(self, ident: str) -> str:
        """Return a record's header fields, as the search language looks at them; empty like `text`."""
        return self._reader.header(ident)

    def latest(self, *, present: bool = False) -> Record | None:
        """Return the newest record."""
        return next(iter(self.page(limit=1, present=present).records), None)

    def counts(self, *, present: bool = False) -> Counts:
        """Return how many records there are.

        Here as elsewhere `present` leaves out what Mailpit's dialect does not show: notifications, messages whose
        content has not been read, and those that are removed from all mailboxes.
        """
        return self._reader.counts(present=present)

    def tag_counts(self) -> dict[str, int]:
        """Return how many records have each tag, in the order of the tags."""
        return self._reader.tag_counts()

    def page(self, query: Query | None = None, **window: Unpack[Window]) -> Page:
        """Return records between two cursors, the newest first, and how many match in all; for cheap queries."""
        return self._reader.page(query, **window)

    async def find(self, query: Query | None = None, **window: Unpack[Window]) -> Page:
        """Return what `page` returns, without holding up the event loop; raises `SearchTooLong`."""
        loop = asyncio.get_running_loop()
        return await loop.run_in_executor(self._finders, self._find, query, window)

    def _find(self, query: Query | None, window: Window) -> Page:
        reader = self._idle.get()
        try:
            with reader.within(LONGEST):
                return reader.page(query, **window)
        finally:
            self._idle.put(reader)

    async def newest(self, query: Query | None = None) -> Record | None:
        """Return the newest record that matches, without holding up the event loop; raises `SearchTooLong`."""
        if query is None:
            return self.latest()
        return next(iter((await self.find(query, limit=1, counted=False)).records), None)

    async def content(self, ident: str) -> bytes:
        """Return the octets of a message: those of a copy in a mailbox, or else those in the relay.

        Raises `ContentGone`, also for an unknown ID, and `DoorAway`.
        """
        with suppress(TimeoutError):
            async with asyncio.timeout(UNDER_WAY):
                while True:
                    record = self.get(ident)
                    if record is None:
                        raise ContentGone("there is no such message")
                    content = await self._content(record)
                    if content is not None:
                        return content
                    if not any(map(_is_under_way, record.recipients)):
                        break
                    # The relay has just passed it on, and the journals have yet to tell whereto.
                    await self._keeper.progress()
        raise ContentGone("the message is removed from all mailboxes")

    async def _content(self, record: Record) -> bytes | None:
        for copy in (copy for recipient in record.recipients for copy in recipient.copies if not copy.removed):
            recent = self._keeper.contents.recent.get((copy.account, copy.mailbox, copy.uid_validity, copy.uid))
            if recent is not None:
                return recent
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

    # -- writing --------------------------------------------------------------------------------------------------

    async def mark(self, idents: Sequence[str] | None, *, read: bool) -> None:
        """Mark records as read or unread; None: all. Unknown IDs are left out, here and below."""
        self._tell(await self._keeper.write(self._keeper.writer.mark, idents, read=read))

    async def tag(self, idents: Sequence[str], tags: Sequence[str]) -> None:
        """Give records these tags in place of those that they have."""
        self._tell(await self._keeper.write(self._keeper.writer.tag, idents, tags))

    async def rename_tag(self, old: str, new: str) -> None:
        """Give a tag another name."""
        self._tell(await self._keeper.write(self._keeper.writer.rename_tag, old, new))

    async def drop_tag(self, tag: str) -> None:
        """Take a tag away from all records."""
        self._tell(await self._keeper.write(self._keeper.writer.rename_tag, tag, None))

    async def delete(self, idents: Sequence[str]) -> None:
        """Take records out of the catalog; mailboxes and queue keep theirs."""
        self._tell(await self._keeper.write(self._keeper.writer.delete, idents))

    async def purge(self) -> None:
        """Empty the world: the queue, all mailboxes, and the catalog. Raises `DoorAway` with the service at fault."""
        await self._relay.delete("/queue")
        last = (await self._relay.get("/state"))["last"]
        await self._store.delete("/mail")
        self._tell(await self._keeper.write(self._keeper.writer.purge, last or self.position["relay"]))

    # -- changes --------------------------------------------------------------------------------------------------

    def subscribe(self) -> Subscription:
        """Return the changes from now on; to be closed."""
        self._keeper.rush.end()
        return self._hub.subscribe()

    @property
    def cursor(self) -> int:
        """The cursor of the last change."""
        return self._cursor

    def changed_since(self, cursor: int, limit: int = 100) -> list[Changed]:
        """Return the records that have changed after a cursor and still exist, in the order of their last changes."""
        return self._reader.changed_since(cursor, limit)

    def _tell(self, news: News) -> None:
        self._cursor = max(self._cursor, news.cursor)
        if not self._hub:
            return
        records = news.records
        if news.numbers:
            records = self._reader.records(news.numbers)
        if records or news.kind is Happened.PURGED:
            self._hub.tell(Change(news.cursor, news.kind, records))


def _is_under_way(recipient: RecipientState) -> bool:
    """Whether the journals may yet tell of a copy for this recipient."""
    delivered = recipient.state in {State.DELIVERED, State.CAPTURED}
    return recipient.state in _PENDING or (delivered and not recipient.copies)
