"""The HTTP server: uvicorn on h11 and wsproto, with the patience that it lacks.

uvicorn closes a connection that is idle between requests, but waits for ever for the rest of a request's head, and for
a client that does not read. `Patient` gives each of these a time.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import socket
from operator import attrgetter
from typing import TYPE_CHECKING, Any

import h11
import uvicorn
from uvicorn.protocols.http.h11_impl import H11Protocol

from postroad_web.api.safety import HEAD

if TYPE_CHECKING:
    from collections.abc import Iterator

HEAD_WITHIN = 10.0  # seconds for the whole head of a request, from its first octet or from the connection on
IDLE_FOR = 75  # seconds between two requests
READ_WITHIN = 60.0  # seconds until a client that has stopped reading has to read on
FRAME = 64 << 10  # octets of a websocket message from a client
BACKLOG = 1024  # connections that may wait to be accepted
GRACE = 0.3  # seconds that requests have to end when the service is stopped


class Patient(H11Protocol):
    """One connection, with times for the head of each request and for reading the answer."""

    since = 0.0  # of the loop's time: when it was made
    _head: asyncio.TimerHandle | None = None
    _stuck: asyncio.TimerHandle | None = None

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        """Start the time for the first head."""
        super().connection_made(transport)
        self.since = self.loop.time()
        self._head = self.loop.call_later(HEAD_WITHIN, self._give_up)
        if self.limit_concurrency is not None and len(self.connections) >= self.limit_concurrency:
            self._make_room()

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

    @property
    def is_idle(self) -> bool:
        """Whether no request is under way."""
        return self.conn.their_state is h11.IDLE and (self.cycle is None or self.cycle.response_complete)

    def _make_room(self) -> None:
        """Close the oldest of the connections that are idle, for this one's sake."""
        idle = [one for one in self.connections if isinstance(one, Patient) and one is not self and one.is_idle]
        if idle:
            min(idle, key=attrgetter("since"))._give_up()  # noqa: SLF001 - another of this class

    def _give_up(self) -> None:
        self.connections.discard(self)
        self._head = None
        self.transport.close()

    def _cancel(self) -> None:
        for timer in (self._head, self._stuck):
            if timer is not None:
                timer.cancel()
        self._head = self._stuck = None


class _Server(uvicorn.Server):
    """uvicorn's server without its signal handlers and its ten wake-ups per second; nobody waits for long requests."""

    def __init__(self, config: uvicorn.Config) -> None:
        super().__init__(config)
        self.listening = asyncio.Event()
        self.leave = asyncio.Event()
        self._log = logging.getLogger("uvicorn.error")
        self._log.setLevel(logging.ERROR)  # what strangers send wrongly is not ours to log

    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        """Leave signals to the composition root."""
        yield

    async def main_loop(self) -> None:
        """Keep the Date field right until `leave` is set."""
        self.listening.set()
        while not self.leave.is_set():
            await self.on_tick(0)
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(1.0):
                    await self.leave.wait()

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        """Close the listener, let requests end that do so at once, and cut off the others."""
        for server in self.servers:
            server.close()
        for listener in sockets or ():
            listener.close()
        state = self.server_state
        for connection in tuple(state.connections):
            connection.shutdown()
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(GRACE):
                while state.connections:  # noqa: ASYNC110 - uvicorn has no event for it
                    await asyncio.sleep(0.02)
        self._log.disabled = True  # it would report each request that is cut off
        for task in tuple(state.tasks):
            task.cancel()
        for connection in tuple(state.connections):
            if connection.transport is not None:
                connection.transport.abort()


class Listening:
    """Serves an application at one address. `connections` is the most of them at a time."""

    def __init__(self, app: Any, *, connections: int) -> None:
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
                date_header=False,  # `Safety` gives it
                proxy_headers=False,
                backlog=BACKLOG,
                limit_concurrency=connections,
                timeout_keep_alive=IDLE_FOR,
                h11_max_incomplete_event_size=HEAD,
            )
        )
        self._listeners: list[socket.socket] = []
        self._task: asyncio.Task[None] | None = None

    @property
    def port(self) -> int:
        """The port that was bound; 0 before."""
        return next((int(listener.getsockname()[1]) for listener in self._listeners), 0)

    def bind(self, host: str, port: int) -> None:
        """Take the port; raises `OSError` if it can't be bound."""
        family: Any = socket.AF_INET6 if ":" in host else socket.AF_INET
        listener = socket.socket(family)
        try:
            listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            listener.bind((host, port))
        except BaseException:
            listener.close()
            raise
        self._listeners.append(listener)

    async def start(self) -> None:
        """Serve from now on, at the port that was bound."""
        self._task = asyncio.create_task(self._server.serve(sockets=self._listeners))
        await self._server.listening.wait()

    async def close(self) -> None:
        """Close the listener and end, within about half a second: requests that are held are cut off."""
        if self._task is not None:
            self._server.leave.set()
            await self._task
        for listener in self._listeners:
            listener.close()
