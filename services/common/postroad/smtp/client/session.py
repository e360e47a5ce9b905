"""One SMTP session over the network: the client engine with a socket, TLS and a clock under it."""

from __future__ import annotations

import asyncio
import secrets
import ssl
from typing import TYPE_CHECKING, Any, Protocol, cast

from postroad.engine import Wait
from postroad.smtp.client.engine import Client
from postroad.smtp.client.events import Finished, Ready, Refused, SendContent, StartTls
from postroad.smtp.client.outcome import deferred
from postroad.smtp.client.transitions import State
from postroad.smtp.extensions import EXTENSIONS
from postroad.tap import Opened

if TYPE_CHECKING:
    from collections.abc import Iterator
    from ipaddress import IPv4Address, IPv6Address
    from pathlib import Path

    from postroad.clock import Clock, Timer
    from postroad.smtp.client.events import Event, Transaction
    from postroad.smtp.extensions import Extension
    from postroad.tap import Fact, Listener, Tap

CONNECT_TIMEOUT = 30.0  # seconds
HANDSHAKE_TIMEOUT = 30.0  # seconds
QUIT_TIMEOUT = 5.0  # seconds for the 221, on which nothing depends


class Target(Protocol):
    """A server: `str` of it is how outcomes name it, as in `mx.beta.test[198.19.25.143]`."""

    @property
    def host(self) -> str:
        """Its name, or an address literal in brackets."""
        ...

    @property
    def address(self) -> IPv4Address | IPv6Address:
        """Where to connect."""
        ...


class Content(Protocol):
    """A message's content, trace fields included."""

    @property
    def path(self) -> Path | None:
        """The file that has some of it; None if all is in memory."""
        ...

    def blocks(self) -> Iterator[bytes]:
        """Yield it from its start."""
        ...


class TlsFailedError(Exception):
    """The TLS handshake failed; with opportunistic TLS the caller goes on in plaintext, over a new connection."""


