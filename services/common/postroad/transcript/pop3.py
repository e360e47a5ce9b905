"""POP3 (RFC 1939, RFC 2449, RFC 5034) as a transcript shows it. Pure."""

from __future__ import annotations

import re
from collections import deque
from typing import TYPE_CHECKING

from postroad.tap import Read
from postroad.transcript.line import Measure, Side
from postroad.transcript.observer import Observer, Turn
from postroad.transcript.secrets import UNKNOWN, mechanism_in
from postroad.transcript.stream import Dotted

if TYPE_CHECKING:
    from postroad.tap import Fact

VERBS = frozenset(
    b"USER PASS APOP AUTH STAT LIST RETR DELE NOOP RSET QUIT TOP UIDL CAPA STLS UTF8 LANG XTND LAST".split()
)
_WAITING = frozenset({b"AUTH", b"STLS"})
_CONTENT = frozenset({b"RETR", b"TOP"})  # whose response is a message
_LISTS = frozenset({b"LIST", b"UIDL", b"LANG", b"AUTH"})  # whose response has many lines if they have no argument
_APOP = re.compile(rb"(APOP +)(\S+) +(.+)", re.IGNORECASE | re.DOTALL)


class Pop3Observer(Observer):
    """Follows a session of POP3."""

    state = "authorization"

    def __init__(self) -> None:
        super().__init__()
        self._asked: deque[tuple[bytes, int, bool]] = deque([(b"", 0, False)])  # verb, line, with an argument
        self._waits = False
        self._answers = False
        self._early = False  # the client's line has been refused before its end
        self._mechanism = "sasl"
        self._many = False  # lines of a list are coming
        self._dotted: Dotted | None = None  # a message is coming
        self._read: set[int] = set()  # lines of RETR whose message is known

    @property
    def turn(self) -> Turn:
        """See `Observer`."""
        if self._answers:
            return Turn.RESPONSE
        return Turn.SERVER if self._asked or self._many or self._dotted is not None else Turn.COMMAND

    def noted(self, fact: Fact) -> None:
        """See `Observer`."""
        line = self.count
        if isinstance(fact, Read):
            retrieving = (line for verb, line, _ in self._asked if verb == b"RETR" and line not in self._read)
            line = next(retrieving, line)
            self._read = {other for _, other, _ in self._asked if other in self._read} | {line}
        self.note(line, fact)

    def skip(self) -> None:
        """See `Observer`."""
        super().skip()
        self._asked.clear()
        self._waits = self._answers = self._early = self._many = False
        self._dotted = None

    def _client_line(self) -> bool:
        if self._waits or (octets := self.client.line()) is None:
            return False
        if self._answers:
            self._answers, self._waits = False, True
            self.respond(octets, self._mechanism)
            return True
        verb, _, argument = octets.partition(b" ")
        number = self._say_command(octets)
        if self._early:
            self._early = False
            return True
        self._asked.append((verb.upper(), number, bool(argument.strip())))
        self._waits = verb.upper() in _WAITING
        return True

    def _say_command(self, octets: bytes) -> int:
        self.secrets.listen(octets)
        verb = octets.partition(b" ")[0].upper()
        hidden: tuple[bytes, str] | None = None
        start = len(octets)
        if verb == b"PASS":  # RFC 1939 §7: the whole argument, spaces included
            start, kind = 5, "password"
        elif verb == b"APOP":
            match = _APOP.fullmatch(octets)
            start, kind = (5 if match is None else match.start(3)), "apop"
        elif verb == b"AUTH":
            words = octets.split(b" ", 2)
            mechanism = mechanism_in(words[1]) if len(words) > 1 else None
            self._mechanism = kind = (mechanism or "sasl").lower()
            if mechanism is None:
                start = 5
            elif len(words) > 2 and words[2] != b"=":
                start = len(octets) - len(words[2])
        elif verb not in VERBS and self.secrets.touchy:
            start, kind = 0, UNKNOWN
        if start < len(octets):
            hidden = octets[start:], kind
        return self.say(Side.CLIENT, octets[:start], hidden=hidden).number

    def _server_line(self) -> bool:
        if self._dotted is not None:
            if not self._dotted.take(self.server):
                return False
            self.content(Side.SERVER, self._dotted.measure)
            self.say(Side.SERVER, b".")
            self._dotted = None
            return True
        octets = self.server.line()
        if octets is None:
            return False
        self.say(Side.SERVER, octets)
        if self._many:
            self._many = octets != b"."
        else:
            self._replied(octets)
        return True

    def _replied(self, octets: bytes) -> None:
        if not self._asked:
            self._early = bool(self.client.buffer)
            return
        verb, number, argument = self._asked.popleft()
        if verb in _WAITING:
            self._waits = False
        if verb == b"AUTH" and octets.startswith(b"+ "):  # RFC 5034 §4
            self._answers = True
            self._asked.appendleft((verb, number, argument))
        if not octets.upper().startswith(b"+OK"):
            return
        if verb in _CONTENT:
            self._dotted = Dotted(Measure())
        elif verb == b"CAPA" or (verb in _LISTS and not argument):
            self._many = True
        elif verb == b"STLS":  # RFC 2595 §4
            self.client.rest()
            self.server.rest()
        elif verb in {b"PASS", b"APOP", b"AUTH"}:
            self.state = "transaction"
        elif verb == b"QUIT":
            self.state = "update"

    def _partial(self, side: Side) -> bool:
        return side is Side.SERVER and self._dotted is not None

    def _torn(self, side: Side, octets: bytes) -> None:
        if side is Side.SERVER and self._dotted is not None:
            self._dotted.measure.add(octets)
            self.content(side, self._dotted.measure)
        elif side is Side.SERVER:
            self.say(side, octets)
        elif self._answers or (self._waits and self._asked[-1][0] == b"AUTH"):
            self.say(side, b"", hidden=(octets, self._mechanism))
        else:
            self._say_command(octets)
