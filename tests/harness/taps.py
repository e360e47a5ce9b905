"""A tap that remembers what it hears."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from postroad.tap import Fact, Opened


class Heard:
    """All that one session was heard to say."""

    def __init__(self, opened: Opened) -> None:
        self.opened = opened
        self.events: list[tuple[str, bytes, float, bool]] = []
        self.facts: list[Fact] = []
        self.ends: list[float] = []
        self.over = asyncio.Event()

    def received(self, octets: bytes, at: float, *, tls: bool) -> None:
        self.events.append(("received", octets, at, tls))

    def sent(self, octets: bytes, at: float, *, tls: bool) -> None:
        self.events.append(("sent", octets, at, tls))

    def noted(self, fact: Fact) -> None:
        self.facts.append(fact)

    def closed(self, at: float) -> None:
        self.ends.append(at)
        self.over.set()

    def octets(self, direction: str, *, tls: bool) -> bytes:
        return b"".join(octets for how, octets, _, secure in self.events if (how, secure) == (direction, tls))


class Taps:
    """Hears all sessions, or none."""

    def __init__(self, *, deaf: bool = False) -> None:
        self.deaf = deaf
        self.sessions: list[Heard] = []

    def opened(self, session: Opened) -> Heard | None:
        self.sessions.append(Heard(session))
        return None if self.deaf else self.sessions[-1]
