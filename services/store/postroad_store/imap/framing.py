"""The framing of IMAP's commands: octets in; whole commands, literals and refusals out (RFC 3501 §4.3, RFC 7888).

Pure, and it does not know what commands mean. `Framing.next` returns one frame after the other:

    list[bytes]   a whole command, as `grammar.reader.Reader` wants it: a line's text and a literal in turn
    Announced     the command so far ends in a literal's announcement; the caller decides about the literal:
                  `keep` it in the command, `stream` it, or `refuse` the command
    bytes         a piece of a literal that is streamed
    Refused       the octets cannot be a command, and have been thrown away
    Flooded       the client is about to send more than the server is willing to throw away: the connection has to end
    None          more octets are needed

The octets of a literal are counted and never searched for line ends, even if their command is refused: a command inside
a literal is never executed (RFC 7888 §3).
"""

from __future__ import annotations

import re
from enum import Enum, auto
from typing import NamedTuple, TypeAlias

from postroad.value import value
from postroad_store.imap.grammar.reader import LITERAL, MAX_NUMBER, MAX_NUMBER64

_NON_SYNCHRONIZING = re.compile(rb"\{(\d{1,20})\+\}\Z")
_LONGEST_ANNOUNCEMENT = 26  # octets, the line end included
MAX_TAG = 64  # octets; a longer tag is not repeated in a BAD
BARE_LF = "A line must end in CRLF (with netcat: nc -C)"
TOO_LONG = "Command line too long"


@value
class Limits:
    """Bounds on what a client can make the server hold; octets."""

    line: int = 65536  # of one command, with its literals (except one that is streamed)
    line_before_login: int = 65536  # RFC 2971 §3.3: ID has up to 30 pairs of 30 and 1,024 octets, and may quote each
    literal: int = 65536  # of one literal, unless it is streamed
    literal_before_login: int = 4096  # RFC 7888 §5, as LITERAL- has it


class Announced(NamedTuple):
    """A command that goes on with a literal."""

    parts: list[bytes]  # of the command so far; the last one ends in the announcement
    size: int  # octets of the literal
    synchronizing: bool  # the client waits for a continuation request


class Refused(NamedTuple):
    """Input that is not a command."""

    start: bytes  # how it begins, long enough to find its tag
    text: str  # of the BAD


class Flooded:
    """The client is about to send the literal of a refused command, which is too large to be thrown away."""


Frame: TypeAlias = list[bytes] | Announced | bytes | Refused | Flooded
_FLOODED = Flooded()


class _Next(Enum):
    """The kind of the next octets."""

    LINE = auto()
    LITERAL = auto()  # of a command
    STREAM = auto()  # a literal that is handed on in pieces
    DISCARD = auto()  # the literal of a refused command
    SKIP = auto()  # a line of a refused command
    NOTHING = auto()  # the client has announced too much


_LINE, _STREAM = _Next.LINE, _Next.STREAM  # each look-up of a member costs a tenth of a small command


