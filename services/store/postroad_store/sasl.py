"""SASL PLAIN (RFC 4616) as POP3 (RFC 5034 §4) and IMAP (RFC 3501 §6.2.2) carry it: one line of BASE64. No I/O.

Mechanisms that prove a password without sending it (CRAM-MD5, SCRAM) need the password itself, or a verifier of
their own kind, at the server; the world's secrets may be scrypt hashes, so PLAIN over TLS is what is offered.
"""

from __future__ import annotations

import base64
import re
from dataclasses import dataclass, field

MAX_RESPONSE = 4096  # octets of BASE64: three parts of 1,024 octets, the longest password (credentials.verify)

# RFC 5034 §4: no character outside the alphabet, and the pad character nowhere but at the end
_BASE64 = re.compile(rb"(?:[A-Za-z0-9+/]{4})*(?:[A-Za-z0-9+/]{2}==|[A-Za-z0-9+/]{3}=)?\Z")


class SaslError(Exception):
    """The exchange ends without credentials; the message says why, in words fit for a peer."""


@dataclass(frozen=True, slots=True)
class Credentials:
    """What the client says it is, and how it would prove it."""

    login: str
    password: str = field(repr=False)


def decode_plain(line: bytes) -> Credentials:
    """Return the credentials in a client's response, as it stands on the line; raises `SaslError`."""
    if line == b"*":
        raise SaslError("Authentication cancelled")
    return parse_plain(decode_base64(line))


def decode_base64(text: bytes) -> bytes:
    """Decode BASE64 as strictly as SASL's lines want it; raises `SaslError`."""
    if not _BASE64.match(text):
        raise SaslError("Response is not BASE64")
    return base64.b64decode(text)


def parse_plain(message: bytes) -> Credentials:
    """Return the credentials in PLAIN's message (RFC 4616 §2); raises `SaslError`."""
    try:
        # message = [authzid] UTF8NUL authcid UTF8NUL passwd
        parts = message.decode("utf-8").split("\0")
    except UnicodeDecodeError:
        raise SaslError("Response is not UTF-8") from None
    if len(parts) != 3 or not parts[1] or not parts[2]:
        raise SaslError("Response is not as PLAIN wants it")
    identity, login, password = parts
    if identity and identity.casefold() != login.casefold():
        raise SaslError("Nobody may act for another")
    return Credentials(login, password)
