"""The queue: list, show, attempt now, hold, release, drop, purge; with `world`, that of one world alone."""

from __future__ import annotations

import heapq
from contextlib import contextmanager
from itertools import islice
from operator import attrgetter
from typing import TYPE_CHECKING, Any

from postroad.control.door import Refusal, Route, answer
from postroad_relay.control.describe import describe
from postroad_relay.queue.administration import (
    AdministrationError,
    ConflictError,
    NotQueuedError,
    NotWrittenError,
)
from postroad_relay.queue.spool import QueueId

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Iterator, Mapping, Sequence

    from postroad.control.door import Request, Response
    from postroad_relay.queue.administration import Administration
    from postroad_relay.queue.manager import Manager
    from postroad_relay.queue.spool import Entry, Spool

LIMIT = 50  # messages of one answer, unless fewer or more are asked for
MOST = 500
_STATUS: Mapping[type[AdministrationError], int] = {NotQueuedError: 404, ConflictError: 409, NotWrittenError: 507}


class QueueRoutes:
    """The handlers of `/queue`."""

    def __init__(self, manager: Manager, administration: Administration) -> None:
        self._manager = manager
        self._administration = administration

    @property
    def routes(self) -> Sequence[Route]:
        """The routes."""
        return (
            Route("GET", "/queue", self.page),
            Route("DELETE", "/queue", self.purge),
            Route("POST", "/queue/retry", self.retry_many),
            Route("GET", "/queue/{id}", self.show),
            Route("DELETE", "/queue/{id}", self.drop),
            Route("POST", "/queue/{id}/retry", self.retry),
            Route("POST", "/queue/{id}/hold", self.hold),
            Route("POST", "/queue/{id}/release", self.release),
        )

    async def page(self, request: Request) -> Response:
        """List messages by queue ID, which is the order of their arrival."""
        after = request.query.get("after", "")
        limit = request.whole("limit", LIMIT, least=1, most=MOST)
        spool = self._manager.spool
        entries = _entries(spool, request.query.get("world"))
        idents = heapq.nsmallest(limit + 1, (entry.queue_id for entry in entries if entry.queue_id > after))
        shown = [entry for ident in idents[:limit] if (entry := spool.find(ident)) is not None]
        return answer(
            {
                "messages": [describe(self._manager, entry) for entry in shown],
                "next": idents[limit - 1] if len(idents) > limit else None,
                "total": len(entries),
            }
        )

    async def show(self, request: Request) -> Response:
        """Show one message."""
        return answer(describe(self._manager, self._entry(request)))

    async def retry(self, request: Request) -> Response:
        """Attempt one message now."""
        entry = self._entry(request)
        with _refusals():
            self._administration.retry(entry)
        return answer(describe(self._manager, entry))

    async def retry_many(self, request: Request) -> Response:
        """Attempt some messages now, or all; those that are held or gone are left out."""
        match request.json():
            case {"ids": None, "world": str(world)}:
                entries = [entry for entry in self._manager.spool.of_world(world) if not entry.held]
                return answer({"count": sum(self._administration.retry(entry) for entry in entries)})
            case {"ids": None}:
                return answer({"count": self._administration.retry_all()})
            case {"ids": list(idents), **more} if len(idents) <= MOST and all(
                isinstance(ident, str) for ident in idents
            ):
                only = more.get("world")
                queued = map(self._manager.spool.find, map(QueueId, idents))
                entries = [entry for entry in queued if entry and not entry.held and only in (None, entry.world)]
                return answer({"count": sum(self._administration.retry(entry) for entry in entries)})
        raise Refusal(400, f"ids must be null or a list of at most {MOST} queue IDs")

    async def hold(self, request: Request) -> Response:
        """Hold one message."""
        return await self._changed(request, self._administration.hold)

    async def release(self, request: Request) -> Response:
        """Release one message."""
        return await self._changed(request, self._administration.release)

    async def _changed(self, request: Request, change: Callable[[Entry], Awaitable[None]]) -> Response:
        entry = self._entry(request)
        with _refusals():
            await change(entry)
        return answer(describe(self._manager, entry))

    async def drop(self, request: Request) -> Response:
        """Drop one message, with or without a DSN to its sender."""
        report = request.query.get("report", "no")
        if report not in {"yes", "no"}:
            raise Refusal(400, "report must be yes or no")
        entry = self._entry(request)
        with _refusals():
            await self._administration.drop(entry, report=report == "yes")
        return answer({})

    async def purge(self, request: Request) -> Response:
        """Drop all messages without DSNs."""
        with _refusals():
            return answer({"removed": await self._administration.purge(request.query.get("world"))})

    def _entry(self, request: Request) -> Entry:
        ident = request.params["id"]
        entry = self._manager.spool.find(QueueId(ident))
        if entry is None:
            raise Refusal(404, "the message is not in the queue")
        return entry


def _entries(spool: Spool, world: str | None) -> list[Entry]:
    return spool.entries() if world is None else spool.of_world(world)


@contextmanager
def _refusals() -> Iterator[None]:
    """Answer a change that can't be made by its status."""
    try:
        yield
    except AdministrationError as error:
        raise Refusal(_STATUS[type(error)], str(error)) from error


def next_ones(manager: Manager, count: int, world: str | None = None) -> list[dict[str, Any]]:
    """Describe some messages, in this order: being attempted, of a domain that rests, by when they are due, held.

    Those of one world come by when they are due.
    """
    spool = manager.spool
    if world is not None:
        return [
            describe(manager, entry) for entry in heapq.nsmallest(count, spool.of_world(world), key=attrgetter("due"))
        ]

    def entries() -> Iterator[Entry]:
        for active in manager.active.values():
            if spool.find(active.entry.queue_id) is active.entry:
                yield active.entry
        yield from manager.lanes.waiting()
        yield from manager.due.first(count)
        if spool.held:
            yield from (entry for entry in spool.entries() if entry.held and entry.queue_id not in manager.active)

    return [describe(manager, entry) for entry in islice(entries(), count)]
