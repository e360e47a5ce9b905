"""The command lines of an SMTP session: octets in, lines out, checked by the rules that every line has to obey.

Only CRLF ends a line (RFC 5321 §2.3.8). A line with a bare CR, a bare LF or a NUL is refused. A line that is longer
than any command may be is refused too, and the rest of it is not kept. The result does not depend on how the octets
arrive in pieces.

The first line of an HTTP request ends the session (`postroad.foreign` says why).
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from postroad.foreign import HTTP_METHODS
from postroad.smtp.server.commands import BAD_CHARACTER, HTTP_SPOKEN, LINE_TOO_LONG

if TYPE_CHECKING:
    from postroad.mail.reply import Reply


class LineReader:
    """Cuts the client's octets into lines, or hands them over uncut if they are mail data.

    `longest` is the length of the longest line, in octets without CRLF.
    """

    __slots__ = ("_buffer", "_longest", "_position", "_skipping")

    def __init__(self, longest: int) -> None:
        self._longest = longest
        self._buffer = b""
        self._position = 0  # of the next line in the buffer
        self._skipping = False  # the line is refused already: pass over the rest of it

    def receive(self, data: bytes) -> None:
        """Take octets."""
        if self._position < len(self._buffer):
            data = self._buffer[self._position :] + data
        self._buffer = data
        self._position = 0

    @property
    def buffered(self) -> int:
        """How many octets wait to be read."""
        return len(self._buffer) - self._position

    def take_all(self) -> bytes:
        """Return all buffered octets, and forget them."""
        rest = self._buffer[self._position :] if self._position else self._buffer
        self._buffer = b""
        self._position = 0
        return rest

    def clear(self) -> None:
        """Forget all buffered octets."""
        self._buffer = b""
        self._position = 0

    def next_line(self) -> bytes | Reply | None:
        """Return the next line without its CRLF, or the reply that refuses it; None if it is not complete."""
        buffer, start = self._buffer, self._position
        while start < len(buffer):
            end = buffer.find(b"\r\n", start)
            if end < 0:
                return self._look_at_beginning()
            self._position = end + 2
            if not self._skipping:
                line = buffer[start:end]
                if b"\n" in line or b"\r" in line or b"\0" in line or end - start > self._longest:
                    return self._fault(line)
                return line
            self._skipping = False
            start = end + 2
        return None

    def _look_at_beginning(self) -> Reply | None:
        """Refuse a line as soon as it cannot become good: a client that ends it with a bare LF waits for the reply."""
        beginning = self.take_all()
        refusal: Reply | None = None
        if not self._skipping:
            if 0 <= beginning.find(b"\n") <= self._longest:
                refusal = _unless_http(BAD_CHARACTER, beginning)
            elif len(beginning) > self._longest + 1:  # its last octet may be the CR of its CRLF
                refusal = _unless_http(LINE_TOO_LONG, beginning)
            self._skipping = refusal is not None
        if self._skipping:
            beginning = b"\r" if beginning.endswith(b"\r") else b""
        self._buffer = beginning
        return refusal

    def _fault(self, line: bytes) -> Reply:
        """Return the reply that refuses a whole line: the same that `_look_at_beginning` gives before its end."""
        if len(line) > self._longest and not 0 <= line.find(b"\n") <= self._longest:
            return _unless_http(LINE_TOO_LONG, line)
        return _unless_http(BAD_CHARACTER, line)


def _unless_http(refusal: Reply, line: bytes) -> Reply:
    return HTTP_SPOKEN if line.partition(b" ")[0] in HTTP_METHODS else refusal
