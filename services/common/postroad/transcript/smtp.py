"""SMTP and LMTP (RFC 5321, RFC 2033) as a transcript shows them. Pure."""

from __future__ import annotations

import re
from collections import deque
from typing import TYPE_CHECKING

from postroad.tap import Carried
from postroad.transcript.line import Measure, Side
from postroad.transcript.observer import Observer, Turn
from postroad.transcript.secrets import UNKNOWN, mechanism_in
from postroad.transcript.stream import Dotted

if TYPE_CHECKING:
    from postroad.tap import Fact

_REPLY = re.compile(rb"([2-5][0-9][0-9])([ -]|\Z)")
_VERBS = frozenset(
    b"EHLO HELO LHLO MAIL RCPT DATA RSET NOOP QUIT VRFY EXPN HELP AUTH STARTTLS BDAT ETRN TURN BURL XCLIENT XFORWARD"
    b" ATRN SEND SOML SAML".split()
)
_HELLO = frozenset({b"EHLO", b"HELO", b"LHLO"})
_WAITING = frozenset({b"DATA", b"AUTH", b"STARTTLS"})  # what comes behind them depends on the reply


class SmtpObserver(Observer):
    """Follows a session of SMTP, or of LMTP; `outbound` facts come before the transaction that they are about."""

    state = "connected"

    def __init__(self, *, lmtp: bool = False, outbound: bool = False) -> None:
        super().__init__()
        self._lmtp = lmtp
        self._outbound = outbound
        # Commands without reply so far: verb, line, transaction. The greeting answers no command.
        self._asked: deque[tuple[bytes, int, int]] = deque([(b"", 0, 0)])
        self._groups = 0
        self._mails: dict[int, int] = {}  # of transactions under way
        self._waits = False  # the client's octets wait for a reply
        self._answers = False  # the client's next line is a response of AUTH
        self._early = False  # the client's line has been refused before its end
        self._mechanism = "sasl"
        self._dotted: Dotted | None = None
        self._accepted = 0  # recipients
        self._next: list[Fact] = []  # facts about the transaction to come

    @property
    def turn(self) -> Turn:
        """See `Observer`."""
        if self._answers:
            return Turn.RESPONSE
        if self._dotted is not None:
            return Turn.CONTENT
        return Turn.SERVER if self._asked else Turn.COMMAND

    def noted(self, fact: Fact) -> None:
        """See `Observer`."""
        if not isinstance(fact, Carried):
            self.note(self.count, fact)
        elif self._outbound:
            self._next.append(fact)
        else:
            ends = (group for verb, _, group in self._asked if verb == b".")
            group = next(ends, self._groups)
            self.note(self._mails.get(group, self.count), fact)

    def skip(self) -> None:
        """See `Observer`."""
        super().skip()
        self._asked.clear()
        self._waits = self._answers = self._early = False
        self._dotted = None
        self.group = 0
        self.state = "ready"

    def _client_line(self) -> bool:
        if self._dotted is not None:
            if not self._dotted.take(self.client):
                return False
            line = self.content(Side.CLIENT, self._dotted.measure)
            self._dotted = None
            self.say(Side.CLIENT, b".")
            ends = max(1, self._accepted) if self._lmtp else 1
            self._asked.extend([(b".", line.number, self.group)] * ends)
            self._accepted = 0
            self.group = 0
            return True
        if self._waits or (octets := self.client.line()) is None:
            return False
        if self._answers:
            self._answers, self._waits = False, True
            self.respond(octets, self._mechanism)
        else:
            self._command(octets)
        return True

    def _command(self, octets: bytes) -> None:
        self.secrets.listen(octets)
        verb = octets.split(b" ", 1)[0].upper()
        if verb == b"MAIL" and self.group == 0:
            self._groups += 1
            self.group = self._groups
        number = self._say_command(verb, octets)
        if verb == b"MAIL":
            if self.group not in self._mails:
                self._mails = {group: line for group, line in self._mails.items() if group > self.group - 64}
                self._mails[self.group] = number
                for fact in self._next:
                    self.note(number, fact)
                self._next.clear()
            self.state = "mail"
        elif verb == b"RSET" or verb in _HELLO:  # RFC 5321 §4.1.1.5, §4.1.4
            self.group = self._accepted = 0
        if self._early:
            self._early = False
            return
        self._asked.append((verb, number, self.group))
        self._waits = verb in _WAITING

    def _say_command(self, verb: bytes, octets: bytes) -> int:
        if verb == b"AUTH":
            # RFC 4954 §4: auth-command = "AUTH" SP mechanism [SP initial-response]
            words = octets.split(b" ", 2)
            mechanism = mechanism_in(words[1]) if len(words) > 1 else None
            self._mechanism = (mechanism or "sasl").lower()
            if mechanism is None and len(words) > 1:
                return self.say(Side.CLIENT, octets[:5], hidden=(octets[5:], "sasl")).number
            if len(words) > 2 and words[2] not in {b"", b"="}:
                start = len(octets) - len(words[2])
                return self.say(Side.CLIENT, octets[:start], hidden=(words[2], self._mechanism)).number
        elif verb not in _VERBS and self.secrets.touchy and octets:
            return self.say(Side.CLIENT, b"", hidden=(octets, UNKNOWN)).number
        return self.say(Side.CLIENT, octets).number

    def _server_line(self) -> bool:
        octets = self.server.line()
        if octets is None:
            return False
        match = _REPLY.match(octets)
        group, self.group = self.group, self._group_of_reply()
        self.say(Side.SERVER, octets)
        self.group = group
        if match is not None and match[2] != b"-":
            self._replied(match[1])
        return True

    def _group_of_reply(self) -> int:
        return self._asked[0][2] if self._asked else self.group

    def _replied(self, code: bytes) -> None:
        asked = self._asked
        # These codes answer one command each; a reply before them was one that we have not understood.
        wanted = {b"354": b"DATA", b"334": b"AUTH"}.get(code)
        while wanted is not None and asked and asked[0][0] != wanted:
            asked.popleft()
        if not asked:
            self._early = self._early or (bool(self.client.buffer) and code != b"421")
            return
        verb, number, group = asked.popleft()
        success = code[:1] == b"2"
        if verb == b"DATA":
            self._waits = False
            if code == b"354":
                self._dotted = Dotted(Measure())
                self.state = "data"
        elif verb == b"AUTH":
            self._waits = False
            if code == b"334":
                self._answers = True
                asked.appendleft((verb, number, group))
        elif verb == b"STARTTLS":
            self._waits = False
            if success:  # RFC 3207 §4.2: both sides forget what was said before
                self.client.rest()
                self.server.rest()
                self.state = "greeted"
        elif verb == b"":
            self.state = "greeted" if success else "refused"
        elif verb in _HELLO and success:
            self.state = "ready"
        elif verb == b"MAIL" and not success:
            self.group, self.state = 0, "ready"
        elif verb == b"RCPT" and success:
            self._accepted += 1
            self.state = "rcpt"
        elif verb in {b"RSET", b"."}:
            self.state = "ready"
        elif verb == b"QUIT":
            self.state = "closed"

    def _partial(self, side: Side) -> bool:
        return side is Side.CLIENT and self._dotted is not None

    def _torn(self, side: Side, octets: bytes) -> None:
        if side is Side.SERVER:
            self.say(side, octets)
        elif self._dotted is not None:
            self._dotted.measure.add(octets)
            self.content(side, self._dotted.measure)
        elif self._answers or (self._waits and self._asked[-1][0] == b"AUTH"):
            self.say(side, b"", hidden=(octets, self._mechanism))
        else:
            self.secrets.listen(octets)
            self._say_command(octets.split(b" ", 1)[0].upper(), octets)
