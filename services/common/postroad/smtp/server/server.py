"""The listening side of the SMTP receiver: several ports, one service, and the limits that they share."""

from __future__ import annotations

import asyncio
import dataclasses
import functools
import itertools
import logging
import secrets
from ipaddress import ip_address
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

from postroad.clock import Clock
from postroad.mail.address import Address
from postroad.shell import handshake
from postroad.shell.admission import Admission
from postroad.smtp.server.lifecycle import configure
from postroad.smtp.server.profile import Profile
from postroad.smtp.server.receiver import Receiver
from postroad.smtp.server.service import Limits, Listener, Purpose, Service, Session
from postroad.smtp.server.tls_port import TlsPort

if TYPE_CHECKING:
    import ssl
    from collections.abc import Callable, Mapping, Sequence
    from pathlib import Path

    from postroad.sasl.server import Sasl
    from postroad.smtp.extensions.extension import Extension
    from postroad.smtp.server.connection import Connection
    from postroad.smtp.server.shaping import Shaping
    from postroad.tap import Tap

logger = logging.getLogger("postroad.smtp.server")

BACKLOG = 1024
NO_AUTH: Mapping[Purpose, Sasl] = MappingProxyType({})
COMMIT_GRACE = 10.0  # seconds that a commit may take while the server closes


class Server:
    """The receiver while it listens; made by `serve`."""

    def __init__(
        self,
        service: Service,
        limits: Limits,
        content_directory: Path,
        *,
        end_point: bytes | None,
        clock: Clock,
        tap: Tap | None,
        shaping: Callable[[], Shaping | None],
        before_replies: Callable[[], None],
    ) -> None:
        self.service = service
        self.limits = limits
        self.content_directory = content_directory
        self.end_point = end_point
        self.clock = clock
        self.tap = tap
        self.shaping = shaping  # of a new connection
        self.before_replies = before_replies
        self.listeners: tuple[Listener, ...] = ()  # with the ports that were bound
        self.awaited: set[asyncio.Future[Any]] = set()  # by the sessions
        self.admission: Admission[Connection] = Admission(
            "smtp", clock, limits.connections, limits.connections_per_address
        )
        self._servers: dict[Profile, tuple[asyncio.AbstractServer, Listener]] = {}
        self._tls_ports: list[TlsPort] = []
        self._empty = asyncio.Event()
        self._unflushed: list[Connection] = []
        run = secrets.token_hex(4)  # so that sessions of two runs of the process differ
        self._session_ids = (f"{run}{number:06x}" for number in itertools.count())

    @property
    def connections(self) -> int:
        """How many sessions there are."""
        return len(self.admission)

    @property
    def purposes(self) -> list[Purpose]:
        """The purpose of each session's listener."""
        return [connection.purpose for connection in self.admission]

    async def listen(self, listener: Listener, profile: Profile, tls: ssl.SSLContext | None) -> None:
        """Listen on one more port; raises `OSError`."""
        loop = asyncio.get_running_loop()
        make = functools.partial(Receiver, self, profile, listener.purpose, configure(profile, tls, loop), loop)
        if listener.implicit_tls and tls is not None:
            tls_port = TlsPort(
                listener.host,
                listener.port,
                make=make,
                connections=self.admission,
                tls=tls,
                clock=self.clock,
                failed=functools.partial(self._shut_out, listener.purpose),
                backlog=BACKLOG,
            )
            self._tls_ports.append(tls_port)
            bound = dataclasses.replace(listener, port=tls_port.port)
        else:
            server = await loop.create_server(make, listener.host, listener.port, backlog=BACKLOG)
            bound = dataclasses.replace(listener, port=server.sockets[0].getsockname()[1])
            self._servers[profile] = server, bound
        self.listeners = (*self.listeners, bound)

    def shut(self, profile: Profile) -> None:
        """Listen no more on the port that has this profile; its sessions get 421 now, and a commit is not cut short."""
        server, shut = self._servers.pop(profile)
        server.close()
        self.listeners = tuple(listener for listener in self.listeners if listener != shut)
        for connection in self.admission:
            if connection.came_by(profile):
                connection.leave(at_once=True)

    def _shut_out(self, purpose: Purpose, address: tuple[str, int], why: str, port: int) -> None:
        """Leave a trace of a client that has not come through the TLS of a port of implicit TLS."""
        session = Session(purpose, ip_address(address[0]), address[1], self.next_session_id())
        self.handshake_failed(session, why, port)

    def left(self, connection: Connection) -> None:
        """Note that a connection has gone."""
        self.admission.leave(connection)
        if not self.admission:
            self._empty.set()

    def flush_soon(self, connection: Connection) -> None:
        """Have a session write its replies once all input that has arrived is read.

        Replies to several clients go out together: the first one wakes the client's process or its processor, and the
        others find it awake. If both are on one machine, that saves a tenth of what a message takes (decision 8).
        """
        if not self._unflushed:
            connection.loop.call_soon(self._flush)
        self._unflushed.append(connection)

    def _flush(self) -> None:
        unflushed, self._unflushed = self._unflushed, []
        self.before_replies()
        for connection in unflushed:
            connection.write_replies()

    def handshake_failed(self, session: Session, why: str, port: int) -> None:
        """Leave a trace of a TLS handshake that has failed on a port."""
        handshake.log(logger, why, peer=session.host, port=port, session=session.session_id)
        self.service.handshake_failed(session, why)

    def next_session_id(self) -> str:
        """Return an identifier that no other session has."""
        return next(self._session_ids)

    async def close(self, grace: float = 0.5) -> None:
        """Stop listening; send 421 to idle sessions at once, and to the others after their transaction.

        `grace`, in seconds, is how long an open transaction may go on. A commit is not cut short.
        """
        for server, _ in self._servers.values():
            server.close()
        for tls_port in self._tls_ports:
            tls_port.close()
        for connection in self.admission:
            connection.leave(at_once=False)
        await self._wait_until_empty(grace)
        for connection in self.admission:
            connection.leave(at_once=True)
        if self.awaited:
            await asyncio.wait(self.awaited, timeout=COMMIT_GRACE)
        await self._wait_until_empty(grace)
        for connection in self.admission:
            connection.abort()
        for server, _ in self._servers.values():
            await server.wait_closed()

    async def _wait_until_empty(self, seconds: float) -> None:
        self._empty.clear()
        if self.admission:
            try:
                await asyncio.wait_for(self._empty.wait(), seconds)
            except TimeoutError:
                return