class Framing:
    """Cuts one connection's octets into commands."""

    __slots__ = (
        "_at",
        "_buffer",
        "_left",
        "_limits",
        "_line",
        "_literal",
        "_next",
        "_parts",
        "_scanned",
        "_size",
        "_trusted",
        "non_synchronizing",
    )

    def __init__(self, limits: Limits, *, non_synchronizing: int | None = MAX_NUMBER64) -> None:
        self._limits = limits
        self.distrust()
        self.non_synchronizing = non_synchronizing  # octets of such a literal at most; None: there is none
        self._buffer = b""
        self._at = 0  # where the octets begin that have not been read
        self._scanned = 0  # up to here the buffer has no LF
        self._next = _LINE
        self._left = 0  # octets of the literal that are still to come
        self._parts: list[bytes] = []  # of the command under way
        self._size = 0  # octets of the parts

    def receive(self, data: bytes) -> None:
        """Take octets from the client."""
        at = self._at
        if at == len(self._buffer):
            self._buffer = data
            self._scanned = 0
        else:
            self._buffer = self._buffer[at:] + data
            self._scanned = max(0, self._scanned - at)
        self._at = 0

    def trust(self) -> None:
        """Raise the limits: the client has logged in."""
        self._line, self._literal = self._limits.line, self._limits.literal
        self._trusted = True

    def distrust(self) -> None:
        """Have the limits for a client that has not logged in."""
        self._line, self._literal = self._limits.line_before_login, self._limits.literal_before_login
        self._trusted = False

    @property
    def has_input(self) -> bool:
        """Return True if octets wait that are not yet part of a frame."""
        return self._at < len(self._buffer)

    @property
    def streaming(self) -> bool:
        """Return True while a streamed literal is still coming."""
        return self._next is _STREAM

    def take(self) -> bytes:
        """Return all input that is not yet part of a frame, and forget it."""
        octets = self._buffer[self._at :]
        self.clear()
        return octets

    def clear(self) -> None:
        """Forget all input."""
        self._buffer, self._at, self._scanned = b"", 0, 0
        self._next = _LINE
        self._parts, self._size = [], 0

    # -- frames -----------------------------------------------------------------------------------------------

    def next(self) -> Frame | None:
        """Return the next frame; None if it is not complete."""
        while self._next is not _LINE:
            if self._at == len(self._buffer) and self._next is not _Next.NOTHING:
                return None
            if self._next is _STREAM:
                return self._take_piece()
            if self._next is _Next.NOTHING:
                return _FLOODED
            if self._next is _Next.LITERAL:
                if not self._take_literal():
                    return None
            elif self._next is _Next.DISCARD:
                self._discard()
            elif not self._skip():
                return None
        buffer, at = self._buffer, self._at
        if at == len(buffer):  # as after nearly every command of a client that waits for the answer
            return None
        end = buffer.find(b"\n", max(self._scanned, at))
        if end < 0:
            return self._unfinished()
        self._at = end + 1
        if self._size + end + 1 - at > self._line:
            return self._refused(buffer[at:end].removesuffix(b"\r"), TOO_LONG)
        if end == at or buffer[end - 1] != 13:
            return self._refused(buffer[at:end], BARE_LF)
        text = buffer[at : end - 1]
        if text.endswith(b"}"):
            announced = LITERAL.search(text)
            if announced is not None:
                self._parts.append(text)
                return self._announced(announced)
        if not self._size:  # nothing of it has come before
            return [text]
        parts = self._parts
        parts.append(text)
        self._parts, self._size = [], 0
        return parts

    def _announced(self, announced: re.Match[bytes]) -> Announced | Refused:
        if announced[2]:
            most = self.non_synchronizing
            if most is None:
                return self._refused(announced.string, "Invalid literal")
            if int(announced[1]) > most:  # RFC 7888 §5: with LITERAL-, TOOBIG must be in the BAD of an APPEND
                return self._refused(announced.string, "[TOOBIG] Non-synchronizing literal too large")
        self._size += len(announced.string) + 2
        return Announced(self._parts, int(announced[1]), not announced[2])

    def _unfinished(self) -> Refused | None:
        """Refuse a line without an end if it is too long."""
        self._scanned = len(self._buffer)
        if self._size + len(self._buffer) - self._at <= self._line:
            return None
        self._next = _Next.SKIP
        return Refused(self._start(self._buffer[self._at : self._at + MAX_TAG + 1]), TOO_LONG)

    def _refused(self, line: bytes, text: str) -> Refused:
        refused = Refused(self._start(line), text)
        self.refuse(line)
        return refused

    def _start(self, line: bytes) -> bytes:
        # Perhaps only the beginning of the line is here: the answer must not depend on its length.
        return (self._parts[0] if self._parts else line)[: MAX_TAG + 1]

    # -- literals ---------------------------------------------------------------------------------------------

    def keep(self, announced: Announced) -> bool:
        """Make the literal a part of the command; False if it is too large: then `refuse` the command."""
        self._size += announced.size
        if announced.size > self._literal or self._size > self._line:
            return False
        self._left = announced.size
        self._next = _Next.LITERAL
        return True

    def stream(self, size: int) -> None:
        """Hand the literal on in pieces; the rest of the command comes as a command of its own."""
        self._parts, self._size = [], 0
        self._left = size
        self._next = _STREAM

    def take_last(self, size: int, *, nuls: bool) -> bytes | None:
        """Take a literal with the end of its command; None if they have not come, more follows, or a NUL may not be."""
        end = self._at + size
        if not self._buffer.startswith(b"\r\n", end):
            return None
        octets = self._buffer[self._at : end]
        if not nuls and octets.find(b"\0") >= 0:
            return None
        self._parts, self._size = [], 0
        self._at = end + 2
        return octets

    def refuse(self, line: bytes) -> None:
        """Discard the command whose last line this is, with the non-synchronizing literals that follow in it."""
        self._parts, self._size = [], 0
        # RFC 7888 §3: check the end of every line for a literal, even if the line has another fault.
        none = self.non_synchronizing is None
        match = None if none else _NON_SYNCHRONIZING.search(line[-_LONGEST_ANNOUNCEMENT:])
        if match is None:
            self._next = _LINE
            return
        size = int(match[1])
        if size > MAX_NUMBER or (not self._trusted and size > self._literal):
            # RFC 7888 §4, the second choice: before login nobody can make the server read so much.
            self._next = _Next.NOTHING
            return
        self._left = size
        self._next = _Next.DISCARD if size else _Next.SKIP

    def _take_literal(self) -> bool:
        """Take a short literal once it is whole."""
        end = self._at + self._left
        if len(self._buffer) < end:
            return False
        self._parts.append(self._buffer[self._at : end])
        self._at = end
        self._next = _LINE
        return True

    def _take_piece(self) -> bytes:
        octets = self._buffer[self._at : self._at + self._left]
        self._at += len(octets)
        self._left -= len(octets)
        if not self._left:
            self._next = _LINE
        return octets

    def _discard(self) -> None:
        taken = min(self._left, len(self._buffer) - self._at)
        self._at += taken
        self._left -= taken
        if not self._left:
            self._next = _Next.SKIP

    def _skip(self) -> bool:
        end = self._buffer.find(b"\n", self._at)
        if end < 0:  # keep what may be the beginning of a literal's announcement
            self._at = max(self._at, len(self._buffer) - _LONGEST_ANNOUNCEMENT)
            self._scanned = len(self._buffer)
            return False
        line = self._buffer[self._at : end]
        self._at = end + 1
        self.refuse(line.removesuffix(b"\r"))
        return True
