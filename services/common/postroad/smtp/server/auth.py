"""SMTP's part of a SASL exchange (RFC 4954 §4): AUTH's argument, the 334 challenge, and the replies that refuse."""

from __future__ import annotations

import base64
from typing import TYPE_CHECKING

from postroad.mail.reply import Reply, reply
from postroad.sasl import mechanism as sasl
from postroad.smtp.server.commands import CommandError

if TYPE_CHECKING:
    from collections.abc import Mapping

AUTHENTICATED = reply(235, "2.7.0", "Authentication successful")
# RFC 4954 §4: 501 for "*", for a response that is not BASE64 (5.5.2), and for one that the mechanism refuses
CANCELLED = reply(501, "5.7.0", "Authentication cancelled")
NOT_BASE64 = reply(501, "5.5.2", "Response is not BASE64")
MALFORMED = reply(501, "5.5.2", "Response is not as the mechanism wants it")
UNASKED = reply(501, "5.7.0", "The mechanism takes no initial response")  # RFC 4954 §4: "SHOULD return [...] 5.7.0"
EXCHANGE_TOO_LONG = reply(500, "5.5.6", "Authentication exchange line is too long")
MECHANISM_UNKNOWN = reply(504, "5.5.4", "Authentication mechanism not supported")
AUTH_SYNTAX = reply(501, "5.5.4", "Syntax error: AUTH mechanism [initial-response]")

_REFUSALS: Mapping[type[sasl.SaslError], Reply] = {
    sasl.CancelledError: CANCELLED,
    sasl.Base64Error: NOT_BASE64,
    sasl.MalformedError: MALFORMED,
    sasl.UnaskedError: UNASKED,
}


def parse_auth(argument: bytes) -> tuple[str, bytes | None]:
    """Return the mechanism in capitals and the initial response of `AUTH`, in BASE64; raises `CommandError`."""
    mechanism, space, initial = argument.partition(b" ")
    if not mechanism or (space and not initial):
        raise CommandError(AUTH_SYNTAX)
    return mechanism.decode("ascii", "replace").upper(), initial if space else None


def decode_initial(initial: bytes | None) -> bytes | None:
    """Decode an initial response; raises `CommandError`."""
    # RFC 4954 §4: "=" is an initial response of no octets
    return initial if initial is None else b"" if initial == b"=" else decode_response(initial)


def decode_response(line: bytes) -> bytes:
    """Decode a line of the client; raises `CommandError` for `*` and for anything that is not BASE64."""
    try:
        return sasl.decode_response(line)
    except sasl.SaslError as error:
        raise CommandError(_REFUSALS[type(error)]) from error


def step(exchange: sasl.Exchange, response: bytes | None) -> bytes | sasl.Claim:
    """Take one step of the exchange; raises `CommandError` if it ends without a claim."""
    try:
        return exchange.step(response)
    except sasl.SaslError as error:
        raise CommandError(_REFUSALS[type(error)]) from error


def end(exchange: sasl.Exchange, response: bytes) -> None:
    """Give the response to the last challenge to the exchange; raises `CommandError`."""
    try:
        exchange.end(response)
    except sasl.SaslError as error:
        raise CommandError(_REFUSALS[type(error)]) from error


def encode_challenge(challenge: bytes) -> bytes:
    """Return the 334 reply with the challenge; an empty one keeps the space after the code (RFC 4954 §4)."""
    return b"334 " + base64.b64encode(challenge) + b"\r\n"
