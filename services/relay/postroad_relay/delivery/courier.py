"""Carries messages to servers: tries the hosts of a route in order, and keeps sessions open for the next message.

A session that has done its work is kept for a while, so that thousands of queued messages go over few of them.
TLS is opportunistic (RFC 7435): used where it is offered, whatever the certificate, and given up where the
handshake fails, because the alternative would be plaintext anyway.
"""

from __future__ import annotations

import asyncio
import os
from collections import deque
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from postroad.clock import Clock
from postroad.smtp.client import Finished
from postroad.smtp.client.outcome import Deferred, Delivered, Failed, Outcome, deferred
from postroad.smtp.client.session import Session, TlsFailedError

if TYPE_CHECKING:
    import ssl
    from collections.abc import Callable, Sequence

    from postroad.clock import Timer
    from postroad.smtp.client import Transaction
    from postroad_relay.delivery.routing import IPAddress, Route, Target
    from postroad_relay.queue.spool import Stored

SESSIONS = 20  # to one address at a time
IDLE = 30.0  # seconds that a session is kept for the next message; servers wait 5 minutes (RFC 5321 §4.5.3.2.7)
PLAINTEXT_FOR = 300.0  # seconds that a server whose TLS failed is spared it


@dataclass(frozen=True, slots=True)
class Attempt:
    """What an attempt came to: an outcome for each recipient; whether any server would talk to us at all."""

    outcomes: tuple[Outcome, ...]
    reached: bool


class _Peer:
    """The sessions to one address."""

    __slots__ = ("idle", "open", "plaintext_until", "waiters")

    def __init__(self) -> None:
        self.idle: list[Session] = []
        self.open = 0  # in use or idle
        self.waiters: deque[asyncio.Future[None]] = deque()
        self.plaintext_until = 0.0  # seconds of the clock


