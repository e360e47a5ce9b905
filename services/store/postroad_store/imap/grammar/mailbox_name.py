"""Mailbox names on the wire: modified UTF-7 (RFC 3501 §5.1.3), and INBOX in any case (RFC 3501 §5.1)."""

from __future__ import annotations

import base64
import binascii
import re

# "&" *base64 "-": the base64 has "," for "/" and no padding; "&-" is "&" itself.
_SHIFTED = re.compile(r"&([A-Za-z0-9+,]*)-")
_TO_SHIFT = re.compile(r"[^ -~]+")


class NameInvalid(ValueError):  # noqa: N818 - what the response says
    """The octets are not a name in modified UTF-7."""


def decode(octets: bytes) -> str:
    """Return the name in Unicode, INBOX in capitals; raises `NameInvalid`.

    Strict, so that each name has one spelling: every shift ends, no shift follows another, BASE64 holds no
    character that could be written plainly and no spare bits, and there are no lone surrogates.
    """
    try:
        text = octets.decode("ascii")
    except UnicodeDecodeError:
        raise NameInvalid("8-bit octets") from None
    if _TO_SHIFT.search(text):
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
    return "INBOX" if name.upper() == "INBOX" else name


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
    return _TO_SHIFT.sub(_shift, name.replace("&", "&-")).encode("ascii")


def _shift(match: re.Match[str]) -> str:
    text = base64.b64encode(match[0].encode("utf-16-be")).decode("ascii")
    return "&" + text.rstrip("=").replace("/", ",") + "-"
