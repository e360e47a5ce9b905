"""LOGIN (RFC 3501 §6.2.3)."""

from __future__ import annotations

from dataclasses import field
from typing import TYPE_CHECKING

from postroad.sasl.mechanism import Claim
from postroad.sasl.password import Password
from postroad.value import value
from postroad_store.imap.authentication import log_in, may_send_password, refuse_plaintext
from postroad_store.imap.events import Command
from postroad_store.imap.spec import Capability, Spec
from postroad_store.imap.states import NONAUTH, State

if TYPE_CHECKING:
    from collections.abc import Awaitable

    from postroad_store.imap.grammar.reader import Reader
    from postroad_store.imap.session import Session
    from postroad_store.imap.spec import Conditions


def _shown(conditions: Conditions) -> bool:
    return conditions.state is State.NOT_AUTHENTICATED and not (conditions.secure or conditions.plaintext_auth)


LOGINDISABLED = Capability(
    b"LOGINDISABLED",
    "RFC 3501 §6.2.3",
    _shown,
    kept="LOGINDISABLED cannot be hidden, it says that passwords need TLS (see POSTROAD_PLAINTEXT_AUTH)",
)


@value
class Login(Command):
    """A name and its password."""

    userid: bytes
    password: bytes = field(repr=False)  # it must not reach a log


def parse(tag: bytes, reader: Reader) -> Login:
    """Take name and password."""
    reader.space()
    userid = reader.astring()
    reader.space()
    password = reader.astring()
    reader.end()
    return Login(tag, userid, password)


def handle(session: Session, command: Login) -> Awaitable[None] | None:
    """Log in."""
    if not may_send_password(session):
        refuse_plaintext(session, command.tag, "LOGIN")
        return None
    try:
        login, password = command.userid.decode(), command.password.decode()
    except UnicodeDecodeError:
        login = password = ""  # no account has these: refused as slowly as a wrong password
    return log_in(session, command.tag, "LOGIN", Claim("PASSWORD", login, Password(password)))


SPECS = (Spec(b"LOGIN", NONAUTH, Login, parse, handle, "RFC 3501 §6.2.3", extensions=(LOGINDISABLED,)),)
