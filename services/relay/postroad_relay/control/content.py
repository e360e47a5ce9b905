"""`GET /content/{id}`: the content of a queued message, or of a dead letter."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

from postroad.control.door import Refusal, Response, Route
from postroad_relay.queue.spool import QueueId, SpoolError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from postroad.control.door import Request
    from postroad_relay.queue.manager import Manager
    from postroad_relay.queue.spool import Entry


class ContentRoutes:
    """The handler of `/content`; disks are read in other threads."""

    def __init__(self, manager: Manager) -> None:
        self._spool = manager.spool
        self._active = manager.active

    @property
    def routes(self) -> Sequence[Route]:
        """The routes."""
        return (Route("GET", "/content/{id}", self.give),)

    async def give(self, request: Request) -> Response:
        """Give it, with its trace fields."""
        ident = QueueId(request.params["id"])
        octets: bytes | None = None
        active = self._active.get(ident)
        if active is not None and active.stored is not None and active.stored.path is None:
            octets = active.stored.start  # most are asked for now, and no thread has to be
        elif (entry := self._spool.find(ident)) is not None:
            octets = await asyncio.to_thread(self._read, entry)
        if octets is None:
            octets = await self._spool.dead.content(ident)
        if octets is None:
            raise Refusal(404, "the relay has no content of this message")
        return Response(body=octets, content_type="message/rfc822")

    def _read(self, entry: Entry) -> bytes | None:
        try:
            return b"".join(self._spool.read(entry).blocks())
        except SpoolError:  # it may have been delivered meanwhile
            return None
