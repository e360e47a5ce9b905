"""What the observers of all protocols share: two streams of octets become lines in the order in which they were said.

An observer follows a protocol from outside, as far as a transcript needs it: where lines end and contents begin, which
reply answers which command, and when a line is a secret. It never judges: what it does not understand is a line. Where
the meaning of what a client has sent depends on a reply (DATA, AUTH, a literal), the client's octets wait for it. Pure.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from enum import Enum, auto
from typing import TYPE_CHECKING

from postroad.transcript.line import LONGEST, Line, Measure, Noted, Reference, Side
from postroad.transcript.secrets import Secrets
from postroad.transcript.stream import Stream

if TYPE_CHECKING:
    from collections.abc import Callable

    from postroad.tap import Fact


class Turn(Enum):
    """Who speaks next."""

    SERVER = auto()  # it owes an answer
    COMMAND = auto()  # the client may give a command
    CONTENT = auto()  # the client has begun with content, or with a command, and goes on
    RESPONSE = auto()  # the client answers a challenge


class Observer(ABC):
    """Follows one session. `lines` and `notes` grow; who reads them may take them out."""

    state = ""  # of the protocol, as lines show it

    def __init__(self) -> None:
        self.lines: list[Line] = []
        self.notes: list[Noted] = []
        self.count = 0  # lines so far
        self.open = True
        self.group = 0
        self.secrets = Secrets()
        self.client = Stream()
        self.server = Stream()

    def take(self, side: Side, octets: bytes, at: float, *, tls: bool) -> None:
        """Take octets of one side."""
        (self.client if side is Side.CLIENT else self.server).add(octets, at, tls=tls)
        self._follow()

    def skip(self) -> None:
        """Go on after octets that are lost, at a point where no command is under way."""
        self.client.rest()
        self.server.rest()
        self.secrets.touchy = True

    def end(self) -> None:
        """Make lines of what has no line end: the session is over."""
        self.open = False
        for side, stream in ((Side.CLIENT, self.client), (Side.SERVER, self.server)):
            if (octets := stream.rest()) or self._partial(side):
                self._torn(side, octets)
                self.lines[-1].whole = False

    @property
    @abstractmethod
    def turn(self) -> Turn:
        """Whose turn it is, as far as what was said tells."""

    @abstractmethod
    def noted(self, fact: Fact) -> None:
        """Take a fact about what is under way."""

    @abstractmethod
    def _client_line(self) -> bool:
        """Read the next thing that the client says; False if it is not whole, or waits for the server."""

    @abstractmethod
    def _server_line(self) -> bool:
        """Read the next thing that the server says; False if it is not whole."""

    @abstractmethod
    def _partial(self, side: Side) -> bool:
        """Whether content has begun that has not ended."""

    @abstractmethod
    def _torn(self, side: Side, octets: bytes) -> None:
        """Say octets that no line end follows."""

    def _follow(self) -> None:
        steps: tuple[Callable[[], bool], Callable[[], bool]] = (self._client_line, self._server_line)
        while any(step() for step in steps):
            pass

    # -- for the protocols

    def say(
        self,
        side: Side,
        octets: bytes,
        *,
        hidden: tuple[bytes, str] | None = None,
        reference: Reference | None = None,
        after: bytes = b"",
    ) -> Line:
        """Add a line: octets, then in place of `hidden` (a secret and its kind) its name, then `after`."""
        if len(octets) > LONGEST:
            measure = Measure()
            measure.add(octets)
            reference, octets = measure.reference, octets[:LONGEST]
        if hidden is None:
            text, blank = self.secrets.spoken(octets)
        else:
            name = self.secrets.name(*hidden)
            text, blank = f"{self.secrets.spoken(octets)[0]}{name}{self.secrets.spoken(after)[0]}", True
        stream = self.client if side is Side.CLIENT else self.server
        self.count += 1
        line = Line(
            self.count, stream.at, side, text, stream.tls, self.state, self.group, blank=blank, reference=reference
        )
        self.lines.append(line)
        return line

    def respond(self, octets: bytes, mechanism: str) -> Line:
        """Add the client's response to a challenge of SASL, which is a secret unless it is empty or cancels."""
        if octets in {b"", b"*"}:
            return self.say(Side.CLIENT, octets)
        return self.say(Side.CLIENT, b"", hidden=(octets, mechanism))

    def content(self, side: Side, measure: Measure) -> Line:
        """Add a line that stands for content."""
        return self.say(side, b"", reference=measure.reference)

    def note(self, line: int, fact: Fact) -> None:
        """Add a fact about a line."""
        self.notes.append(Noted(line, fact))
