"""What the SASL mechanisms have in common: the credentials, the errors, and BASE64."""

from __future__ import annotations

import base64
import re
from dataclasses import dataclass, field
from typing import Protocol

MAX_RESPONSE = 4096  # octets of BASE64: PLAIN's three parts, of up to 1,024 octets each (`credentials.MAX_PASSWORD`)

# RFC 4648 §3.2, §3.3: no character outside the alphabet, and padding at the end alone
_BASE64 = re.compile(rb"(?:[A-Za-z0-9+/]{4})*(?:[A-Za-z0-9+/]{2}==|[A-Za-z0-9+/]{3}=)?\Z")


class SaslError(Exception):
    """The exchange ends without credentials; the message says why, in words that the client may read."""


class CancelledError(SaslError):
    """The client has cancelled the exchange by `*`."""


class Base64Error(SaslError):
    """The response is not BASE64."""


class MalformedError(SaslError):
    """The response does not have the form that the mechanism prescribes."""


class NotAuthorizedError(SaslError):
    """The client asks to act for somebody else, which nobody may."""


@dataclass(frozen=True, slots=True)
class Credentials:
    """The login name that the client gives, and its password."""

    login: str
    password: str = field(repr=False)


class Mechanism(Protocol):
    """One exchange of one mechanism, seen from the server."""

    def step(self, response: bytes | None) -> bytes | Credentials:
        """Take a response, or None if the client sent no initial response; raises `SaslError`."""
        ...


def decode_response(line: bytes) -> bytes:
    """Return the octets of a response, given in BASE64; raises `CancelledError` or `Base64Error`."""
    if line == b"*":
        raise CancelledError("Authentication cancelled")
    if not _BASE64.match(line):
        raise Base64Error("Response is not BASE64")
    return base64.b64decode(line)


def text_of(response: bytes) -> str:
    """Return the text of a response; raises `MalformedError`."""
    try:
        return response.decode()
    except UnicodeDecodeError:
        raise MalformedError("Response is not UTF-8") from None
