"""How responses are written: strings, names, flag lists, dates (RFC 3501 §7, §9)."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from postroad_store.mail.model.errors import MailError

# ATOM-CHAR, see wire.py; a mailbox name may be an astring, which may hold "]" too.
_ASTRING_ATOM = re.compile(rb"[!#$&'+,\-./0-9:;<=>?@A-Z\[\]^_`a-z|}~]+\Z")
# quoted = DQUOTE *QUOTED-CHAR DQUOTE: 7-bit, without CR, LF and NUL
_QUOTABLE = re.compile(rb"[\x01-\x09\x0b\x0c\x0e-\x7f]*\Z")
# RFC 6855 §3, RFC 9051 §9: the same, and UTF-8
_UTF8_QUOTABLE = re.compile(rb"[^\0\r\n]*\Z")
MAX_QUOTED = 1000  # a longer string goes as a literal: some clients' line buffers are short


def string(octets: bytes) -> bytes:
    """Return a string: quoted if the grammar allows it, else a literal."""
    if len(octets) <= MAX_QUOTED and _QUOTABLE.match(octets):
        return _quoted(octets)
    return b"{%d}\r\n%b" % (len(octets), octets)


def _quoted(octets: bytes) -> bytes:
    if b'"' in octets or b"\\" in octets:
        octets = octets.replace(b"\\", b"\\\\").replace(b'"', b'\\"')
    return b'"' + octets + b'"'


def value(octets: bytes | None) -> bytes:
    """Return a string, NIL for None, or a literal8 for octets that hold a NUL (RFC 5464 §5, RFC 3516 §7)."""
    if octets is not None and b"\0" in octets:
        return b"~{%d}\r\n%b" % (len(octets), octets)
    return nstring(octets)


def nstring(octets: bytes | None) -> bytes:
    """Return a string, or NIL for None."""
    return b"NIL" if octets is None else string(octets)


def astring(octets: bytes) -> bytes:
    """Return an atom if the octets are one, else a string; the word NIL is quoted to be safe."""
    if _ASTRING_ATOM.match(octets) and octets.upper() != b"NIL":
        return octets
    return string(octets)


def utf8_astring(octets: bytes) -> bytes:
    """Return an astring for a client that takes UTF-8 in quoted strings (RFC 6855 §3)."""
    if octets.isascii():
        return astring(octets)
    return _quoted(octets) if _UTF8_QUOTABLE.match(octets) else string(octets)


def no(error: MailError, code: str | None = None) -> bytes:
    """Return a NO that says what went wrong with the mail, with its response code (RFC 5530)."""
    message = str(error)
    return b"NO [%b] %b" % ((code or error.code).encode("ascii"), text(message[:1].upper() + message[1:]))


def text(message: str) -> bytes:
    """Return resp-text that cannot end its line: 7-bit, no CR or LF, never empty (text = 1*TEXT-CHAR)."""
    clean = "".join(char if " " <= char <= "~" else "?" for char in message)
    return clean.encode("ascii") or b"?"
