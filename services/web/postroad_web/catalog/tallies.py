"""Counts what the fold has seen since the process began, for the metrics. Pure."""

from __future__ import annotations

from bisect import bisect_left
from collections import Counter
from typing import Final

from postroad_web.catalog.hops import Hops

BOUNDS: Final = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 60.0, 600.0)  # seconds


class Histogram:
    """How long something took, in classes up to the `BOUNDS`, as Prometheus wants it."""

    __slots__ = ("_counts", "sum")

    def __init__(self) -> None:
        self._counts = [0] * (len(BOUNDS) + 1)
        self.sum = 0.0  # seconds

    def observe(self, seconds: float) -> None:
        """Count one."""
        self._counts[bisect_left(BOUNDS, seconds)] += 1
        self.sum += seconds

    @property
    def count(self) -> int:
        """How many were counted."""
        return sum(self._counts)

    def figures(self) -> dict[str, object]:
        """Return it as the control doors write histograms: the classes are cumulative."""
        buckets: dict[str, int] = {}
        count = 0
        for bound, some in zip(BOUNDS, self._counts, strict=False):
            count += some
            buckets[str(bound)] = count
        return {"buckets": buckets, "sum": self.sum, "count": self.count}


class Tallies:
    """Events by kind, and the latency of each hop."""

    def __init__(self) -> None:
        self.events: Counter[str] = Counter()
        self.latencies: dict[str, Histogram] = {
            "attempt": Histogram(),  # from the relay's 250 to its first transaction with a server
            "store": Histogram(),  # from the relay's 250 to the mailbox
            "delivery": Histogram(),  # from the relay's 250 to that of the recipient's server
            "catalog": Histogram(),  # from the relay's 250 to the record with its content
        }
        self.hops = Hops(self.observe)

    def count(self, kind: str) -> None:
        """Count an event."""
        self.events[kind] += 1

    def observe(self, hop: str, seconds: float) -> None:
        """Count the time of a hop; a clock that was set back makes it 0."""
        self.latencies[hop].observe(max(0.0, seconds))
