"""SASL mechanisms (RFC 4422) of SMTP (RFC 4954), IMAP (RFC 3501 §6.2.2) and POP3 (RFC 5034), without I/O.

A mechanism takes the client's responses, one per step. Each step returns a challenge, or the credentials once they are
complete, or raises `SaslError`. Each protocol has its own form for challenges and responses on the wire; all three
write them in BASE64, which `decode_response` reads.

We offer PLAIN (RFC 4616) and, over SMTP, LOGIN (draft-murchison-sasl-login), because old clients know nothing else.
Mechanisms that prove a password without sending it (CRAM-MD5, SCRAM) need the password, or a verifier of their own
kind, at the server. The world's secrets may be scrypt hashes, so passwords are sent over TLS instead. They are compared
as they came.
"""

from __future__ import annotations

import base64
import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

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


class Plain:
    """PLAIN (RFC 4616 §2): one message, `[authzid] NUL authcid NUL passwd`."""

    __slots__ = ()

    def step(self, response: bytes | None) -> bytes | Credentials:
        """Take the message; the empty challenge asks for it."""
        if response is None:
            return b""
        parts = _text(response).split("\0")
        # message = [authzid] UTF8NUL authcid UTF8NUL passwd ; authcid and passwd are not empty
        if len(parts) != 3 or not parts[1] or not parts[2]:
            raise MalformedError("Response is not as PLAIN wants it")
        identity, login, password = parts
        if identity and identity.casefold() != login.casefold():
            raise NotAuthorizedError("Nobody may act for another")
        return Credentials(login, password)


class Login:
    """LOGIN: the server asks for the user name, then for the password."""

    __slots__ = ("_login",)

    def __init__(self) -> None:
        self._login: str | None = None

    def step(self, response: bytes | None) -> bytes | Credentials:
        """Take the user name, which may come as the initial response, then the password."""
        if response is None:
            return b"Username:"
        if self._login is None:
            self._login = _text(response)
            return b"Password:"
        return Credentials(self._login, _text(response))


MECHANISMS: Mapping[str, Callable[[], Mechanism]] = {"PLAIN": Plain, "LOGIN": Login}


def decode_response(line: bytes) -> bytes:
    """Return the octets of a response, given in BASE64; raises `CancelledError` or `Base64Error`."""
    if line == b"*":
        raise CancelledError("Authentication cancelled")
    if not _BASE64.match(line):
        raise Base64Error("Response is not BASE64")
    return base64.b64decode(line)


def _text(response: bytes) -> str:
    try:
        return response.decode()
    except UnicodeDecodeError:
        raise MalformedError("Response is not UTF-8") from None
