"""Responses as octets (RFC 5804 §1.3, §4). Pure."""

from __future__ import annotations

import re

from postroad_store.managesieve.framing import MAX_QUOTED

_SPECIAL = re.compile(rb'["\\]')
# RFC 5804 §4: a quoted string has no NUL, CR, LF
_NEEDS_LITERAL = re.compile(rb"[\x00\r\n]")


def string(value: str | bytes) -> bytes:
    """Return a string: quoted, or as a literal where it can't be (RFC 5804 §4)."""
    octets = value.encode() if isinstance(value, str) else value
    if len(octets) > MAX_QUOTED or _NEEDS_LITERAL.search(octets):
        return literal(octets)
    return b'"%b"' % _SPECIAL.sub(rb"\\\g<0>", octets)


def literal(octets: bytes) -> bytes:
    """Return a literal as a server writes it, without a plus sign."""
    return b"{%d}\r\n%b" % (len(octets), octets)


def status(word: bytes, text: str, code: bytes = b"") -> bytes:
    """Return the line that ends a response: OK, NO or BYE."""
    return b"%b%b %b\r\n" % (word, b" (%b)" % code if code else b"", string(text))
