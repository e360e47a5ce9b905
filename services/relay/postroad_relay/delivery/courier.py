"""Carries messages to servers: tries the servers of a route in order, and weighs their answers."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from postroad.clock import Clock
from postroad.smtp.client.events import Finished
from postroad.smtp.client.outcome import Deferred, Delivered, Failed, Outcome
from postroad.smtp.client.session import Session
from postroad.smtp.extensions import EXTENSIONS
from postroad.value import value
from postroad_relay.delivery.pool import Pool

if TYPE_CHECKING:
    import ssl
    from collections.abc import Callable, Sequence

    from postroad.smtp.client.events import Transaction
    from postroad.smtp.extensions.extension import Extension
    from postroad.tap import Tap
    from postroad_relay.delivery.routing import Route, Target
    from postroad_relay.queue.spool import Stored

SESSIONS = 20  # with one address at a time


@value
class Attempt:
    """The result of an attempt: an outcome per recipient, and whether any server began a transaction with us."""

    outcomes: tuple[Outcome, ...]
    reached: bool


class Courier:
    """Delivers over SMTP, with one pool of sessions, at most `sessions` with one address at a time.

    `tap` hears every session. `extensions` of SMTP are used where servers offer them.
    """

    def __init__(
        self,
        hostname: str,
        port: int,
        tls: ssl.SSLContext | None,
        *,
        clock: Clock | None = None,
        sessions: int = SESSIONS,
        tap: Tap | None = None,
        extensions: tuple[Extension, ...] = EXTENSIONS,
    ) -> None:
        self._pool = Pool(hostname, port, tls, clock=clock or Clock(), limit=sessions, tap=tap, extensions=extensions)

    async def deliver(
        self,
        route: Route,
        transaction: Transaction,
        stored: Stored,
        attempted: Callable[[Session], None],
    ) -> Attempt:
        """Try the servers of a route in order (RFC 5321 §5.1) until each recipient has a final outcome.

        `attempted` is called with each session before its transaction. Raises `SpoolError` if the content can't be
        read.
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
                        # A server that refuses us as a whole is not final while another may come back.
                        if isinstance(result, Deferred) or not isinstance(outcomes[index], Deferred):
                            outcomes[index] = _weightier(outcomes[index], result)
                    break
                reached = True
                if len(pending) == count == 1 and isinstance(result.outcomes[0], Delivered):  # as most
                    return Attempt(result.outcomes, reached)
                for index, outcome in zip(pending, result.outcomes, strict=True):
                    outcomes[index] = _weightier(outcomes[index], outcome)
                delivered = any(isinstance(outcome, Delivered) for outcome in result.outcomes)
                if result.uncertain:
                    # The server may have the message. RFC 5321 §4.5.4.2 has it sent again, but later: at once it would
                    # almost certainly be a duplicate.
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
        """Make the transaction over a session with the target; return the outcome if no session can be opened."""
        while True:
            session = await self._pool.take(target)
            if not isinstance(session, Session):
                return session
            attempted(session)
            reused = session.used
            try:
                finished = await session.run(transaction, stored)
            finally:
                self._pool.give_back(session)
            if finished.lost and reused and not finished.uncertain and not _has_reply(finished):
                continue  # the server had closed the idle session, which says nothing about this message
            return finished

    def close(self) -> None:
        """End every idle session with QUIT."""
        self._pool.close()


def _only(transaction: Transaction, indexes: Sequence[int]) -> Transaction:
    return replace(transaction, envelope=transaction.envelope.only(indexes))


def _weightier(old: Outcome | None, new: Outcome) -> Outcome:
    """Return which of two servers' answers counts: a final one, then a deferral with a reply, then one without."""
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
