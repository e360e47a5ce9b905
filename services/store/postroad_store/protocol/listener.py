"""Listens for one service, and knows its connections."""

from __future__ import annotations

import asyncio
import itertools
import logging
import secrets
from typing import TYPE_CHECKING, Any, cast

from twisted.internet.error import CannotListenError
from twisted.internet.protocol import Factory, Protocol

from postroad.clock import Clock
from postroad.sasl.channel import PLAINTEXT, Channel
from postroad.shell import handshake
from postroad.shell.admission import Admission
from postroad.tap import Opened
from postroad_store.protocol.connection import Adapter
from postroad_store.protocol.tls import TlsFactory
from postroad_store.protocol.transport import PromptPort

if TYPE_CHECKING:
    from asyncio import AbstractEventLoop
    from collections.abc import Awaitable

    from twisted.internet.interfaces import IAddress

    from postroad import tap
    from postroad.journal.refusals import Refusals
    from postroad.tap import Tap
    from postroad_store.protocol.contract import Farewell
    from postroad_store.protocol.service import Service
    from postroad_store.protocol.tls import ServerTls

log = logging.getLogger(__name__)

__all__ = ["CannotListenError", "Listener"]

BACKLOG = 511


class Listener:
    """The ports of one service and the connections that came through them.

    The service's name is that of its protocol for ALPN, too (RFC 7301 §6). `clock` is the process's; `tap` hears every
    session; `refusals` notes TLS handshakes that fail.
    """

    def __init__(
        self,
        service: Service,
        reactor: Any,
        loop: AbstractEventLoop,
        tls: ServerTls | None = None,
        *,
        clock: Clock | None = None,
        tap: Tap | None = None,
        refusals: Refusals | None = None,
    ) -> None:
        self.service = service
        self.loop = loop
        self.tls = None if tls is None else tls.speaking(service.name)
        self.clock = clock or Clock()
        self.tap = tap
        self.refusals = refusals
        self.admission: Admission[Adapter] = Admission(
            service.name, self.clock, service.connections, service.connections_per_address
        )
        self._reactor = reactor
        self._ports: list[Any] = []  # IListeningPort
        self._unfinished: set[Adapter] = set()  # with handling under way, or still connected
        self._logins: dict[Adapter, str] = {}
        self._of_login: dict[str, set[Adapter]] = {}
        self._idle: asyncio.Event = asyncio.Event()
        run = secrets.token_hex(4)
        self.session_ids = (f"{run}{number:06x}" for number in itertools.count())

    def listen(self, host: str, port: int, *, implicit_tls: bool = False) -> int:
        """Listen on a port (0: any free one) and return its number; raises Twisted's `CannotListenError`."""
        connections = _Factory(self, secure=implicit_tls)
        factory: Any = connections
        if implicit_tls:
            if self.tls is None:
                raise ValueError("a TLS port needs a certificate")
            factory = TlsFactory(cast("Any", self.tls), isClient=False, wrappedFactory=factory)
        listening: Any = PromptPort(port, factory, BACKLOG, host, self._reactor)
        listening.startListening()
        self._ports.append(listening)
        connections.port = listening.getHost().port
        return connections.port

    @property
    def connections(self) -> int:
        """How many clients are connected."""
        return len(self.admission)

    def hear(self, session: str, transport: Any) -> tap.Listener | None:
        """Return what listens to a connection that has been made, by the session's ID."""
        if self.tap is None:
            return None
        peer, local = transport.getPeer(), transport.getHost()
        return self.tap.opened(
            Opened(
                protocol=self.service.name,
                session=session,
                peer=f"{peer.host}:{peer.port}",
                local=f"{local.host}:{local.port}",
                outbound=False,
                at=self.clock.now(),
            )
        )

    def shut_out(self, peer: str, port: int, why: str) -> None:
        """Log a TLS handshake that has failed."""
        handshake.log(log, why, protocol=self.service.name, peer=peer, port=port)
        if self.refusals is not None:
            self.refusals.record("TLS", peer=peer, port=self.service.name, reason=why)

    def opened(self, connection: Adapter) -> None:
        """Note a connection that `stop` has to wait for."""
        self._unfinished.add(connection)

    def ended(self, connection: Adapter) -> None:
        """Note that a connection has no handling under way any more."""
        self._unfinished.discard(connection)
        self._forget(connection)
        if not self._unfinished:
            self._idle.set()

    def logged_in(self, connection: Adapter, login: str) -> None:
        """Note who a client is."""
        self.admission.prove(connection)
        self._forget(connection)
        self._logins[connection] = login
        self._of_login.setdefault(login, set()).add(connection)

    def logged_out(self, connection: Adapter) -> None:
        """Note that a client is a stranger again."""
        self.admission.doubt(connection)
        self._forget(connection)

    def _forget(self, connection: Adapter) -> None:
        login = self._logins.pop(connection, None)
        if login is not None:
            others = self._of_login[login]
            others.discard(connection)
            if not others:
                del self._of_login[login]

    def dismiss(self, login: str, reason: Farewell) -> None:
        """Say goodbye to all clients that have logged in as an account."""
        for connection in tuple(self._of_login.get(login, ())):
            connection.stop(reason)

    def channel(self, transport: Any) -> Channel:
        """Return what SASL may know of a connection's TLS."""
        return PLAINTEXT if self.tls is None else self.tls.channel(transport)

    async def stop(self, patience: float = 0.5) -> None:
        """Stop listening, say goodbye to all clients, and wait up to `patience` seconds for handling under way."""
        for port in self._ports:
            await _completed(port.stopListening(), self.loop)
        self._ports.clear()
        for connection in self.admission:
            connection.stop()
        if self._unfinished:
            self._idle.clear()
            try:
                await asyncio.wait_for(self._idle.wait(), patience)
            except TimeoutError:
                log.warning("%s: %d connections cut off", self.service.name, len(self._unfinished))


class _Factory(Factory):
    """Makes the connections of one port."""

    noisy = False

    def __init__(self, listener: Listener, *, secure: bool) -> None:
        self.port = 0  # that is listened on
        self._listener = listener
        self._secure = secure

    def buildProtocol(self, addr: IAddress | None) -> Protocol | None:  # noqa: N802 - Twisted's name
        address = cast("Any", addr)
        listener = self._listener
        connection = Adapter(listener, address.host, self.port, secure=self._secure)
        if listener.admission.admit(connection, address.host):
            return connection
        # On a TLS port a handshake costs too much in a flood: the connection is closed without a reply.
        return None if self._secure else _Refusal(listener.service.refusal)


class _Refusal(Protocol):
    """Sends the refusal to a connection beyond the limits, and closes it."""

    def __init__(self, text: bytes) -> None:
        self._text = text

    def connectionMade(self) -> None:  # noqa: N802 - Twisted's name
        transport: Any = self.transport
        transport.write(self._text)
        transport.loseConnection()


def _completed(deferred: Any, loop: AbstractEventLoop) -> Awaitable[Any]:
    """Return a Deferred, or None in place of one, as an awaitable."""
    if deferred is None:
        done: asyncio.Future[None] = loop.create_future()
        done.set_result(None)
        return done
    return cast("Awaitable[Any]", deferred.asFuture(loop))
