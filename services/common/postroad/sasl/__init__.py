"""SASL mechanisms (RFC 4422) of SMTP (RFC 4954), IMAP (RFC 3501 §6.2.2) and POP3 (RFC 5034), without I/O: a file each.

A mechanism takes the client's responses, one per step. Each step returns a challenge, or the credentials once they are
complete, or raises `SaslError`. Each protocol has its own form for challenges and responses on the wire; all three
write them in BASE64, which `decode_response` reads.

Where passwords are checked we offer PLAIN (RFC 4616) and, over SMTP, LOGIN (draft-murchison-sasl-login), because old
clients know nothing else. Mechanisms that prove a password without sending it (CRAM-MD5, SCRAM) need the password, or a
verifier of their own kind, at the server. The world's secrets may be scrypt hashes, so passwords are sent over TLS
instead. They are compared as they came.

Where any name is taken at its word (the app door) no password is looked at, and CRAM-MD5 (RFC 2195) is offered too,
which some libraries try first.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, TypeAlias

from postroad.sasl.cram_md5 import CramMd5
from postroad.sasl.login import Login
from postroad.sasl.mechanism import (
    MAX_RESPONSE,
    Base64Error,
    CancelledError,
    Credentials,
    MalformedError,
    Mechanism,
    NotAuthorizedError,
    SaslError,
    decode_response,
)
from postroad.sasl.plain import Plain

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

__all__ = [
    "CHECKED",
    "MAX_RESPONSE",
    "UNCHECKED",
    "Base64Error",
    "CancelledError",
    "CramMd5",
    "Credentials",
    "Login",
    "MalformedError",
    "Mechanism",
    "Mechanisms",
    "NotAuthorizedError",
    "Plain",
    "SaslError",
    "decode_response",
]

# By their names, in the order in which they are offered. Each is made with a text that no other exchange has, for
# mechanisms that challenge with one.
Mechanisms: TypeAlias = "Mapping[str, Callable[[str], Mechanism]]"

CHECKED: Mechanisms = {"PLAIN": lambda _unique: Plain(), "LOGIN": lambda _unique: Login()}
UNCHECKED: Mechanisms = {
    "PLAIN": lambda _unique: Plain(unchecked=True),
    "LOGIN": lambda _unique: Login(),
    "CRAM-MD5": CramMd5,
}
