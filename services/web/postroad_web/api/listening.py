"""The HTTP server: uvicorn on llhttp (httptools) and wsproto, with the patience and the bounds that it lacks.

uvicorn closes a connection that is idle between requests, but waits for ever for the rest of a request's head, and for
a client that does not read. `Patient` gives each of these a time. Octets of one client in tiny pieces take long to be
read: others get their turn in between. Where there are too many connections, those that are idle make room.

llhttp (`reader.py`) refuses most of what is no HTTP/1.1, and all by which two readers could find different ends of a
request. What it leaves to its user is in `Patient` too: how long a head may be, which target, Host and
Transfer-Encoding are right, and how many requests may wait behind one that is being answered. Decision record 48 says
why it is not h11.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import socket
from functools import partial
from operator import attrgetter
from typing import TYPE_CHECKING, Any
from urllib.parse import unquote

import uvicorn
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol
from uvicorn.protocols.websockets.wsproto_impl import WSProtocol

from postroad.shell.acknowledge import acknowledge_on
from postroad_web.api.dialect import worded
from postroad_web.api.problem import Problem
from postroad_web.api.reader import UNKNOWN_METHOD, BadRequest, Reader
from postroad_web.api.safety import HEAD
from postroad_web.api.scope import without_prefix

if TYPE_CHECKING:
    from collections.abc import Iterator

    from starlette.types import ASGIApp, Receive, Scope, Send

HEAD_WITHIN = 10.0  # seconds for the whole head of a request, from its first octet or from the connection on
IDLE_FOR = 75  # seconds between two requests
TURN = 0.02  # seconds that one client's octets may take before others get their turn
PIECE = 16 << 10  # octets between two looks at the clock
BEHIND = 64  # requests of one client that may wait until another one of it is answered
READ_WITHIN = 60.0  # seconds until a client that has stopped reading has to read on
FRAME = 64 << 10  # octets of a websocket message from a client
BACKLOG = 1024  # connections that may wait to be accepted
GRACE = 0.3  # seconds that requests have to end when the service is stopped


class _Fair(asyncio.Protocol):
    """Gives octets to a protocol of uvicorn's in turns with others, and cuts off a client that does not read."""

    loop: asyncio.AbstractEventLoop
    transport: asyncio.Transport
    _rest = b""
    _stuck: asyncio.TimerHandle | None = None

    def data_received(self, data: bytes) -> None:
        """Take octets."""
        if self._rest:
            self._rest += data
            self.transport.pause_reading()
        elif len(data) <= PIECE:
            super().data_received(data)
        else:
            self._take(data)

    def _take(self, data: bytes) -> None:
        end = self.loop.time() + TURN
        for start in range(0, len(data), PIECE):
            if self.transport.is_closing():
                return
            if start and self.loop.time() > end:
                self._rest = data[start:]
                self.transport.pause_reading()
                self.loop.call_soon(self._go_on)
                return
            super().data_received(data[start : start + PIECE])

    def _go_on(self) -> None:
        rest, self._rest = self._rest, b""
        self._take(rest)
        if not self._rest and not self.transport.is_closing() and self.may_read:
            self.transport.resume_reading()

    @property
    def may_read(self) -> bool:
        """Whether nothing else keeps the protocol from taking octets."""
        raise NotImplementedError

    def pause_writing(self) -> None:
        """Start the time for a client that does not read."""
        super().pause_writing()
        self._stuck = self.loop.call_later(READ_WITHIN, self.transport.abort)

    def resume_writing(self) -> None:
        """Stop it."""
        self._unstick()
        super().resume_writing()

    def connection_lost(self, exc: Exception | None) -> None:
        """Stop it."""
        self._unstick()
        super().connection_lost(exc)

    def _unstick(self) -> None:
        if self._stuck is not None:
            self._stuck.cancel()
            self._stuck = None


