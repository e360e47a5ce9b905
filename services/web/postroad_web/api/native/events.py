"""GET /v1/events: what happens, as server-sent events; /v1/events/ws: the same by websocket."""

from __future__ import annotations

import asyncio
from contextlib import aclosing
from dataclasses import dataclass
from typing import TYPE_CHECKING, TypeVar

from starlette.responses import Response, StreamingResponse
from starlette.routing import Route, WebSocketRoute

from postroad.jsontext import to_json
from postroad_web.api.describe import operation, record, ref
from postroad_web.api.fields import given, many, one_of, query_of, whole
from postroad_web.api.limits import Slots
from postroad_web.api.problem import Problem
from postroad_web.api.stream import events
from postroad_web.catalog.hub import Happened

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, AsyncIterator

    from starlette.requests import Request
    from starlette.routing import BaseRoute
    from starlette.types import Receive, Scope, Send
    from starlette.websockets import WebSocket

    from postroad_web.api.services import Services
    from postroad_web.api.stream import Event
    from postroad_web.catalog.view import View

T = TypeVar("T")

HEARTBEAT = 15.0  # seconds without an event
AT_ONCE = 200  # streams
KINDS = tuple(str(kind) for kind in Happened)


@dataclass(frozen=True, slots=True, kw_only=True)
class Which:
    """Which events."""

    after: int | None = given(
        whole(), "the cursor of the last event that is known; left out: events from now on", default=None
    )
    kind: tuple[str, ...] = given(many(one_of(*KINDS), most=len(KINDS)), "only these kinds; left out: all", default=())


def routes(services: Services) -> list[BaseRoute]:
    """Return the routes."""
    slots = Slots("streams", AT_ONCE)

    async def stream(request: Request) -> Response:
        which = query_of(request, Which)
        # What a browser's EventSource sends by itself when it comes back.
        last = request.headers.get("last-event-id", "")
        after = int(last) if last.isascii() and last.isdigit() and len(last) <= 16 else which.after
        if request.method == "HEAD":
            return Response(media_type="text/event-stream")
        return _Stream(_lines(services.view(request), after, which.kind), slots)

    async def socket(websocket: WebSocket) -> None:
        try:
            which = query_of(websocket, Which)
            with slots.one():
                await websocket.accept()
                await _serve(websocket, services.view(websocket), which)
        except Problem as problem:
            await websocket.send_denial_response(problem.response())

    return [Route("/v1/events", stream), WebSocketRoute("/v1/events/ws", socket)]


class _Stream(StreamingResponse):
    """Server-sent events for as long as the client listens."""

    def __init__(self, lines: AsyncGenerator[bytes], slots: Slots) -> None:
        super().__init__(lines, media_type="text/event-stream", headers={"X-Accel-Buffering": "no"})
        self._lines = lines
        self._slots = slots

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        async with aclosing(self._lines):
            with self._slots.one():
                await super().__call__(scope, receive, send)


async def _wanted(catalog: View, after: int | None, kinds: tuple[str, ...]) -> AsyncGenerator[Event]:
    async with aclosing(events(catalog, after)) as stream:
        async for event in stream:
            if not kinds or event.kind in kinds:
                yield event


async def _lines(catalog: View, after: int | None, kinds: tuple[str, ...]) -> AsyncGenerator[bytes]:
    """Yield the stream's lines. The first one names the cursor at which the stream begins."""
    yield f"retry: 1000\nid: {catalog.cursor if after is None else after}\n\n".encode()
    async with aclosing(_wanted(catalog, after, kinds)) as stream:
        async for event in beating(stream, HEARTBEAT):
            if event is None:
                yield b":\n\n"
                continue
            # With an ID of its own, an event in the middle of a change would have a client miss the rest of it.
            ident = f"id: {event.cursor}\n" if event.last else ""
            yield f"event: {event.kind}\n{ident}data: ".encode() + to_json(event.value()) + b"\n\n"


async def beating(stream: AsyncIterator[T], seconds: float) -> AsyncIterator[T | None]:
    """Yield what the stream yields, and None whenever it has yielded nothing for so long."""
    coming: asyncio.Future[T] | None = None
    try:
        while True:
            coming = coming or asyncio.ensure_future(anext(stream))
            done, _ = await asyncio.wait({coming}, timeout=seconds)
            if not done:
                yield None
                continue
            try:
                value = coming.result()
            except StopAsyncIteration:
                return
            coming = None
            yield value
    finally:
        if coming is not None:
            coming.cancel()
            await asyncio.gather(coming, return_exceptions=True)


async def _serve(websocket: WebSocket, catalog: View, which: Which) -> None:
    """Send the events until the client goes; what it says is not listened to. uvicorn sends pings."""
    leaving = asyncio.ensure_future(_left(websocket))
    sending = asyncio.ensure_future(_send(websocket, catalog, which))
    try:
        await asyncio.wait({leaving, sending}, return_when=asyncio.FIRST_COMPLETED)
    finally:
        leaving.cancel()
        sending.cancel()
        await asyncio.gather(leaving, sending, return_exceptions=True)


async def _left(websocket: WebSocket) -> None:
    while (await websocket.receive())["type"] != "websocket.disconnect":
        pass


async def _send(websocket: WebSocket, catalog: View, which: Which) -> None:
    async with aclosing(_wanted(catalog, which.after, which.kind)) as stream:
        async for event in stream:
            await websocket.send_text(to_json(event.value()).decode())


SCHEMAS = {
    "Event": record(
        {
            "cursor": {"type": "integer", "description": "`after` of a stream that goes on behind this event"},
            "kind": {
                "type": "string",
                "enum": list(KINDS),
                "description": (
                    "arrived: its content has been read; updated: a recipient, a copy, the read mark; deleted: from "
                    "the catalog; purged: all messages of the world are gone; tags: a tag was renamed or dropped"
                ),
            },
            "world": {"type": "string", "description": "its ID"},
            "message": {
                "anyOf": [ref("Summary"), {"type": "object"}, {"type": "null"}],
                "description": "of a deleted message only `id` and `number`; null if all are gone",
            },
        }
    )
}
_DESCRIPTION = (
    "A stream that begins after a cursor first gives every message that has changed since, as it is now: as "
    "`arrived` if it has come since, else as `updated`. Then it goes on with what happens. Changes of the queue come "
    "as `updated`."
)
OPENAPI = {
    "/v1/events": {
        "get": operation(
            "events",
            "Listen, by server-sent events",
            description=_DESCRIPTION + " The ID of an event is its cursor, so that `Last-Event-ID` goes on behind it.",
            query=Which,
            answer=ref("Event"),
            media_type="text/event-stream",
            errors=(503,),
        )
    },
    "/v1/events/ws": {
        "get": operation(
            "events",
            "Listen, by websocket",
            description=_DESCRIPTION + " Each frame is an event in JSON.",
            query=Which,
            status=101,
            errors=(503,),
        )
    },
}
