"""AUTHENTICATE (RFC 3501 §6.2.2), with initial responses (RFC 4959); the mechanisms are those of `postroad.sasl`."""

from __future__ import annotations

from dataclasses import field
from types import MappingProxyType
from typing import TYPE_CHECKING

from postroad.sasl.mechanism import NO_PROOF, Claim, SaslError, decode_response
from postroad.sasl.server import CHECKED, Unavailable
from postroad.value import value
from postroad_store.imap.authentication import Underway, conclude, judge, refuse_plaintext, unsupported
from postroad_store.imap.events import Command, Response
from postroad_store.imap.grammar.reader import SyntaxFault
from postroad_store.imap.spec import Capability, Spec
from postroad_store.imap.states import NONAUTH, State

if TYPE_CHECKING:
    from collections.abc import Awaitable

    from postroad.sasl.offer import Mechanism
    from postroad_store.imap.grammar.reader import Reader
    from postroad_store.imap.session import Session
    from postroad_store.imap.spec import Conditions


def _capability(mechanism: Mechanism) -> Capability:
    """Return the capability by which a mechanism is announced, where it can be used."""

    def shown(conditions: Conditions) -> bool:
        return conditions.state is State.NOT_AUTHENTICATED and mechanism.name in conditions.mechanisms

    return Capability(b"AUTH=" + mechanism.name.encode("ascii"), mechanism.rfc, shown)


SASL_IR = Capability(b"SASL-IR", "RFC 4959")
MECHANISMS = {mechanism.name: _capability(mechanism) for mechanism in CHECKED}


@value
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
    name = command.mechanism.decode("ascii")
    words, capability = f"AUTHENTICATE {name}", MECHANISMS.get(name)
    if capability is None or not session.offers(capability):
        unsupported(session, command.tag, words)
        return None
    try:
        exchange = session.shared.sasl.begin(name, session.connection.channel)
    except Unavailable as unavailable:
        (refuse_plaintext if unavailable.private else unsupported)(session, command.tag, words)
        return None
    session.exchange = underway = Underway(words, exchange)
    return _step(session, command.tag, underway, command.initial)


def respond(session: Session, event: Response) -> Awaitable[None] | None:
    """Go on with the client's response."""
    underway = session.exchange
    if underway is None:
        raise RuntimeError("the engine let a response through")
    if underway.verdict is None:
        return _step(session, event.tag, underway, event.response)
    verdict = underway.verdict
    try:
        underway.exchange.end(event.response)
    except SaslError:
        verdict = verdict._replace(account=None)
    session.exchange = None
    return conclude(session, event.tag, underway.command, verdict)


def _step(session: Session, tag: bytes, underway: Underway, response: bytes | None) -> Awaitable[None] | None:
    try:
        answer = underway.exchange.step(response)
    except SaslError:
        answer = Claim(underway.command.split()[1], "", NO_PROOF)  # refused as slowly as a wrong password
    if isinstance(answer, Claim):
        return _judge(session, tag, underway, answer)
    session.engine.challenge(tag, answer)
    return None


async def _judge(session: Session, tag: bytes, underway: Underway, claim: Claim) -> None:
    verdict = await judge(session, claim)
    last = underway.exchange.judged(accepted=verdict.account is not None)
    if last is None:
        session.exchange = None
        await conclude(session, tag, underway.command, verdict)
        return
    # RFC 3501 §6.2.2 has no place for data in the outcome: the client answers the last challenge by an empty response.
    underway.verdict = verdict
    session.engine.challenge(tag, last)


SPECS = (
    Spec(
        b"AUTHENTICATE",
        NONAUTH,
        Authenticate,
        parse,
        handle,
        "RFC 3501 §6.2.2",
        extensions=(SASL_IR, *MECHANISMS.values()),
        follow=MappingProxyType({Response: respond}),
    ),
)
