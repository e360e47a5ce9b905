"""The catalog as the rest of the web service uses it.

Reading is at once, on a connection of the event loop's own; `find` reads in a thread, for searches that may take long.
Writing is awaited: it is durable when the call returns, and those who listen have been told.
"""

from __future__ import annotations

import asyncio
import functools
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, TypeVar

from postroad.clock import Clock
from postroad_web.catalog.hub import Change, Happened, Hub, Subscription
from postroad_web.catalog.page import Window
from postroad_web.catalog.reader import Reader
from postroad_web.catalog.rows import record_of
from postroad_web.catalog.writer import News, Writer

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from pathlib import Path

    from postroad_web.catalog.page import Counts, Page, Query
    from postroad_web.catalog.record import Record

T = TypeVar("T")


class Catalog:
    """One record per mail transaction that came in from outside. `start` comes first, `close` last."""

    def __init__(
        self,
        directory: Path,
        *,
        clock: Clock | None = None,
        keep_messages: int = 0,
        keep_age: float = 0.0,
    ) -> None:
        self._directory = directory
        self._clock = clock or Clock()
        self._keep_messages = keep_messages
        self._keep_age = keep_age
        self._hub = Hub()
        self._thread = ThreadPoolExecutor(1, "catalog-writer")
        self._finders = ThreadPoolExecutor(1, "catalog-finder")
        self.position: dict[str, int] = {"relay": 0, "store": 0}  # the last number folded of each journal

    async def start(self) -> None:
        """Open the databases."""
        loop = asyncio.get_running_loop()
        self._writer = await loop.run_in_executor(self._thread, Writer, self._directory)
        self._reader = Reader(self._directory)
        self._finder = Reader(self._directory)

    async def close(self) -> None:
        """End the subscriptions, and close the databases."""
        self._hub.close()
        self._finders.shutdown()
        self._finder.close()
        await self._write(self._writer.close)
        self._thread.shutdown()
        self._reader.close()

    # -- reading --------------------------------------------------------------------------------------------------

    def get(self, ident: str) -> Record | None:
        """Return a record by its ID, the relay's queue ID."""
        return self._reader.get(ident)

    def text(self, ident: str) -> str:
        """Return the searchable text of a record, in lower case; empty if its content has not been read."""
        return self._reader.text(ident)

    def latest(self, query: Query | None = None, *, since: int = 0, present: bool = False) -> Record | None:
        """Return the newest record that matches, and whose number is above `since`."""
        return self._reader.latest(query, since=since, present=present)

    def counts(self, *, present: bool = False) -> Counts:
        """Return how many records there are.

        Here as elsewhere `present` leaves out what Mailpit's dialect does not show: notifications, messages whose
        content has not been read, and those that are removed from all mailboxes.
        """
        return self._reader.counts(present=present)

    def tag_counts(self) -> dict[str, int]:
        """Return how many records have each tag, in the order of the tags."""
        return self._reader.tag_counts()

    def page(
        self,
        query: Query | None = None,
        *,
        before: int | None = None,
        after: int | None = None,
        limit: int = 50,
        offset: int = 0,
        oldest_first: bool = False,
        present: bool = False,
    ) -> Page:
        """Return records between two cursors, the newest first, and how many match in all; for cheap queries."""
        return self._reader.page(query, Window(before, after, limit, offset, oldest_first, present))

    async def find(
        self,
        query: Query | None = None,
        *,
        before: int | None = None,
        after: int | None = None,
        limit: int = 50,
        offset: int = 0,
        oldest_first: bool = False,
        present: bool = False,
    ) -> Page:
        """Return what `page` returns, without holding up the event loop."""
        window = Window(before, after, limit, offset, oldest_first, present)
        loop = asyncio.get_running_loop()
        return await loop.run_in_executor(self._finders, self._finder.page, query, window)

    # -- writing --------------------------------------------------------------------------------------------------

    async def mark(self, idents: Sequence[str] | None, *, read: bool) -> None:
        """Mark records as read or unread; None: all. Unknown IDs are left out, here and below."""
        self._tell(await self._write(self._writer.mark, idents, read=read))

    async def tag(self, idents: Sequence[str], tags: Sequence[str]) -> None:
        """Give records these tags in place of those that they have."""
        self._tell(await self._write(self._writer.tag, idents, tags))

    async def rename_tag(self, old: str, new: str) -> None:
        """Give a tag another name."""
        self._tell(await self._write(self._writer.rename_tag, old, new))

    async def drop_tag(self, tag: str) -> None:
        """Take a tag away from all records."""
        self._tell(await self._write(self._writer.rename_tag, tag, None))

    async def delete(self, idents: Sequence[str]) -> None:
        """Take records out of the catalog; mailboxes and queue keep theirs."""
        self._tell(await self._write(self._writer.delete, idents))

    async def delete_matching(self, query: Query) -> None:
        """Take all records that match out of the catalog."""
        idents = await asyncio.get_running_loop().run_in_executor(self._finders, self._finder.matching, query)
        await self.delete(idents)

    # -- changes --------------------------------------------------------------------------------------------------

    def subscribe(self) -> Subscription:
        """Return the changes from now on; to be closed."""
        return self._hub.subscribe()

    @property
    def cursor(self) -> int:
        """The cursor of the last change."""
        return self._writer.cursor

    def changed_since(self, cursor: int, limit: int = 100) -> list[tuple[int, Record]]:
        """Return the records that have changed after a cursor and still exist, each with its last change, in order."""
        return self._reader.changed_since(cursor, limit)

    def _tell(self, news: News) -> None:
        if not self._hub:
            return
        records = news.records
        if news.numbers:
            rows = self._reader.rows(news.numbers)
            records = tuple(record_of(row) for row in rows)
        if records or news.kind is Happened.PURGED:
            self._hub.tell(Change(news.cursor, news.kind, records))

    async def _write(self, step: Callable[..., T], *arguments: object, **named: object) -> T:
        loop = asyncio.get_running_loop()
        return await loop.run_in_executor(self._thread, functools.partial(step, *arguments, **named))
