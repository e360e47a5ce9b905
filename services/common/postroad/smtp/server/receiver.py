"""The SMTP receiver: carries out the events of the engine.

It asks the service, keeps the content, and gives the answers to the engine. Handlers that must be awaited run in tasks
of their own, which the end of the connection does not cancel.
"""

from __future__ import annotations

import asyncio
import functools
import logging
from typing import TYPE_CHECKING, Any, cast

from postroad.errand import begun
from postroad.mail.reply import AUTH_UNAVAILABLE, LOCAL_ERROR, Reply
from postroad.shell import HANDSHAKE, handshake
from postroad.smtp.server.channel import channel_of
from postroad.smtp.server.connection import Connection
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
from postroad.smtp.server.wire import EARLY_TALKER
from postroad.tap import LoggedIn
from postroad.world.guesses import NotAllowed, TooManyGuesses
from postroad.world.world import DEFAULT_WORLD

if TYPE_CHECKING:
    import ssl
    from collections.abc import Awaitable, Mapping

    from postroad.mail.content import Content
    from postroad.mail.envelope import Envelope
    from postroad.smtp.server.engine import Engine
    from postroad.smtp.server.profile import Profile
    from postroad.smtp.server.server import Server
    from postroad.smtp.server.service import Answer, Purpose
    from postroad.world.world import Account

logger = logging.getLogger("postroad.smtp.server")


class Receiver(Connection):
    """One SMTP session with a service behind it."""

    __slots__ = ("_incoming", "_service", "_stranger")

    def __init__(
        self,
        server: Server,
        profile: Profile,
        purpose: Purpose,
        configuration: Mapping[str, Any],
        loop: asyncio.AbstractEventLoop,
    ) -> None:
        super().__init__(server, profile, purpose, configuration, loop)
        self._service = server.service
        self._incoming = Incoming(server.content_directory)
        self._stranger = True  # no login and no mail transaction yet

    def connection_lost(self, error: Exception | None) -> None:
        """Forget the content that was coming in; a commit that is under way goes on to its end."""
        self._incoming.drop()
        super().connection_lost(error)

    def _carry_out(self, engine: Engine, event: Event) -> None:
        facts = self._facts
        if isinstance(event, Rcpt):
            engine.answer(self._service.rcpt(facts, event.envelope, event.recipient))
        elif isinstance(event, Block):
            self._keep(engine, event.octets)
        elif isinstance(event, Message):
            self.flush()
            self._deliver(event.envelope, self._incoming.take())
        elif isinstance(event, Mail):
            answer = self._service.mail(facts, event.envelope)
            if self._stranger and answer.is_success:
                self._prove()
            engine.answer(answer)
        else:
            self._carry_out_rest(engine, event)

    def _carry_out_rest(self, engine: Engine, event: Event) -> None:
        """Carry out an event of which there is not one per message, or which is quick to tell from others.

        A `match` takes 60 ns per class that it tries.
        """
        facts = self._facts
        match event:
            case Connected() if self._shaping is not None and self._shaping.refuses(facts):
                self._close()
            case Connected():
                if engine.buffered or self._wire.speaks_first():
                    self._service.refused(facts, Refused("connection", EARLY_TALKER))
                    engine.answer(EARLY_TALKER)
                else:
                    engine.answer(self._service.connect(facts) or self._profile.greeting)
            case Authenticate():
                self._await(self.loop.create_task(self._check_credentials(event)), self._ran)
            case StartTls():
                self._wire.transport.pause_reading()  # the next octets are for TLS to read
                if self._held is not None:
                    self._held.drop()
                self.flush()
                self._wire.secure = True  # all octets go through TLS from here on
                self._shaking_hands = True
                self._deadline.set(HANDSHAKE)
                self._await(self.loop.create_task(self._start_tls(self.tls_context)), self._ran)
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

    def _deliver(self, envelope: Envelope, content: Content) -> None:
        """Hand the message to the service, and its answer to the client if it is still there."""
        self._committing = True
        answer: Reply | Awaitable[Answer]
        try:
            answer = self._service.message(self._facts, envelope, content)
        except Exception as error:  # noqa: BLE001 - `_delivered` handles it
            answer = self.loop.create_future()
            answer.set_exception(error)
        if isinstance(answer, Reply):
            content.close()
            self._committing = False
            cast("Engine", self._engine).answer(answer)
        else:
            done = answer if isinstance(answer, asyncio.Future) else begun(answer)
            self._await(done, functools.partial(self._delivered, envelope, content))

    def _delivered(self, envelope: Envelope, content: Content, done: asyncio.Future[Answer]) -> None:
        content.close()
        if not done.cancelled() and self._engine is not None:
            try:
                answer = done.result()
            except Exception as error:  # noqa: BLE001 - the client and the log learn of it
                refusal = self._failed(error)
                self._service.refused(self._facts, Refused("content", refusal, envelope=envelope))
                self._engine.answer(refusal)
            else:
                if isinstance(answer, tuple):
                    self._engine.answer_each(answer)
                else:
                    self._engine.answer(answer)
        self._go_on_after(done)

    def _failed(self, error: Exception) -> Reply:
        """Log that a message was not taken, and return the reply that says so."""
        if isinstance(error, OSError):
            return storage_failed(error, self._identity())
        logger.error("unforeseen error", exc_info=error, extra=self._identity())
        return LOCAL_ERROR

    async def _check_credentials(self, event: Authenticate) -> None:
        user: Account | str | Reply | None
        try:
            user = await self._service.authenticate(self._facts, event.claim)
        except TooManyGuesses:
            user = AUTH_UNAVAILABLE
        except NotAllowed:
            user = None
        except Exception:
            user = AUTH_UNAVAILABLE
            logger.exception("unforeseen error", extra=self._identity())
        if self._engine is None:
            return
        if isinstance(user, Reply):
            self._engine.answer(user)
            return
        if user is not None:
            self._prove()
            self._wire.noted(
                LoggedIn(user if isinstance(user, str) else user.login, self._facts.world or DEFAULT_WORLD)
            )
        self._engine.answer_authentication(user)

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
        self._engine.tls_started(tls.version(), tls.cipher()[0], channel_of(tls, self._server.end_point))

    def _keep(self, engine: Engine, octets: bytes) -> None:
        try:
            self._incoming.keep(octets)
        except OSError as error:
            engine.refuse_content(storage_failed(error, self._identity()))
