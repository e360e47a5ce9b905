"""Both event streams: server-sent events by v1, a websocket by v2. Each tells of every new message, whole.

MailHog tells its v1 stream in JSON of several lines, each a `data:` of its own, and keeps it alive once a minute. A
client that reads too slowly is dropped; it may come back and ask for the list.
"""

from __future__ import annotations

import asyncio
import json
from contextlib import aclosing, suppress
from typing import TYPE_CHECKING

from starlette.responses import Response

from postroad.control.client import DoorAway, DoorRefused
from postroad_web.api.limits import Slots
from postroad_web.api.streaming import EventStream, beating, part, told
from postroad_web.catalog.catalog import ContentGone
from postroad_web.catalog.hub import Happened
from postroad_web.catalog.record import Origin

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator

    from starlette.requests import Request
    from starlette.websockets import WebSocket

    from postroad_web.api.services import Services
    from postroad_web.catalog.view import View
    from postroad_web.mailhog.letters import Letters

KEEPALIVE = 60.0  # seconds without a message
AT_ONCE = 128  # clients of both
SENT_WITHIN = 10.0  # seconds; a client that takes longer for one frame is dropped
_KEEPALIVE = b"keepalive: \n\n"


class Streams:
    """The clients that listen."""

    def __init__(self, services: Services, letters: Letters) -> None:
        self._services = services
        self._letters = letters
        self._slots = Slots("streams", AT_ONCE)

    async def lines(self, request: Request) -> Response:
        """Tell one client by server-sent events."""
        if request.method == "HEAD":
            return Response(media_type="text/event-stream")
        return EventStream(self._lines(self._services.view(request)), self._slots)

    async def socket(self, socket: WebSocket) -> None:
        """Tell one client by websocket, until it leaves or is too slow."""
        if self._slots.taken >= AT_ONCE:
            await socket.close(1013, "too many clients")
            return
        with self._slots.one():
            await socket.accept()
            await told(socket, self._frames(socket))
            await part(socket)

    async def _frames(self, socket: WebSocket) -> None:
        async with aclosing(self._arriving(self._services.view(socket))) as letters:
            async for letter in letters:
                async with asyncio.timeout(SENT_WITHIN):
                    await socket.send_text(letter.decode("utf-8"))

    async def _lines(self, catalog: View) -> AsyncGenerator[bytes]:
        async with aclosing(self._arriving(catalog)) as letters:
            async for letter in beating(letters, KEEPALIVE):
                yield _KEEPALIVE if letter is None else event(letter)

    async def _arriving(self, catalog: View) -> AsyncGenerator[bytes]:
        """Yield each message of a world that arrives from now on."""
        changes = catalog.subscribe()
        try:
            async for change in changes:
                if change.kind is not Happened.ARRIVED:
                    continue
                for record in change.records:
                    if record.origin is not Origin.REPORT and record.digest is not None:
                        with suppress(ContentGone, DoorAway, DoorRefused):
                            yield await self._letters.one(record)
        finally:
            changes.close()


def event(letter: bytes) -> bytes:
    """Return a message as a server-sent event."""
    lines = json.dumps(json.loads(letter), ensure_ascii=False, indent=2).split("\n")
    return "".join(f"data: {line}\n" for line in lines).encode("utf-8") + b"\n"
