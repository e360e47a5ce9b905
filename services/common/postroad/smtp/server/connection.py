"""A connection of the SMTP receiver on the network: octets in, replies out, and the rules of `postroad.shell`.

The life of the connection is aiosmtpd's (`lifecycle`); commands and mail data go to `engine.Engine`, because aiosmtpd
takes bare LF for a line end and reads line by line (decision 4). `receiver` carries out the events of the engine.

Measured to matter: one write for the replies of a pipelined group, one timer per connection, no task for an event that
is answered at once.
"""

from __future__ import annotations

import functools
import logging
from abc import abstractmethod
from ipaddress import ip_address
from typing import TYPE_CHECKING, Any

from postroad.engine import NEED_DATA, PAUSED
from postroad.mail.reply import LOCAL_ERROR, SHUTTING_DOWN, TIMEOUT, TOO_MANY_CONNECTIONS, Reply
from postroad.shell import LINGER, handshake
from postroad.shell.deadline import Deadline
from postroad.smtp.server.channel import channel_of
from postroad.smtp.server.engine import Engine
from postroad.smtp.server.events import Connected, Event, Mail, Rcpt
from postroad.smtp.server.lifecycle import Lifecycle
from postroad.smtp.server.sequence import State
from postroad.smtp.server.service import Session
from postroad.smtp.server.shaping import Held
from postroad.smtp.server.wire import Wire

if TYPE_CHECKING:
    import asyncio
    from collections.abc import Callable, Mapping
    from ipaddress import IPv4Address, IPv6Address

    from postroad.smtp.server.profile import Profile
    from postroad.smtp.server.server import Server
    from postroad.smtp.server.service import Purpose
    from postroad.smtp.server.shaping import Shaping

logger = logging.getLogger("postroad.smtp.server")

_DATA = State.DATA  # a member of an enum takes 60 ns to be found in its class (Python 3.11)
READ_AHEAD = 64 * 1024  # octets kept behind a command that is being carried out, before reading stops


@functools.lru_cache(maxsize=1024)  # saves 7 µs per connection
def _peer(host: str) -> tuple[IPv4Address | IPv6Address, str]:
    """Return a peer's address, and as text."""
    address = ip_address(host)
    return address, str(address)


