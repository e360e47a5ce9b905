"""A server's replies, read octet by octet (RFC 5321 §4.2, RFC 2034). Pure."""

from __future__ import annotations

import re
from functools import lru_cache

from postroad.mail.reply import EnhancedStatus, Reply

MAX_LINE = 4096  # octets; RFC 5321 §4.5.3.1.5 says 512, and real servers exceed it
MAX_LINES = 200
MAX_TEXT = 2048  # octets, about: longer replies are cut, because a DSN quotes one per recipient

# Reply-line = *( Reply-code "-" [ textstring ] CRLF ) Reply-code [ SP textstring ] CRLF
# Reply-code = %x32-35 %x30-35 %x30-39; second digits of 6 to 9 do no harm.
_LINE = re.compile(rb"([2-5][0-9][0-9])(?:([ -])([^\r\n]*))?\r?\n")
_STATUS = re.compile(r"([245])\.(\d{1,3})\.(\d{1,3})(?: +|\Z)", re.ASCII)
_CONTROL = re.compile(r"[\x00-\x1f\x7f]")


class ReplyError(Exception):
    """The server has sent octets that are not a reply."""


class ReplyReader:
    """Makes replies of octets as they arrive."""

    __slots__ = ("_buffer", "_code", "_count", "_length", "_lines")

    def __init__(self) -> None:
        self._buffer = b""
        self._code = 0  # of the lines so far
        self._lines: list[str] = []  # those that are kept
        self._length = 0  # of them
        self._count = 0  # of all

    @property
    def is_empty(self) -> bool:
        """Whether nothing is left after the last reply."""
        return not self._buffer and not self._lines

    def feed(self, data: bytes) -> None:
        """Add octets."""
        self._buffer += data

    def clear(self) -> None:
        """Throw away all octets (RFC 3207 §4.2: nothing said before TLS counts after it)."""
        self._buffer = b""
        self._forget()

    def _forget(self) -> None:
        self._lines.clear()
        self._length = self._count = 0

    def next(self) -> Reply | None:
        """Return the next reply, or None if it is not complete; raises `ReplyError`."""
        while (end := self._buffer.find(b"\n") + 1) > 0:
            line, self._buffer = self._buffer[:end], self._buffer[end:]
            if end > MAX_LINE:
                raise ReplyError("a reply line that is too long")
            code, goes_on, text = _read_line(line)
            if self._lines and self._code != code:
                # RFC 5321 §4.2.1: "the reply code ... the same on each line"
                raise ReplyError(f"a reply that changes its code from {self._code} to {code}")
            if not goes_on:
                if not self._lines:
                    return _short_reply(code, text)
                self._keep(text)
                lines = tuple(self._lines)
                self._forget()
                return _reply(code, lines)
            self._code = code
            self._keep(text)
            self._count += 1
            if self._count > MAX_LINES:
                raise ReplyError(f"a reply of more than {MAX_LINES} lines")
        if len(self._buffer) > MAX_LINE:
            raise ReplyError("a reply line that is too long")
        return None

    def _keep(self, text: str) -> None:
        if self._length < MAX_TEXT:
            self._lines.append(text)
            self._length += len(text)


# Servers repeat a few replies: remembering how they are read saves 8 µs per message.
@lru_cache(maxsize=256)
def _read_line(line: bytes) -> tuple[int, bool, str]:
    match = _LINE.fullmatch(line)
    if match is None:
        raise ReplyError(f"no reply: {_printable(line[:100])!r}")
    return int(match[1]), match[2] == b"-", _printable(match[3] or b"")


def _printable(octets: bytes) -> str:
    return _CONTROL.sub("?", octets.decode("utf-8", "replace"))


@lru_cache(maxsize=256)
def _short_reply(code: int, text: str) -> Reply:
    return _reply(code, (text,))


def _reply(code: int, lines: tuple[str, ...]) -> Reply:
    """Make the reply, without the enhanced status at the start of each line (RFC 2034 §4: it is on every line)."""
    match = _STATUS.match(lines[0])
    if match is None:
        return Reply(code, None, lines)
    status = EnhancedStatus(int(match[1]), int(match[2]), int(match[3]))
    if len(lines) == 1:
        return Reply(code, status, (lines[0][match.end() :],))
    texts = tuple(
        line[same.end() :] if (same := _STATUS.match(line)) is not None and same.groups() == match.groups() else line
        for line in lines
    )
    return Reply(code, status, texts)
