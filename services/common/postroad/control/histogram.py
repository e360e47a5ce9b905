"""A histogram of durations, for `GET /figures`."""

from __future__ import annotations

from bisect import bisect_left
from itertools import accumulate
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Sequence

BOUNDS = (0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0, 60.0, 300.0)


class Histogram:
    """Counts durations in seconds by upper bounds."""

    __slots__ = ("_bounds", "_counts", "sum")

    def __init__(self, bounds: Sequence[float] = BOUNDS) -> None:
        self._bounds = tuple(bounds)
        self._counts = [0] * (len(bounds) + 1)
        self.sum = 0.0  # seconds

    @property
    def count(self) -> int:
        """How many durations were counted."""
        return sum(self._counts)

    def observe(self, seconds: float) -> None:
        """Count a duration; one below 0, of a clock that was set back, counts as 0."""
        seconds = max(0.0, seconds)
        self._counts[bisect_left(self._bounds, seconds)] += 1
        self.sum += seconds

    def figures(self) -> dict[str, Any]:
        """Return `buckets`, how many took no longer than each bound, and `sum` and `count` of all."""
        counts = list(accumulate(self._counts))
        return {
            "buckets": {str(float(bound)): count for bound, count in zip(self._bounds, counts, strict=False)},
            "sum": self.sum,
            "count": counts[-1],
        }
