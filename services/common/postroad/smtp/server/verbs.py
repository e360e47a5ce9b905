"""The commands of RFC 5321 §4.1.1, each a function of the engine and the command's argument.

Commands of extensions are in `postroad.smtp.extensions`; `Profile.verbs` has them all.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from postroad.mail.reply import OK, START_DATA, TOO_MANY_RECIPIENTS, reply
from postroad.smtp.server.commands import (
    COMMAND_NOT_IMPLEMENTED,
    CommandError,
    no_argument,
    parse_hello,
    parse_mail,
    parse_rcpt,
)
from postroad.smtp.server.data import MailData
from postroad.smtp.server.events import Mail, Rcpt, Refused
from postroad.smtp.server.sequence import (
    ANYTIME,
    AT_THE_END,
    IN_TRANSACTION,
    OUTSIDE_TRANSACTION,
    WITH_RECIPIENTS,
    State,
    Verb,
    never,
)

if TYPE_CHECKING:
    from postroad.smtp.server.engine import Engine
    from postroad.smtp.server.events import Event

_NOT_VERIFIED = reply(252, "2.5.0", "Cannot VRFY user, but will accept message and attempt delivery")
_VRFY_SYNTAX = reply(501, "5.5.4", "Syntax error: VRFY user")
_NEED_LHLO = reply(503, "5.5.1", "Bad sequence of commands: send LHLO first")
# RFC 2033 §4.2: without recipients, "the DATA command MUST fail with a 503 reply code"
_NO_LMTP_RECIPIENTS = reply(503, "5.5.1", "No valid recipients")
IMPROPER_PIPELINING = reply(554, "5.5.0", "Improper pipelining: a reply has to be awaited here")


def _ehlo(engine: Engine, argument: bytes) -> None:
    _hello(engine, argument, extended=True)
    engine.say(engine.profile.extended_hello(engine.session))


def _helo(engine: Engine, argument: bytes) -> None:
    _hello(engine, argument, extended=False)
    engine.say(engine.profile.hello)


def _hello(engine: Engine, argument: bytes, *, extended: bool) -> None:
    engine.session.client_name = parse_hello(argument)
    engine.session.extended = extended
    engine.reset()  # RFC 5321 §4.1.4: exactly as if a RSET command had been issued
    engine.state = State.READY


def _mail(engine: Engine, argument: bytes) -> Event:
    return engine.ask(Mail(parse_mail(argument, engine.profile, engine.session)))


def _rcpt(engine: Engine, argument: bytes) -> Event | None:
    profile = engine.profile
    envelope = engine.whole_envelope()
    recipient = parse_rcpt(argument, profile, engine.session, envelope)
    if len(envelope.recipients) >= profile.limits.recipients:
        engine.say(TOO_MANY_RECIPIENTS)  # RFC 5321 §4.5.3.1.10: 452
        return Refused("RCPT", TOO_MANY_RECIPIENTS, argument.decode())
    return engine.ask(Rcpt(envelope, recipient))


def _data(engine: Engine, argument: bytes) -> None:
    no_argument(argument)
    # RFC 2920 §3.1: DATA is the last command of its group. Octets before the 354 may be content or commands, and a
    # guess would let messages be smuggled.
    if engine.buffered:
        engine.shut_down(IMPROPER_PIPELINING)
        return
    engine.take_content(MailData(engine.profile.limits, engine.envelope.body))
    engine.say(START_DATA)


def _rset(engine: Engine, argument: bytes) -> None:
    no_argument(argument)
    engine.reset()
    engine.say(OK)


def _noop(engine: Engine, _argument: bytes) -> None:
    engine.say(OK)  # RFC 5321 §4.1.1.9: a parameter is ignored


def _quit(engine: Engine, argument: bytes) -> None:
    no_argument(argument)
    engine.shut_down(engine.profile.goodbye)


def _vrfy(engine: Engine, argument: bytes) -> None:
    if not argument:
        raise CommandError(_VRFY_SYNTAX)
    engine.say(_NOT_VERIFIED)  # RFC 5321 §3.5.3, RFC 5321 §7.3: addresses are not confirmed to everybody


def not_implemented(_engine: Engine, _argument: bytes) -> None:
    """Refuse a command that is known (RFC 5321 §4.2.4)."""
    raise CommandError(COMMAND_NOT_IMPLEMENTED)


def _help(engine: Engine, _argument: bytes) -> None:
    engine.say(
        reply(
            214,
            "2.0.0",
            "Commands: " + " ".join(engine.profile.applicable(engine.session)),
            "RFC 5321 says what they mean",
        )
    )


VERBS = (
    Verb("EHLO", _ehlo, ANYTIME),
    Verb("HELO", _helo, ANYTIME),
    Verb("MAIL", _mail, OUTSIDE_TRANSACTION, noted=True),
    Verb("RCPT", _rcpt, IN_TRANSACTION, noted=True),
    Verb("DATA", _data, WITH_RECIPIENTS),
    Verb("RSET", _rset, ANYTIME),
    Verb("NOOP", _noop, ANYTIME),
    Verb("QUIT", _quit, AT_THE_END),
    Verb("VRFY", _vrfy, ANYTIME),
    # RFC 5321 §4.1.1.7: EXPN gets 502 (RFC 5321 §3.5.2, RFC 5321 §7.3). It has a row, since RFC 5321 §4.1.4 allows it
    # in any state.
    Verb("EXPN", not_implemented, ANYTIME, applies=never),
    Verb("HELP", _help, ANYTIME),
)


def _for_lmtp(verb: Verb) -> Verb:
    refused = dict(verb.refused)
    if State.GREETED in refused:
        refused[State.GREETED] = _NEED_LHLO
    if verb.name == "DATA":
        refused[State.MAIL] = _NO_LMTP_RECIPIENTS
    return replace(verb, refused=refused)


# RFC 2033 §4.1: LHLO in place of EHLO and HELO, which are no commands there.
LMTP_VERBS = (
    Verb("LHLO", _ehlo, ANYTIME),
    *[_for_lmtp(verb) for verb in VERBS if verb.name not in {"EHLO", "HELO"}],
)
