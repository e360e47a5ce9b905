"""A server's replies, read octet by octet (RFC 5321 §4.2, RFC 2034). Pure."""

from __future__ import annotations

import re

from postroad.reply import EnhancedStatus, Reply

MAX_LINE = 4096  # octets; RFC 5321 §4.5.3.1.5 says 512, and real servers go beyond
MAX_LINES = 200

# Reply-line = *( Reply-code "-" [ textstring ] CRLF ) Reply-code [ SP textstring ] CRLF
# Reply-code = %x32-35 %x30-35 %x30-39; a second digit of 6 to 9 does not matter to anyone.
_LINE = re.compile(rb"([2-5][0-9][0-9])(?:([ -])([^\r\n]*))?\r?\n")
_STATUS = re.compile(r"([245]\.\d{1,3}\.\d{1,3})(?: +|\Z)")
_CONTROL = re.compile(r"[\x00-\x1f\x7f]")


class ReplyError(Exception):
    """What the server sent is no reply."""


class ReplyReader:
    """Takes octets, gives whole replies."""

    __slots__ = ("_buffer", "_lines")

    def __init__(self) -> None:
        self._buffer = b""
        self._lines: list[tuple[int, str]] = []

    @property
    def is_empty(self) -> bool:
        """Whether nothing is left over."""
        return not self._buffer and not self._lines

    def feed(self, data: bytes) -> None:
        """Add what has arrived."""
        self._buffer += data

    def clear(self) -> None:
        """Throw away what has arrived (RFC 3207 §4.2: nothing from before TLS counts after it)."""
        self._buffer = b""
        self._lines.clear()

    def next(self) -> Reply | None:
        """Return the next whole reply, None while there is none; raises `ReplyError`."""
        while True:
            match = _LINE.match(self._buffer)
            if match is None:
                if b"\n" in self._buffer or len(self._buffer) > MAX_LINE:
                    raise ReplyError(f"not a reply: {_printable(self._buffer[:100])!r}")
                return None
            if match.end() > MAX_LINE:
                raise ReplyError("a reply line is too long")
            self._buffer = self._buffer[match.end() :]
            code, separator, text = int(match[1]), match[2], _printable(match[3] or b"")
            if self._lines and self._lines[0][0] != code:
                # RFC 5321 §4.2.1: "the reply code ... the same on each line"
                raise ReplyError(f"a reply that changes its code from {self._lines[0][0]} to {code}")
            self._lines.append((code, text))
            if separator != b"-":
                lines = [line for _, line in self._lines]
                self._lines.clear()
                return _reply(code, lines)
            if len(self._lines) > MAX_LINES:
                raise ReplyError(f"a reply of more than {MAX_LINES} lines")


def _printable(octets: bytes) -> str:
    return _CONTROL.sub("?", octets.decode("utf-8", "replace"))


def _reply(code: int, lines: list[str]) -> Reply:
    """Take the enhanced status off each line that begins with it (RFC 2034 §4: it stands on every one)."""
    match = _STATUS.match(lines[0])
    if match is None:
        return Reply(code, None, tuple(lines))
    status = match[1]
    texts = tuple(
        line[found.end() :] if (found := _STATUS.match(line)) is not None and found[1] == status else line
        for line in lines
    )
    return Reply(code, EnhancedStatus.parse(status), texts)
