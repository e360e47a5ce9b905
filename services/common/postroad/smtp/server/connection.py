"""The SMTP receiver on the network: aiosmtpd's connection handling, with the engine in place of its line loop.

`Receiver` is aiosmtpd's SMTP protocol. Of it are used the life of a connection (set-up, loss, half-closing, the
change of transports at STARTTLS, the idle timer's hooks) and its configuration; commands and mail data go to
`engine.Engine`, because aiosmtpd takes bare LF for a line end and reads line by line. Handlers that must be
awaited run in tasks of their own, which the end of the connection does not cancel: a commit is never cut in two.

What was measured to matter: one write for the replies of a pipelined group, one timer a connection, no task for
what needs no waiting, and aiosmtpd's set-up once a listener: it inspects its own class (0.4 ms).
"""

from __future__ import annotations

import asyncio
import errno
import functools
import logging
import select
from ipaddress import ip_address
from typing import TYPE_CHECKING, Any, cast

from aiosmtpd.smtp import SMTP

from postroad.engine import NEED_DATA, PAUSED
from postroad.mail.content import Content
from postroad.mail.reply import (
    AUTH_UNAVAILABLE,
    LOCAL_ERROR,
    SHUTTING_DOWN,
    STORAGE_FULL,
    TIMEOUT,
    TOO_MANY_CONNECTIONS,
    Reply,
    reply,
)
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
from postroad.smtp.server.sequence import State
from postroad.smtp.server.service import Session
from postroad.world.guesses import TooManyGuesses

if TYPE_CHECKING:
    import ssl
    from collections.abc import Awaitable, Callable, Coroutine, Mapping

    import aiosmtpd.smtp

    from postroad.mail.envelope import Envelope
    from postroad.smtp.server.profile import Profile
    from postroad.smtp.server.server import Server
    from postroad.smtp.server.service import Purpose

logger = logging.getLogger("postroad.smtp.server")
logging.getLogger("mail.log").setLevel(logging.WARNING)  # aiosmtpd's own; the services log what is worth it

_EARLY_TALKER = reply(554, "5.5.0", "The client spoke before the greeting")

_parse_ip = functools.lru_cache(maxsize=1024)(ip_address)  # saves 4 µs a connection

READ_AHEAD = 64 * 1024  # octets kept behind a command that is being carried out, before reading stops
HANDSHAKE_TIMEOUT = 30.0  # seconds
LINGER = 10.0  # seconds that a peer has to read the last reply


def configure(profile: Profile, tls: ssl.SSLContext | None, loop: asyncio.AbstractEventLoop) -> Mapping[str, Any]:
    """Return what aiosmtpd's set-up finds out; it is the same for all connections of a listener."""
    limits = profile.limits
    configured = SMTP(
        None,  # no handler: events go to the service
        hostname=profile.hostname,
        ident="Postroad",
        tls_context=tls,
        data_size_limit=limits.message_size,
        enable_SMTPUTF8=True,
        timeout=limits.command_timeout,
        loop=loop,
    )
    of_connection = vars(asyncio.StreamReaderProtocol(asyncio.StreamReader(loop=loop), loop=loop))
    return {name: value for name, value in vars(configured).items() if name not in of_connection}


