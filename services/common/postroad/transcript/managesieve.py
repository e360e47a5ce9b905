"""ManageSieve (RFC 5804) as a transcript shows it. Pure."""

from __future__ import annotations

import re
from collections import deque
from typing import TYPE_CHECKING

from postroad.transcript.line import Measure, Side
from postroad.transcript.observer import Observer, Turn
from postroad.transcript.secrets import UNKNOWN, mechanism_in

if TYPE_CHECKING:
    from postroad.tap import Fact

COMMANDS = frozenset(
    b"AUTHENTICATE STARTTLS LOGOUT CAPABILITY HAVESPACE PUTSCRIPT LISTSCRIPTS SETACTIVE GETSCRIPT DELETESCRIPT"
    b" RENAMESCRIPT CHECKSCRIPT NOOP UNAUTHENTICATE".split()
)
_LITERAL = re.compile(rb"\{(\d{1,20})\+?\}\Z")
_AUTHENTICATE = re.compile(rb'(AUTHENTICATE +"?)([^\s"]+)("? *)(.*)', re.IGNORECASE | re.DOTALL)
_RESPONSE = re.compile(rb"(OK|NO|BYE)(?: |\Z)", re.IGNORECASE)


class ManageSieveObserver(Observer):
    """Follows a session of ManageSieve. All that a client says during AUTHENTICATE is secret."""

    state = "non-authenticated"

    def __init__(self) -> None:
        super().__init__()
        self._asked: deque[bytes] = deque([b""])
        self._waits = False  # after STARTTLS
        self._exchange: str | None = None  # the mechanism of an AUTHENTICATE under way
        self._left = {Side.CLIENT: 0, Side.SERVER: 0}  # octets of a literal that are to come
        self._measure = {Side.CLIENT: Measure(), Side.SERVER: Measure()}
        self._inside = False  # the next line goes on with a command
        self._challenged = False  # the client has to answer in an AUTHENTICATE

    @property
    def turn(self) -> Turn:
        """See `Observer`."""
        if self._challenged:
            return Turn.RESPONSE
        if self._inside:
            return Turn.CONTENT
        return Turn.SERVER if self._asked or self._left[Side.SERVER] else Turn.COMMAND

    def noted(self, fact: Fact) -> None:
        """See `Observer`."""
        self.note(self.count, fact)

    def skip(self) -> None:
        """See `Observer`."""
        super().skip()
        self._asked.clear()
        self._waits = self._inside = self._challenged = False
        self._exchange = None
        self._left = {Side.CLIENT: 0, Side.SERVER: 0}

    def _client_line(self) -> bool:
        if self._left[Side.CLIENT]:
            return self._take_literal(Side.CLIENT)
        if self._waits or (octets := self.client.line()) is None:
            return False
        self._say_client(octets)
        self._announce(Side.CLIENT, octets)
        return True

    def _say_client(self, octets: bytes) -> None:
        if self._exchange is not None:
            self._challenged = False
            self._say_secret(octets)
        elif self._inside:
            self._inside = False
            self.say(Side.CLIENT, octets)
        else:
            self._begin(octets)

    def _begin(self, octets: bytes) -> None:
        self.secrets.listen(octets)
        command = octets.partition(b" ")[0].upper()
        self._asked.append(command)
        self._waits = command == b"STARTTLS"
        if command == b"AUTHENTICATE":
            match = _AUTHENTICATE.match(octets)
            mechanism = mechanism_in(match[2]) if match is not None else None
            self._exchange = (mechanism or "sasl").lower()
            start = match.start(4) if match is not None and mechanism is not None else 13
            self._say_secret(octets, start)
        elif command not in COMMANDS and self.secrets.touchy:
            self.say(Side.CLIENT, b"", hidden=(octets, UNKNOWN))
        else:
            self.say(Side.CLIENT, octets)

    def _say_secret(self, octets: bytes, start: int = 0) -> None:
        literal = _LITERAL.search(octets, start)
        end = len(octets) if literal is None else literal.start()
        secret = octets[start:end]
        if secret.strip(b'" ') in {b"", b"*"}:
            self.say(Side.CLIENT, octets)
        else:
            bare = secret.strip(b'" ')
            self.say(Side.CLIENT, octets[:start], hidden=(bare, self._exchange or "sasl"), after=octets[end:])

    def _announce(self, side: Side, octets: bytes) -> None:
        match = _LITERAL.search(octets)
        if match is None:
            return
        self._left[side] = int(match[1])
        self._measure[side] = Measure()
        if side is Side.CLIENT:
            self._inside = True

    def _take_literal(self, side: Side) -> bool:
        stream, measure = self.client if side is Side.CLIENT else self.server, self._measure[side]
        self._left[side] = stream.counted(self._left[side], measure)
        if self._left[side]:
            return False
        self._say_literal(side, measure)
        return True

    def _say_literal(self, side: Side, measure: Measure) -> None:
        if side is Side.CLIENT and self._exchange is not None:
            line = self.say(side, b"", hidden=(measure.beginning, self._exchange))
        else:
            line = self.content(side, measure)
        line.whole = False

    def _partial(self, side: Side) -> bool:
        return bool(self._left[side] and self._measure[side].size)

    def _server_line(self) -> bool:
        if self._left[Side.SERVER]:
            return self._take_literal(Side.SERVER)
        octets = self.server.line()
        if octets is None:
            return False
        self.say(Side.SERVER, octets)
        match = _RESPONSE.match(octets)
        if match is not None:
            self._completed(success=match[1].upper() == b"OK")
        else:
            self._challenged = self._exchange is not None and _LITERAL.search(octets) is None
        self._announce(Side.SERVER, octets)
        return True

    def _completed(self, *, success: bool) -> None:
        command = self._asked.popleft() if self._asked else b""
        if command == b"AUTHENTICATE":
            self._exchange, self._challenged = None, False
            self.state = "authenticated" if success else self.state
        elif command == b"STARTTLS":
            self._waits = False
            if success:  # RFC 5804 §2.2: the server sends its capabilities again, which no command asks for
                self.client.rest()
                self.server.rest()
                self._asked.appendleft(b"")
        elif success and command in {b"UNAUTHENTICATE", b"LOGOUT"}:
            self.state = "non-authenticated" if command == b"UNAUTHENTICATE" else "logout"

    def _torn(self, side: Side, octets: bytes) -> None:
        if self._partial(side):
            self._say_literal(side, self._measure[side])
        elif side is Side.SERVER:
            self.say(side, octets)
        else:
            self._say_client(octets)
