"""One connection: the Twisted protocol that drives any engine.

Twisted gives transports, TLS and ports; the engines and sessions (`contract`) know POP3 and IMAP. The rules that the
adapter obeys are those of `postroad.shell`. Twisted's part in them:

- *Back-pressure, out*: Twisted pauses the adapter, its producer, once 64 KiB wait for a slow reader. No event is
  taken until they are gone, and a session that is sending a long answer waits in `wait_writable`.
- *Back-pressure, in*: while an event is under way, or output waits, one more block of input (64 KiB) stops the reading.
- *Deadlines*: a client that does not read for as long as it may be silent is cut off without a farewell.
"""

from __future__ import annotations

import logging
import sys
from typing import TYPE_CHECKING, Any, cast

from twisted.internet.interfaces import IHalfCloseableProtocol, IHandshakeListener, IPushProducer
from twisted.internet.protocol import Protocol, connectionDone
from zope.interface import implementer

from postroad.errand import Errand
from postroad.shell import HANDSHAKE, LINGER, handshake
from postroad.shell.deadline import Deadline
from postroad_store.protocol.compression import Compression
from postroad_store.protocol.contract import Close, Compress, ConnectionLost, Decompressed, Farewell, StartTls
from postroad_store.protocol.tls import handshake_error
from postroad_store.protocol.waiting import release

if TYPE_CHECKING:
    import asyncio

    from twisted.python.failure import Failure

    from postroad import tap
    from postroad.sasl.channel import Channel
    from postroad_store.protocol.contract import Event, Session
    from postroad_store.protocol.listener import Listener

log = logging.getLogger(__name__)
_OURS = frozenset({Close, StartTls, Compress, Decompressed})  # events that are no session's


