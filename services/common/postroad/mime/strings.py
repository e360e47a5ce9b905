"""Strings as IMAP writes them (RFC 3501 §4.3, §4.5): NIL, quoted, or as a literal."""

from __future__ import annotations

import re

# RFC 3501 §9: QUOTED-CHAR = <any TEXT-CHAR except quoted-specials>: 7-bit, no CR, LF or NUL. A DQUOTE or a
# backslash could be escaped; other servers send a literal, so clients are used to that.
_NEEDS_LITERAL = re.compile(rb'["\\\x00\r\n\x80-\xff]')


def nstring(value: bytes | None) -> bytes:
    """Return the value as an nstring: NIL for None.

    A NUL, which no IMAP string can hold (CHAR8 = %x01-ff), becomes %x80.
    """
    if value is None:
        return b"NIL"
    if _NEEDS_LITERAL.search(value) is None:
        return b'"%b"' % value
    return b"{%d}\r\n%b" % (len(value), value.replace(b"\0", b"\x80"))
