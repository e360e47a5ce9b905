"""SASL for SMTP (RFC 4954), without I/O: PLAIN (RFC 4616) and LOGIN (draft-murchison-sasl-login).

A mechanism is fed the client's responses one by one; each step gives a challenge, or the credentials when it
has them all, or raises `CommandError` with the reply that ends the exchange. Passwords are passed on as they
came, without SASLprep: the world's accounts are compared with what was written in it.
"""

from __future__ import annotations

import base64
import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Protocol

from postroad.mail.reply import AUTH_FAILED, reply
from postroad.smtp.server.commands import CommandError

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

AUTHENTICATED = reply(235, "2.7.0", "Authentication successful")
# RFC 4954 §4: "501" for "*", for what is not BASE64 (5.5.2), for an initial response where none may be (5.7.0)
CANCELLED = reply(501, "5.7.0", "Authentication cancelled")
NOT_BASE64 = reply(501, "5.5.2", "Response is not BASE64")
MALFORMED = reply(501, "5.5.2", "Response is not as the mechanism wants it")
EXCHANGE_TOO_LONG = reply(500, "5.5.6", "Authentication exchange line is too long")
MECHANISM_UNKNOWN = reply(504, "5.5.4", "Authentication mechanism not supported")
AUTH_SYNTAX = reply(501, "5.5.4", "Syntax error: AUTH mechanism [initial-response]")

# RFC 4954 §4: no character outside the alphabet, and the pad character at the end alone
_BASE64 = re.compile(rb"(?:[A-Za-z0-9+/]{4})*(?:[A-Za-z0-9+/]{2}==|[A-Za-z0-9+/]{3}=)?\Z")


@dataclass(frozen=True, slots=True)
class Credentials:
    """What the client says it is, and how it would prove it."""

    login: str
    password: str = field(repr=False)


class Mechanism(Protocol):
    """One exchange of one SASL mechanism, seen from the server."""

    def step(self, response: bytes | None) -> bytes | Credentials:
        """Take a response (None: there was no initial one); return a challenge or the credentials."""
        ...


class Plain:
    """RFC 4616: one message, `[authzid] NUL authcid NUL passwd`."""

    def step(self, response: bytes | None) -> bytes | Credentials:
        """Take the message, asking for it with an empty challenge."""
        if response is None:
            return b""
        parts = _text(response).split("\0")
        if len(parts) != 3 or not parts[1] or not parts[2]:
            raise CommandError(MALFORMED)
        identity, login, password = parts
        if identity and identity.casefold() != login.casefold():  # nobody may act for another here
            raise CommandError(AUTH_FAILED)
        return Credentials(login, password)


class Login:
    """LOGIN: the server asks for user name and password, each in its turn; old clients know nothing else."""

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


def parse_auth(argument: bytes) -> tuple[str, bytes | None]:
    """Return mechanism, in upper case, and decoded initial response of `AUTH` (RFC 4954 §4)."""
    mechanism, space, initial = argument.partition(b" ")
    if not mechanism or (space and not initial):
        raise CommandError(AUTH_SYNTAX)
    name = mechanism.decode("ascii", "replace").upper()
    if name not in MECHANISMS:
        raise CommandError(MECHANISM_UNKNOWN)
    if not space:
        return name, None
    return name, b"" if initial == b"=" else decode_response(initial)


def decode_response(line: bytes) -> bytes:
    """Decode a client's response (RFC 4954 §4); raises `CommandError` for `*` and for what is not BASE64."""
    if line == b"*":
        raise CommandError(CANCELLED)
    if not _BASE64.match(line):
        raise CommandError(NOT_BASE64)
    return base64.b64decode(line)


def encode_challenge(challenge: bytes) -> bytes:
    """Return the 334 reply with the challenge; an empty one keeps the space after the code (RFC 4954 §4)."""
    return b"334 " + base64.b64encode(challenge) + b"\r\n"


def _text(response: bytes) -> str:
    try:
        return response.decode()
    except UnicodeDecodeError as error:
        raise CommandError(MALFORMED) from error
