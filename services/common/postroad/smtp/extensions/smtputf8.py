"""SMTPUTF8 (RFC 6531): addresses and header fields in UTF-8."""

from __future__ import annotations

from typing import TYPE_CHECKING

from postroad.smtp.client.outcome import failed
from postroad.smtp.extensions.extension import Extension, Parameter
from postroad.smtp.server.commands import PARAMETER_SYNTAX, CommandError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from postroad.smtp.client.events import Transaction
    from postroad.smtp.client.outcome import Failed


def _parse(value: str | None) -> bool:
    if value is not None:  # RFC 6531 §3.4: the parameter takes no value
        raise CommandError(PARAMETER_SYNTAX)
    return True


def _with_mail(transaction: Transaction, _offered: str) -> str | None:
    # RFC 6531 §3.4: the parameter MUST be there when the message needs it, and SHOULD NOT when it does not.
    envelope = transaction.envelope
    if not envelope.smtputf8:
        return None
    path = envelope.reverse_path
    needed = (
        transaction.utf8_header
        or (path is not None and not path.is_ascii)
        or any(not recipient.address.is_ascii for recipient in envelope.recipients)
    )
    return "SMTPUTF8" if needed else None


def _obstacle(transaction: Transaction, offered: str | None, server: str) -> Sequence[Failed | None] | None:
    envelope = transaction.envelope
    if offered is not None or not envelope.smtputf8:
        return None
    # RFC 6531 §3.5: an internationalized message MUST NOT go to a server without SMTPUTF8.
    if transaction.utf8_header:
        why = f"{server} does not take internationalized header fields (no SMTPUTF8)"
        return [failed("5.6.9", why, server)] * len(envelope.recipients)
    no_path = failed("5.6.7", f"{server} does not take non-ASCII addresses (no SMTPUTF8)", server)
    path = envelope.reverse_path
    if path is not None and not path.local_part.isascii():
        return [no_path] * len(envelope.recipients)
    return [None if recipient.address.local_part.isascii() else no_path for recipient in envelope.recipients]


SMTPUTF8 = Extension(
    keyword="SMTPUTF8",
    rfc="RFC 6531",
    offer=lambda _profile, _session: "SMTPUTF8",
    mail=(Parameter("SMTPUTF8", _parse, "smtputf8"),),
    mail_line=10,  # RFC 6531 §3.1 (7)
    with_mail=_with_mail,
    path=str,  # RFC 6531 §3.7: U-labels where it is supported, otherwise A-labels
    obstacle=_obstacle,
)
