r"""Dialogues as they are written down (`dialogue` writes them, tests/dialogues has hundreds). Pure.

    C: a NOOP               a line from the client; CRLF is added. (a*70) is 70 times a, {\x00} an octet.
    c: a NO                 the same without CRLF
    S: a OK ...             a line from the server; s: without CRLF
    T:                      the TLS handshake happens here
    X:                      the server has closed the connection
    Z:                      both sides compress from here on (DEFLATE), or no longer do

`C2:`, `S2:` and so on are a second connection. `# ` begins a comment, `@ ` how the session begins.
"""

from __future__ import annotations

import re

from postroad.value import value

_LINE = re.compile(r"([CcSsTXZ])(\d?):(?: |\Z)(.*)\Z", re.DOTALL)
_REPEATED = re.compile(rb"\((.)\*(\d+)\)", re.DOTALL)
_OCTET = re.compile(rb"\{\\x([0-9a-f]{2})\}")


@value
class Said:
    """A line of a dialogue; `kind` is in capitals."""

    kind: str  # C, S, T, X, Z
    who: int  # the connection
    text: str
    whole: bool  # whether CRLF follows

    @property
    def octets(self) -> bytes:
        """The octets that are meant."""
        return expand(self.text) + (b"\r\n" if self.whole else b"")


def said(line: str) -> Said:
    """Read one line; raises `ValueError` where it says nothing."""
    match = _LINE.match(line)
    if match is None:
        raise ValueError(f"no line of a dialogue: {line}")
    return Said(match[1].upper(), int(match[2] or 1), match[3], match[1] in "CS")


def expand(text: str) -> bytes:
    """Return the octets that are meant."""
    octets = _REPEATED.sub(lambda match: match[1] * int(match[2]), text.encode())
    return _OCTET.sub(lambda match: bytes([int(match[1], 16)]), octets)