@implementer(IHalfCloseableProtocol, IHandshakeListener, IPushProducer)
class Adapter(Protocol):
    """A Twisted protocol on one side, `contract.Connection` on the other. The listener has admitted it."""

    _session: Session  # made when the connection is
    _compression: Compression | None = None
    _leaving: Farewell | None = None  # for which reason, once its work is done

    def __init__(self, listener: Listener, peer: str, port: int, *, secure: bool) -> None:
        self.peer = sys.intern(peer)  # many connections of one address share one string
        self.port = port  # ours
        self.secure = secure
        self.session_id = next(listener.session_ids)
        self._listener = listener
        self._event: Event | None = None  # the event that is being handled by `_work`
        self._work: Errand | None = None
        self._writable = self._reading = True
        self._waiting: list[asyncio.Future[None]] | None = None  # sessions in wait_writable
        self._eof = self._closing = self._lost = self._pumping = self._greeted = False
        self._answered, self._shaking_hands = False, secure
        self._tapped: tap.Listener | None = None
        self._silence = listener.service.login_timeout  # seconds that the client may be silent for
        self._deadline = Deadline(listener.clock, self, soonest=LINGER)  # a short session has one timer, not two

    # What Twisted calls
    def connectionMade(self) -> None:  # noqa: N802 - Twisted's name
        """Greet; over TLS the greeting waits for the end of the handshake."""
        listener = self._listener
        self._out = cast("Any", self.transport)  # a `Prompt`, perhaps with TLS in between
        self._session = listener.service.session()
        self._engine = self._session.engine
        self._out.setTcpNoDelay(True)  # Nagle and delayed ACKs together stall a dialogue by 40 ms
        self._out.registerProducer(self, True)
        listener.opened(self)
        self._deadline.set(HANDSHAKE if self._shaking_hands else self._silence)
        self._tapped = listener.hear(self.session_id, self._out)
        if not self._shaking_hands:
            self._greet()

    def _greet(self) -> None:
        self._greeted = True
        try:
            self._session.begin(self)
        except Exception:
            log.exception("%s: greeting failed", self._listener.service.name)
            self._out.abortConnection()
            return
        self.flush()
        self._pump()

    def dataReceived(self, data: bytes) -> None:  # noqa: N802 - Twisted's name
        """Give the engine a block, and stop reading if the engine can't handle it yet."""
        if self._closing:
            return
        self._deadline.set(self._silence)
        busy = self.busy or self._behind
        if self._compression is None:
            self.take(data)
        else:
            self._compression.received(data)
        # One block is taken while busy: else each commit of a dialogue would cost the calls of stopping and going on.
        if busy and (self.busy or self._behind) and self._reading and not self._closing:
            self._reading = False
            self._out.pauseProducing()

    def handshakeCompleted(self) -> None:  # noqa: N802 - Twisted's name
        """Give the client its time to log in, and greet it on a port of TLS (IHandshakeListener)."""
        self._shaking_hands = False
        if not self._closing:
            self._deadline.set(self._silence)
            if self._greeted:  # STARTTLS
                self._session.tls_started()
                self._pump()
            else:  # what the greeting offers depends on the handshake
                self._greet()

    def readConnectionLost(self) -> None:  # noqa: N802 - Twisted's name
        """Answer the commands that came before the client closed its side (`printf … | nc`), then close."""
        self._eof = True
        self._pump()

    def writeConnectionLost(self) -> None:  # noqa: N802 - Twisted's name
        """Do nothing: this side is never closed by half (IHalfCloseableProtocol asks for the method)."""

    def connectionLost(self, reason: Failure = connectionDone) -> None:  # noqa: N802 - Twisted's signature
        """End the session, once the handling under way is done."""
        if self._shaking_hands:
            self._listener.shut_out(self.peer, self.port, handshake.reason(handshake_error(reason)))
        self._lost = self._closing = True
        self._deadline.end()
        self._release(ConnectionLost())
        if self._compression is not None:
            self._compression.lost()
        self._listener.admission.leave(self)
        if self._tapped is not None:
            self._tapped.closed(self._listener.clock.now())
        if self._work is None:
            self._end()

    def pauseProducing(self) -> None:  # noqa: N802 - Twisted's name
        """Note that the client does not keep up (IPushProducer)."""
        self._writable = False

    def resumeProducing(self) -> None:  # noqa: N802 - Twisted's name
        """Go on: everything written has left (IPushProducer)."""
        self._writable = True
        if not self._closing:
            self._deadline.set(self._silence)
        self._release(None)
        self._pump()

    def stopProducing(self) -> None:  # noqa: N802 - Twisted's name
        """Note that nothing more can be written (IPushProducer); `connectionLost` follows."""
        self._closing = True

    # For a session: contract.Connection
    @property
    def channel(self) -> Channel:
        """What SASL may know of the TLS."""
        return self._listener.channel(self._out)

    @property
    def compressed(self) -> bool:
        """Whether octets are compressed."""
        return self._compression is not None and not self._compression.over

    def rest(self) -> None:
        """Keep as little memory as possible until the client speaks."""
        if self._compression is not None:
            self._compression.rest()

    def flush(self) -> None:
        """Write the engine's octets."""
        data = self._engine.data_to_send()
        if data and not self._closing:
            self._answered = True
            if self._tapped is not None:
                self._tapped.sent(data, self._listener.clock.now(), tls=self.secure)
            (self._compression or self._out).write(data)

    def note(self, fact: tap.Fact) -> None:
        """Tell the tap what the session knows."""
        if self._tapped is not None:
            self._tapped.noted(fact)

    def logged_in(self, login: str) -> None:
        """Keep the connection when strangers are evicted, and let it be silent for longer."""
        self._listener.logged_in(self, login)
        self._silence = self._listener.service.idle_timeout
        if not self._closing:
            self._deadline.set(self._silence)

    def logged_out(self) -> None:
        """Treat the client as one that has just come."""
        self._listener.logged_out(self)
        self._silence = self._listener.service.login_timeout

    def can_write(self) -> bool:
        """Whether the client keeps up."""
        return self._writable

    async def wait_writable(self) -> None:
        """Wait until the client has read what was written; raises `ConnectionLost` if it has gone."""
        if self._lost or self._closing:
            raise ConnectionLost
        if self._writable:
            return
        waiter: asyncio.Future[None] = self._listener.loop.create_future()
        self._waiting = [*(self._waiting or ()), waiter]
        await waiter

    def close(self) -> None:
        """Write the rest and close; a client that does not read it is cut off after `LINGER` seconds."""
        if self._closing:
            return
        self.flush()
        self._closing = True
        self._shaking_hands = False  # it is not the client that ends it
        self._release(ConnectionLost())
        self._deadline.set(LINGER)
        if not self._reading:  # else the client's close_notify would never be read
            self._reading = True
            self._out.resumeProducing()
        if self._compression is not None:
            self._compression.lose()
        else:
            self._out.unregisterProducer()
            self._out.loseConnection()

    # For the compression below
    @property
    def busy(self) -> bool:
        """Whether no input can be handled now."""
        return self._work is not None or not self._writable

    def take(self, octets: bytes) -> None:
        """Give octets to the engine, and handle what they come to."""
        if self._closing:
            return
        if self._tapped is not None and octets:
            self._tapped.received(octets, self._listener.clock.now(), tls=self.secure)
        self._answered = False
        try:
            self._engine.receive_data(octets)
        except Exception:
            log.exception("%s: the engine failed", self._listener.service.name)
            self._out.abortConnection()
            return
        self._pump()
        if not (self._answered or self.busy or self._closing):
            self._out.acknowledge()

    def plain(self, octets: bytes) -> None:
        """Go on without compression; these octets came behind its end."""
        self._compression = None
        self.take(octets)

    def garbled(self) -> None:
        """End the connection: what the client sends is not compressed."""
        self._farewell(Farewell.GARBLED)

    @property
    def _behind(self) -> bool:
        return self._compression is not None and self._compression.waiting

    # For a listener
    def evict(self) -> None:
        """Make room for another client."""
        if self._shaking_hands or not self._writable:
            self._shaking_hands = False
            self._out.abortConnection()
        elif not self._closing:
            self._farewell(Farewell.CROWDED)

    def stop(self, reason: Farewell = Farewell.SHUTDOWN) -> None:
        """Say goodbye because the service stops; a command under way is finished and answered first."""
        self._leaving = reason
        if self._work is None and not self._closing:
            self._farewell(reason)

    def _pump(self) -> None:
        """Handle events until the engine needs more input, an event takes time, or the client does not keep up."""
        if self._pumping:
            return
        self._pumping = True
        self._out.hold()
        try:
            while self._work is None and self._writable and not self._closing:
                event = self._engine.next_event()
                if event is None:
                    self.flush()
                    if self._work is None and self._eof and not self._behind:
                        self.close()
                    break
                if type(event) not in _OURS:
                    self._handle(event)
                    self.flush()
                elif isinstance(event, Close):
                    self.close()
                elif isinstance(event, StartTls):
                    self._start_tls()
                elif isinstance(event, Compress):
                    self._compress(event.behind)
                else:
                    self._decompress()
        except Exception:
            log.exception("%s: the engine failed", self._listener.service.name)
            self._out.abortConnection()
        finally:
            self._pumping = False
            self._out.release()
        if self.busy or self._closing:
            return
        if self._compression is not None and self._compression.waiting:
            self._compression.read_on()
        elif not self._reading:
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
            self._event, self._work = event, Errand(awaitable, self._handled)
            self._work.step()

    def _handled(self, error: Exception | None) -> None:
        """Go on after an event whose handling took time."""
        event, self._event, self._work = self._event, None, None
        if error is not None and not isinstance(error, ConnectionLost):
            log.error("%s: %s failed", self._listener.service.name, type(event).__name__, exc_info=error)
            if event is not None and not self._lost:
                self._session.failed(event)
        if self._lost:
            self._end()
            return
        if not self._closing:
            self._deadline.set(self._silence)
        self.flush()
        if self._leaving is not None and not self._closing:
            self._farewell(self._leaving)
        self._pump()

    def _start_tls(self) -> None:
        # RFC 2595 §2.1, RFC 3207 §4.2: all after the reply is TLS. The engine has forgotten what was pipelined.
        self.flush()
        self._shaking_hands = self.secure = True  # `handshakeCompleted` tells the session
        self._deadline.set(HANDSHAKE)
        self._out.startTLS(self._listener.tls)

    def _compress(self, behind: bytes) -> None:
        # RFC 4978 §3: immediately after the CRLF of the OK.
        self.flush()
        self._compression = Compression(self, self._out)
        self._compression.received(behind)

    def _decompress(self) -> None:
        self.flush()
        if self._compression is not None:
            self._compression.finish()

    def expired(self) -> None:
        """End a handshake that hangs, a silent session, or a close that hangs."""
        if self._shaking_hands:
            self._listener.shut_out(self.peer, self.port, handshake.TOO_SLOW)
            self._shaking_hands = False
            self._out.abortConnection()
        elif self._work is not None and self._writable and not self._closing:  # the client waits for us
            self._deadline.set(self._silence)
        elif self._closing or not self._writable:
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
        waiting, self._waiting = self._waiting, None
        release(waiting or (), error)

    def _end(self) -> None:
        try:
            self._session.end()
        except Exception:
            log.exception("%s: end failed", self._listener.service.name)
        self._listener.ended(self)
