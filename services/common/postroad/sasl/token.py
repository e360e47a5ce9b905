"""Tokens of OAuth 2.0: what one allows, and how the stack's own are written and read.

A token that the stack mints is a JWT (RFC 7519) signed by HS256 (RFC 7515, RFC 7518 §3.2) with a key that init makes
and that web, relay and store have: no service has to ask another, and nothing is kept. Decision 31 says why.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from postroad.value import value

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from postroad.world.world import Account

# What a token may be for. "mail" is everything, as Gmail's https://mail.google.com/ is.
SCOPES = ("imap", "pop", "smtp", "sieve", "mail")
# RFC 6750 §2.1: b64token = 1*( ALPHA / DIGIT / "-" / "." / "_" / "~" / "+" / "/" ) *"="
B64TOKEN = re.compile(r"[A-Za-z0-9\-._~+/]+=*\Z")
LONGEST = 4096  # characters; nothing longer is looked at
_HEADER = {"typ": "at+jwt", "alg": "HS256"}  # RFC 9068 §2.1


@value
class Grant:
    """What a token allows."""

    login: str
    scopes: frozenset[str] = frozenset({"mail"})
    expires: float | None = None  # seconds since 1970; None: never

    def status(self, service: str, now: float) -> str | None:
        """Return the error that keeps the token from being used (RFC 6750 §3.1), None if there is none."""
        if self.expires is not None and self.expires <= now:
            return INVALID
        if not self.scopes & {service, "mail"}:
            return INSUFFICIENT
        return None


INVALID, INSUFFICIENT = "invalid_token", "insufficient_scope"


def digest(token: str) -> str:
    """Return what a listed token is kept as: no token is in memory longer than its exchange."""
    return hashlib.sha256(token.encode()).hexdigest()


def mint(key: bytes, grant: Grant, *, now: float, unique: str) -> str:
    """Return a token for a grant; `unique` is what no other token has."""
    claims = {
        "iss": "postroad",
        "sub": grant.login,
        "scope": " ".join(sorted(grant.scopes)),
        "iat": int(now),
        "jti": unique,
    }
    if grant.expires is not None:
        claims["exp"] = int(grant.expires)
    signed = f"{_part(_HEADER)}.{_part(claims)}"
    return f"{signed}.{_bare(_signature(key, signed))}"


def read(key: bytes, token: str) -> Grant | None:
    """Return the grant of a token that `mint` has made with this key, expired or not; None for any other text."""
    signed, dot, signature = token.rpartition(".")
    if not dot or not B64TOKEN.match(token):
        return None
    if not hmac.compare_digest(signature.encode(), _bare(_signature(key, signed)).encode()):
        return None
    # Whoever has the key wrote it, but perhaps in another version.
    try:
        header, claims = (json.loads(_octets(part)) for part in signed.split("."))
        if header["alg"] != "HS256":
            return None
        expires = claims.get("exp")
        return Grant(str(claims["sub"]), frozenset(str(claims["scope"]).split()), expires and float(expires))
    except (ValueError, KeyError, TypeError, AttributeError):
        return None


def _part(value: Mapping[str, Any]) -> str:
    return _bare(json.dumps(value, separators=(",", ":")).encode())


def _signature(key: bytes, signed: str) -> bytes:
    return hmac.digest(key, signed.encode(), "sha256")


def _bare(octets: bytes) -> str:
    return base64.urlsafe_b64encode(octets).decode("ascii").rstrip("=")


def _octets(text: str) -> bytes:
    return base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))


def scopes_of(words: Iterable[str]) -> frozenset[str]:
    """Return the scopes that are named; raises `ValueError` with a sentence."""
    scopes = frozenset(words)
    if unknown := scopes - set(SCOPES):
        raise ValueError(f"there is no scope {min(unknown)!r}; there are {', '.join(SCOPES)}")
    if not scopes:
        raise ValueError(f"a token needs a scope: {', '.join(SCOPES)}")
    return scopes


@dataclass(slots=True)
class Bearer:
    """A token as a proof; `status` says afterwards what was wrong with it."""

    grant: Grant | None = field(repr=False)
    service: str
    now: float
    status: str = INVALID

    def is_quick(self, _account: Account) -> bool:
        """Return True."""
        return True

    def proves(self, account: Account) -> bool:
        """Whether the token is the account's, and good for this service now."""
        if self.grant is None or self.grant.login != account.login:
            return False
        status = self.grant.status(self.service, self.now)
        if status is not None:
            self.status = status
        return status is None