class Connection(Lifecycle):
    """One connection. On a port of implicit TLS it was counted before its handshake (`tls_port`)."""

    __slots__ = (
        "_broken", "_choked", "_closing", "_committing", "_deadline", "_engine", "_facts", "_half_closed", "_held",
        "_leaving", "_limits", "_profile", "_server", "_shaking_hands", "_shaping", "_wire", "_work", "handshake",
        "purpose",
    )  # fmt: skip

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
        self._limits = limits
        self._profile = profile
        self.purpose = purpose
        self._engine: Engine | None = None  # none before the connection is admitted, and after it is lost
        self._work: asyncio.Future[Any] | None = None  # under way: a commit, AUTH, a TLS handshake
        self._committing = False
        self._shaking_hands = False
        self._choked = False  # the client does not read its replies
        self._half_closed = False
        self._closing = False
        self._leaving: Reply | None = None  # the farewell, as soon as the transaction is over
        self._shaping: Shaping | None = None  # a bad line, if a test asks for one
        self._held: Held | None = None  # what is still on a slow line
        self._broken = False  # closed once what has come is answered

    # ---- the life of the connection

    def connection_made(self, transport: Any) -> None:
        """Begin the session, or turn the client away where there are too many."""
        # There is no peer if the client has gone before it was accepted; asyncio reports its loss next.
        host, port = (transport.get_extra_info("peername") or ("::", 0))[:2]
        server, profile = self._server, self._profile
        peer, text = _peer(host)
        self._facts = facts = Session(self.purpose, peer, port, server.next_session_id(), host=text)
        facts.checked = profile.checked
        if profile.world is not None:
            facts.port_world = facts.world = profile.world
        tls = transport.get_extra_info("ssl_object")
        if tls is not None:
            facts.tls_version = tls.version()
            facts.tls_cipher = tls.cipher()[0]
            facts.channel = channel_of(tls, server.end_point)
        self._wire = wire = Wire(transport, server.clock, secure=tls is not None)
        if server.tap is not None:
            wire.listen(server.tap, facts)
        if tls is not None or server.admission.admit(self, host):
            self._engine = Engine(profile, facts)
            self._shaping = server.shaping()
            if self._shaping is not None and (speed := self._shaping.speed(facts)) is not None:
                self._held = Held(speed, server.clock, functools.partial(self.data_received, arrived=True))
        super().connection_made(transport)

    def greet(self) -> None:
        """Greet, or turn the client away."""
        if self._engine is None:
            farewell = self._profile.encode(self._profile.farewell(TOO_MANY_CONNECTIONS))
            self._wire.write(farewell)
            self._close()
            return
        self._pump()

    def data_received(self, data: bytes, *, arrived: bool = False) -> None:
        """Feed the engine, at once or when the octets have `arrived` over a slow line.

        While work is under way, input waits too; too much of it stops the reading.
        """
        if self._held is not None and not arrived:
            self._held.receive(data)
            if not self._shaking_hands:  # else the transport is about to be another
                self._wire.pause_reading()
            return
        engine = self._engine
        if engine is None:
            return
        wire = self._wire
        if (listener := wire.listener) is not None:
            listener.received(data, wire.clock.now(), tls=wire.secure)
        engine.receive_data(data)
        if self._shaping is not None:
            self._broken = self._broken or self._shaping.breaks(self._facts)
            if self._held is not None:
                wire.resume_reading()
        if self._work is None and not self._choked:
            self._pump()
            if self._work is None and not engine.output:
                wire.acknowledge()
        elif engine.buffered > READ_AHEAD:
            wire.pause_reading()

    def eof_received(self) -> bool | None:
        """Finish and answer all commands, then close: the client will send no more (RFC 5321 §4.1.1.5)."""
        self._half_closed = True
        keep_open: bool | None = super().eof_received()
        self._pump()
        return keep_open

    def connection_lost(self, error: Exception | None) -> None:
        """Forget the session; a commit that is under way goes on to its end."""
        if self._engine is None and self.transport is None:
            return  # a handshake that failed reports the loss twice
        self._engine = None
        if self._held is not None:
            self._held.drop()
        self._server.left(self)
        self._wire.lost()
        super().connection_lost(error)
        self._deadline.end()

    def pause_writing(self) -> None:
        """Stop: the client does not read its replies."""
        super().pause_writing()
        self._choked = True
        self._wire.pause_reading()

    def resume_writing(self) -> None:
        """Go on: the client reads again."""
        super().resume_writing()
        self._choked = False
        self.loop.call_soon(self._go_on)  # not at once: a write of the pump may have called this

    def _go_on(self) -> None:
        if self._work is None and not self._choked:
            self._wire.resume_reading()
            self._pump()

    def came_by(self, profile: Profile) -> bool:
        """Whether it came by the listener that has this profile."""
        return self._profile is profile

    def leave(self, *, at_once: bool) -> None:
        """Send 421 (RFC 5321 §3.8), at once or after the open transaction; a commit is never interrupted."""
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

    # ---- the pump

    def _pump(self) -> None:
        """Carry out events until the engine needs more input or work is under way."""
        engine = self._engine
        if engine is None:
            if self._work is None and not self._choked and self._is_over():
                self._close()
            return
        while self._work is None and not self._choked:
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
        if engine.output:
            self._server.flush_soon(self)
        if self._work is not None:
            return
        if (self._half_closed or self._broken) and not self._choked and self._is_over():
            self._close()
        elif not self._closing:
            limits = self._limits
            self._deadline.set(limits.data_timeout if engine.state is _DATA else limits.command_timeout)

    def _is_over(self) -> bool:
        """Whether the connection is to be closed as soon as all that has come is answered."""
        return self._broken or (self._half_closed and (self._held is None or self._held.is_empty))

    @abstractmethod
    def _carry_out(self, engine: Engine, event: Event) -> None:
        """Carry out an event, and answer it now or, by `_await`, after the work that it takes."""

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
        """Go on with the session after work that took time."""
        self._work = None
        self._committing = False
        self._server.awaited.discard(work)
        if work.cancelled() and self._engine is not None:
            self._engine.shut_down(self._leaving or SHUTTING_DOWN)
        if self._leaving is not None:
            self._part(self._leaving, at_once=False)
        self._wire.resume_reading()
        self._pump()

    # ---- replies and the end

    def flush(self) -> None:
        """Write the replies that are ready."""
        if self._engine is not None and self._engine.output:
            self._server.before_replies()
            self.write_replies()

    def write_replies(self) -> None:
        """Write the replies that are ready, behind the server's `before_replies`."""
        engine = self._engine
        if engine is None or not engine.output:
            return
        octets = engine.data_to_send()
        if self._held is not None:
            self._held.sent(len(octets))
        # What `Wire.write` does is here again: a call would cost as much as it does.
        wire = self._wire
        if (listener := wire.listener) is not None:
            listener.sent(octets, wire.clock.now(), tls=wire.secure)
        wire.transport.write(octets)

    def _close(self) -> None:
        if self._closing:
            return
        self.flush()
        self._closing = True
        if self._wire.close():
            self._deadline.set(LINGER)

    def expired(self) -> None:
        """End a silent session (RFC 5321 §4.5.3.2.7), a handshake that hangs, or a close that hangs."""
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
        """Return the fields that identify the session in a log line."""
        return {"session": self._facts.session_id, "peer": self._facts.host}
