"""Mailbox names on the wire: modified UTF-7 (RFC 3501 §5.1.3) or UTF-8 (RFC 9051 §5.1, RFC 6855 §3).

INBOX is written in any case (RFC 3501 §5.1).
"""

from __future__ import annotations

import base64
import binascii
import re
import unicodedata

from postroad.mail import utf7
from postroad.remembered import remembered

REMEMBERED = 1024  # names
REMEMBERED_OCTETS = 128  # of the longest that are remembered

_SHIFTED = re.compile(r"&([A-Za-z0-9+,]*)-")
_NOT_PLAIN = re.compile(r"[^ -~]")
# RFC 9051 §5.1: no control characters of ASCII or ISO 8859, and no LINE or PARAGRAPH SEPARATOR (RFC 5198 §2).
_CONTROL = re.compile("[\x00-\x1f\x7f-\x9f\u2028\u2029]")


class NameInvalid(ValueError):  # noqa: N818 - what the response says
    """The octets are not a name."""


@remembered(REMEMBERED, REMEMBERED_OCTETS)
def decode(octets: bytes) -> str:
    """Return the name in Unicode, INBOX in capitals; raises `NameInvalid`.

    Strict, so that each name has one spelling: every shift ends, no shift follows another, BASE64 holds no
    character that could be written plainly and no spare bits, and there are no lone surrogates.
    """
    try:
        text = octets.decode("ascii")
    except UnicodeDecodeError:
        raise NameInvalid("8-bit octets") from None
    if _NOT_PLAIN.search(text):
        raise NameInvalid("control characters")
    if "&" in text:
        plain = _SHIFTED.sub("", text)
        if "&" in plain:
            raise NameInvalid("a shift that is not ended")
        name = _SHIFTED.sub(_unshift, text)
        if encode(name) != octets:  # superfluous shifts, and other spellings that are not the proper one
            raise NameInvalid("not the proper spelling")
    else:
        name = text
    return _inbox_or(name)


def decode_utf8(octets: bytes) -> str:
    """Return the name that these octets of UTF-8 are, INBOX in capitals; raises `NameInvalid`."""
    try:
        text = octets.decode()
    except UnicodeDecodeError:
        raise NameInvalid("not UTF-8") from None
    if _CONTROL.search(text):
        raise NameInvalid("control characters")
    return _inbox_or(text)


def is_normal(name: str) -> bool:
    """Whether a name is Net-Unicode, which RFC 9051 §5.1 wants of a new one: normalized by NFC (RFC 5198 §3)."""
    return unicodedata.is_normalized("NFC", name)


def _inbox_or(name: str) -> str:
    # Of ASCII alone: there are letters whose capitals are those of INBOX.
    return "INBOX" if name.isascii() and name.upper() == "INBOX" else name


def _unshift(match: re.Match[str]) -> str:
    if not match[1]:
        return "&"
    text = match[1].replace(",", "/")
    try:
        return base64.b64decode(text + "=" * (-len(text) % 4)).decode("utf-16-be")
    except (binascii.Error, UnicodeDecodeError) as error:
        raise NameInvalid(str(error)) from None


def encode(name: str) -> bytes:
    """Return the name in modified UTF-7."""
    return utf7.encode(name).encode("ascii")
