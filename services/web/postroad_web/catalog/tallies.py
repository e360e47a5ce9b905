"""Counts what the fold has seen since the process began, for the metrics. Pure."""

from __future__ import annotations

from collections import Counter
from typing import Final

from postroad.control.histogram import Histogram
from postroad_web.catalog.hops import Hops

BOUNDS: Final = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 60.0, 600.0)  # seconds


class Traffic:
    """What came in from outside in one world."""

    __slots__ = ("accepted", "octets", "refused")

    def __init__(self) -> None:
        self.accepted = 0  # messages
        self.octets = 0  # of them
        self.refused = 0


class Tallies:
    """Events by kind, the latency of each hop, and the traffic of each world."""

    def __init__(self) -> None:
        self.events: Counter[str] = Counter()
        self.octets = 0  # of the messages that came in from outside
        self.latencies: dict[str, Histogram] = {
            "attempt": Histogram(BOUNDS),  # from the relay's 250 to its first transaction with a server
            "store": Histogram(BOUNDS),  # from the relay's 250 to the mailbox
            "delivery": Histogram(BOUNDS),  # from the relay's 250 to that of the recipient's server
            "catalog": Histogram(BOUNDS),  # from the relay's 250 to the record with its content
        }
        self.hops = Hops(self.observe)
        self._worlds: dict[str, Traffic] = {}

    def of(self, world: str) -> Traffic:
        """Return the traffic of a world."""
        traffic = self._worlds.get(world)
        if traffic is None:
            traffic = self._worlds[world] = Traffic()
        return traffic

    def drop(self, world: str) -> None:
        """Forget a world."""
        self._worlds.pop(world, None)

    def count(self, kind: str) -> None:
        """Count an event."""
        self.events[kind] += 1

    def observe(self, hop: str, seconds: float) -> None:
        """Count the time of a hop; a clock that was set back makes it 0."""
        self.latencies[hop].observe(seconds)
