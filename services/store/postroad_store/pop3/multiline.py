"""Multi-line responses (RFC 1939 §3): byte-stuffing and the termination octet, for whole messages and pieces. Pure.

A message is sent as it was stored. The protocol adds a "." before each line that begins with one, and a CRLF if the
last line has no end of its own (only an APPEND over IMAP can leave such a message).

A line begins after any LF, not only after CRLF. A message with bare LFs, which again only APPEND can bring, must not
end early for a client that reads by LF, and its rest must not look like responses.
"""

from __future__ import annotations

import re

TERMINATION = b".\r\n"
_has_dots = re.compile(rb"\n\.").search  # a third of the time of `in`: 2.5 in place of 7 µs for 8 KiB


def stuff(content: bytes) -> tuple[bytes, bytes]:
    """Return a whole message as a multi-line response's lines, and the termination."""
    if _has_dots(content):
        content = content.replace(b"\n.", b"\n..")
    if content.startswith(b"."):
        content = b"." + content
    if content.endswith(b"\r\n") or not content:
        return content, TERMINATION
    return content, b"\r\n" + TERMINATION


class Stuffer:
    """The same for a message that comes in pieces, wherever they are cut."""

    __slots__ = ("_tail",)

    def __init__(self) -> None:
        self._tail = b"\r\n"  # the last two octets so far; a message begins on a new line

    def piece(self, octets: bytes) -> bytes:
        """Return the next piece, stuffed."""
        if not octets:
            return b""
        stuffed = octets.replace(b"\n.", b"\n..")
        if octets.startswith(b".") and self._tail.endswith(b"\n"):
            stuffed = b"." + stuffed
        self._tail = (self._tail + octets[-2:])[-2:]
        return stuffed

    def end(self) -> bytes:
        """Return what ends the response."""
        return TERMINATION if self._tail == b"\r\n" else b"\r\n" + TERMINATION


def body_lines(text: bytes, count: int) -> int:
    """Return how many octets the first `count` lines of `text` have, line ends included (TOP)."""
    end = 0
    for _ in range(count):
        line_end = text.find(b"\n", end)
        if line_end < 0:
            return len(text)
        end = line_end + 1
    return end
