"""IMAP (RFC 3501, RFC 9051) as a transcript shows it. Pure."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from postroad.tap import Read
from postroad.transcript.line import INLINE, Measure, Side
from postroad.transcript.observer import Observer, Turn
from postroad.transcript.secrets import UNKNOWN, mechanism_in

if TYPE_CHECKING:
    from postroad.tap import Fact
    from postroad.transcript.stream import Stream

COMMANDS = frozenset(
    b"CAPABILITY NOOP LOGOUT STARTTLS AUTHENTICATE LOGIN SELECT EXAMINE CREATE DELETE RENAME SUBSCRIBE UNSUBSCRIBE"
    b" LIST LSUB STATUS APPEND CHECK CLOSE EXPUNGE SEARCH FETCH STORE COPY UID IDLE NAMESPACE ENABLE MOVE UNSELECT ID"
    b" COMPRESS SORT THREAD GETQUOTA GETQUOTAROOT SETQUOTA SETACL DELETEACL GETACL LISTRIGHTS MYRIGHTS GETMETADATA"
    b" SETMETADATA NOTIFY ESEARCH CANCELUPDATE GENURLAUTH RESETKEY URLFETCH REPLACE UNAUTHENTICATE LANGUAGE COMPARATOR"
    b" XLIST GETJMAPACCESS".split()
)
_LITERAL = re.compile(rb"~?\{(\d{1,20})(\+?)\}\Z")
# RFC 3501 §7: what follows these is text, which may end in anything.
_TEXT = re.compile(rb"\* (?:OK|NO|BAD|BYE|PREAUTH)(?: |\Z)|\+", re.IGNORECASE)
# LOGIN's user name if the password follows: an atom or a quoted string
_LOGIN = re.compile(rb'(\S+ +LOGIN +(?:"(?:[^"\\]|\\.)*"|[^\s"{(]+) +)(\S.*)?\Z', re.IGNORECASE | re.DOTALL)
_AUTHENTICATE = re.compile(rb"(\S+ +AUTHENTICATE +)(\S+)(?: +(.+))?\Z", re.IGNORECASE | re.DOTALL)
_STATES = {
    b"LOGIN": "authenticated",
    b"AUTHENTICATE": "authenticated",
    b"SELECT": "selected",
    b"EXAMINE": "selected",
    b"CLOSE": "authenticated",
    b"UNSELECT": "authenticated",
    b"UNAUTHENTICATE": "not authenticated",
    b"LOGOUT": "logout",
}


class _Literal:
    """A literal that is coming."""

    __slots__ = ("hidden", "left", "measure", "whole")

    def __init__(self, size: int, *, whole: bool, hidden: str | None = None) -> None:
        self.left = size
        self.measure = Measure()
        self.whole = whole  # never as text, however short
        self.hidden = hidden  # the kind of secret that it is


class ImapObserver(Observer):
    """Follows a session of IMAP."""

    state = "not authenticated"

    def __init__(self) -> None:
        super().__init__()
        self._asked: dict[bytes, tuple[bytes, int]] = {}  # by tag: command, line
        self._waits = False  # the client's octets wait for the server
        self._tag = b""  # of the command under way
        self._command = b""
        self._hides: str | None = None  # the kind of secret that the rest of the command is
        self._answers = False  # the client's next line is a response of AUTHENTICATE
        self._mechanism = "sasl"
        self._announced: _Literal | None = None  # the client waits for leave to send it
        self._coming: _Literal | None = None  # from the client
        self._going: _Literal | None = None  # from the server
        self._inside = False  # the next line goes on with a command
        self._greeted = False
        self._idles = False  # IDLE waits for DONE
        self._read: set[int] = set()

    @property
    def turn(self) -> Turn:
        """See `Observer`."""
        if self._answers:
            return Turn.RESPONSE
        if self._inside and not self._waits:
            return Turn.CONTENT
        idles = self._idles and len(self._asked) == 1
        return Turn.SERVER if not self._greeted or (self._asked and not idles) else Turn.COMMAND

    def noted(self, fact: Fact) -> None:
        """See `Observer`."""
        line = self.count
        if isinstance(fact, Read):
            fetching = (line for verb, line in self._asked.values() if verb == b"FETCH" and line not in self._read)
            line = next(fetching, line)
            self._read = {other for _, other in self._asked.values() if other in self._read} | {line}
        self.note(line, fact)

    def skip(self) -> None:
        """See `Observer`."""
        super().skip()
        self._asked.clear()
        self._waits = self._answers = self._inside = self._idles = False
        self._announced = self._coming = self._going = None

    # -- the client

    def _client_line(self) -> bool:
        if self._coming is not None:
            if not self._take_literal(Side.CLIENT, self.client, self._coming):
                return False
            self._coming = None
            return True
        if self._waits or (octets := self.client.line()) is None:
            return False
        if self._answers:
            self._answers, self._waits = False, True
            self.respond(octets, self._mechanism)
            return True
        if self._inside:
            self._go_on(octets)
        else:
            self._begin(octets)
        self._announce(octets)
        return True

    def _begin(self, octets: bytes) -> None:
        """Read the first line of a command."""
        self.secrets.listen(octets)
        words = octets.split(b" ", 3)
        tag, command = words[0], words[1].upper() if len(words) > 1 else b""
        self._hides = None
        if octets.upper() == b"DONE":  # RFC 2177 §3
            self.say(Side.CLIENT, octets)
            self._idles = False
            return
        self._tag = tag
        self._command = words[2].upper() if command == b"UID" and len(words) > 2 else command
        number = self._say_command(command, octets)
        self._asked[tag] = self._command, number
        self._waits = command in {b"AUTHENTICATE", b"STARTTLS"}

    def _say_command(self, command: bytes, octets: bytes) -> int:
        if command == b"LOGIN":
            self._hides = "password"
            match = _LOGIN.match(octets)
            if _LITERAL.search(octets) is not None and len(octets.split()) == 3:
                self._hides = "user"
            start = match.end(1) if match is not None else octets.upper().index(b"LOGIN") + 5
            return self._say_from(start, octets, "password")
        if command == b"AUTHENTICATE":
            match = _AUTHENTICATE.match(octets)
            mechanism = mechanism_in(match[2]) if match is not None else None
            self._mechanism = self._hides = (mechanism or "sasl").lower()
            if match is None or mechanism is None:
                return self._say_from(octets.upper().index(b"AUTHENTICATE") + 12, octets, "sasl")
            start = match.start(3) if match[3] not in {None, b"="} else len(octets)
            return self._say_from(start, octets, self._mechanism)
        if command not in COMMANDS and self.secrets.touchy:
            self._hides = UNKNOWN
            return self._say_from(0, octets, UNKNOWN)
        return self.say(Side.CLIENT, octets).number

    def _say_from(self, start: int, octets: bytes, kind: str) -> int:
        """Say a line that is a secret from `start` on, except for the announcement of a literal."""
        literal = _LITERAL.search(octets, start)
        end = literal.start() if literal is not None else len(octets)
        while octets[start : start + 1] == b" ":
            start += 1
        secret, after = octets[start:end].rstrip(b" "), octets[end:]
        if not secret:
            return self.say(Side.CLIENT, octets).number
        between = octets[start + len(secret) : end]
        return self.say(Side.CLIENT, octets[:start], hidden=(_unquoted(secret), kind), after=between + after).number

    def _go_on(self, octets: bytes) -> None:
        """Read the rest of a command behind a literal."""
        self._inside = False
        if self._hides is not None:
            self._hides = "password" if self._hides == "user" else self._hides
            self._say_from(0, octets, self._hides)
        else:
            self.say(Side.CLIENT, octets)

    def _announce(self, octets: bytes) -> None:
        match = _LITERAL.search(octets)
        if match is None or self._waits:
            return
        self._inside = True
        literal = _Literal(int(match[1]), whole=self._command in {b"APPEND", b"REPLACE"}, hidden=self._hides)
        if match[2]:  # RFC 7888 §4: it is not waited for
            self._coming = literal
        else:
            self._announced, self._waits = literal, True

    def _take_literal(self, side: Side, stream: Stream, literal: _Literal) -> bool:
        """Take what has come of a literal; True once it is whole and said."""
        literal.left = stream.counted(literal.left, literal.measure)
        if literal.left:
            return False
        self._say_literal(side, literal)
        return True

    def _say_literal(self, side: Side, literal: _Literal) -> None:
        measure = literal.measure
        if literal.hidden is not None:
            self.say(side, b"", hidden=(measure.beginning, literal.hidden)).whole = False
        elif literal.whole or measure.size > INLINE:
            self.content(side, measure).whole = False
        else:
            *lines, last = measure.beginning.split(b"\r\n")
            for line in lines:
                self.say(side, line)
            if last or not lines:
                self.say(side, last).whole = False

    # -- the server

    def _server_line(self) -> bool:
        if self._going is not None:
            if not self._take_literal(Side.SERVER, self.server, self._going):
                return False
            self._going = None
            return True
        octets = self.server.line()
        if octets is None:
            return False
        self.say(Side.SERVER, octets)
        self._greeted = True
        tag, _, rest = octets.partition(b" ")
        if tag == b"+":
            self._continued()
        elif tag in self._asked:
            self._completed(tag, rest)
        elif match := _LITERAL.search(octets):
            if _TEXT.match(octets) is None:
                self._going = _Literal(int(match[1]), whole=False)
        elif self._tag == b"" and octets.upper().startswith(b"* PREAUTH"):
            self.state = "authenticated"
        if octets[:5].upper() in {b"* BAD", b"* BYE"}:  # of a command whose tag was not understood
            self._release()
        return True

    def _continued(self) -> None:
        """Let the client go on: with a literal, or with a response of AUTHENTICATE."""
        if self._announced is not None:
            self._coming, self._announced, self._waits = self._announced, None, False
        elif self._waits and self._command == b"AUTHENTICATE":
            self._answers, self._waits = True, False
        else:
            self._idles = self._command == b"IDLE"

    def _release(self) -> None:
        """Go on with commands: what was announced is refused and does not come, or an exchange is over."""
        if self._announced is not None:
            self._announced, self._inside = None, False
        self._waits = self._answers = False

    def _completed(self, tag: bytes, rest: bytes) -> None:
        command, _ = self._asked.pop(tag)
        success = rest[:2].upper() == b"OK"
        if tag == self._tag:
            self._release()
        if not success:
            return
        if command == b"STARTTLS":  # RFC 2595 §2.1
            self.client.rest()
            self.server.rest()
        self.state = _STATES.get(command, self.state)

    def _partial(self, side: Side) -> bool:
        literal = self._coming if side is Side.CLIENT else self._going
        return literal is not None and bool(literal.measure.size)

    def _torn(self, side: Side, octets: bytes) -> None:
        literal = self._coming if side is Side.CLIENT else self._going
        if literal is not None:
            self._say_literal(side, literal)
        elif side is Side.SERVER:
            self.say(side, octets)
        elif self._answers or self._waits:
            self.say(side, b"", hidden=(octets, self._mechanism))
        elif self._inside:
            self._go_on(octets)
        else:
            self._begin(octets)


def _unquoted(secret: bytes) -> bytes:
    """Return what a quoted string means, other octets as they are."""
    if len(secret) > 1 and secret[:1] == secret[-1:] == b'"':
        return re.sub(rb"\\(.)", rb"\1", secret[1:-1], flags=re.DOTALL)
    return secret
