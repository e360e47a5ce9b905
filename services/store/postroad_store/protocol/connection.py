"""The one Twisted protocol that drives any engine, and the service that listens with it.

Twisted gives transports, TLS, ports and timers; everything that POP3 and IMAP mean is in the engines and the
sessions (see `engine.py` for the contract). The reactor runs on the process's own asyncio loop, so that a
session may await a commit.

- *Back-pressure, out*: Twisted pauses the adapter, its producer, once 64 KiB wait for a slow reader. No event
  is taken until they are gone, and a session in the midst of a long answer waits in `wait_writable`.
- *Back-pressure, in*: while an event is under way, or output waits, a further block of input stops the
  reading. So little more than one block (64 KiB) is held beyond what the engine is working on.
- *Time*: one timer a connection, which arms itself again. Silence for the service's `idle_timeout` ends the
  session; a client that does not read for as long is cut off.
- *Limits* on connections, of the service and of one client address.
- *Durable work goes on*: handling that is under way when the client goes away is not cancelled; the session
  ends after it.
"""

from __future__ import annotations

import asyncio
import logging
import sys
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, cast

from OpenSSL import SSL
from twisted.internet.error import CannotListenError
from twisted.internet.interfaces import IHalfCloseableProtocol, IOpenSSLServerConnectionCreator, IPushProducer
from twisted.internet.protocol import Factory, Protocol, connectionDone
from twisted.logger import STDLibLogObserver, globalLogBeginner
from twisted.protocols.tls import TLSMemoryBIOFactory
from zope.interface import implementer

from postroad.tls import CERTIFICATE_FILE, CIPHERS, KEY_FILE
from postroad_store.protocol.contract import Close, ConnectionLost, Farewell, StartTls

if TYPE_CHECKING:
    from asyncio import AbstractEventLoop, TimerHandle
    from collections.abc import Awaitable, Callable
    from pathlib import Path

    from twisted.internet.interfaces import IAddress
    from twisted.protocols.tls import TLSMemoryBIOProtocol
    from twisted.python.failure import Failure

    from postroad_store.protocol.contract import Event, Session

log = logging.getLogger(__name__)

__all__ = ["Adapter", "CannotListenError", "Listener", "ServerTls", "Service", "reactor_on"]

# How long a closing connection may take to deliver its last octets, in seconds.
LINGER = 10.0


@dataclass(frozen=True, slots=True)
class Service:
    """One protocol that the store offers, on a plaintext and a TLS port together."""

    name: str  # "pop3", as logs say it
    session: Callable[[], Session]
    refusal: bytes  # what a connection beyond the limits is told, CRLF included
    idle_timeout: float  # seconds of silence that end a session
    connections: int = 500
    connections_per_address: int = 100