async def serve(
    service: Service,
    listeners: Sequence[Listener],
    *,
    hostname: str,
    content_directory: Path,
    extensions: tuple[Extension, ...],
    limits: Limits | None = None,
    tls: ssl.SSLContext | None = None,
    client_certificates: ssl.SSLContext | None = None,
    end_point: bytes | None = None,
    sasl: Mapping[Purpose, Sasl] = NO_AUTH,
    postmaster: Address | None = None,
    clock: Clock | None = None,
    tap: Tap | None = None,
    shaping: Callable[[], Shaping | None] = lambda: None,
    before_replies: Callable[[], None] = lambda: None,
) -> Server:
    """Listen on all of `listeners` and serve them with `service`; `postroad.smtp.server` shows a call.

    `extensions` are those that it knows; each listener offers those that apply to it. `sasl` has the mechanisms of
    AUTH for the purposes that have it, and `client_certificates` takes the place of `tls` there: it asks clients for
    one. `end_point` is the channel binding to our certificate (`postroad.tls`). `postmaster` is the address that
    `RCPT TO:<Postmaster>` means (RFC 5321 §4.1.1.3), which the service must know; by default, postmaster at
    `hostname`. `clock` is the process's, and `tap` hears every session. `shaping` gives the line of
    a new connection, None unless a test asks for a bad one. `before_replies` is called before replies leave: what they
    acknowledge is to be on record by then. Raises `OSError` if a port cannot be bound, and
    then listens on none, and `ValueError` for a port of implicit TLS without `tls`.
    """
    limits = limits or Limits()
    if tls is None and any(listener.implicit_tls for listener in listeners):
        raise ValueError("submissions (RFC 8314) is TLS from the first octet: it needs a TLS context")
    server = Server(
        service,
        limits,
        content_directory,
        end_point=end_point,
        clock=clock or Clock(),
        tap=tap,
        shaping=shaping,
        before_replies=before_replies,
    )
    try:
        for listener in listeners:
            profile = Profile(
                hostname=hostname,
                limits=limits,
                postmaster=postmaster or Address("postmaster", hostname),
                extensions=extensions,
                starttls=tls is not None and listener.starttls and not listener.implicit_tls,
                sasl=listener.logins or sasl.get(listener.purpose),
                checked=listener.logins is not None,
                missing_domain=listener.missing_domain,
                lmtp=listener.purpose is Purpose.LMTP,
            )
            asking = client_certificates is not None and listener.purpose in sasl
            await server.listen(listener, profile, client_certificates if asking else tls)
    except OSError:
        await server.close(grace=0)
        raise
    return server
