"""Common to LOGIN and AUTHENTICATE: who may send a password, how failures are answered and logged."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING

from postroad.world.guesses import TooManyGuesses
from postroad_store.imap.states import State

if TYPE_CHECKING:
    from postroad_store.imap.session import Session

log = logging.getLogger(__name__)

MAX_FAILURES = 5  # failed logins of one connection

PRIVACY = b"NO [PRIVACYREQUIRED] Plaintext authentication disallowed on non-secure (SSL/TLS) connections."
FAILED = b"NO [AUTHENTICATIONFAILED] Authentication failed."
TOO_MANY_GUESSES = b"NO [UNAVAILABLE] Too many failed logins, try again later."  # RFC 5530 §3
UNSUPPORTED = b"NO [CANNOT] Unsupported authentication mechanism."


def may_send_password(session: Session) -> bool:
    """Return False if the connection is in plaintext, unless the settings allow that (RFC 3501 §11.2)."""
    return session.engine.secure or session.shared.plaintext_auth


async def log_in(session: Session, tag: bytes, command: str, login: str, password: str) -> None:
    """Check the login name and the password of a command, and complete it."""
    shared = session.shared
    try:
        account = await shared.accounts.authenticate(login, password, session.connection.peer)
    except TooManyGuesses:
        _refuse(session, tag, command, TOO_MANY_GUESSES, login=login)
        return
    if account is None:
        _fail(session, tag, command, login)
        return
    session.account = await shared.storage.account(account.login)
    session.engine.offer = shared.offer_to(account.login)
    session.engine.enter(State.AUTHENTICATED)
    session.connection.logged_in()
    log.info("imap login", extra={"login": account.login, "command": command, "peer": session.connection.peer})
    # RFC 3501 §6.2.3: the capabilities may have changed; the client need not ask.
    session.engine.complete(tag, b"OK [CAPABILITY %b] Logged in" % b" ".join(session.capabilities()))


def _fail(session: Session, tag: bytes, command: str, login: str) -> None:
    """Answer a failed login, no more than `MAX_FAILURES` times."""
    # RFC 3501 §11.2: the error does not say what was wrong.
    _refuse(session, tag, command, FAILED, login=login)
    session.failures += 1
    if session.failures >= MAX_FAILURES:
        session.engine.bye(b"Too many failed logins.")
        session.engine.close()


def refuse_plaintext(session: Session, tag: bytes, command: str) -> None:
    """Refuse a password that came in plaintext."""
    _refuse(session, tag, command, PRIVACY)


def unsupported(session: Session, tag: bytes, mechanism: bytes) -> None:
    """Refuse a SASL mechanism that is not offered."""
    _refuse(session, tag, f"AUTHENTICATE {mechanism.decode('ascii')}", UNSUPPORTED)


def _refuse(session: Session, tag: bytes, command: str, reply: bytes, **more: str) -> None:
    """Answer, and leave a line in the log."""
    details = {"reply": reply.decode("ascii"), "peer": session.connection.peer, **more}
    log.info("imap login failed", extra={"command": command, **details})
    session.shared.refusals.record("AUTH", port="imap", **details)
    session.engine.complete(tag, reply)
