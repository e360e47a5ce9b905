"""The catalog as one world sees it, or all of them (`EVERY`): nothing of other worlds shows here.

Reading is at once, on the event loop's own connection; `find` and `newest` read in a thread, for searches that may take
long. Writing is awaited: it is durable when the call returns, and those who listen have been told.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol, Unpack

if TYPE_CHECKING:
    from collections.abc import Callable, Coroutine, Sequence

    from postroad_web.catalog.hub import Hub, Subscription
    from postroad_web.catalog.page import Changed, Counts, Page, Query, Window
    from postroad_web.catalog.reader import Reader
    from postroad_web.catalog.record import Record
    from postroad_web.catalog.writer import News, Writer


class Works(Protocol):
    """What a view has done by the catalog."""

    hub: Hub

    @property
    def reader(self) -> Reader:
        """The event loop's own reader."""

    @property
    def writer(self) -> Writer:
        """The writer, whose methods are for `write`."""

    async def find(self, world: str, query: Query | None, window: Window) -> Page:
        """Read a page in a thread."""

    async def write(self, step: Callable[..., News], *arguments: object, **named: object) -> None:
        """Run a step in the writer's thread, and tell of it."""

    @property
    def cursor(self) -> int:
        """The cursor of the last change in any world."""

    async def stored(self) -> None:
        """Return once what the store has recorded is known."""

    def empty(self, world: str) -> Coroutine[None, None, None]:
        """Empty a world."""

    def listened_to(self) -> None:
        """Take note that somebody waits for what comes."""


class View:
    """The records of a world."""

    __slots__ = ("_works", "world")

    def __init__(self, works: Works, world: str) -> None:
        self._works = works
        self.world = world

    # -- reading --------------------------------------------------------------------------------------------------

    async def stored(self) -> None:
        """Return once all that the store has recorded by now is known, or can't be known: the store is away."""
        await self._works.stored()

    def get(self, ident: str) -> Record | None:
        """Return a record by its ID, the relay's queue ID."""
        return self._works.reader.get(ident, self.world)

    def latest(self, *, present: bool = False) -> Record | None:
        """Return the newest record."""
        return next(iter(self.page(limit=1, present=present).records), None)

    def latest_number(self) -> int:
        """Return the number of the newest record, 0 if there is none."""
        return self._works.reader.latest_number(self.world)

    def counts(self, *, present: bool = False) -> Counts:
        """Return how many records there are.

        Here as elsewhere `present` leaves out what Mailpit's dialect does not show: notifications, messages whose
        content has not been read, and those that are removed from all mailboxes.
        """
        return self._works.reader.counts(self.world, present=present)

    def tag_counts(self) -> dict[str, int]:
        """Return how many records have each tag, in the order of the tags."""
        return self._works.reader.tag_counts(self.world)

    def page(self, query: Query | None = None, **window: Unpack[Window]) -> Page:
        """Return records between two cursors, the newest first, and how many match in all; for cheap queries."""
        return self._works.reader.page(self.world, query, **window)

    async def find(self, query: Query | None = None, **window: Unpack[Window]) -> Page:
        """Return what `page` returns, without holding up the event loop; raises `SearchTooLong`."""
        return await self._works.find(self.world, query, window)

    async def newest(self, query: Query | None = None) -> Record | None:
        """Return the newest record that matches, without holding up the event loop; raises `SearchTooLong`."""
        if query is None:
            return self.latest()
        return next(iter((await self.find(query, limit=1, counted=False)).records), None)

    @property
    def cursor(self) -> int:
        """The cursor of the last change in any world."""
        return self._works.cursor

    def changed_since(self, cursor: int, limit: int = 100) -> list[Changed]:
        """Return the records that have changed after a cursor and still exist, in the order of their last changes."""
        return self._works.reader.changed_since(self.world, cursor, limit)

    def subscribe(self) -> Subscription:
        """Return the changes from now on; to be closed."""
        self._works.listened_to()
        return self._works.hub.subscribe(self.world)

    # -- writing --------------------------------------------------------------------------------------------------

    async def mark(self, idents: Sequence[str] | None, *, read: bool) -> None:
        """Mark records as read or unread; None: all, of one world. Unknown IDs are left out, here and below."""
        await self._works.write(self._works.writer.mark, self.world, idents, read=read)

    async def tag(self, idents: Sequence[str], tags: Sequence[str]) -> None:
        """Give records these tags in place of those that they have."""
        await self._works.write(self._works.writer.tag, self.world, idents, tags)

    async def rename_tag(self, old: str, new: str) -> None:
        """Give a tag of one world another name."""
        await self._works.write(self._works.writer.rename_tag, self.world, old, new)

    async def drop_tag(self, tag: str) -> None:
        """Take a tag away from all records of one world."""
        await self._works.write(self._works.writer.rename_tag, self.world, tag, None)

    async def delete(self, idents: Sequence[str]) -> None:
        """Take records out of the catalog; mailboxes and queue keep theirs."""
        await self._works.write(self._works.writer.delete, self.world, idents)

    async def purge(self) -> None:
        """Empty one world: its queue, its mailboxes, its records. Raises `DoorAway` with the service at fault."""
        await self._works.empty(self.world)
