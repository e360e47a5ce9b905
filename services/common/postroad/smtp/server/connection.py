"""The SMTP receiver on the network: one session, from the accepted connection to its end.

The rules that it obeys are those of `postroad.shell`. The life of the connection is aiosmtpd's (`lifecycle`); commands
and mail data go to `engine.Engine`, because aiosmtpd takes bare LF for a line end and reads line by line (decision 4).
Handlers that must be awaited run in tasks of their own, which the end of the connection does not cancel.

What was measured to matter: one write for the replies of a pipelined group, one timer per connection, no task for what
needs no waiting.
"""

from __future__ import annotations

import asyncio
import functools
import logging
from ipaddress import ip_address
from typing import TYPE_CHECKING, Any, cast

from postroad.engine import NEED_DATA, PAUSED
from postroad.mail.reply import AUTH_UNAVAILABLE, LOCAL_ERROR, SHUTTING_DOWN, TIMEOUT, TOO_MANY_CONNECTIONS, Reply
from postroad.shell import HANDSHAKE, LINGER, handshake
from postroad.shell.deadline import Deadline
from postroad.smtp.server.engine import Engine
from postroad.smtp.server.events import (
    Authenticate,
    Block,
    Close,
    Connected,
    Discard,
    Event,
    Flush,
    Mail,
    Message,
    Rcpt,
    Refused,
    StartTls,
)
from postroad.smtp.server.incoming import Incoming, storage_failed
from postroad.smtp.server.lifecycle import Lifecycle
from postroad.smtp.server.sequence import State
from postroad.smtp.server.service import Session
from postroad.smtp.server.wire import EARLY_TALKER, Wire
from postroad.world.guesses import TooManyGuesses

if TYPE_CHECKING:
    import ssl
    from collections.abc import Awaitable, Callable, Mapping

    from postroad.mail.content import Content
    from postroad.mail.envelope import Envelope
    from postroad.smtp.server.profile import Profile
    from postroad.smtp.server.server import Server
    from postroad.smtp.server.service import Purpose

logger = logging.getLogger("postroad.smtp.server")

_parse_ip = functools.lru_cache(maxsize=1024)(ip_address)  # saves 4 µs per connection

READ_AHEAD = 64 * 1024  # octets kept behind a command that is being carried out, before reading stops


