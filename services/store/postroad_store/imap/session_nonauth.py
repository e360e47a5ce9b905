"""The commands of any state and of the not authenticated state (RFC 3501 §6.1, §6.2)."""

from __future__ import annotations

import logging
from importlib.metadata import version
from typing import TYPE_CHECKING

from postroad.sasl import Credentials, Plain, SaslError
from postroad.world.guesses import TooManyGuesses
from postroad_store.imap import commands
from postroad_store.imap.grammar import responses
from postroad_store.imap.states import State

if TYPE_CHECKING:
    from typing import Any

    from postroad_store.imap.session import Handler, Session
    from postroad_store.protocol.contract import Event

log = logging.getLogger(__name__)

MAX_FAILURES = 5  # failed logins of one connection

_ALWAYS = (b"IMAP4rev1", b"SASL-IR", b"ID", b"IDLE", b"LITERAL+")
_LOGGED_IN = (b"UNSELECT", b"CHILDREN", b"NAMESPACE", b"UIDPLUS", b"MOVE", b"SPECIAL-USE")
_PRIVACY = b"NO [PRIVACYREQUIRED] Plaintext authentication disallowed on non-secure (SSL/TLS) connections."
_FAILED = b"NO [AUTHENTICATIONFAILED] Authentication failed."
_TOO_MANY_GUESSES = b"NO [UNAVAILABLE] Too many failed logins, try again later."  # RFC 5530 §3


def capabilities(session: Session) -> list[bytes]:
    """Return what the server can do in the state that the connection is in (RFC 3501 §6.1.1)."""
    if session.engine.state is not State.NOT_AUTHENTICATED:
        return [*_ALWAYS, *_LOGGED_IN, b"APPENDLIMIT=%d" % session.service.message_size]  # RFC 7889 §3
    found = list(_ALWAYS)
    if session.service.tls and not session.engine.secure:
        found.append(b"STARTTLS")
    found.append(b"AUTH=PLAIN" if _may_send_password(session) else b"LOGINDISABLED")
    return found


def _may_send_password(session: Session) -> bool:
    # RFC 3501 §11.2: no password over a connection that anyone can listen to, unless the settings have it so.
    return session.engine.secure or session.service.plaintext_auth


def capability(session: Session, command: commands.Capability) -> None:
    """CAPABILITY."""
    session.engine.send(b"* CAPABILITY %b\r\n" % b" ".join(capabilities(session)))
    if session.engine.state is State.NOT_AUTHENTICATED:
        session.finish(command, b"OK Pre-login capabilities listed, post-login capabilities have more.")
    else:
        session.finish(command, b"OK Capability completed.")


def noop(session: Session, command: commands.Noop) -> None:
    """NOOP: tells what is new."""
    session.finish(command, b"OK NOOP completed.")


def logout(session: Session, command: commands.Logout) -> None:
    """LOGOUT."""
    session.close_view()
    session.engine.bye(b"Logging out")
    session.engine.complete(command.tag, b"OK Logout completed.")
    session.engine.close()


def ident(session: Session, command: commands.Id) -> None:
    """ID (RFC 2971)."""
    told = {name.lower(): value for name, value in command.fields or () if value}
    if b"name" in told:  # RFC 2971 §3: for statistics and the search for faults, nothing else
        name, release = (told.get(one, b"")[:100].decode("ascii", "replace") for one in (b"name", b"version"))
        log.info("imap client", extra={"client": name, "version": release, "peer": session.connection.peer})
    own = responses.string(version("postroad-store").encode("ascii"))
    session.engine.send(b'* ID ("name" "Postroad" "version" %b)\r\n' % own)
    session.finish(command, b"OK ID completed.")


def login(session: Session, command: commands.Login) -> Any:
    """LOGIN (RFC 3501 §6.2.3)."""
    if not _may_send_password(session):
        session.engine.complete(command.tag, _PRIVACY)
        return None
    return _log_in(session, command.tag, command.userid, command.password)


def authenticate(session: Session, command: commands.Authenticate) -> Any:
    """AUTHENTICATE (RFC 3501 §6.2.2), with the initial response of RFC 4959."""
    if command.mechanism != b"PLAIN":
        session.engine.complete(command.tag, b"NO [CANNOT] Unsupported authentication mechanism.")
        return None
    if not _may_send_password(session):
        session.engine.complete(command.tag, _PRIVACY)
        return None
    if command.initial is None:
        session.engine.challenge(command.tag, b"")
        return None
    return _plain(session, command.tag, command.initial)


def authenticate_response(session: Session, command: commands.AuthenticateResponse) -> Any:
    """Take the client's answer to the empty challenge of PLAIN."""
    return _plain(session, command.tag, command.response)


async def _plain(session: Session, tag: bytes, response: bytes) -> None:
    try:
        credentials = Plain().step(response)
    except SaslError:
        await _log_in(session, tag, b"", b"")  # refused as slowly as a wrong password
        return
    assert isinstance(credentials, Credentials)  # noqa: S101 - PLAIN is one message
    await _log_in(session, tag, credentials.login.encode(), credentials.password.encode())


async def _log_in(session: Session, tag: bytes, userid: bytes, password: bytes) -> None:
    service = session.service
    try:
        name, secret = userid.decode(), password.decode()
    except UnicodeDecodeError:
        name = secret = ""  # nobody's: refused as slowly as a wrong password
    try:
        account = await service.accounts.authenticate(name, secret, session.connection.peer)
    except TooManyGuesses:
        session.engine.complete(tag, _TOO_MANY_GUESSES)
        return
    if account is None:
        _refuse(session, tag, userid)
        return
    session.account = await service.storage.account(account.login)
    session.engine.enter(State.AUTHENTICATED)
    session.connection.logged_in()
    log.info("imap login", extra={"login": account.login, "peer": session.connection.peer})
    # RFC 3501 §6.2.3: the capabilities may have changed, so that the client need not ask.
    session.engine.complete(tag, b"OK [CAPABILITY %b] Logged in" % b" ".join(capabilities(session)))


def _refuse(session: Session, tag: bytes, userid: bytes) -> None:
    """Answer a failed login, no more than `MAX_FAILURES` times."""
    # RFC 3501 §11.2: the error does not say what was wrong.
    login_name = userid.decode("utf-8", "replace")
    log.info("imap login failed", extra={"login": login_name, "peer": session.connection.peer})
    session.failures += 1
    session.engine.complete(tag, _FAILED)
    if session.failures >= MAX_FAILURES:
        session.engine.bye(b"Too many failed logins.")
        session.engine.close()


HANDLERS: dict[type[Event], Handler] = {
    commands.Capability: capability,
    commands.Noop: noop,
    commands.Logout: logout,
    commands.Id: ident,
    commands.Login: login,
    commands.Authenticate: authenticate,
    commands.AuthenticateResponse: authenticate_response,
}
