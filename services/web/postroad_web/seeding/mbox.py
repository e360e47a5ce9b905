"""An mbox file (RFC 4155) in the mboxrd form: each message behind a `From ` line, its look-alikes quoted with `>`.

    From alice@alpha.test Thu Jan  1 00:00:00 2026
    Subject: Hello

    >From here on it is my text.

    From bob@beta.test Thu Jan  1 00:00:01 2026

A `From ` line counts if it is the first line or follows an empty one. Other forms of mbox (mboxo, mboxcl) differ in the
quoting alone, and read well enough.
"""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

from postroad.mail.dates import MONTHS
from postroad_web.seeding.found import Found, NotReadable, checked, too_large

if TYPE_CHECKING:
    from collections.abc import Iterator

LONGEST = 2000  # octets of a From line

_FROM = b"From "
_BETWEEN = len(b"\n\r\nFrom")  # octets that may come with a message until the next From line is known for one
_QUOTED = re.compile(rb"^>(>*From )", re.MULTILINE)
# RFC 4155 appendix A: asctime's form, in UTC; some programs name a zone in front of the year or behind it
_DATE = re.compile(
    rb"[A-Z][a-z]{2} ([A-Z][a-z]{2}) +(\d\d?) (\d\d):(\d\d)(?::(\d\d))?(?: [A-Z]{2,5})?(?: ([+-]\d{4}))? (\d{4})"
    rb"(?: ([+-]\d{4}))?\s*\Z"
)


class Mbox:
    """Reads an mbox piece by piece, each of its messages of at most `most` octets."""

    skipped = 0

    def __init__(self, most: int) -> None:
        self._most = most
        self._buffer = bytearray()  # from the From line of the message that is being read
        self._line = 1  # the number of that line
        self._count = 0  # messages given
        self._searched = 0  # octets of the buffer in which the next From line is not

    def feed(self, octets: bytes) -> Iterator[Found]:
        """Take a piece, and give the messages of which the next From line has come."""
        self._buffer += octets
        at = 0  # where the message that is being read begins
        try:
            while (end := self._next(at)) is not None:
                # The empty line in front of a From line belongs to it.
                yield self._message(at, _without_empty_line(self._buffer, end))
                self._line += self._buffer.count(b"\n", at, end)
                at = self._searched = end
        finally:
            del self._buffer[:at]
            self._searched -= at
        if len(self._buffer) > self._most + LONGEST + _BETWEEN:
            raise too_large(self._place(), self._most)

    def end(self) -> Iterator[Found]:
        """Give the last message."""
        self._check_start()
        yield self._message(0, _without_empty_line(self._buffer, len(self._buffer)))

    def _next(self, at: int) -> int | None:
        """Return where the next From line begins, None if it has not come."""
        buffer = self._buffer
        if not self._count and at == 0 and len(buffer) >= len(_FROM):
            self._check_start()
        start = max(self._searched, at + 1)
        while (at := buffer.find(b"\n" + _FROM, start)) >= 0:
            start = at + 1
            if buffer[at - 1 : at] == b"\n" or buffer[at - 2 : at] == b"\n\r":
                return start
        self._searched = max(start, len(buffer) - len(_FROM))
        return None

    def _check_start(self) -> None:
        if not self._buffer.startswith(_FROM):
            raise NotReadable('line 1 does not begin with "From ", so this is no mbox')

    def _message(self, start: int, end: int) -> Found:
        """Return the message between its From line and `end`."""
        place = self._place()
        first = self._buffer.find(b"\n", start, end)
        head = bytes(self._buffer[start : end if first < 0 else first])
        if len(head) > LONGEST:
            raise NotReadable(f"line {self._line} is longer than {LONGEST} octets")
        content = b"" if first < 0 else bytes(self._buffer[first + 1 : end])
        if b">From " in content:
            content = _QUOTED.sub(rb"\1", content)
        message = checked(Found(content, (), _date(head), place), self._most)
        self._count += 1
        return message

    def _place(self) -> str:
        return f"message {self._count + 1} (line {self._line})"


def _without_empty_line(buffer: bytearray, end: int) -> int:
    """Return where a message ends that has an empty line behind it, if it has one."""
    if buffer[end - 2 : end] == b"\n\n":
        return end - 1
    return end - 2 if buffer[end - 3 : end] == b"\n\r\n" else end


def _date(line: bytes) -> float | None:
    """Return the time in a From line, which is in UTC unless it says another zone; None if there is none."""
    match = _DATE.search(line)
    if match is None or (month := match[1].decode("ascii")) not in MONTHS:
        return None
    day, hour, minute, second, year = (int(match[group] or 0) for group in (2, 3, 4, 5, 7))
    try:
        moment = datetime(year, MONTHS.index(month) + 1, day, hour, minute, second, tzinfo=UTC)
    except ValueError:
        return None
    zone = (match[6] or match[8] or b"+0000").decode("ascii")
    offset = timedelta(hours=int(zone[1:3]), minutes=int(zone[3:]))
    seconds = (moment - offset if zone[0] == "+" else moment + offset).timestamp()
    return seconds if seconds >= 0 else None
