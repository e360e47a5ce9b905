"""Sessions with servers, kept open for the next message, so that thousands of messages go over few of them.

TLS is opportunistic (RFC 7435): it is used if it is offered, whatever the certificate, and given up if the handshake
fails, because the alternative would be plaintext anyway.
"""

from __future__ import annotations

import asyncio
import os
from collections import deque
from typing import TYPE_CHECKING

from postroad.smtp.client.outcome import Deferred, Failed, deferred
from postroad.smtp.client.session import Session, TlsFailedError
from postroad.smtp.extensions import EXTENSIONS

if TYPE_CHECKING:
    import ssl

    from postroad.clock import Clock, Timer
    from postroad.smtp.extensions.extension import Extension
    from postroad.tap import Tap
    from postroad_relay.delivery.routing import IPAddress, Target

IDLE = 30.0  # seconds that a session is kept for the next message; servers wait 5 minutes (RFC 5321 §4.5.3.2.7)
PLAINTEXT_FOR = 300.0  # seconds until TLS is tried again with a server whose handshake failed


class _Peer:
    """The sessions with one address."""

    __slots__ = ("idle", "open", "plaintext_until", "waiters")

    def __init__(self) -> None:
        self.idle: list[Session] = []  # the one used last at the end
        self.open = 0  # in use or idle
        self.waiters: deque[asyncio.Future[None]] = deque()
        self.plaintext_until = 0.0  # seconds of the monotonic clock

    def wake_next(self) -> None:
        """Let the next waiter go on: a session is idle, or one may be opened."""
        while self.waiters:
            waiter = self.waiters.popleft()
            if not waiter.done():
                waiter.set_result(None)
                return


class Pool:
    """Opens sessions, at most `limit` with one address at a time, and keeps those that have done their work.

    `tap` hears every one. `extensions` of SMTP are used where servers offer them.
    """

    def __init__(
        self,
        hostname: str,
        port: int,
        tls: ssl.SSLContext | None,
        *,
        clock: Clock,
        limit: int,
        tap: Tap | None = None,
        extensions: tuple[Extension, ...] = EXTENSIONS,
    ) -> None:
        self._hostname = hostname
        self._port = port
        self._tls = tls
        self._clock = clock
        self._limit = limit
        self._tap = tap
        self._extensions = extensions
        self._peers: dict[IPAddress, _Peer] = {}  # bounded by the addresses of the private network
        self._sweeper: Timer | None = None

    async def take(self, target: Target) -> Session | Deferred | Failed:
        """Return a session with the target, an idle one if possible; or the reason why no session can be opened."""
        peer = self._peers.setdefault(target.address, _Peer())
        while peer.open >= self._limit and not peer.idle:
            waiter: asyncio.Future[None] = asyncio.get_running_loop().create_future()
            peer.waiters.append(waiter)
            try:
                await waiter
            except asyncio.CancelledError:
                if waiter.done() and not waiter.cancelled():
                    peer.wake_next()
                raise
        while peer.idle:
            session = peer.idle.pop()
            if session.is_ready:
                return session
            peer.open -= 1
        return await self._open(target, peer)

    async def _open(self, target: Target, peer: _Peer) -> Session | Deferred | Failed:
        """Open a session; it counts against the limit from now on, unless it fails."""
        peer.open += 1
        result: Session | Deferred | Failed | None = None
        try:
            result = await self._connect(target, peer)
        except OSError as error:
            result = deferred("4.4.1", f"connect to {target}: {_words(error)}", str(target))
        finally:
            if not isinstance(result, Session):
                peer.open -= 1
                peer.wake_next()
        return result

    async def _connect(self, target: Target, peer: _Peer) -> Session | Deferred | Failed:
        """Connect with TLS, or without if its handshake fails; raises `OSError`."""
        if self._tls is not None and self._clock.monotonic() >= peer.plaintext_until:
            try:
                return await self._begin(target, self._tls)
            except TlsFailedError:
                peer.plaintext_until = self._clock.monotonic() + PLAINTEXT_FOR
        return await self._begin(target, None)

    async def _begin(self, target: Target, tls: ssl.SSLContext | None) -> Session | Deferred | Failed:
        session = Session(target, self._hostname, tls, self._clock, tap=self._tap, extensions=self._extensions)
        try:
            refused = await session.open(self._port)
        finally:
            if not session.is_ready:
                session.abort()
        return session if refused is None else refused.outcome

    def give_back(self, session: Session) -> None:
        """Take a session back after its transaction, to keep it or to close it."""
        peer = self._peers[session.target.address]
        if session.is_ready:
            session.idle_since = self._clock.monotonic()
            peer.idle.append(session)
            if self._sweeper is None:
                self._sweeper = self._clock.call_later(IDLE, self._sweep)
        else:
            session.abort()
            peer.open -= 1
        peer.wake_next()

    def _sweep(self) -> None:
        """End sessions that nobody has needed for `IDLE` seconds."""
        self._sweeper = None
        limit = self._clock.monotonic() - IDLE
        left = False
        for peer in self._peers.values():
            # The session used last is used again first, so the longest idle come first in the list.
            while peer.idle and (peer.idle[0].idle_since <= limit or not peer.idle[0].is_ready):
                peer.idle.pop(0).leave()
                peer.open -= 1
            left = left or bool(peer.idle)
        if left:
            self._sweeper = self._clock.call_later(IDLE / 4, self._sweep)

    def close(self) -> None:
        """End every idle session with QUIT."""
        if self._sweeper is not None:
            self._sweeper.cancel()
        for peer in self._peers.values():
            for session in peer.idle:
                session.leave()
            peer.idle.clear()


def _words(error: OSError) -> str:
    if isinstance(error, TimeoutError) and error.errno is None:
        return "timeout"
    return os.strerror(error.errno) if error.errno else str(error)
