"""The transport under an SMTP session: plain at first, perhaps TLS later."""

from __future__ import annotations

import select
from typing import TYPE_CHECKING

from postroad.mail.reply import reply
from postroad.shell.acknowledge import acknowledge_on
from postroad.smtp.server.service import Purpose
from postroad.tap import Opened

if TYPE_CHECKING:
    import asyncio

    from postroad.clock import Clock
    from postroad.smtp.server.service import Session
    from postroad.tap import Fact, Listener, Tap

_LMTP = Purpose.LMTP
EARLY_TALKER = reply(554, "5.5.0", "The client spoke before the greeting")


class Wire:
    """The transport, whether it is read and whether it is TLS (`secure`), and the tap's listener.

    A session without a listener pays one test per block: the shell itself tells `listener` what comes, if there is one
    (60 ns per call would be 1 % of what a NOOP costs).
    """

    __slots__ = ("_reading", "clock", "listener", "secure", "transport")

    def __init__(self, transport: asyncio.Transport, clock: Clock, *, secure: bool) -> None:
        self.transport = transport
        self.secure = secure
        self.clock = clock
        self.listener: Listener | None = None
        self._reading = True

    def listen(self, tap: Tap, session: Session) -> None:
        """Let the tap hear the session, if it wants to."""
        host, port = self.local
        protocol = "lmtp" if session.purpose is _LMTP else "smtp"
        peer = f"{session.host}:{session.peer_port}"
        opened = Opened(
            protocol, session.session_id, peer, f"{host}:{port}", False, self.clock.now(), session.port_world
        )
        self.listener = session.listener = tap.opened(opened)

    @property
    def local(self) -> tuple[str, int]:
        """Our side's address and port."""
        host, port = (self.transport.get_extra_info("sockname") or ("", 0))[:2]
        return host, port

    def write(self, octets: bytes) -> None:
        """Write octets, which the listener hears."""
        if self.listener is not None:
            self.listener.sent(octets, self.clock.now(), tls=self.secure)
        self.transport.write(octets)

    def noted(self, fact: Fact) -> None:
        """Give the listener a fact."""
        if self.listener is not None:
            self.listener.noted(fact)

    def lost(self) -> None:
        """Tell the listener that the session is over."""
        if self.listener is not None:
            self.listener.closed(self.clock.now())
            self.listener = None

    def secured(self, transport: asyncio.Transport) -> None:
        """Go on over the transport of TLS, which is read from the start."""
        self.transport = transport
        self._reading = True

    def close(self) -> bool:
        """Close once all is written; return True if that may take time, or if it is closing already."""
        transport = self.transport
        if transport.is_closing():
            return True
        transport.close()
        return self.secure or bool(transport.get_write_buffer_size())

    def pause_reading(self) -> None:
        """Read no more."""
        if self._reading and not self.transport.is_closing():
            self._reading = False
            self.transport.pause_reading()

    def resume_reading(self) -> None:
        """Read again."""
        if not self._reading and not self.transport.is_closing():
            self._reading = True
            self.transport.resume_reading()

    def acknowledge(self) -> None:
        """Acknowledge what has come, because no reply will (`postroad.shell`: pieces)."""
        acknowledge_on(self.transport)

    def speaks_first(self) -> bool:
        """Whether octets have come before the greeting was sent: no SMTP client sends first (RFC 5321 §3.1)."""
        if self.secure:
            return False
        poll = select.poll()
        poll.register(self.transport.get_extra_info("socket").fileno(), select.POLLIN)
        return bool(poll.poll(0))
