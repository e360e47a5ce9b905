"""/api/events: Mailpit's websocket, which announces every change.

Mailpit's frames come in any order. Here the order is fixed: a message's tags, the message, the statistics. A client
that reads too slowly is dropped; it may come back and ask for the list.
"""

from __future__ import annotations

import asyncio
from collections import OrderedDict
from typing import TYPE_CHECKING, Any

from postroad_web.api.scope import world_of
from postroad_web.api.streaming import part, told
from postroad_web.catalog.hub import Change, Happened
from postroad_web.catalog.record import Origin
from postroad_web.catalog.worlds import world_of_refusal
from postroad_web.mailpit import gojson, shapes
from postroad_web.mailpit.dates import seconds_of
from postroad_web.mailpit.info import VERSION
from postroad_web.mailpit.mailbox import MANY

if TYPE_CHECKING:
    from collections.abc import Iterator

    from starlette.websockets import WebSocket

    from postroad_web.catalog.hub import Subscription
    from postroad_web.catalog.record import Record
    from postroad_web.mailpit.mailbox import Mailbox, Mailboxes

STATS_AFTER = 0.25  # seconds between two frames with statistics: at most four per second
SENT_WITHIN = 10.0  # seconds; a client that takes longer for one frame is dropped
MOST_CLIENTS = 64
MOST_WAITING = 1000  # announcements for one client
_REMEMBERED = 5000


class Telling:
    """The frames that one client gets, by what it has got before."""

    def __init__(self) -> None:
        self._told: OrderedDict[str, tuple[bool, tuple[str, ...]]] = OrderedDict()

    def of(self, change: Change) -> Iterator[tuple[str, Any]]:
        """Yield the frames of one change: types and data."""
        records = [record for record in change.records if record.origin is not Origin.REPORT]
        match change.kind:
            case Happened.ARRIVED:
                for record in records:
                    yield from self._arrived(record)
            case Happened.UPDATED:
                for record in records:
                    yield from self._updated(record, quiet=len(records) > MANY)
            case Happened.DELETED if len(records) > MANY:
                yield "prune", None
            case Happened.DELETED:
                for record in records:
                    self._told.pop(record.id, None)
                    yield "delete", {"ID": record.id}
            case Happened.PURGED:
                self._told.clear()
                yield "truncate", None
            case Happened.TAGS:
                yield "prune", None

    def _arrived(self, record: Record) -> Iterator[tuple[str, Any]]:
        if record.digest is None:  # there was nothing to be read
            return
        self._remember(record)
        if record.tags:
            yield "update", {"ID": record.id, "Tags": shapes.tags_of(record)}
        yield "new", shapes.summary(record)

    def _updated(self, record: Record, *, quiet: bool) -> Iterator[tuple[str, Any]]:
        """Yield what has changed since the last frames about the record; deliveries change nothing here."""
        read, tags = self._told.get(record.id, (None, None))
        self._remember(record)
        if quiet:
            return
        if record.read != read:
            yield "update", {"ID": record.id, "Read": record.read}
        if record.tags != tags and (tags is not None or record.tags):
            yield "update", {"ID": record.id, "Tags": shapes.tags_of(record)}

    def _remember(self, record: Record) -> None:
        self._told[record.id] = (record.read, record.tags)
        self._told.move_to_end(record.id)
        if len(self._told) > _REMEMBERED:
            self._told.popitem(last=False)


class Events:
    """The clients that listen."""

    def __init__(self, mailboxes: Mailboxes) -> None:
        self._mailboxes = mailboxes
        self._clients = 0

    async def serve(self, socket: WebSocket) -> None:
        """Tell one client until it leaves or is too slow."""
        if self._clients >= MOST_CLIENTS:
            await socket.close(1013, "too many clients")
            return
        self._clients += 1
        mailbox = self._mailboxes.of(world_of(socket))
        services = mailbox.services
        subscription = mailbox.catalog.subscribe()
        announced: asyncio.Queue[tuple[str, Any]] = asyncio.Queue()

        def listen(kind: str, data: Any) -> None:
            if announced.qsize() < MOST_WAITING:
                announced.put_nowait((kind, data))

        since = services.clock.now()

        def refused(event: dict[str, Any]) -> None:
            is_new = event.get("reply") and (seconds_of(event["time"]) or 0.0) >= since
            if is_new and world_of_refusal(services.worlds, event) == mailbox.world:
                listen("error", shapes.refusal(event))

        mailbox.listeners.add(listen)
        services.catalog.refusals.add(refused)
        changed = asyncio.Event()
        changed.set()  # statistics come after the connection, too
        try:
            await socket.accept()
            await told(
                socket,
                self._changes(socket, subscription, changed),
                self._announced(socket, announced, changed),
                self._stats(socket, mailbox, changed),
            )
            await part(socket)
        finally:
            subscription.close()
            mailbox.listeners.discard(listen)
            services.catalog.refusals.discard(refused)
            self._clients -= 1

    async def _changes(self, socket: WebSocket, subscription: Subscription, changed: asyncio.Event) -> None:
        telling = Telling()
        async for change in subscription:
            for kind, data in telling.of(change):
                await _send(socket, kind, data)
            changed.set()

    async def _announced(
        self, socket: WebSocket, queue: asyncio.Queue[tuple[str, Any]], changed: asyncio.Event
    ) -> None:
        while True:
            kind, data = await queue.get()
            await _send(socket, kind, data)
            if kind != "error":
                changed.set()

    async def _stats(self, socket: WebSocket, mailbox: Mailbox, changed: asyncio.Event) -> None:
        while True:
            await changed.wait()
            await mailbox.services.clock.sleep(STATS_AFTER)
            changed.clear()
            async with mailbox.emptying:
                counts = mailbox.counts()
            await _send(socket, "stats", {"Total": counts.total, "Unread": counts.unread, "Version": VERSION})


async def _send(socket: WebSocket, kind: str, data: Any) -> None:
    async with asyncio.timeout(SENT_WITHIN):
        await socket.send_text(gojson.encode({"Type": kind, "Data": data})[:-1].decode("utf-8"))
