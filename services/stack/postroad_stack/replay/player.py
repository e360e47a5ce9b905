"""Plays a dialogue: what the client has said is sent again, as soon as the server has answered what came before.

Content and responses to challenges are sent only where the server waits for them: a server that refuses DATA would take
content for commands.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

from postroad.tap import Opened
from postroad.transcript.dialogue import shown
from postroad.transcript.line import Side
from postroad.transcript.observer import Turn
from postroad.transcript.observers import observer_of

if TYPE_CHECKING:
    import ssl
    from collections.abc import Callable, Iterable, Iterator, Sequence

    from postroad.transcript.observer import Observer
    from postroad.transcript.script import Said
    from postroad_stack.replay.connection import Connection
    from postroad_stack.replay.dialogue import Dialogue
    from postroad_stack.replay.secrets import Secrets

_LITERAL = re.compile(r"\{\d+(\+?)\}\Z")
_CONTENT = re.compile(r"\{\?content (\d+) \S+\}")
# The answers behind which the client begins with TLS, in all protocols.
_GOES_AHEAD = re.compile(r"220 |\+OK|OK\b|\S+ OK ", re.IGNORECASE)
_COMPRESS = re.compile(r"\S+ COMPRESS DEFLATE", re.IGNORECASE)


@dataclass(slots=True)
class Exchange:
    """What the client has said at a time, and the answers: those on record, and those of the server."""

    who: int
    said: list[str] = field(default_factory=list)  # as it is written down
    recorded: list[str] = field(default_factory=list)
    heard: list[str] = field(default_factory=list)
    unsent: bool = False  # the server did not wait for it


class _Side:
    """One connection of the dialogue: the server's, and the recorded one as an observer understands it."""

    def __init__(self, connection: Connection) -> None:
        self.connection = connection
        self.recorded: Observer = observer_of(Opened(connection.protocol, "recorded", "", "", outbound=True, at=0.0))
        self.heard: list[bytes] = []  # the server's lines


class Player:
    """Plays one dialogue; `connect` opens a connection, which is as the dialogue begins."""

    def __init__(self, connect: Callable[[], Connection], secrets: Secrets, tls: ssl.SSLContext) -> None:
        self._connect = connect
        self._secrets = secrets
        self._tls = tls
        self._sides: dict[int, _Side] = {}

    def play(self, dialogue: Dialogue) -> Iterator[Exchange]:
        """Yield the exchanges; raises `OSError`, `MissingError`."""
        try:
            for group in _groups(self._resized(dialogue.lines)):
                yield self._exchange(group, dialogue.protocol)
        finally:
            for side in self._sides.values():
                side.connection.close()

    def _exchange(self, group: list[Said], protocol: str) -> Exchange:
        who = group[0].who
        side = self._sides.get(who)
        if side is None:
            side = self._sides[who] = _Side(self._connect())
        exchange = Exchange(who)
        connection = side.connection
        spoken = [line for line in group if line.kind == "C"]
        if spoken:
            connection.settle()
            self._hear(side, exchange)
            expected = {Turn.CONTENT, Turn.RESPONSE} & {side.recorded.turn}
            exchange.said = [line.text for line in spoken]
            exchange.unsent = bool(expected) and connection.observer.turn not in expected
            octets = self._spoken(side, spoken, protocol)
            side.recorded.take(Side.CLIENT, octets, 0.0, tls=False)
            if not exchange.unsent and not connection.closed:
                connection.send(octets)
        for line in group:
            self._meanwhile(side, exchange, line)
        connection.settle()
        self._hear(side, exchange)
        if any(_COMPRESS.match(text) for text in exchange.said) and any(" OK" in text for text in exchange.heard):
            connection.compress()
        return exchange

    def _meanwhile(self, side: _Side, exchange: Exchange, line: Said) -> None:
        connection = side.connection
        if line.kind == "S":
            exchange.recorded.append(line.text)
            side.recorded.take(Side.SERVER, _as_heard(line), 0.0, tls=False)
        elif line.kind == "T":
            connection.settle()
            self._hear(side, exchange)
            exchange.recorded.append("(TLS)")
            if exchange.heard and _GOES_AHEAD.match(exchange.heard[-1]):
                connection.start_tls(self._tls)
                exchange.heard.append("(TLS)")
        elif line.kind == "X":
            exchange.recorded.append("(closed)")
            closed = connection.wait_closed()
            self._hear(side, exchange)
            exchange.heard.append("(closed)" if closed else "(open)")

    def _hear(self, side: _Side, exchange: Exchange) -> None:
        lines = side.connection.heard()
        exchange.heard += [shown(line) for line in lines]
        side.heard += [line["text"].encode() for line in lines]

    def _spoken(self, side: _Side, lines: list[Said], protocol: str) -> bytes:
        spoken = [self._secrets.spoken(line.text, side.heard, atoms=protocol == "imap") for line in lines]
        return b"".join(text + (b"\r\n" if line.whole else b"") for text, line in zip(spoken, lines, strict=True))

    def _resized(self, lines: Sequence[Said]) -> Iterator[Said]:
        """Yield the lines; the announced size of a literal that a name stands for is that of its value."""
        for index, line in enumerate(lines):
            match = _LITERAL.search(line.text) if line.kind == "C" else None
            further = (other for other in lines[index + 1 :] if other.kind == "C" and other.who == line.who)
            literal = next(further, None) if match is not None else None
            if match is None or literal is None or literal.whole or not literal.text.startswith("{?"):
                yield line
                continue
            size = len(self._secrets.spoken(literal.text, []))
            yield replace(line, text=f"{line.text[: match.start()]}{{{size}{match[1]}}}")


def _groups(lines: Iterable[Said]) -> Iterator[list[Said]]:
    """Yield what the client says at a time, with the answers and whatever else comes before it speaks again."""
    group: list[Said] = []
    for line in lines:
        begins = line.kind == "C" and any(before.kind != "C" for before in group)
        if group and (begins or line.who != group[0].who):
            yield group
            group = []
        group.append(line)
    if group:
        yield group


def _as_heard(line: Said) -> bytes:
    """Return the octets of a recorded answer; content is as long as it was."""
    match = _CONTENT.search(line.text)
    if match is None:
        return line.octets
    return b"x" * int(match[1]) + (b"\r\n" if line.whole else b"")