@implementer(IHalfCloseableProtocol, IPushProducer)
class Adapter(Protocol):
    """One connection: a Twisted protocol on one side, `engine.Connection` on the other."""

    def __init__(self, listener: Listener, peer: str, *, secure: bool) -> None:
        self.peer = peer
        self.secure = secure
        self._listener = listener
        self._session = listener.service.session()
        self._engine = self._session.engine
        self._event: Event | None = None  # the event that is being handled by `_work`
        self._work: asyncio.Future[None] | None = None
        self._pumping = False
        self._writable = True
        self._waiting: list[asyncio.Future[None]] = []  # sessions in wait_writable
        self._reading = True
        self._eof = False
        self._closing = False
        self._stopping = False
        self._lost = False
        self._heard = 0.0  # when the client last sent or read something
        self._timer: TimerHandle | None = None

    @property
    def _out(self) -> Any:  # Twisted's transports have no types worth the name
        return self.transport

    # What Twisted calls

    def connectionMade(self) -> None:  # noqa: N802 - Twisted's name
        """Greet."""
        self._out.setTcpNoDelay(True)  # Nagle and delayed ACKs together stall a dialogue by 40 ms
        self._out.registerProducer(self, True)
        self._listener.opened(self)
        loop = self._listener.loop
        self._heard = loop.time()
        self._timer = loop.call_later(self._listener.service.idle_timeout, self._check_idle)
        try:
            self._session.begin(self)
        except Exception:
            log.exception("%s: greeting failed", self._listener.service.name)
            self._out.abortConnection()
            return
        self.flush()
        self._pump()

    def dataReceived(self, data: bytes) -> None:  # noqa: N802 - Twisted's name
        """Give the engine a block, and stop reading where it can't be dealt with yet."""
        if self._closing:
            return
        self._heard = self._listener.loop.time()
        busy = self._work is not None or not self._writable
        try:
            self._engine.receive_data(data)
        except Exception:
            log.exception("%s: the engine failed", self._listener.service.name)
            self._out.abortConnection()
            return
        self._pump()
        # One block is let in while the connection is busy, so that a dialogue of commands and commits never
        # costs the two system calls of stopping and going on.
        if busy and (self._work is not None or not self._writable) and self._reading and not self._closing:
            self._reading = False
            self._out.pauseProducing()

    def readConnectionLost(self) -> None:  # noqa: N802 - Twisted's name
        """Answer what came before the client closed its side (`printf … | nc`), then close."""
        self._eof = True
        self._pump()

    def writeConnectionLost(self) -> None:  # noqa: N802 - Twisted's name
        """Do nothing: this side is never closed by half (IHalfCloseableProtocol asks for the method)."""

    def connectionLost(self, reason: Failure = connectionDone) -> None:  # noqa: ARG002, N802 - Twisted's signature
        """End the session, once what is under way is done."""
        self._lost = self._closing = True
        if self._timer is not None:
            self._timer.cancel()
        self._release(ConnectionLost())
        self._listener.closed(self)
        if self._work is None:
            self._end()

    def pauseProducing(self) -> None:  # noqa: N802 - Twisted's name
        """Take note that the client does not keep up (IPushProducer)."""
        self._writable = False

    def resumeProducing(self) -> None:  # noqa: N802 - Twisted's name
        """Go on: everything written has left (IPushProducer)."""
        self._writable = True
        self._heard = self._listener.loop.time()
        self._release(None)
        self._pump()

    def stopProducing(self) -> None:  # noqa: N802 - Twisted's name
        """Take note that nothing more can be written (IPushProducer); `connectionLost` follows."""
        self._closing = True

    # What a session calls: engine.Connection

    def flush(self) -> None:
        """Write what the engine has to send."""
        data = self._engine.data_to_send()
        if data and not self._closing:
            self._out.write(data)

    def can_write(self) -> bool:
        """Whether the client keeps up."""
        return self._writable

    async def wait_writable(self) -> None:
        """Wait until the client has read what was written; raises `ConnectionLost` where it has gone."""
        if self._lost or self._closing:
            raise ConnectionLost
        if self._writable:
            return
        waiter: asyncio.Future[None] = self._listener.loop.create_future()
        self._waiting.append(waiter)
        await waiter

    def close(self) -> None:
        """Write what is left and close; a client that does not take it is cut off after `LINGER`."""
        if self._closing:
            return
        self.flush()
        self._closing = True
        self._release(ConnectionLost())
        if self._timer is not None:
            self._timer.cancel()
        self._timer = self._listener.loop.call_later(LINGER, self._out.abortConnection)
        if not self._reading:  # else the client's close_notify would never be read
            self._reading = True
            self._out.resumeProducing()
        self._out.unregisterProducer()
        self._out.loseConnection()

    def stop(self) -> None:
        """Say goodbye because the service stops; what is under way is finished and answered first."""
        self._stopping = True
        if self._work is None and not self._closing:
            self._farewell(Farewell.SHUTDOWN)

    # The wheel

    def _pump(self) -> None:
        """Handle events until the engine, a commit or the client's slowness asks for patience."""
        if self._pumping:
            return
        self._pumping = True
        try:
            while self._work is None and self._writable and not self._closing:
                event = self._engine.next_event()
                if event is None:
                    self.flush()
                    if self._work is None and self._eof:
                        self.close()
                    break
                if isinstance(event, Close):
                    self.close()
                elif isinstance(event, StartTls):
                    self._start_tls()
                else:
                    self._handle(event)
                    self.flush()
        except Exception:
            log.exception("%s: the engine failed", self._listener.service.name)
            self._out.abortConnection()
        finally:
            self._pumping = False
        if not self._reading and self._work is None and self._writable and not self._closing:
            self._reading = True
            self._out.resumeProducing()

    def _handle(self, event: Event) -> None:
        try:
            awaitable = self._session.handle(event)
        except Exception:
            log.exception("%s: %s failed", self._listener.service.name, type(event).__name__)
            self._session.failed(event)
            return
        if awaitable is not None:
            self._event = event
            self._work = asyncio.ensure_future(awaitable)
            self._work.add_done_callback(self._handled)

    def _handled(self, work: asyncio.Future[None]) -> None:
        """Go on after an event whose handling took time."""
        event, self._event, self._work = self._event, None, None
        error = None if work.cancelled() else work.exception()
        if error is not None and not isinstance(error, ConnectionLost):
            log.error("%s: %s failed", self._listener.service.name, type(event).__name__, exc_info=error)
            if event is not None and not self._lost:
                self._session.failed(event)
        self._heard = self._listener.loop.time()
        if self._lost:
            self._end()
            return
        self.flush()
        if self._stopping and not self._closing:
            self._farewell(Farewell.SHUTDOWN)
        self._pump()

    def _start_tls(self) -> None:
        # RFC 2595 §2.1, RFC 3207 §4.2: the reply has gone out in plaintext, everything after is TLS. The engine
        # has forgotten the plaintext that was pipelined behind the command.
        self.flush()
        self._out.startTLS(self._listener.tls)
        self.secure = True
        self._session.tls_started()

    def _check_idle(self) -> None:
        timeout = self._listener.service.idle_timeout
        loop = self._listener.loop
        at_work = self._work is not None and self._writable  # the server keeps the client waiting
        due = self._heard + timeout if not at_work else loop.time() + timeout
        if loop.time() < due:
            self._timer = loop.call_at(due, self._check_idle)
        elif not self._writable:
            self._out.abortConnection()
        else:
            self._farewell(Farewell.IDLE)

    def _farewell(self, reason: Farewell) -> None:
        try:
            self._session.farewell(reason)
        except Exception:
            log.exception("%s: farewell failed", self._listener.service.name)
        self.close()

    def _release(self, error: Exception | None) -> None:
        waiting, self._waiting = self._waiting, []
        for waiter in waiting:
            if waiter.done():
                continue
            if error is None:
                waiter.set_result(None)
            else:
                waiter.set_exception(error)

    def _end(self) -> None:
        try:
            self._session.end()
        except Exception:
            log.exception("%s: end failed", self._listener.service.name)
        self._listener.ended(self)