class Session(asyncio.Protocol):
    """A connection to a server, for one transaction after the other.

    `hostname` is the name for EHLO; without `tls`, STARTTLS is not asked for. All waiting goes by `clock`.
    `tap` hears the session; one that nobody hears pays one test per block. `extensions` are used if they are offered.
    """

    def __init__(
        self,
        target: Target,
        hostname: str,
        tls: ssl.SSLContext | None,
        clock: Clock,
        *,
        tap: Tap | None = None,
        extensions: tuple[Extension, ...] = EXTENSIONS,
    ) -> None:
        self.target = target
        self.server = str(target)  # as outcomes name it
        self.idle_since = 0.0  # seconds of the clock, for the pool
        self.session_id = secrets.token_hex(7)
        self.used = False  # for a transaction
        self.tls_version: str | None = None
        self._tls = tls
        self._engine = Client(hostname, self.server, extensions, starttls=tls is not None)
        self._loop = asyncio.get_running_loop()
        self._clock = clock
        self._tap = tap
        self._listener: Listener | None = None
        self._secure = False  # whether what comes and goes is inside TLS
        self._transport: asyncio.Transport | None = None
        self._events: list[Event] = []
        self._waiter: asyncio.Future[None] | None = None
        self._deadline = 0.0
        self._timer: Timer | None = None
        self._writable: asyncio.Future[None] | None = None
        self._content: Iterator[bytes] | None = None

    @property
    def is_ready(self) -> bool:
        """Whether a transaction may begin."""
        return self._engine.state is State.READY and self._transport is not None and not self._transport.is_closing()

    @property
    def is_final(self) -> bool:
        """Whether the server has been sent a whole content, and the outcome is not known yet."""
        return self._engine.state is State.FINAL or bool(self._events)

    @property
    def _server_name(self) -> str | None:
        """The server's name for TLS; an address literal has none."""
        host = self.target.host
        return None if host.startswith("[") else host

    async def open(self, port: int, *, implicit_tls: bool = False) -> Refused | None:
        """Connect and get READY; return the refusal if the server refuses the session.

        With `implicit_tls` the session begins in TLS (RFC 8314 §3.3). Raises `OSError` if there is no connection,
        `TlsFailedError` if the TLS handshake fails.
        """
        wrapped: dict[str, Any] = {"ssl": self._tls, "server_hostname": self._server_name} if implicit_tls else {}
        self._secure = self._engine.secure = implicit_tls
        async with asyncio.timeout(None) as limit:
            timer = self._clock.call_later(CONNECT_TIMEOUT, lambda: limit.reschedule(self._loop.time()))
            try:
                await self._loop.create_connection(lambda: self, str(self.target.address), port, **wrapped)
            except ssl.SSLError as error:
                raise TlsFailedError(str(error)) from error
            finally:
                timer.cancel()
        if implicit_tls and self._transport is not None:
            self.tls_version = self._transport.get_extra_info("ssl_object").version()
        while True:
            event = await self._next()
            match event:
                case StartTls():
                    await self._start_tls()
                case Refused():
                    self.abort()
                    return event
                case Ready() if self.is_ready:
                    return None
                case _:  # READY no more: a 421 may come in one packet with the reply to EHLO
                    return Refused(deferred("4.4.2", f"host {self.target}: lost connection", str(self.target)))

    async def _start_tls(self) -> None:
        assert self._transport is not None  # noqa: S101 - the 220 came over it
        assert self._tls is not None  # noqa: S101 - or STARTTLS would not have been said
        self._secure = True  # nothing is taken from here on that did not come through TLS
        transport: asyncio.Transport | None = None
        try:
            transport = await self._loop.start_tls(
                self._transport,
                self,
                self._tls,
                server_hostname=self._server_name,
                ssl_handshake_timeout=HANDSHAKE_TIMEOUT,
            )
        except (OSError, EOFError) as error:  # ssl.SSLError and TimeoutError are OSErrors
            self.abort()
            raise TlsFailedError(str(error) or type(error).__name__) from error
        finally:
            if transport is None:
                self._fall_silent()  # asyncio tells of no loss where the handshake failed
        if transport is None:  # the connection was lost in between
            raise TlsFailedError("lost connection")
        self._transport = transport
        self.tls_version = transport.get_extra_info("ssl_object").version()
        if self._engine.state is State.HANDSHAKE:  # the server may have broken the session right after the handshake
            self._engine.tls_started()
            self._pump()

    def note(self, fact: Fact) -> None:
        """Tell the tap what the service knows."""
        if self._listener is not None:
            self._listener.noted(fact)

    async def run(self, transaction: Transaction, content: Content) -> Finished:
        """Make a transaction. An error in reading the content aborts the session and is raised."""
        self.used = True
        blocks = content.blocks()
        # A content in memory goes out with the arrival of 354: this task need not be woken for it.
        self._content = blocks if content.path is None else None
        self._engine.send(transaction)
        self._pump()
        event = await self._next()
        if isinstance(event, SendContent):
            try:
                await self._send(blocks)
            except Exception:
                self.abort()  # never a final dot after half a content
                raise
            event = await self._next()
        if not isinstance(event, Finished):
            raise TypeError(f"{event!r} in a transaction")
        if self._engine.state is State.CLOSED:
            self.abort()
        return event

    async def _send(self, blocks: Iterator[bytes]) -> None:
        for block in blocks:
            if self._engine.state is not State.CONTENT:
                return  # the session broke, and the event that says so waits
            self._engine.content(block)
            self._pump()
            if self._writable is not None:
                self._wait_until(self._engine.timeout)
                await self._writable
        if self._engine.state is State.CONTENT:
            self._engine.end_content()
            self._pump()

    def leave(self) -> None:
        """Say QUIT, and close after its reply or `QUIT_TIMEOUT`."""
        if not self.is_ready:
            self.abort()
            return
        self._engine.quit()
        self._pump()
        self._clock.call_later(QUIT_TIMEOUT, self.abort)

    def abort(self) -> None:
        """Close at once."""
        if self._transport is not None:
            self._transport.abort()

    # -- asyncio's side ---------------------------------------------------------------------------------------

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Keep the transport."""
        self._transport = cast("asyncio.Transport", transport)  # uvloop's does not inherit from it
        if self._tap is not None:
            self._listener = self._tap.opened(
                Opened(
                    protocol="smtp",
                    session=self.session_id,
                    peer=_place(transport, "peername"),
                    local=_place(transport, "sockname"),
                    outbound=True,
                    at=self._clock.now(),
                )
            )

    def data_received(self, data: bytes) -> None:
        """Hand octets to the engine."""
        if self._listener is not None:
            self._listener.received(data, self._clock.now(), tls=self._secure)
        self._engine.receive_data(data)
        self._pump()

    def eof_received(self) -> None:
        """Note that the server has closed its side."""
        self._engine.receive_eof()
        self._pump()

    def connection_lost(self, exc: Exception | None) -> None:
        """Note that the connection is gone."""
        self._engine.receive_eof("lost connection" if exc is None else f"lost connection: {exc}")
        self.resume_writing()
        self._pump()
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        self._fall_silent()

    def _fall_silent(self) -> None:
        if self._listener is not None:
            self._listener.closed(self._clock.now())
            self._listener = None

    def pause_writing(self) -> None:
        """Hold back: the send buffer is full."""
        self._writable = self._loop.create_future()

    def resume_writing(self) -> None:
        """Go on: the send buffer has room again."""
        if self._writable is not None and not self._writable.done():
            self._writable.set_result(None)
        self._writable = None

    def _pump(self) -> None:
        """Take the engine's events, and write its octets."""
        engine = self._engine
        while not isinstance(event := engine.next_event(), Wait):
            if isinstance(event, SendContent) and self._content is not None:
                if engine.state is State.CONTENT:  # else a 421 has come with the 354, and the event that says so waits
                    for block in self._content:
                        engine.content(block)
                    engine.end_content()
            else:
                self._events.append(event)
        transport = self._transport
        if transport is not None:
            data = engine.data_to_send()
            if data and not transport.is_closing():
                if self._listener is not None:
                    self._listener.sent(data, self._clock.now(), tls=self._secure)
                transport.write(data)
            if engine.state is State.CLOSED:
                transport.close()
        if self._waiter is not None:
            self._wait_until(engine.timeout)
            if self._events and not self._waiter.done():
                self._waiter.set_result(None)

    async def _next(self) -> Event:
        """Wait for an event; a server that takes longer than RFC 5321 §4.5.3.2 allows counts as gone."""
        if not self._events:
            self._waiter = self._loop.create_future()
            self._wait_until(self._engine.timeout)
            try:
                await self._waiter
            finally:
                self._waiter = None
        return self._events.pop(0)

    def _wait_until(self, seconds: float) -> None:
        self._deadline = self._clock.monotonic() + seconds
        if self._timer is None:
            self._timer = self._clock.call_later(seconds, self._check_time)

    def _check_time(self) -> None:
        """End a wait that is over; one timer per session, set again where it rings too early, saves one per command."""
        self._timer = None
        if self._waiter is None and self._writable is None:
            return
        left = self._deadline - self._clock.monotonic()
        if left > 0:
            self._timer = self._clock.call_later(left, self._check_time)
            return
        self._engine.receive_eof("timeout")
        self.resume_writing()
        self._pump()
        self.abort()


def _place(transport: asyncio.BaseTransport, which: str) -> str:
    host, port = (transport.get_extra_info(which) or ("", 0))[:2]
    return f"{host}:{port}"
