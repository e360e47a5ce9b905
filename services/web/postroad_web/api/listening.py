"""The HTTP server: uvicorn on h11 and wsproto, with the patience that it lacks.

uvicorn closes a connection that is idle between requests, but waits for ever for the rest of a request's head, and for
a client that does not read. `Patient` gives each of these a time.
"""

from __future__ import annotations

import asyncio
import socket
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import h11
import uvicorn
from uvicorn.protocols.http.h11_impl import H11Protocol

if TYPE_CHECKING:
    from collections.abc import Iterator

    from starlette.types import ASGIApp

HEAD_WITHIN = 10.0  # seconds for the whole head of a request, from its first octet or from the connection on
IDLE_FOR = 75  # seconds between two requests
READ_WITHIN = 60.0  # seconds until a client that has stopped reading has to read on
HEAD = 32 << 10  # octets of a request's head
FRAME = 64 << 10  # octets of a websocket message from a client
LEAVING = 1  # second for the requests under way when the service stops


class Patient(H11Protocol):
    """One connection, with times for the head of each request and for reading the answer."""

    _head: asyncio.TimerHandle | None = None
    _stuck: asyncio.TimerHandle | None = None

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        """Start the time for the first head."""
        super().connection_made(transport)
        self._head = self.loop.call_later(HEAD_WITHIN, self._give_up)

    def connection_lost(self, exc: Exception | None) -> None:
        """Stop all times."""
        self._cancel()
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        """Take octets, and mind whether a head has begun or ended with them."""
        super().data_received(data)
        if self.conn.their_state is not h11.IDLE:
            if self._head is not None:
                self._head.cancel()
                self._head = None
        elif self._head is None and self.timeout_keep_alive_task is None and not self.transport.is_closing():
            self._head = self.loop.call_later(HEAD_WITHIN, self._give_up)

    def handle_websocket_upgrade(self, event: h11.Request) -> None:
        """Leave the connection to the websocket's protocol."""
        self._cancel()
        super().handle_websocket_upgrade(event)

    def pause_writing(self) -> None:
        """Start the time for a client that does not read."""
        super().pause_writing()
        self._stuck = self.loop.call_later(READ_WITHIN, self.transport.abort)

    def resume_writing(self) -> None:
        """Stop it."""
        if self._stuck is not None:
            self._stuck.cancel()
            self._stuck = None
        super().resume_writing()

    def _give_up(self) -> None:
        self._head = None
        self.transport.close()

    def _cancel(self) -> None:
        for timer in (self._head, self._stuck):
            if timer is not None:
                timer.cancel()
        self._head = self._stuck = None


class _Server(uvicorn.Server):
    """uvicorn's server without its signal handlers and its ten wake-ups per second."""

    def __init__(self, config: uvicorn.Config) -> None:
        super().__init__(config)
        self.leave = asyncio.Event()

    @contextmanager
    def capture_signals(self) -> Iterator[None]:
        """Leave signals to the composition root."""
        yield

    async def main_loop(self) -> None:
        """Keep the Date field right until `leave` is set."""
        while not self.leave.is_set():
            await self.on_tick(0)
            try:
                async with asyncio.timeout(1.0):
                    await self.leave.wait()
            except TimeoutError:
                continue


class Listening:
    """Serves an application at one address. `connections` is the most of them at a time."""

    def __init__(self, app: ASGIApp, *, connections: int) -> None:
        self._server = _Server(
            uvicorn.Config(
                app,
                loop="none",
                http=Patient,
                ws="wsproto",
                ws_max_size=FRAME,
                lifespan="off",
                log_config=None,
                access_log=False,
                server_header=False,
                proxy_headers=False,
                limit_concurrency=connections,
                timeout_keep_alive=IDLE_FOR,
                timeout_graceful_shutdown=LEAVING,
                h11_max_incomplete_event_size=HEAD,
            )
        )
        self._task: asyncio.Task[None] | None = None
        self.port = 0

    async def start(self, host: str, port: int) -> None:
        """Listen, and serve from now on; raises `OSError` if the port can't be bound."""
        family: Any = socket.AF_INET6 if ":" in host else socket.AF_INET
        listener = socket.create_server((host, port), family=family, backlog=1024)
        self.port = listener.getsockname()[1]
        self._task = asyncio.create_task(self._server.serve(sockets=[listener]))

    async def close(self) -> None:
        """Close the listener, give requests under way a second, and end."""
        if self._task is not None:
            self._server.leave.set()
            await self._task