class _Refusal(Protocol):
    """Tells a connection beyond the limits so, and closes it."""

    def __init__(self, text: bytes) -> None:
        self._text = text

    def connectionMade(self) -> None:  # noqa: N802 - Twisted's name
        transport: Any = self.transport
        transport.write(self._text)
        transport.loseConnection()


@implementer(IOpenSSLServerConnectionCreator)
class ServerTls:
    """The certificate of `tls_dir` as Twisted wants it, by pyOpenSSL; what is allowed is what `postroad.tls` says."""

    def __init__(self, tls_dir: Path) -> None:
        context = SSL.Context(SSL.TLS_SERVER_METHOD)
        context.set_min_proto_version(SSL.TLS1_2_VERSION)
        context.set_cipher_list(CIPHERS.encode())
        context.set_options(SSL.OP_NO_RENEGOTIATION | SSL.OP_NO_COMPRESSION)
        context.set_mode(SSL.MODE_RELEASE_BUFFERS)  # an idle connection holds no buffers
        context.use_certificate_chain_file(str(tls_dir / CERTIFICATE_FILE))
        context.use_privatekey_file(str(tls_dir / KEY_FILE))
        context.check_privatekey()
        self._context = context

    def serverConnectionForTLS(self, protocol: TLSMemoryBIOProtocol) -> SSL.Connection:  # noqa: ARG002, N802
        """Return a new server side of a TLS connection (IOpenSSLServerConnectionCreator)."""
        return SSL.Connection(self._context, None)


class _Factory(Factory):
    """Makes the adapters of one port."""

    noisy = False

    def __init__(self, listener: Listener, *, secure: bool) -> None:
        self._listener = listener
        self._secure = secure

    def buildProtocol(self, addr: IAddress | None) -> Protocol | None:  # noqa: N802 - Twisted's name
        peer = cast("Any", addr).host
        if self._listener.has_room(peer):
            return Adapter(self._listener, peer, secure=self._secure)
        log.warning("%s: too many connections, %s turned away", self._listener.service.name, peer)
        # On a TLS port a handshake is too much to give to a flood: it is closed without a word.
        return None if self._secure else _Refusal(self._listener.service.refusal)


class _TlsFactory(TLSMemoryBIOFactory):
    """Puts TLS under the adapters of one port; Twisted's own would wrap the None of a refusal, and hang."""

    def buildProtocol(self, addr: IAddress | None) -> Any:  # noqa: N802 - Twisted's name
        inner = self.wrappedFactory.buildProtocol(addr)
        return None if inner is None else self.protocol(self, inner)


