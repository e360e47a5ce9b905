"""XOAUTH2 (Google's) and OAUTHBEARER (RFC 7628): the client shows a token in place of a password.

Both send one message, key=value pairs between %x01. A refusal is a challenge with JSON in it, to which the client
sends a dummy response before the outcome comes (RFC 7628 §3.2.3).
"""

from __future__ import annotations

import json
import re
from enum import StrEnum
from typing import TYPE_CHECKING

from postroad.sasl.mechanism import Claim, Context, Exchange, MalformedError, name_of, text_of
from postroad.sasl.offer import Mechanism, secret_is_safe
from postroad.sasl.token import Bearer

if TYPE_CHECKING:
    from collections.abc import Mapping

# RFC 7628 §3.1: kvsep = %x01; key = 1*(ALPHA); value = *(VCHAR / SP / HTAB / CR / LF)
_PAIR = re.compile(r"([A-Za-z]+)=([\t\n\r -~]*)\Z")
# RFC 5801 §4: gs2-header without channel binding; RFC 7628 §3.1: the authzid may be there
_HEADER = re.compile(r"[ny],(?:a=([^,]*))?,\Z")


class Errors(StrEnum):
    """How a refusal of a token is worded."""

    RFC = "rfc"  # RFC 7628 §3.2.2
    GMAIL = "gmail"  # its numbers and its scope
    EXCHANGE = "exchange"  # no JSON at all: Exchange Online ends the exchange at once


def rfc_error(service: str, status: str) -> bytes:
    """Return the error of RFC 7628 §3.2.2, with the scope that would do."""
    return json.dumps({"status": status, "scope": service}, separators=(",", ":")).encode()


def gmail_error(_service: str, _status: str) -> bytes:
    """Return the error that Gmail sends, octet by octet, whatever is wrong with the token."""
    return b'{"status":"400","schemes":"Bearer","scope":"https://mail.google.com/"}'


def no_error(_service: str, _status: str) -> None:
    """Send no error, as Exchange Online does."""


ERRORS = {Errors.RFC: rfc_error, Errors.GMAIL: gmail_error, Errors.EXCHANGE: no_error}


class _OAuth(Exchange):
    """What the two have in common."""

    __slots__ = ("_context", "_name", "_proof")

    def __init__(self, name: str, context: Context) -> None:
        self._name = name
        self._context = context
        self._proof: Bearer | None = None

    def step(self, response: bytes | None) -> bytes | Claim:
        """Take the message; the empty challenge asks for it."""
        if response is None:
            return b""
        user, pairs = self._read(text_of(response).split("\x01"))
        scheme, _, token = pairs.get("auth", "").partition(" ")
        context = self._context
        grant = context.realm.grant(token.strip()) if scheme.lower() == "bearer" else None
        self._proof = Bearer(grant, context.service, context.realm.now())
        # The token says who it is for; whom the client names is whom it wants to act as.
        return Claim(self._name, grant.login if grant is not None else user, self._proof, user)

    def _read(self, parts: list[str]) -> tuple[str, Mapping[str, str]]:
        raise NotImplementedError

    def judged(self, *, accepted: bool) -> bytes | None:
        """Return the error of a refused token."""
        if accepted or self._proof is None:
            return None
        return self._context.oauth_error(self._context.service, self._proof.status)

    def end(self, response: bytes) -> None:
        """Take the dummy response, whatever it is: RFC 7628 wants %x01, clients of XOAUTH2 send nothing."""


class Xoauth2(_OAuth):
    r"""Google's: `user=someone %x01 auth=Bearer token %x01 %x01`."""

    __slots__ = ()

    def _read(self, parts: list[str]) -> tuple[str, Mapping[str, str]]:
        if parts[-2:] != ["", ""]:
            raise MalformedError("Response is not as XOAUTH2 wants it")
        pairs = dict(part.partition("=")[::2] for part in parts[:-2])
        if not pairs.get("user") or "auth" not in pairs:
            raise MalformedError("Response is not as XOAUTH2 wants it")
        return pairs["user"], pairs


class OauthBearer(_OAuth):
    """RFC 7628: `n,a=someone, %x01 host=name %x01 port=143 %x01 auth=Bearer token %x01 %x01`."""

    __slots__ = ()

    def _read(self, parts: list[str]) -> tuple[str, Mapping[str, str]]:
        # client-resp = (gs2-header kvsep *kvpair kvsep) / kvsep ; the latter is the dummy response alone
        header = _HEADER.match(parts[0])
        matches = [_PAIR.match(part) for part in parts[1:-2]]
        if header is None or parts[-2:] != ["", ""] or None in matches:
            raise MalformedError("Response is not as OAUTHBEARER wants it")
        pairs = {pair[1]: pair[2] for pair in matches if pair is not None}
        return name_of(header[1] or "", "OAUTHBEARER"), pairs


XOAUTH2 = Mechanism("XOAUTH2", "Google's XOAUTH2", lambda context: Xoauth2("XOAUTH2", context), secret_is_safe)
OAUTHBEARER = Mechanism("OAUTHBEARER", "RFC 7628", lambda context: OauthBearer("OAUTHBEARER", context), secret_is_safe)
