"""The part of aiosmtpd that Postroad uses: how a connection begins, is closed by half, changes to TLS, and is lost.

`Lifecycle` is aiosmtpd's SMTP protocol with its line loop and timer left out; decision 4 says why it is kept. All
code that depends on its internals is here:

- aiosmtpd's set-up inspects its own class, which takes 0.4 ms. `configure` has it done once per listener, with that of
  the loop's own protocol, and `Lifecycle.__init__` copies the result (decision 4: what a connection costs).
- aiosmtpd's stream reader and writer are not made: the engine reads. They refer to the connection in a circle, which
  would hold some 10 KiB of it until the collector comes.
- aiosmtpd begins a task for its line loop. `connection_made` has `greet` called instead, which takes a fifth of that.
- The handshake of STARTTLS is the loop's own (`asyncio.loop.start_tls`), which is sound on uvloop too; aiosmtpd's
  puts a TLS layer of another kind in place. `secured` sets the attributes that aiosmtpd would have set.
"""

from __future__ import annotations

import asyncio
import logging
from abc import ABC, abstractmethod
from collections import deque
from typing import TYPE_CHECKING, Any, cast

from aiosmtpd.smtp import SMTP

if TYPE_CHECKING:
    import ssl
    from collections.abc import Mapping

    import aiosmtpd.smtp

    from postroad.smtp.server.profile import Profile

# What a protocol of the loop's streams has that is no constant: each connection gets its own.
OF_EACH = frozenset({"_closed", "_drain_waiters"})

logging.getLogger("mail.log").setLevel(logging.WARNING)  # aiosmtpd's own log; the services log these events


def configure(profile: Profile, tls: ssl.SSLContext | None, loop: asyncio.AbstractEventLoop) -> Mapping[str, Any]:
    """Return the attributes that the set-up of aiosmtpd and of the loop's protocol makes for each connection alike."""
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
    blank = vars(asyncio.StreamReaderProtocol(cast("Any", None), loop=loop))
    of_connection = vars(asyncio.StreamReaderProtocol(asyncio.StreamReader(loop=loop), loop=loop))
    own = {name: value for name, value in vars(configured).items() if name not in of_connection}
    return own | {name: value for name, value in blank.items() if name not in OF_EACH}


class Lifecycle(SMTP, ABC):
    """One connection as aiosmtpd keeps it; `configuration` comes from `configure`.

    The attributes of aiosmtpd and of the loop's own protocol are in the instance's dict, those of subclasses in slots.
    """

    __slots__ = ()

    def __init__(self, configuration: Mapping[str, Any], loop: asyncio.AbstractEventLoop, deadline: Any) -> None:
        vars(self).update(configuration)  # first: an empty dict becomes a copy of another at once
        self._drain_waiters = deque[Any]()
        self._closed = loop.create_future()
        self._timeout_handle = deadline  # aiosmtpd cancels it when the connection is lost

    def connection_made(self, transport: Any) -> None:
        """Take the transport, and greet in the next turn of the loop."""
        asyncio.StreamReaderProtocol.connection_made(self, transport)
        self.transport = transport
        self.session = self._create_session()
        greeting: Any = self.loop.call_soon(self.greet)
        self._handler_coroutine = greeting  # aiosmtpd cancels it at the end

    @abstractmethod
    def greet(self) -> None:
        """Begin the session."""

    def _reset_timeout(self, duration: float | None = None) -> None:
        """Do nothing: the deadline is set by the pump."""

    def secured(self, plain: asyncio.Transport, secure: asyncio.Transport) -> None:
        """Note that TLS has begun: EOF now closes both ways, and the plain transport goes with the connection."""
        self._original_transport = plain
        self.transport = secure
        session = cast("aiosmtpd.smtp.Session", self.session)
        session.ssl = {"ssl_object": secure.get_extra_info("ssl_object")}