class Listener:
    """Listens for one service, and knows its connections."""

    def __init__(self, service: Service, reactor: Any, loop: AbstractEventLoop, tls: ServerTls | None = None) -> None:
        self.service = service
        self.loop = loop
        self.tls = tls
        self._reactor = reactor
        self._ports: list[Any] = []  # IListeningPort
        self._adapters: set[Adapter] = set()
        self._by_peer: dict[str, int] = {}
        self._unfinished: set[Adapter] = set()  # with handling under way, or still connected
        self._idle: asyncio.Event = asyncio.Event()

    def listen(self, host: str, port: int, *, implicit_tls: bool = False) -> int:
        """Listen on a port (0: any free one) and return its number; raises Twisted's `CannotListenError`."""
        factory: Any = _Factory(self, secure=implicit_tls)
        if implicit_tls:
            if self.tls is None:
                raise ValueError("a TLS port needs a certificate")
            factory = _TlsFactory(cast("Any", self.tls), isClient=False, wrappedFactory=factory)
        listening = self._reactor.listenTCP(port, factory, backlog=511, interface=host)
        self._ports.append(listening)
        number: int = listening.getHost().port
        return number

    @property
    def connections(self) -> int:
        """How many clients are connected."""
        return len(self._adapters)

    def has_room(self, peer: str) -> bool:
        """Whether one more connection of this client is within the limits."""
        return (
            len(self._adapters) < self.service.connections
            and self._by_peer.get(peer, 0) < self.service.connections_per_address
        )

    def opened(self, adapter: Adapter) -> None:
        """Count a connection."""
        self._adapters.add(adapter)
        self._unfinished.add(adapter)
        self._by_peer[adapter.peer] = self._by_peer.get(adapter.peer, 0) + 1

    def closed(self, adapter: Adapter) -> None:
        """Count a connection off."""
        if adapter not in self._adapters:
            return
        self._adapters.discard(adapter)
        left = self._by_peer[adapter.peer] - 1
        if left:
            self._by_peer[adapter.peer] = left
        else:
            del self._by_peer[adapter.peer]

    def ended(self, adapter: Adapter) -> None:
        """Take note that an adapter has nothing under way any more."""
        self._unfinished.discard(adapter)
        if not self._unfinished:
            self._idle.set()

    async def stop(self, patience: float = 0.5) -> None:
        """Stop listening, say goodbye to everyone, and wait for what is under way, `patience` seconds at the most."""
        for port in self._ports:
            await _completed(port.stopListening(), self.loop)
        self._ports.clear()
        for adapter in list(self._adapters):
            adapter.stop()
        if self._unfinished:
            self._idle.clear()
            try:
                await asyncio.wait_for(self._idle.wait(), patience)
            except TimeoutError:
                log.warning("%s: %d connections cut off", self.service.name, len(self._unfinished))


def _completed(deferred: Any, loop: AbstractEventLoop) -> Awaitable[Any]:
    """Return a Deferred, or the None that stands for one, as something to await."""
    if deferred is None:
        done: asyncio.Future[None] = loop.create_future()
        done.set_result(None)
        return done
    return cast("Awaitable[Any]", deferred.asFuture(loop))


def reactor_on(loop: AbstractEventLoop) -> Any:
    """Install Twisted's reactor on the loop and return it; a process has one, on one loop.

    The loop is run by asyncio (`asyncio.Runner`), not by `reactor.run()`: Twisted is a guest there.
    Raises `RuntimeError` where a reactor is installed on another loop.
    """
    installed: Any = sys.modules.get("twisted.internet.reactor")
    if installed is None:
        from twisted.internet import asyncioreactor  # noqa: PLC0415 - must not run before a loop is chosen

        # What Twisted has to say goes where all logs go; its notes on each port and factory stay out.
        logging.getLogger("twisted").setLevel(logging.WARNING)
        globalLogBeginner.beginLoggingTo([cast("Any", STDLibLogObserver("twisted"))], redirectStandardIO=False)
        asyncioreactor.install(loop)  # type: ignore[no-untyped-call]
        installed = sys.modules["twisted.internet.reactor"]
        installed.startRunning(installSignalHandlers=False)
    if getattr(installed, "_asyncioEventloop", None) is not loop:
        raise RuntimeError("Twisted's reactor is installed on another loop")
    return installed