class Courier:
    """Delivers over SMTP; one a process."""

    def __init__(self, hostname: str, port: int, tls: ssl.SSLContext | None, *, sessions: int = SESSIONS) -> None:
        self.hostname = hostname
        self._port = port
        self._tls = tls
        self._clock = Clock()
        self._limit = sessions
        self._peers: dict[IPAddress, _Peer] = {}  # no more than the private network has addresses
        self._sweeper: Timer | None = None

    async def deliver(
        self,
        route: Route,
        transaction: Transaction,
        stored: Stored,
        attempted: Callable[[Session], None],
    ) -> Attempt:
        """Try the servers of a route in order (RFC 5321 §5.1) until each recipient has a final outcome.

        `attempted` is told of each session that a transaction is begun on. Raises `SpoolError` where the content
        can't be read.
        """
        count = len(transaction.envelope.recipients)
        outcomes: list[Outcome | None] = [None] * count
        pending = list(range(count))
        reached = False
        for target in route.targets:
            while pending:
                some = transaction if len(pending) == count else _only(transaction, pending)
                result = await self._try(target, some, stored, attempted)
                if not isinstance(result, Finished):
                    for index in pending:
                        # One server that will have nothing to do with us decides nothing while another may come back.
                        if isinstance(result, Deferred) or not isinstance(outcomes[index], Deferred):
                            outcomes[index] = _weightier(outcomes[index], result)
                    break
                reached = True
                for index, outcome in zip(pending, result.outcomes, strict=True):
                    outcomes[index] = _weightier(outcomes[index], outcome)
                delivered = any(isinstance(outcome, Delivered) for outcome in result.outcomes)
                if result.uncertain:
                    # The server may have the message. RFC 5321 §4.5.4.2 wants it sent again, but later: at once it
                    # would all but surely be a duplicate.
                    return Attempt(_all(outcomes), reached)
                surplus = [index for index in pending if _is_surplus(outcomes[index])]
                pending = [index for index in pending if isinstance(outcomes[index], Deferred)]
                if not (delivered and surplus):
                    break
                # RFC 5321 §4.5.3.1.10: 452 means too many recipients for one transaction: the rest go in the next.
            if not pending:
                break
        return Attempt(_all(outcomes), reached)

    async def _try(
        self, target: Target, transaction: Transaction, stored: Stored, attempted: Callable[[Session], None]
    ) -> Finished | Deferred | Failed:
        """Make the transaction over a session with the target; an outcome alone where no session comes about."""
        while True:
            session = await self._session(target)
            if not isinstance(session, Session):
                return session
            attempted(session)
            reused = session.used
            try:
                finished = await session.run(transaction, stored)
            finally:
                self._give_back(session)
            if finished.lost and reused and not finished.uncertain and not _has_reply(finished):
                continue  # the server had closed the idle session: that tells nothing about this message
            return finished

    # -- sessions ---------------------------------------------------------------------------------------------

    async def _session(self, target: Target) -> Session | Deferred | Failed:
        peer = self._peers.setdefault(target.address, _Peer())
        while peer.open >= self._limit and not peer.idle:
            waiter: asyncio.Future[None] = asyncio.get_running_loop().create_future()
            peer.waiters.append(waiter)
            try:
                await waiter
            except asyncio.CancelledError:
                if waiter.done() and not waiter.cancelled():
                    _wake_next(peer)
                raise
        while peer.idle:
            session = peer.idle.pop()
            if session.is_ready:
                return session
            peer.open -= 1
        return await self._open(target, peer)

    async def _open(self, target: Target, peer: _Peer) -> Session | Deferred | Failed:
        peer.open += 1
        time = self._clock.monotonic
        session = Session(target, self.hostname, self._tls if time() >= peer.plaintext_until else None, self._clock)
        try:
            try:
                refused = await session.open(self._port)
            except TlsFailedError:
                peer.plaintext_until = time() + PLAINTEXT_FOR
                session = Session(target, self.hostname, None, self._clock)
                refused = await session.open(self._port)
        except OSError as error:
            return deferred("4.4.1", f"connect to {target}: {_words(error)}", str(target))
        else:
            return session if refused is None else refused.outcome
        finally:
            if not session.is_ready:
                session.abort()
                peer.open -= 1
                _wake_next(peer)

    def _give_back(self, session: Session) -> None:
        peer = self._peers[session.target.address]
        if session.is_ready:
            session.idle_since = self._clock.monotonic()
            peer.idle.append(session)
            if self._sweeper is None:
                self._sweeper = self._clock.call_later(IDLE, self._sweep)
        else:
            session.abort()
            peer.open -= 1
        _wake_next(peer)

    def _sweep(self) -> None:
        """Take leave of sessions that nobody has needed."""
        self._sweeper = None
        limit = self._clock.monotonic() - IDLE
        left = False
        for peer in self._peers.values():
            # The last used come first to be used again, so the longest idle stand in front.
            while peer.idle and (peer.idle[0].idle_since <= limit or not peer.idle[0].is_ready):
                peer.idle.pop(0).leave()
                peer.open -= 1
            left = left or bool(peer.idle)
        if left:
            self._sweeper = self._clock.call_later(IDLE / 4, self._sweep)

    def close(self) -> None:
        """Take leave of every idle session."""
        if self._sweeper is not None:
            self._sweeper.cancel()
        for peer in self._peers.values():
            for session in peer.idle:
                session.leave()
            peer.idle.clear()


def _wake_next(peer: _Peer) -> None:
    while peer.waiters:
        waiter = peer.waiters.popleft()
        if not waiter.done():
            waiter.set_result(None)
            return


def _only(transaction: Transaction, indexes: Sequence[int]) -> Transaction:
    return replace(transaction, envelope=transaction.envelope.only(indexes))


def _weightier(old: Outcome | None, new: Outcome) -> Outcome:
    """Return which of two servers' answers counts: what is final, then what may go well later, then words."""
    if old is None or isinstance(new, Delivered):
        return new
    if isinstance(old, Deferred) and isinstance(new, Deferred) and old.reply is not None and new.reply is None:
        return old
    return new


def _is_surplus(outcome: Outcome | None) -> bool:
    return (
        isinstance(outcome, Deferred)
        and outcome.reply is not None
        and outcome.reply.code in {452, 552}
        and outcome.command == "RCPT TO"
        and (outcome.reply.status is None or outcome.reply.status.subject == 5)
    )


def _has_reply(finished: Finished) -> bool:
    return any(isinstance(outcome, Delivered) or outcome.reply is not None for outcome in finished.outcomes)


def _all(outcomes: Sequence[Outcome | None]) -> tuple[Outcome, ...]:
    return tuple(outcome for outcome in outcomes if outcome is not None)


def _words(error: OSError) -> str:
    if isinstance(error, TimeoutError) and error.errno is None:
        return "timeout"
    return os.strerror(error.errno) if error.errno else str(error)
