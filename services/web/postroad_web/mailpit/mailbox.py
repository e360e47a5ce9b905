"""A world's messages that came in from outside, as one mailbox: Mailpit's dialect shows no others.

Mailpit stores a message before its 250, so that its client finds the message in the very next answer. Here the catalog
reads it in the relay's journal a few milliseconds later. So each reader of the list first asks the relay how far its
journal is, and waits until the catalog has read as much (`fresh`).
"""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

from postroad_web.catalog.record import Origin
from postroad_web.mailpit.endpoint import NOT_FOUND, Refused
from postroad_web.mailpit.source import source
from postroad_web.message.reader import read_message
from postroad_web.search import QueryError, parse

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from postroad_web.api.services import Services
    from postroad_web.catalog.page import Counts, Page, Query
    from postroad_web.catalog.record import Record
    from postroad_web.message.parsed import Parsed

LATEST = "latest"
MANY = 200  # messages; changes of more at a time are announced as one
ROOM = 100  # mailboxes before the first look for worlds that are no more


class Mailbox:
    """The messages of a world that are shown."""

    def __init__(self, services: Services, world: str) -> None:
        self.services = services
        self.world = world
        self.catalog = services.catalog.of(world)
        self.emptying = asyncio.Lock()  # held while the world is emptied: no statistics are sent meanwhile
        self.deleted = 0  # messages, since it was first looked at
        self.listeners: set[Callable[[str, Any], None]] = set()  # of `announce`

    async def fresh(self) -> None:
        """Wait until every message is shown that the relay has said 250 to."""
        await self.services.quiet.accepted(self.world)

    async def find(self, ident: str, query: str = "", tz: str = "") -> Record:
        """Return a message by its ID, or the latest one, or the latest that a query finds; raises `Refused`."""
        if ident == LATEST:
            await self.fresh()
            if query:
                page = await self.further(self.query(query, tz), limit=1)
                record = page.records[0] if page.records else None
            else:
                record = self.catalog.latest(present=True)
            if record is None:
                raise Refused(404, "Message not found")
            return record
        record = self.catalog.get(ident)
        if record is None or record.digest is None:  # its 250 may be a moment ago
            await self.fresh()
            record = self.catalog.get(ident)
        if record is None or record.origin is Origin.REPORT:
            raise Refused(404, NOT_FOUND)
        return record

    def counts(self) -> Counts:
        """Return how many messages there are."""
        return self.catalog.counts(present=True)

    def tags(self) -> list[str]:
        """Return all tags that messages have, sorted."""
        return list(self.catalog.tag_counts())

    def page(self, *, start: int, limit: int) -> Page:
        """Return a page of all messages, the newest first; for short ones."""
        return self.catalog.page(offset=start, limit=limit, present=True)

    async def some(self, query: Query | None, *, start: int = 0, limit: int = 50) -> Page:
        """Return a page of the messages that a query finds, or of all, in a thread."""
        return await self.catalog.find(query, offset=start, limit=limit, present=True)

    async def further(self, query: Query | None, *, limit: int, before: int | None = None) -> Page:
        """Return those that come after a cursor, without counting how many there are; a limit below 0 is none."""
        return await self.catalog.find(query, limit=limit, before=before, present=True, counted=False)

    async def mark_found(self, query: Query, *, read: bool) -> None:
        """Mark what a query finds."""
        await self.catalog.mark(await self._idents(query), read=read)

    async def delete_found(self, query: Query) -> None:
        """Delete what a query finds. Notifications, which are not shown, stay."""
        await self.delete(await self._idents(query))

    async def delete(self, idents: Sequence[str]) -> None:
        """Delete messages; those that are not there are left out."""
        before = self.counts().total
        await self.catalog.delete(idents)
        self.deleted += max(0, before - self.counts().total)

    async def empty(self) -> None:
        """Delete everything: all messages, mailboxes and the queue."""
        async with self.emptying:
            before = self.counts().total
            await self.catalog.purge()
            self.deleted += before

    def few(self, idents: Sequence[str]) -> list[Record]:
        """Return the messages with these IDs, unless there are many of them."""
        if len(idents) > MANY:
            return []
        return [record for record in map(self.catalog.get, idents) if record is not None]

    def announce(self, kind: str, data: Any) -> None:
        """Send a frame to all listeners that the catalog has no change for."""
        for listener in tuple(self.listeners):
            listener(kind, data)

    async def _idents(self, query: Query) -> list[str]:
        return [record.id for record in (await self.further(query, limit=-1)).records]

    def query(self, text: str, tz: str) -> Query:
        """Return a search in Mailpit's language; dates are of the time zone `tz`, or of UTC."""
        try:
            return parse(text, dialect="mailpit", tz=tz or "UTC")
        except QueryError as error:
            raise Refused(400, f"Error: {error}") from error

    async def source(self, record: Record) -> bytes:
        """Return the source of a message, as Mailpit shows it; raises `ContentGone` and `DoorAway`."""
        return source(record, await self.services.catalog.content(record.id))

    async def parsed(self, record: Record) -> tuple[Parsed, bytes]:
        """Return a message, read, and its source."""
        octets = await self.source(record)
        return await read_message(octets), octets

    async def seen(self, record: Record) -> None:
        """Mark a message as read."""
        if not record.read:
            await self.catalog.mark([record.id], read=True)

    def tag_named(self, name: str) -> str | None:
        """Return the tag that has this name, whatever its case."""
        return next((tag for tag in self.tags() if tag.lower() == name.lower()), None)


class Mailboxes:
    """The mailboxes of all worlds that were looked at; those of worlds that are no more are forgotten in time."""

    def __init__(self, services: Services) -> None:
        self._services = services
        self._mailboxes: dict[str, Mailbox] = {}
        self._bound = ROOM

    def of(self, world: str) -> Mailbox:
        """Return the mailbox of a world."""
        mailbox = self._mailboxes.get(world)
        if mailbox is None:
            if len(self._mailboxes) >= self._bound:
                begun = self._services.worlds.begun
                self._mailboxes = {
                    name: mailbox for name, mailbox in self._mailboxes.items() if begun(name) is not None
                }
                self._bound = 2 * len(self._mailboxes) + ROOM
            mailbox = self._mailboxes[world] = Mailbox(self._services, world)
        return mailbox
