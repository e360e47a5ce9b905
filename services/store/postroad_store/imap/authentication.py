"""Common to LOGIN and AUTHENTICATE: who may send a password, how failures are answered and logged."""

from __future__ import annotations

import logging
from dataclasses import dataclass
from typing import TYPE_CHECKING, NamedTuple

from postroad.tap import LoggedIn
from postroad.world.guesses import NotAllowed, TooManyGuesses
from postroad_store.imap.states import State

if TYPE_CHECKING:
    from postroad.sasl.mechanism import Claim, Exchange
    from postroad.world.world import Account
    from postroad_store.imap.session import Session

log = logging.getLogger(__name__)

MAX_FAILURES = 5  # failed logins of one connection

PRIVACY = b"NO [PRIVACYREQUIRED] Plaintext authentication disallowed on non-secure (SSL/TLS) connections."
FAILED = b"NO [AUTHENTICATIONFAILED] Authentication failed."
NOT_ALLOWED = b"NO [AUTHORIZATIONFAILED] Authorization failed."  # RFC 5530 §3
TOO_MANY_GUESSES = b"NO [UNAVAILABLE] Too many failed logins, try again later."  # RFC 5530 §3
UNSUPPORTED = b"NO [CANNOT] Unsupported authentication mechanism."


class Verdict(NamedTuple):
    """What has become of a claim: the account that the client may act as, or the reply that refuses it."""

    claim: Claim
    account: Account | None
    reply: bytes = FAILED


@dataclass(slots=True)
class Underway:
    """An exchange of AUTHENTICATE; its verdict waits for the client's response to the mechanism's last word."""

    command: str
    exchange: Exchange
    verdict: Verdict | None = None


def may_send_password(session: Session) -> bool:
    """Return False if the connection is in plaintext, unless the settings allow that (RFC 3501 §11.2)."""
    return session.engine.secure or session.shared.plaintext_auth


async def judge(session: Session, claim: Claim) -> Verdict:
    """Check a claim."""
    try:
        account = await session.shared.accounts.authenticate(claim, session.connection.peer)
    except TooManyGuesses:
        return Verdict(claim, None, TOO_MANY_GUESSES)
    except NotAllowed:
        return Verdict(claim, None, NOT_ALLOWED)
    return Verdict(claim, account)


async def conclude(session: Session, tag: bytes, command: str, verdict: Verdict) -> None:
    """Complete the command that brought a claim."""
    claim, account, reply = verdict
    facts = claim.facts | {"command": command}
    if account is None:
        _refuse(session, tag, reply, **facts)
        if reply is not TOO_MANY_GUESSES:
            _count_failure(session)
        return
    session.account = await session.shared.storage.account(account.login)
    session.engine.make_offer(session.shared.offer_to(account.login))
    session.engine.enter(State.AUTHENTICATED)
    session.connection.logged_in(account.login)
    session.connection.note(LoggedIn(account.login, session.shared.accounts.world_id(account.login)))
    log.info("imap login", extra=facts | {"login": account.login, "peer": session.connection.peer})
    # RFC 3501 §6.2.3: the capabilities may have changed; the client need not ask.
    session.engine.complete(tag, b"OK [CAPABILITY %b] Logged in" % session.capabilities())


async def log_in(session: Session, tag: bytes, command: str, claim: Claim) -> None:
    """Check the claim of a command, and complete it."""
    await conclude(session, tag, command, await judge(session, claim))


def _count_failure(session: Session) -> None:
    """Close the connection after `MAX_FAILURES` failed logins."""
    session.failures += 1
    if session.failures >= MAX_FAILURES:
        session.engine.bye(b"Too many failed logins.")
        session.engine.close()


def refuse_plaintext(session: Session, tag: bytes, command: str) -> None:
    """Refuse a password that came in plaintext."""
    _refuse(session, tag, PRIVACY, command=command)


def unsupported(session: Session, tag: bytes, command: str) -> None:
    """Refuse a SASL mechanism that is not offered."""
    _refuse(session, tag, UNSUPPORTED, command=command)


def _refuse(session: Session, tag: bytes, reply: bytes, *, command: str, **more: str) -> None:
    """Answer, and leave a line in the log."""
    # RFC 3501 §11.2: the error does not say what was wrong.
    details = {"reply": reply.decode("ascii"), "peer": session.connection.peer, **more}
    log.info("imap login failed", extra={"command": command, **details})
    session.shared.refusals.record("AUTH", port="imap", **details)
    session.engine.complete(tag, reply)