class Patient(_Fair, HttpToolsProtocol):
    """One connection, with times for the head of each request and for reading the answer."""

    parser: Reader  # type: ignore[assignment] # in place of httptools' own
    since = 0.0  # of the loop's time: when it was made
    _head: asyncio.TimerHandle | None = None
    _in_head = False
    _unread = 0  # octets that have come since a head or a piece of a body was read

    def __init__(self, *parts: Any, most: int, **more: Any) -> None:
        super().__init__(*parts, **more)
        self.parser = Reader(self)
        self._most = most

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        """Start the time for the first head."""
        super().connection_made(transport)
        self.since = self.loop.time()
        self._head = self.loop.call_later(HEAD_WITHIN, self._give_up)
        if len(self.connections) > self._most:
            self._make_room()

    def connection_lost(self, exc: Exception | None) -> None:
        """Stop all times."""
        self._stop_head()
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        """Take octets, and mind whether a head has begun or ended with them."""
        self._unread += len(data)
        super().data_received(data)
        if self.transport.get_protocol() is not self:
            return  # a websocket has begun
        if self._in_head or (self.cycle is not None and self.cycle.more_body):
            # Perl's clients send head and body apart, and then wait to be heard (`postroad.shell`: pieces).
            acknowledge_on(self.transport)
        if self._unread > HEAD and not self.transport.is_closing():
            if not self.is_idle and not self.cycle.more_body:
                self.transport.close()  # what is not read would grow until the request before it is answered
            else:
                self.send_400_response("The head is too long.")
        elif not self.is_idle:
            self._stop_head()
        elif self._head is None and self.timeout_keep_alive_task is None and not self.transport.is_closing():
            self._head = self.loop.call_later(HEAD_WITHIN, self._give_up)

    # From llhttp; what they raise is answered 400

    def on_message_begin(self) -> None:
        """Begin a head."""
        super().on_message_begin()
        self._in_head = True

    def on_header(self, name: bytes, value: bytes) -> None:
        """Take a field of the head. Fields that come after a body are nobody's, and would have no bound."""
        if self._in_head:
            super().on_header(name, value)

    def on_headers_complete(self) -> None:
        """Take a head that is whole, with its target as it stands: `Safety` reads those that are whole URLs."""
        self._in_head = False
        self._unread = 0
        if self.parser.should_upgrade() and not self._should_upgrade() and self._get_upgrade() is not None:
            self.parser.ignore_offer(self.url, self.headers)
            return
        self.parser.check(self.headers)
        # llhttp has URLs apart, and would have the host of one forgotten.
        target, self.url = self.url, b"/"
        path, _, query = target.partition(b"?")
        if len(self.pipeline) >= BEHIND:
            raise BadRequest
        super().on_headers_complete()
        self.url = target
        self.scope.update({"path": unquote(path.decode("ascii")), "raw_path": path, "query_string": query})
        if self.parser.should_upgrade() and not self._should_upgrade():  # CONNECT, which is refused
            self.cycle.keep_alive = False  # what follows may be meant for somebody else

    def on_message_complete(self) -> None:
        """End a request, unless it is read once more."""
        if not self.parser.ignores:
            super().on_message_complete()

    def _should_upgrade(self) -> bool:
        # RFC 9110 §7.8: HTTP/1.0 has no upgrades.
        return self.parser.get_http_version() == "1.1" and super()._should_upgrade()

    def on_body(self, body: bytes) -> None:
        """Take a piece of a body."""
        self._unread = 0
        super().on_body(body)

    def send_400_response(self, msg: str) -> None:
        """Refuse what can't be read: at once, or once what came before it is answered.

        A client that sends more before the answer sends it again (RFC 9112 §9.3.2).
        """
        cycle = self.cycle
        if (
            cycle is None
            or cycle.response_complete
            or (cycle.more_body and not (cycle.response_started or self.pipeline))
        ):
            if self.parser.unknown:
                self.transport.write(UNKNOWN_METHOD)
                self.transport.close()
            else:
                super().send_400_response(msg)
        elif cycle.more_body:
            self.transport.close()
        else:
            cycle.keep_alive = False

    @property
    def may_read(self) -> bool:
        """Whether the application has not too much of a body to read."""
        return not self.flow.read_paused

    def handle_websocket_upgrade(self) -> None:
        """Leave the connection to the websocket's protocol."""
        self._stop_head()
        self._unstick()
        super().handle_websocket_upgrade()

    @property
    def is_idle(self) -> bool:
        """Whether no request is under way."""
        return self.cycle is None or self.cycle.response_complete

    def _make_room(self) -> None:
        """Close the oldest of the connections that are idle, for this one's sake."""
        idle = [
            connection
            for connection in self.connections
            if isinstance(connection, Patient) and connection is not self and connection.is_idle
        ]
        if idle:
            min(idle, key=attrgetter("since"))._give_up()  # noqa: SLF001 - another of this class

    def _give_up(self) -> None:
        self.connections.discard(self)
        self._head = None
        self.transport.close()

    def _stop_head(self) -> None:
        if self._head is not None:
            self._head.cancel()
            self._head = None


class Socket(_Fair, WSProtocol):
    """One websocket. It is read from only as fast as its client reads."""

    def pause_writing(self) -> None:
        """Read nothing more that might be answered."""
        super().pause_writing()
        self.transport.pause_reading()

    def resume_writing(self) -> None:
        """Read on."""
        super().resume_writing()
        if self.may_read and not self._rest and not self.transport.is_closing():
            self.transport.resume_reading()

    @property
    def may_read(self) -> bool:
        """Whether the client reads, and the application has taken the last message."""
        return self.writable.is_set() and not self.read_paused


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

    def __init__(self, app: ASGIApp, *, connections: int) -> None:
        self._app = app
        self._most = connections
        protocol: Any = partial(Patient, most=connections)
        self._server = _Server(
            uvicorn.Config(
                self._serve,
                interface="asgi3",
                loop="none",
                http=protocol,
                ws=Socket,
                ws_max_size=FRAME,
                ws_per_message_deflate=False,  # a frame of 400 KB could become one of 400 MB
                lifespan="off",
                log_config=None,
                access_log=False,
                server_header=False,
                date_header=False,  # `Safety` gives it
                proxy_headers=False,
                backlog=BACKLOG,
                timeout_keep_alive=IDLE_FOR,
            )
        )
        self._listeners: list[socket.socket] = []
        self._task: asyncio.Task[None] | None = None

    async def _serve(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http" or len(self._server.server_state.connections) <= self._most:
            await self._app(scope, receive, send)
            return
        problem = Problem(
            503,
            "Too many connections",
            f"{self._most} connections are in use already; try again in a moment.",
            headers={"Retry-After": "1", "Connection": "close"},
        )
        await worded(without_prefix(scope["path"]), problem)(scope, receive, send)

    @property
    def port(self) -> int:
        """The port that was bound; 0 before."""
        return next((int(listener.getsockname()[1]) for listener in self._listeners), 0)

    def bind(self, host: str, port: int) -> None:
        """Take the port; raises `OSError` if it can't be bound."""
        family: Any = socket.AF_INET6 if ":" in host else socket.AF_INET
        listener = socket.socket(family, socket.SOCK_STREAM, socket.IPPROTO_TCP)  # else asyncio sets no TCP_NODELAY
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
