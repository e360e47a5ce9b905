"""8BITMIME (RFC 6152): content with octets above 127, and the parameter that says so."""

from __future__ import annotations

from typing import TYPE_CHECKING

from postroad.mail.envelope import BodyType
from postroad.smtp.client.outcome import failed
from postroad.smtp.extensions.extension import Extension, Parameter
from postroad.smtp.server.commands import PARAMETER_SYNTAX, CommandError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from postroad.smtp.client.events import Transaction
    from postroad.smtp.client.outcome import Failed


def _parse(value: str | None) -> BodyType:
    # RFC 6152 §2: body-value ::= "7BIT" / "8BITMIME"
    try:
        return BodyType((value or "").upper())
    except ValueError as error:
        raise CommandError(PARAMETER_SYNTAX) from error


def _with_mail(transaction: Transaction, _offered: str) -> str | None:
    if transaction.eight_bit:  # even if the message came as BODY=7BIT
        return f"BODY={BodyType.EIGHT_BIT_MIME}"
    body = transaction.envelope.body
    return f"BODY={body}" if body is not None else None


def _obstacle(transaction: Transaction, offered: str | None, server: str) -> Sequence[Failed] | None:
    if offered is not None or not transaction.eight_bit or transaction.envelope.body is not BodyType.EIGHT_BIT_MIME:
        return None
    # RFC 6152 §3: convert it, or treat it as a permanent error. We never change a message.
    why = f"{server} does not take 8-bit content (no 8BITMIME)"
    return [failed("5.6.3", why, server)] * len(transaction.envelope.recipients)


EIGHT_BIT_MIME = Extension(
    keyword="8BITMIME",
    rfc="RFC 6152",
    offer=lambda _profile, _session: "8BITMIME",
    mail=(Parameter("BODY", _parse, "body"),),
    mail_line=17,  # RFC 6152 §2 (4)
    with_mail=_with_mail,
    obstacle=_obstacle,
)
