"""TOY, an extension that is made up: all that one consists of, in one file.

TOY with a number in EHLO; MAIL takes COLOUR=word, RCPT takes WRAP, which needs a COLOUR and goes on no longer line than
12 octets allow; a verb TOY says the colour. The client passes both on, and will not bring gifts to a server without it.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from postroad.mail.reply import Reply, reply
from postroad.smtp.client.outcome import failed
from postroad.smtp.client.verbs import Command
from postroad.smtp.client.verbs import Verb as ClientVerb
from postroad.smtp.extensions import Extension, Parameter
from postroad.smtp.server.commands import PARAMETER_SYNTAX, CommandError
from postroad.smtp.server.sequence import IN_TRANSACTION, Verb

if TYPE_CHECKING:
    from collections.abc import Sequence

    from postroad.mail.envelope import Envelope, Recipient
    from postroad.smtp.client.engine import Client
    from postroad.smtp.client.events import Transaction
    from postroad.smtp.client.outcome import Failed
    from postroad.smtp.server.engine import Engine
    from postroad.smtp.server.profile import Profile
    from postroad.smtp.server.service import Session

NO_COLOUR = reply(501, "5.5.4", "WRAP needs a COLOUR")
TOO_BRIGHT = reply(550, "5.7.1", "Pink goes over TLS alone")


def _colour(value: str | None) -> str:
    if value is None or not re.fullmatch("[a-z]+", value):
        raise CommandError(PARAMETER_SYNTAX)
    return value


def _wrap(value: str | None) -> None:
    if value is not None:
        raise CommandError(PARAMETER_SYNTAX)


def colour_of(envelope: Envelope) -> str | None:
    return dict(envelope.parameters).get("COLOUR")


def wrapped(recipient: Recipient) -> bool:
    return "WRAP" in dict(recipient.parameters)


def _check_colour(envelope: Envelope, _profile: Profile, session: Session) -> Reply | None:
    return TOO_BRIGHT if colour_of(envelope) == "pink" and session.tls_version is None else None


def _check_wrap(_recipient: Recipient, envelope: Envelope, _profile: Profile, _session: Session) -> Reply | None:
    return None if colour_of(envelope) else NO_COLOUR


def _say(engine: Engine, _argument: bytes) -> None:
    engine.say(reply(250, "2.0.0", colour_of(engine.envelope) or "none"))


def _obstacle(transaction: Transaction, offered: str | None, server: str) -> Sequence[Failed | None] | None:
    if offered is not None or colour_of(transaction.envelope) is None:
        return None
    gifts = failed("5.3.3", f"{server} takes no gifts (no TOY)", server)
    return [gifts if wrapped(recipient) else None for recipient in transaction.envelope.recipients]


def _begin(client: Client) -> bool:
    client.command(
        Command(ClientVerb("NOOP", 300.0, lambda client, _command, _reply: client.proceed()), b"NOOP toy\r\n")
    )
    return True


TOY = Extension(
    keyword="TOY",
    rfc="none",
    offer=lambda _profile, session: "TOY 2" if session.channel.secure else "TOY 1",
    mail=(Parameter("COLOUR", _colour, check=_check_colour),),
    rcpt=(Parameter("WRAP", _wrap, check=_check_wrap),),
    mail_line=100,
    rcpt_line=12,
    verb=Verb("TOY", _say, IN_TRANSACTION),
    with_mail=lambda transaction, _offered: f"COLOUR={colour}" if (colour := colour_of(transaction.envelope)) else None,
    with_rcpt=lambda recipient, _transaction, offered: "WRAP" if wrapped(recipient) and offered == "1" else None,
    obstacle=_obstacle,
    begin=_begin,
)
