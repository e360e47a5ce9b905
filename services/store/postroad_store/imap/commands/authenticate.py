"""AUTHENTICATE (RFC 3501 §6.2.2) with the mechanism PLAIN (RFC 4616)."""

from __future__ import annotations

from dataclasses import dataclass, field
from types import MappingProxyType
from typing import TYPE_CHECKING

from postroad.sasl import Credentials, Plain, SaslError, decode_response
from postroad_store.imap.authentication import log_in, may_send_password, refuse_plaintext, unsupported
from postroad_store.imap.events import Command, Response
from postroad_store.imap.grammar.reader import SyntaxFault
from postroad_store.imap.spec import Capability, Spec
from postroad_store.imap.states import NONAUTH, State

if TYPE_CHECKING:
    from collections.abc import Awaitable

    from postroad_store.imap.grammar.reader import Reader
    from postroad_store.imap.session import Session
    from postroad_store.imap.spec import Conditions


def _shown(conditions: Conditions) -> bool:
    return conditions.state is State.NOT_AUTHENTICATED and (conditions.secure or conditions.plaintext_auth)


SASL_IR = Capability(b"SASL-IR", "RFC 4959")
PLAIN = Capability(b"AUTH=PLAIN", "RFC 4616", _shown)


@dataclass(frozen=True, slots=True)
class Authenticate(Command):
    """A SASL mechanism's name; `initial` is the decoded initial response (RFC 4959), if the client gave one."""

    mechanism: bytes
    initial: bytes | None = field(repr=False)  # it must not reach a log


def parse(tag: bytes, reader: Reader) -> Authenticate:
    """Take the mechanism and an initial response."""
    # authenticate = "AUTHENTICATE" SP auth-type [SP (base64 / "=")] *(CRLF base64)        (RFC 4959 §7)
    reader.space()
    mechanism = reader.keyword()
    initial = None
    if reader.offers(SASL_IR) and not reader.at_end():
        reader.space()
        word = reader.word()
        try:
            initial = b"" if word == b"=" else decode_response(word)  # RFC 4959 §3: "=" is a response of no octets
        except SaslError:
            raise SyntaxFault("Invalid base64 data") from None
    reader.end()
    return Authenticate(tag, mechanism, initial)


def handle(session: Session, command: Authenticate) -> Awaitable[None] | None:
    """Begin the exchange, or end it if the initial response is complete."""
    if command.mechanism != b"PLAIN" or not session.offers(PLAIN):
        unsupported(session, command.tag, command.mechanism)
        return None
    if not may_send_password(session):
        refuse_plaintext(session, command.tag, "AUTHENTICATE PLAIN")
        return None
    if command.initial is None:
        session.engine.challenge(command.tag, b"")
        return None
    return _plain(session, command.tag, command.initial)


def respond(session: Session, event: Response) -> Awaitable[None]:
    """Take the client's answer to the empty challenge of PLAIN."""
    return _plain(session, event.tag, event.response)


def _plain(session: Session, tag: bytes, response: bytes) -> Awaitable[None]:
    try:
        credentials = Plain().step(response)
    except SaslError:
        credentials = Credentials("", "")  # no account has these: refused as slowly as a wrong password
    assert isinstance(credentials, Credentials)  # noqa: S101 - PLAIN is one message
    return log_in(session, tag, "AUTHENTICATE PLAIN", credentials.login, credentials.password)


SPECS = (
    Spec(
        b"AUTHENTICATE",
        NONAUTH,
        Authenticate,
        parse,
        handle,
        "RFC 3501 §6.2.2",
        extensions=(SASL_IR, PLAIN),
        follow=MappingProxyType({Response: respond}),
    ),
)
