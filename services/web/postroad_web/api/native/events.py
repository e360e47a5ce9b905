"""GET /v1/events: what happens, as server-sent events; /v1/events/ws: the same by websocket."""

from __future__ import annotations

import asyncio
from contextlib import aclosing
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, NamedTuple, TypeVar

from starlette.responses import Response
from starlette.routing import Route, WebSocketRoute

from postroad.jsontext import to_json
from postroad_web.api.describe import operation, record, ref
from postroad_web.api.fields import given, many, one_of, query_of, whole
from postroad_web.api.limits import Slots
from postroad_web.api.native.sessions import shown
from postroad_web.api.problem import Problem
from postroad_web.api.scope import world_of
from postroad_web.api.stream import events
from postroad_web.api.streaming import EventStream, beating, part, told
from postroad_web.catalog.hub import Happened

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator

    from starlette.requests import HTTPConnection, Request
    from starlette.routing import BaseRoute
    from starlette.websockets import WebSocket

    from postroad_web.api.services import Services
    from postroad_web.api.stream import Event
    from postroad_web.catalog.view import View
    from postroad_web.sessions.live import Live

T = TypeVar("T")

HEARTBEAT = 15.0  # seconds without an event
AT_ONCE = 200  # streams
SESSION = "session"
KINDS = (*(str(kind) for kind in Happened), SESSION)


class _Heard(NamedTuple):
    """What a stream is about."""

    catalog: View
    live: Live
    world: str


class SessionEvent(NamedTuple):
    """A session has begun, gone on or ended."""

    cursor: int
    session: dict[str, Any]
    kind: str = SESSION
    last: bool = False  # a stream is not taken up from it

    def value(self) -> dict[str, Any]:
        """Return the event as the API shows it."""
        world = self.session["world"]
        return {
            "cursor": self.cursor, "kind": self.kind, "world": world, "message": None, "session": shown(self.session),
        }  # fmt: skip


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

    def heard(connection: HTTPConnection) -> _Heard:
        return _Heard(services.view(connection), services.live, world_of(connection))

    async def stream(request: Request) -> Response:
        which = query_of(request, Which)
        # What a browser's EventSource sends by itself when it comes back.
        last = request.headers.get("last-event-id", "")
        after = int(last) if last.isascii() and last.isdigit() and len(last) <= 16 else which.after
        if request.method == "HEAD":
            return Response(media_type="text/event-stream")
        return EventStream(_lines(heard(request), after, which.kind), slots)

    async def socket(websocket: WebSocket) -> None:
        try:
            which = query_of(websocket, Which)
            with slots.one():
                await websocket.accept()
                await told(websocket, _send(websocket, heard(websocket), which))  # uvicorn sends pings
                await part(websocket)
        except Problem as problem:
            await websocket.send_denial_response(problem.response())

    return [Route("/v1/events", stream), WebSocketRoute("/v1/events/ws", socket)]


async def _wanted(heard: _Heard, after: int | None, kinds: tuple[str, ...]) -> AsyncGenerator[Event | SessionEvent]:
    """Yield what happens to messages, and to sessions, whichever comes first."""
    wanted = set(kinds or KINDS)
    streams = [_of_messages(heard.catalog, after, wanted)]  # in any case: it ends with the world
    if SESSION in wanted:
        streams.append(_of_sessions(heard))
    async with aclosing(merged(*streams)) as stream:
        async for event in stream:
            yield event


async def _of_messages(catalog: View, after: int | None, kinds: set[str]) -> AsyncGenerator[Event | SessionEvent]:
    async with aclosing(events(catalog, after)) as stream:
        async for event in stream:
            if event.kind in kinds:
                yield event


async def _of_sessions(heard: _Heard) -> AsyncGenerator[Event | SessionEvent]:
    async with heard.live.listen(heard.world) as news:
        while True:
            yield SessionEvent(heard.catalog.cursor, await news.next())


async def merged(*streams: AsyncGenerator[T]) -> AsyncGenerator[T]:
    """Yield what several streams yield, as it comes, until one of them ends."""
    coming: dict[asyncio.Future[T], AsyncGenerator[T]] = {}
    try:
        for stream in streams:
            coming[asyncio.ensure_future(anext(stream))] = stream
        while True:
            done, _ = await asyncio.wait(coming, return_when=asyncio.FIRST_COMPLETED)
            for future in done:
                stream = coming.pop(future)
                try:
                    value = future.result()
                except StopAsyncIteration:
                    return
                coming[asyncio.ensure_future(anext(stream))] = stream
                yield value
    finally:
        for future in coming:
            future.cancel()
        await asyncio.gather(*coming, return_exceptions=True)
        for stream in streams:
            await stream.aclose()


async def _lines(heard: _Heard, after: int | None, kinds: tuple[str, ...]) -> AsyncGenerator[bytes]:
    """Yield the stream's lines. The first one names the cursor at which the stream begins."""
    begin = heard.catalog.cursor if after is None else after  # what happens before this line has left comes behind it
    yield f"retry: 1000\nid: {begin}\n\n".encode()
    async with aclosing(_wanted(heard, begin, kinds)) as stream:
        async for event in beating(stream, HEARTBEAT):
            if event is None:
                yield b":\n\n"
                continue
            # With an ID of its own, an event in the middle of a change would have a client miss the rest of it.
            ident = f"id: {event.cursor}\n" if event.last else ""
            yield f"event: {event.kind}\n{ident}data: ".encode() + to_json(event.value()) + b"\n\n"


async def _send(websocket: WebSocket, heard: _Heard, which: Which) -> None:
    async with aclosing(_wanted(heard, which.after, which.kind)) as stream:
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
                    "the catalog; purged: all messages of the world are gone; tags: a tag was renamed or dropped; "
                    "session: a session has begun, gone on or ended"
                ),
            },
            "world": {"type": "string", "description": "its ID"},
            "message": {
                "anyOf": [ref("Summary"), {"type": "object"}, {"type": "null"}],
                "description": (
                    "of a deleted message only `id` and `number`; null if all are gone, and of an event of a session, "
                    "which has a further member `session`"
                ),
            },
        }
    )
}
SCHEMAS["Event"]["properties"]["session"] = ref("SessionSummary")
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
