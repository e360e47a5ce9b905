"""From octets to commands: tokens in lines that literals may interrupt (RFC 5804 §1.2, §4). Pure.

A command is returned once all of it is there. A literal that is larger than it may be is read to its end and not kept;
then the command is answered by a fault, and the next one is in its place.
"""

from __future__ import annotations

import re
from typing import TypeAlias

from postroad.value import value

MAX_LINE = 8192  # octets of a command without its literals
MAX_QUOTED = 1024  # octets of a quoted string (RFC 5804 §4: "limited to 1024 octets")
MAX_TOKENS = 8  # of a command
SKIPPED = 16 * 1024 * 1024  # octets of a literal that are read though they are too many; a larger one ends the session
MAX_NUMBER = (1 << 32) - 1  # RFC 5804 §4: "A 32-bit unsigned number"

_LITERAL = re.compile(rb"\{([0-9]{1,20})(\+?)\}\Z")
# RFC 5804 §4: quoted = DQUOTE *1024QUOTED-CHAR DQUOTE; number; atom = 1*1024ATOM-CHAR
_TOKEN = re.compile(
    rb'"(?P<quoted>(?:[^"\\\r\n\x00]|\\["\\])*)"|(?P<number>[0-9]+)(?![^ ])|(?P<atom>[!#-\x27*-\[\]-z|-~]+)'
)
_QUOTED_PAIR = re.compile(rb"\\(.)")


@value
class Atom:
    """A word, in capitals."""

    word: bytes


@value
class Number:
    """A number."""

    value: int


@value
class String:
    """A quoted string or a literal."""

    octets: bytes


Token: TypeAlias = Atom | Number | String


@value
class Fault:
    """A command that can't be read: what its NO says. After a `fatal` one nothing more can be read."""

    text: str
    code: str = ""
    fatal: bool = False


class Framer:
    """Cuts the client's octets into commands. `largest` is the largest literal that is taken, in octets."""

    def __init__(self, largest: int) -> None:
        self.largest = largest
        self._buffer = b""
        self._tokens: list[Token] = []  # of the command so far
        self._line = 0  # octets of its lines so far
        self._needed = -1  # octets of the literal that comes next; -1: a line comes next
        self._skipping = 0  # octets of a literal that are passed over
        self._fault: Fault | None = None  # the first one of the command

    def receive(self, data: bytes) -> None:
        """Take octets."""
        self._buffer = self._buffer + data if self._buffer else data

    def clear(self) -> None:
        """Forget all octets, and what has come of a command."""
        self._buffer = b""
        self._begin()

    def _begin(self) -> None:
        self._tokens = []
        self._line = 0
        self._needed, self._skipping = -1, 0
        self._fault = None

    def next_command(self) -> list[Token] | Fault | None:
        """Return the next command, or its fault; None if it is not complete."""
        while True:
            if self._skipping:
                passed = min(self._skipping, len(self._buffer))
                self._skipping -= passed
                self._buffer = self._buffer[passed:]
                if self._skipping:
                    return None
            elif self._needed >= 0:
                if len(self._buffer) < self._needed:
                    return None
                self._tokens.append(String(self._buffer[: self._needed]))
                self._buffer = self._buffer[self._needed :]
                self._needed = -1
            end = self._buffer.find(b"\n")
            if (end if end >= 0 else len(self._buffer)) + self._line > MAX_LINE:
                return Fault("Line too long.", fatal=True)
            if end < 0:
                return None
            line = self._buffer[:end].removesuffix(b"\r")
            self._buffer = self._buffer[end + 1 :]
            self._line += len(line)
            if (done := self._take(line)) is not None:
                return done

    def _take(self, line: bytes) -> list[Token] | Fault | None:
        """Take a line, or the part of one behind a literal; return the command if it ends there."""
        literal = _LITERAL.search(line)
        self._read(line[: literal.start()] if literal else line, before_literal=literal is not None)
        if literal is not None:
            size = int(literal[1])
            if not literal[2]:
                # RFC 5804 §4: literal-c2s has a "+"; a client without it waits for an answer that there is not.
                return Fault("A literal is written {size+}.", fatal=True)
            if size > SKIPPED:
                return Fault("The literal is too large.", "QUOTA/MAXSIZE", fatal=True)
            if size > self.largest:
                self._fault = self._fault or Fault(
                    f"A literal has at most {self.largest} octets here.", "QUOTA/MAXSIZE"
                )
                self._skipping = size
            else:
                self._needed = size
            return None
        tokens, fault = self._tokens, self._fault
        self._begin()
        return fault or tokens

    def _read(self, text: bytes, *, before_literal: bool) -> None:
        position = 0
        while position < len(text) and self._fault is None:
            if self._tokens or position:
                if text[position] != 0x20:
                    self._fault = Fault("Syntax error.")
                    return
                position += 1
                if before_literal and position == len(text):
                    return  # the space in front of the literal
            match = _TOKEN.match(text, position)
            if match is None:
                self._fault = Fault("Syntax error.")
                return
            position = match.end()
            self._add(match)
        # A literal is apart from what is in front of it, unless it is the first token: a response in AUTHENTICATE.
        if before_literal and self._fault is None and (self._tokens or text):
            self._fault = Fault("Syntax error.")

    def _add(self, match: re.Match[bytes]) -> None:
        quoted, number, atom = match.groups()
        if len(self._tokens) >= MAX_TOKENS:
            self._fault = Fault("Too many arguments.")
        elif atom is not None:
            self._tokens.append(Atom(atom.upper()))
        elif number is not None:
            value = int(number) if len(number) <= 20 else MAX_NUMBER + 1
            if value > MAX_NUMBER:
                self._fault = Fault(f"A number is at most {MAX_NUMBER}.")
            self._tokens.append(Number(value))
        elif len(quoted) > MAX_QUOTED:
            self._fault = Fault(f"A quoted string has at most {MAX_QUOTED} octets.")
        else:
            self._tokens.append(String(_QUOTED_PAIR.sub(rb"\1", quoted)))