class Receiver(Lifecycle):
    """One SMTP session. `admitted`: it was counted before its TLS handshake, on a port of implicit TLS."""

    _wire: Wire
    _facts: Session

    def __init__(
        self,
        server: Server,
        profile: Profile,
        purpose: Purpose,
        configuration: Mapping[str, Any],
        loop: asyncio.AbstractEventLoop,
    ) -> None:
        limits = profile.limits
        # It rings within the shorter timeout from the start, so that DATA need not arm it anew.
        self._deadline = Deadline(server.clock, self, soonest=limits.data_timeout)
        super().__init__(configuration, loop, self._deadline)
        self.handshake: asyncio.Task[None] | None = None  # of implicit TLS, while it is under way
        self._server = server
        self._service = server.service
        self._limits = limits
        self._profile = profile
        self._purpose = purpose
        self._engine: Engine | None = None  # none before the connection is admitted, and after it is lost
        self._incoming = Incoming(server.content_directory)
        self._work: asyncio.Future[Any] | None = None  # what is awaited: a commit, AUTH, a TLS handshake
        self._committing = False
        self._shaking_hands = False
        self._stranger = True  # no login and no mail transaction yet
        self._choked = False  # the client does not read its replies
        self._half_closed = False
        self._closing = False
        self._leaving: Reply | None = None  # the farewell, as soon as the transaction is over

    # ---- the life of the connection

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Begin the session, or turn the client away where there are too many."""
        # None where the client was gone before it was accepted; its loss is told next
        host, port = (transport.get_extra_info("peername") or ("::", 0))[:2]
        self._facts = Session(self._purpose, _parse_ip(host), port, self._server.next_session_id())
        tls = transport.get_extra_info("ssl_object")
        if tls is not None:
            self._facts.tls_version = tls.version()
            self._facts.tls_cipher = tls.cipher()[0]
        server = self._server
        self._wire = Wire(cast("asyncio.Transport", transport), server.clock, secure=tls is not None)
        if server.tap is not None:
            self._wire.listen(server.tap, self._facts)
        if tls is not None or server.admission.admit(self, host):
            self._engine = Engine(self._profile, self._facts)
        super().connection_made(transport)

    async def _handle_client(self) -> None:
        """Greet. aiosmtpd runs this once the connection stands; its line loop would be here."""
        if self._engine is None:
            farewell = self._profile.encode(self._profile.farewell(TOO_MANY_CONNECTIONS))
            self._wire.sent(farewell)
            self._wire.transport.write(farewell)
            self._close()
            return
        self._pump()

    def data_received(self, data: bytes) -> None:
        """Feed the engine. While something is awaited, input waits too, and too much of it stops reading."""
        engine = self._engine
        if engine is None:
            return
        if self._wire.listener is not None:
            self._wire.received(data)
        engine.receive_data(data)
        if self._work is None and not self._choked:
            self._pump()
        elif engine.buffered > READ_AHEAD:
            self._wire.pause_reading()

    def eof_received(self) -> bool | None:
        """Finish what runs, answer it, and close: the client will say no more (RFC 5321 §4.1.1.5)."""
        self._half_closed = True
        keep_open: bool | None = super().eof_received()
        self._pump()
        return keep_open

    def connection_lost(self, error: Exception | None) -> None:
        """Forget the session; what is being committed goes on to its end."""
        if self._engine is None and self.transport is None:
            return  # told twice, as a handshake that failed does
        self._engine = None
        self._server.left(self)
        self._incoming.drop()
        self._wire.lost()
        super().connection_lost(error)
        self._deadline.end()

    def pause_writing(self) -> None:
        """Make no more replies for a client that does not read them."""
        super().pause_writing()
        self._choked = True
        self._wire.pause_reading()

    def resume_writing(self) -> None:
        """Go on: the client reads again."""
        super().resume_writing()
        self._choked = False
        self.loop.call_soon(self._go_on)  # not at once: this may be called from inside a write of the pump

    def _go_on(self) -> None:
        if self._work is None and not self._choked:
            self._wire.resume_reading()
            self._pump()

    def leave(self, *, at_once: bool) -> None:
        """Send 421 (RFC 5321 §3.8), at once or after the transaction that is open; never into a commit."""
        self._part(SHUTTING_DOWN, at_once=at_once)

    def evict(self) -> None:
        """Make room for another client."""
        if self._choked:
            self.abort()
        else:
            self._part(TOO_MANY_CONNECTIONS, at_once=True)

    def _part(self, farewell: Reply, *, at_once: bool) -> None:
        if self.handshake is not None:
            self.handshake.cancel()
            return
        self._leaving = farewell
        engine = self._engine
        if self._work is not None:
            if at_once and not self._committing:  # a password check, or a handshake
                self._work.cancel()
        elif engine is not None and (at_once or not engine.in_transaction):
            engine.shut_down(farewell)
            self._pump()

    def abort(self) -> None:
        """Drop the connection."""
        self._wire.transport.abort()

    # ---- events

    def _pump(self) -> None:
        """Carry out events until the engine needs more input, or something has to be awaited."""
        engine = self._engine
        while engine is not None and self._work is None and not self._choked:
            event = engine.next_event()
            if event is NEED_DATA or event is PAUSED:
                break
            try:
                self._carry_out(engine, event)
            except Exception:
                logger.exception("unforeseen error", extra=self._identity())
                if not isinstance(event, Connected | Mail | Rcpt):
                    self.abort()
                    return
                engine.answer(LOCAL_ERROR)
        self._server.flush_soon(self)
        if self._half_closed and self._work is None and not self._choked:
            self._close()
        elif engine is not None and self._work is None and not self._closing:
            limits = self._limits
            self._deadline.set(limits.data_timeout if engine.state is State.DATA else limits.command_timeout)

    def _carry_out(self, engine: Engine, event: Event) -> None:
        facts = self._facts
        match event:
            case Rcpt():
                engine.answer(self._service.rcpt(facts, event.envelope, event.recipient))
            case Block():
                self._keep(engine, event.octets)
            case Message():
                self.flush()
                self._deliver(event.envelope, self._incoming.take())
            case Mail():
                answer = self._service.mail(facts, event.envelope)
                if self._stranger and answer.is_success:
                    self._prove()
                engine.answer(answer)
            case Connected():
                early = engine.buffered or self._wire.speaks_first()
                refusal = EARLY_TALKER if early else self._service.connect(facts)
                engine.answer(refusal or self._profile.greeting)
            case Authenticate():
                self._await(self.loop.create_task(self._check_credentials(event)), self._ran)
            case StartTls():
                self._wire.transport.pause_reading()  # whatever comes from here on is for TLS to read
                self.flush()
                self._wire.secure = True  # what comes or goes from here on goes through TLS
                self._shaking_hands = True
                self._deadline.set(HANDSHAKE)
                self._await(self.loop.create_task(self._start_tls(self._server.tls)), self._ran)
            case Discard():
                self._incoming.drop()
            case Flush():
                self.flush()
            case Refused():
                self._service.refused(facts, event)
            case Close():
                self._close()

    def _prove(self) -> None:
        self._stranger = False
        self._server.admission.prove(self)

    def _await(self, work: asyncio.Future[Any], then: Callable[[asyncio.Future[Any]], None]) -> None:
        self._work = work
        self._server.awaited.add(work)
        work.add_done_callback(then)

    def _ran(self, task: asyncio.Future[None]) -> None:
        if not task.cancelled() and (error := task.exception()) is not None:
            logger.error("unforeseen error", exc_info=error, extra=self._identity())
            self._close()
        self._go_on_after(task)

    def _go_on_after(self, work: asyncio.Future[Any]) -> None:
        """Go on with the session after what was awaited."""
        self._work = None
        self._committing = False
        self._server.awaited.discard(work)
        if work.cancelled() and self._engine is not None:
            self._engine.shut_down(self._leaving or SHUTTING_DOWN)
        if self._leaving is not None:
            self._part(self._leaving, at_once=False)
        self._wire.resume_reading()
        self._pump()

    # ---- what is awaited

    def _deliver(self, envelope: Envelope, content: Content) -> None:
        """Hand the message to the service, and its answer to whoever is still there to hear it."""
        self._committing = True
        answer: Reply | Awaitable[Reply]
        try:
            answer = self._service.message(self._facts, envelope, content)
        except Exception as error:  # noqa: BLE001 - answered as one that comes later
            answer = self.loop.create_future()
            answer.set_exception(error)
        if isinstance(answer, Reply):
            content.close()
            self._committing = False
            cast("Engine", self._engine).answer(answer)
        else:
            self._await(asyncio.ensure_future(answer, loop=self.loop), functools.partial(self._delivered, content))

    def _delivered(self, content: Content, done: asyncio.Future[Reply]) -> None:
        content.close()
        if not done.cancelled() and self._engine is not None:
            try:
                answer = done.result()
            except OSError as error:
                answer = storage_failed(error, self._identity())
            except Exception:
                logger.exception("unforeseen error", extra=self._identity())
                answer = LOCAL_ERROR
            self._engine.answer(answer)
        self._go_on_after(done)

    async def _check_credentials(self, event: Authenticate) -> None:
        account, refusal = None, None
        try:
            account = await self._service.authenticate(self._facts, event.login, event.password)
        except Exception as error:
            refusal = AUTH_UNAVAILABLE
            if not isinstance(error, TooManyGuesses):
                logger.exception("unforeseen error", extra=self._identity())
        if self._engine is None:
            return
        if refusal is not None:
            self._engine.answer(refusal)
            return
        if account is not None:
            self._prove()
        self._engine.answer_authentication(account)

    async def _start_tls(self, context: ssl.SSLContext | None) -> None:
        assert context is not None  # noqa: S101 - or STARTTLS would not be offered
        plain = self._wire.transport
        secure: asyncio.Transport | None = None
        try:
            secure = await self.loop.start_tls(plain, self, context, server_side=True)
        except OSError as error:  # as ssl.SSLError is
            self._server.handshake_failed(self._facts, handshake.reason(error), self._wire.local[1])
        finally:
            self._shaking_hands = False
            if secure is None:
                plain.abort()
                self.connection_lost(None)
        if secure is None or self._engine is None:
            return
        self._wire.secured(secure)
        self.secured(plain, secure)
        tls = secure.get_extra_info("ssl_object")
        self._engine.tls_started(tls.version(), tls.cipher()[0])

    # ---- content and replies

    def _keep(self, engine: Engine, octets: bytes) -> None:
        try:
            self._incoming.keep(octets)
        except OSError as error:
            engine.refuse_content(storage_failed(error, self._identity()))

    def flush(self) -> None:
        """Write the replies that are ready."""
        if self._engine is not None and (octets := self._engine.data_to_send()):
            wire = self._wire
            if wire.listener is not None:
                wire.sent(octets)
            wire.transport.write(octets)

    def _close(self) -> None:
        if self._closing:
            return
        self.flush()
        self._closing = True
        if self._wire.close():
            self._deadline.set(LINGER)

    def expired(self) -> None:
        """End a silent session (RFC 5321 §4.5.3.2.7), a handshake that hangs, or a close that is not taken."""
        engine = self._engine
        if engine is None or self._closing:
            self.abort()
        elif self._shaking_hands and self._work is not None:
            self._server.handshake_failed(self._facts, handshake.TOO_SLOW, self._wire.local[1])
            self._work.cancel()
        elif self._work is not None:  # the client waits for us
            self._deadline.set(self._limits.command_timeout)
        else:
            self._choked = False
            engine.shut_down(TIMEOUT)
            self._pump()

    def _identity(self) -> dict[str, str]:
        """Return what a log line says of the session."""
        return {"session": self._facts.session_id, "peer": self._facts.host}
