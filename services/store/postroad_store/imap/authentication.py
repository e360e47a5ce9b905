"""What LOGIN and AUTHENTICATE have in common: who may log in, what a failure costs, and what is logged."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING

from postroad_store.imap.states import State

if TYPE_CHECKING:
    from postroad_store.imap.session import Session

log = logging.getLogger(__name__)

MAX_FAILURES = 5  # failed logins of one connection
MAX_DELAY = 30.0  # seconds

PRIVACY = b"NO [PRIVACYREQUIRED] Plaintext authentication disallowed on non-secure (SSL/TLS) connections."
FAILED = b"NO [AUTHENTICATIONFAILED] Authentication failed."
UNSUPPORTED = b"NO [CANNOT] Unsupported authentication mechanism."


def may_send_password(session: Session) -> bool:
    """Return False if anyone can listen, unless the settings have it so (RFC 3501 §11.2)."""
    return session.engine.secure or session.shared.plaintext_auth


async def log_in(session: Session, tag: bytes, command: str, userid: bytes, password: bytes) -> None:
    """Complete a command with the name and the password that it has brought."""
    shared = session.shared
    try:
        account = await shared.accounts.authenticate(userid.decode("utf-8"), password.decode("utf-8"))
    except UnicodeDecodeError:
        account = None
    if account is None:
        await refuse(session, tag, command, userid)
        return
    session.account = await shared.storage.account(account.login)
    session.engine.enter(State.AUTHENTICATED)
    log.info("imap login", extra={"login": account.login, "command": command, "peer": session.connection.peer})
    # RFC 3501 §6.2.3: the capabilities may have changed; the client need not ask.
    session.engine.complete(tag, b"OK [CAPABILITY %b] Logged in" % b" ".join(session.capabilities()))


async def refuse(session: Session, tag: bytes, command: str, userid: bytes) -> None:
    """Answer a failed login, later each time, and no more than `MAX_FAILURES` times."""
    # RFC 3501 §11.2: the error does not say what was wrong.
    _log_refusal(session, command, FAILED, login=userid.decode("utf-8", "replace"))
    delay = session.shared.authentication_delay * 2**session.failures
    session.failures += 1
    await session.shared.clock.sleep(min(delay, MAX_DELAY))
    session.engine.complete(tag, FAILED)
    if session.failures >= MAX_FAILURES:
        session.engine.bye(b"Too many failed logins.")
        session.engine.close()


def refuse_plaintext(session: Session, tag: bytes, command: str) -> None:
    """Refuse a password that anyone could have read."""
    _log_refusal(session, command, PRIVACY)
    session.engine.complete(tag, PRIVACY)


def unsupported(session: Session, tag: bytes, mechanism: bytes) -> None:
    """Refuse a SASL mechanism that is not offered."""
    _log_refusal(session, f"AUTHENTICATE {mechanism.decode('ascii', 'replace')}", UNSUPPORTED)
    session.engine.complete(tag, UNSUPPORTED)


def _log_refusal(session: Session, command: str, reply: bytes, **more: str) -> None:
    told = {"command": command, "reply": reply.decode("ascii"), "peer": session.connection.peer, **more}
    log.info("imap login failed", extra=told)
