"""The listening side of the SMTP receiver: several ports, one service, and the limits that they share."""

from __future__ import annotations

import asyncio
import dataclasses
import functools
import itertools
import secrets
from collections import Counter
from typing import TYPE_CHECKING, Any

from postroad.mail.address import Address
from postroad.smtp.server.connection import HANDSHAKE_TIMEOUT, Receiver, configure
from postroad.smtp.server.profile import Profile
from postroad.smtp.server.service import Limits, Listener, Purpose, Service

if TYPE_CHECKING:
    import ssl
    from collections.abc import Sequence
    from pathlib import Path

    from postroad.smtp.extensions.extension import Extension

BACKLOG = 1024
COMMIT_GRACE = 10.0  # seconds that a commit may take while the server closes


class Server:
    """The receiver while it listens; `serve` makes it."""

    def __init__(self, service: Service, limits: Limits, content_directory: Path, tls: ssl.SSLContext | None) -> None:
        self.service = service
        self.limits = limits
        self.content_directory = content_directory
        self.tls = tls
        self.listeners: tuple[Listener, ...] = ()  # with the ports that were bound
        self.awaited: set[asyncio.Future[Any]] = set()  # by sessions
        self._servers: list[asyncio.AbstractServer] = []
        self._sessions: dict[Receiver, str] = {}  # with the host they come from
        self._per_host: Counter[str] = Counter()
        self._empty = asyncio.Event()
        self._unflushed: list[Receiver] = []
        run = secrets.token_hex(4)  # tells the sessions of one run of the process from another's
        self._session_ids = (f"{run}{number:06x}" for number in itertools.count())

    @property
    def connections(self) -> int:
        """How many sessions there are."""
        return len(self._sessions)

    async def listen(self, listener: Listener, profile: Profile) -> None:
        """Listen on one more port."""
        loop = asyncio.get_running_loop()
        implicit_tls = listener.purpose is Purpose.SUBMISSIONS  # RFC 8314 §3
        server = await loop.create_server(
            functools.partial(Receiver, self, profile, listener.purpose, configure(profile, self.tls, loop), loop),
            listener.host,
            listener.port,
            ssl=self.tls if implicit_tls else None,
            ssl_handshake_timeout=HANDSHAKE_TIMEOUT if implicit_tls else None,
            backlog=BACKLOG,
        )
        self._servers.append(server)
        port = server.sockets[0].getsockname()[1]
        self.listeners = (*self.listeners, dataclasses.replace(listener, port=port))

    def admit(self, receiver: Receiver, host: str) -> bool:
        """Count a connection in, unless there are too many of all or of its host."""
        if len(self._sessions) >= self.limits.connections:
            return False
        if self._per_host[host] >= self.limits.connections_per_address:
            return False
        self._sessions[receiver] = host
        self._per_host[host] += 1
        return True

    def leave(self, receiver: Receiver) -> None:
        """Count a connection out, if it was in."""
        host = self._sessions.pop(receiver, None)
        if host is None:
            return
        self._per_host[host] -= 1
        if not self._per_host[host]:
            del self._per_host[host]
        if not self._sessions:
            self._empty.set()

    def flush_soon(self, receiver: Receiver) -> None:
        """Have a session write its replies when all that has come was read.

        Replies to several clients go out together: the first one wakes the client's process or its processor, and
        the others find it awake. Where both are on one machine that saves a tenth of the time that a message takes.
        """
        if not self._unflushed:
            receiver.loop.call_soon(self._flush)
        self._unflushed.append(receiver)

    def _flush(self) -> None:
        unflushed, self._unflushed = self._unflushed, []
        for receiver in unflushed:
            receiver.flush()

    def next_session_id(self) -> str:
        """Return an identifier that no other session has."""
        return next(self._session_ids)

    async def close(self, grace: float = 0.5) -> None:
        """Stop listening; send 421 to idle sessions at once, and to the others after their transaction.

        `grace`, in seconds, is how long an open transaction may go on. A commit is not cut short.
        """
        for server in self._servers:
            server.close()
        for receiver in list(self._sessions):
            receiver.leave(at_once=False)
        await self._wait_until_empty(grace)
        for receiver in list(self._sessions):
            receiver.leave(at_once=True)
        if self.awaited:
            await asyncio.wait(self.awaited, timeout=COMMIT_GRACE)
        await self._wait_until_empty(grace)
        for receiver in list(self._sessions):
            receiver.abort()
        for server in self._servers:
            await server.wait_closed()

    async def _wait_until_empty(self, seconds: float) -> None:
        self._empty.clear()
        if self._sessions:
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
    plaintext_auth: bool = False,
    postmaster: Address | None = None,
) -> Server:
    """Listen on all of `listeners` and serve them with `service`; `postroad.smtp.server` shows a call.

    `extensions` are those that it knows; each listener offers those that go there. `postmaster` is what
    `RCPT TO:<Postmaster>` means (RFC 5321 §4.1.1.3), an address that the service knows; without it, postmaster at
    `hostname`. Raises `OSError` where a port cannot be bound, and then listens on
    none, and `ValueError` for a port of implicit TLS without `tls`.
    """
    limits = limits or Limits()
    if tls is None and any(listener.purpose is Purpose.SUBMISSIONS for listener in listeners):
        raise ValueError("submissions (RFC 8314) is TLS from the first octet: it needs a TLS context")
    server = Server(service, limits, content_directory, tls)
    try:
        for listener in listeners:
            profile = Profile(
                hostname=hostname,
                limits=limits,
                postmaster=postmaster or Address("postmaster", hostname),
                extensions=extensions,
                starttls=tls is not None and listener.purpose is not Purpose.SUBMISSIONS,
                auth=listener.purpose is not Purpose.TRANSFER,
                plaintext_auth=plaintext_auth,
            )
            await server.listen(listener, profile)
    except OSError:
        await server.close(grace=0)
        raise
    return server