class Receiver(SMTP):
    """One SMTP session."""

    _wire: asyncio.Transport  # aiosmtpd's `transport`, which is not forgotten when the connection is lost
    _facts: Session

    def __init__(  # in place of aiosmtpd's: `configuration` is what `configure` returned
        self,
        server: Server,
        profile: Profile,
        purpose: Purpose,
        configuration: Mapping[str, Any],
        loop: asyncio.AbstractEventLoop,
    ) -> None:
        asyncio.StreamReaderProtocol.__init__(
            self, asyncio.StreamReader(loop=loop), client_connected_cb=self._cb_client_connected, loop=loop
        )
        vars(self).update(configuration)
        self._server = server
        self._service = server.service
        self._limits = profile.limits
        self._profile = profile
        self._purpose = purpose
        self._engine: Engine | None = None  # none before the connection is admitted, and after it is lost
        self._content: Content | None = None
        self._work: asyncio.Future[Any] | None = None  # what is awaited: a commit, AUTH, a TLS handshake
        self._committing = False
        self._deadline = 0.0
        self._alarm = 0.0
        self._choked = False  # the peer does not read its replies
        self._reading = True
        self._half_closed = False
        self._leaving = False  # 421 as soon as the transaction is over

    # ---- the life of the connection

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Begin the session, or turn the client away where there are too many."""
        self._wire = cast("asyncio.Transport", transport)
        # None where the client was gone before it was accepted; its loss is told next
        host, port = (transport.get_extra_info("peername") or ("::", 0))[:2]
        self._facts = Session(self._purpose, _parse_ip(host), port, self._server.next_session_id())
        if (tls := transport.get_extra_info("ssl_object")) is not None:
            self._facts.tls_version = tls.version()
            self._facts.tls_cipher = tls.cipher()[0]
        if self._server.admit(self, host):
            self._engine = Engine(self._profile, self._facts)
        super().connection_made(transport)

    async def _handle_client(self) -> None:
        """Greet. aiosmtpd runs this once the connection stands; its line loop would be here."""
        if self._engine is None:
            self._wire.write(self._profile.encode(self._profile.farewell(TOO_MANY_CONNECTIONS)))
            self._close()
            return
        self._pump()

    def data_received(self, data: bytes) -> None:
        """Feed the engine. While something is awaited, input waits too, and too much of it stops reading."""
        engine = self._engine
        if engine is None:
            return
        engine.receive_data(data)
        if self._work is None and not self._choked:
            self._pump()
        elif engine.buffered > READ_AHEAD:
            self._pause_reading()

    def eof_received(self) -> bool | None:
        """Finish what runs, answer it, and close: the client will say no more (RFC 5321 §4.1.1.5)."""
        self._half_closed = True
        keep_open: bool | None = super().eof_received()
        if self._work is None:
            self._close()
        return keep_open

    def connection_lost(self, error: Exception | None) -> None:
        """Forget the session; what is being committed goes on to its end."""
        if self._engine is None and self.transport is None:
            return  # told twice, as a handshake that failed does
        self._engine = None
        self._server.leave(self)
        self._drop_content()
        super().connection_lost(error)
        # What refers back to this object: without it memory is free at once, not when the collector comes.
        self._client_connected_cb = None
        del self._reader, self._writer

    def pause_writing(self) -> None:
        """Make no more replies for a peer that does not read them."""
        super().pause_writing()
        self._choked = True
        self._pause_reading()

    def resume_writing(self) -> None:
        """Go on: the peer reads again."""
        super().resume_writing()
        self._choked = False
        self.loop.call_soon(self._go_on)  # not at once: this may be called from inside a write of the pump

    def _go_on(self) -> None:
        if self._work is None and not self._choked:
            self._resume_reading()
            self._pump()

    def leave(self, *, at_once: bool) -> None:
        """Send 421 (RFC 5321 §3.8), at once or after the transaction that is open; never into a commit."""
        self._leaving = True
        engine = self._engine
        if self._work is not None:
            if at_once and not self._committing:  # a password check, or a handshake
                self._work.cancel()
        elif engine is not None and (at_once or not engine.in_transaction):
            engine.shut_down(SHUTTING_DOWN)
            self._pump()

    def abort(self) -> None:
        """Drop the connection."""
        self._wire.abort()

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
        if engine is not None:
            self._reset_timeout(
                self._limits.data_timeout if engine.state is State.DATA else self._limits.command_timeout
            )

    def _carry_out(self, engine: Engine, event: Event) -> None:
        facts = self._facts
        match event:
            case Rcpt():
                engine.answer(self._service.rcpt(facts, event.envelope, event.recipient))
            case Block():
                self._keep(engine, event.octets)
            case Message():
                self.flush()
                content, self._content = self._content, None
                self._deliver(event.envelope, content or Content(self._server.content_directory))
            case Mail():
                engine.answer(self._service.mail(facts, event.envelope))
            case Connected():
                early = engine.buffered or self._speaks_first()
                refusal = _EARLY_TALKER if early else self._service.connect(facts)
                engine.answer(refusal or self._profile.greeting)
            case Authenticate():
                self._run(self._check_credentials(event))
            case StartTls():
                self._wire.pause_reading()  # whatever comes from here on is for TLS to read
                self.flush()
                self._run(self._start_tls(cast("ssl.SSLContext", self._server.tls)))
            case Discard():
                self._drop_content()
            case Flush():
                self.flush()
            case Refused():
                self._service.refused(facts, event.command, event.reply, event.argument)
            case Close():
                self._close()

    def _await(self, work: asyncio.Future[Any], then: Callable[[asyncio.Future[Any]], None]) -> None:
        self._work = work
        self._server.awaited.add(work)
        work.add_done_callback(then)

    def _run(self, work: Coroutine[Any, Any, None]) -> None:
        self._await(self.loop.create_task(work), self._ran)

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
            self._engine.shut_down(SHUTTING_DOWN)
        if self._leaving:
            self.leave(at_once=False)
        self._resume_reading()
        self._pump()
        if self._half_closed and self._work is None:
            self._close()

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
                answer = self._storage_failed(error)
            except Exception:
                logger.exception("unforeseen error", extra=self._identity())
                answer = LOCAL_ERROR
            self._engine.answer(answer)
        self._go_on_after(done)

    async def _check_credentials(self, event: Authenticate) -> None:
        try:
            account = await self._service.authenticate(self._facts, event.login, event.password)
        except TooManyGuesses:
            answer: Reply | None = AUTH_UNAVAILABLE
        except Exception:
            logger.exception("unforeseen error", extra=self._identity())
            answer = AUTH_UNAVAILABLE
        else:
            answer = None
        if self._engine is None:
            return
        if answer is not None:
            self._engine.answer(answer)
        else:
            self._engine.answer_authentication(account)

    async def _start_tls(self, context: ssl.SSLContext) -> None:
        """Shake hands. aiosmtpd puts a TLS layer of its own in place; the loop's is sound on every loop."""
        plain = self._wire
        secure: asyncio.Transport | None = None
        try:
            secure = await self.loop.start_tls(
                plain, self, context, server_side=True, ssl_handshake_timeout=HANDSHAKE_TIMEOUT
            )
        except OSError as error:  # as ssl.SSLError and TimeoutError are
            logger.info("TLS handshake failed: %s", error, extra=self._identity())
        finally:
            if secure is None:
                plain.abort()
                self.connection_lost(None)
        if secure is None or self._engine is None:
            return
        self._original_transport = plain  # aiosmtpd closes it when the connection is lost
        self.transport = self._wire = secure
        tls = secure.get_extra_info("ssl_object")
        cast("aiosmtpd.smtp.Session", self.session).ssl = {"ssl_object": tls}  # aiosmtpd: EOF closes both ways
        self._engine.tls_started(tls.version(), tls.cipher()[0])

    # ---- content

    def _keep(self, engine: Engine, octets: bytes) -> None:
        try:
            if self._content is None:
                self._content = Content(self._server.content_directory)
            self._content.write(octets)
        except OSError as error:
            engine.refuse_content(self._storage_failed(error))
            self._drop_content()

    def _drop_content(self) -> None:
        if self._content is not None:
            self._content.close()
            self._content = None

    def _storage_failed(self, error: OSError) -> Reply:
        logger.error("storage failed: %s", error, extra=self._identity())
        return STORAGE_FULL if error.errno in (errno.ENOSPC, errno.EDQUOT) else LOCAL_ERROR

    # ---- transport

    def _speaks_first(self) -> bool:
        """Whether octets wait to be read before the greeting was sent: no client of SMTP does that (RFC 5321 §3.1)."""
        if self._facts.tls_version is not None:
            return False
        poll = select.poll()
        poll.register(self._wire.get_extra_info("socket").fileno(), select.POLLIN)
        return bool(poll.poll(0))

    def flush(self) -> None:
        """Write the replies that are ready."""
        if self._engine is not None and (octets := self._engine.data_to_send()):
            self._wire.write(octets)

    def _close(self) -> None:
        wire = self._wire
        if not wire.is_closing():
            self.flush()
            wire.close()
            if wire.get_write_buffer_size():
                self.loop.call_later(LINGER, wire.abort)

    def _pause_reading(self) -> None:
        if self._reading and not self._wire.is_closing():
            self._reading = False
            self._wire.pause_reading()

    def _resume_reading(self) -> None:
        if not self._reading and not self._wire.is_closing():
            self._reading = True
            self._wire.resume_reading()

    # ---- the timer (RFC 5321 §4.5.3.2): armed once, it looks at the deadline when it rings

    def _reset_timeout(self, duration: float | None = None) -> None:
        now = self.loop.time()
        self._deadline = now + (duration or self._timeout_duration)
        if self._timeout_handle is None:
            self._arm(min(self._deadline, now + self._limits.data_timeout))  # the shorter: DATA need not arm it anew
        elif self._deadline < self._alarm:
            self._timeout_handle.cancel()
            self._arm(self._deadline)

    def _arm(self, when: float) -> None:
        self._alarm = when
        self._timeout_handle = self.loop.call_at(when, self._timeout_cb)

    def _timeout_cb(self) -> None:
        if self._work is not None:  # the client waits for us
            self._deadline = self.loop.time() + self._limits.command_timeout
        if self.loop.time() < self._deadline:
            self._arm(self._deadline)
        elif self._engine is not None:
            self._arm(self._deadline + LINGER)
            self._choked = False
            self._engine.shut_down(TIMEOUT)
            self._pump()

    def _identity(self) -> dict[str, str]:
        """Return what a log line says of the session."""
        return {"session": self._facts.session_id, "peer": self._facts.host}
