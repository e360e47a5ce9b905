"""A client that is told what happens for as long as it listens: by server-sent events, or by websocket."""

from __future__ import annotations

import asyncio
from contextlib import aclosing, suppress
from typing import TYPE_CHECKING, TypeVar

from starlette.responses import StreamingResponse
from starlette.websockets import WebSocketDisconnect

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, AsyncIterator, Coroutine

    from starlette.types import Receive, Scope, Send
    from starlette.websockets import WebSocket

    from postroad_web.api.limits import Slots

T = TypeVar("T")


class EventStream(StreamingResponse):
    """Server-sent events; takes one of `slots` while they last."""

    def __init__(self, lines: AsyncGenerator[bytes], slots: Slots) -> None:
        super().__init__(lines, media_type="text/event-stream", headers={"X-Accel-Buffering": "no"})
        self._lines = lines
        self._slots = slots

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:  # noqa: D102 - Response's
        async with aclosing(self._lines):
            with self._slots.one():
                await super().__call__(scope, receive, send)


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


async def told(socket: WebSocket, *works: Coroutine[object, object, None]) -> None:
    """Tell a client by all of `works`, until one of them ends or the client leaves; what it says is not listened to."""
    tasks = [asyncio.ensure_future(work) for work in (*works, _left(socket))]
    try:
        await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


async def part(socket: WebSocket) -> None:
    """Close the websocket of a client that may be gone already."""
    with suppress(RuntimeError, WebSocketDisconnect, TimeoutError):
        async with asyncio.timeout(1):
            await socket.close(1001)


async def _left(socket: WebSocket) -> None:
    with suppress(WebSocketDisconnect):
        while (await socket.receive())["type"] != "websocket.disconnect":
            pass
