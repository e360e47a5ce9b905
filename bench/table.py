"""Rounds, medians, ratios, and the table that shows them."""

from __future__ import annotations

import statistics
import sys
from dataclasses import dataclass, field
from enum import StrEnum
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence


class Bound(StrEnum):
    """On which side of the floor a ratio must be."""

    AT_LEAST = "≥"
    AT_MOST = "≤"


@dataclass(frozen=True, slots=True)
class Floor:
    """What the project asks of a row: of the ratio ours / peer's, or of our own figure where there is no peer."""

    bound: Bound
    value: float

    def holds(self, figure: float) -> bool:
        """Whether the figure is on the right side."""
        return figure >= self.value if self.bound is Bound.AT_LEAST else figure <= self.value


def at_least(value: float) -> Floor:
    """Return the floor of a row where more is better."""
    return Floor(Bound.AT_LEAST, value)


def at_most(value: float) -> Floor:
    """Return the floor of a row where less is better."""
    return Floor(Bound.AT_MOST, value)


@dataclass(slots=True)
class Row:
    """One thing that is measured: on our side, beside a peer where it has one, round by round."""

    name: str
    unit: str
    floor: Floor | None
    ours: list[float] = field(default_factory=list)
    peer: list[float] = field(default_factory=list)
    peer_name: str = ""

    @property
    def figure(self) -> float:
        """What the floor is about: the median of the rounds' ratios, or the median of our figures."""
        if self.peer:
            return statistics.median(a / b for a, b in zip(self.ours, self.peer, strict=True))
        return statistics.median(self.ours)

    def cells(self) -> tuple[str, ...]:
        """Return the row's text, cell by cell."""
        ours = statistics.median(self.ours)
        peer = f"{statistics.median(self.peer):,.4g}" if self.peer else ""
        ratio = f"{self.figure:.2f}" if self.peer else ""
        spread = f"{min(self.ours):,.4g}-{max(self.ours):,.4g}"
        asked = f"{self.floor.bound} {self.floor.value:g}" if self.floor else ""
        verdict = "" if self.floor is None else "yes" if self.floor.holds(self.figure) else "NO"
        return self.name, self.unit, f"{ours:,.4g}", spread, self.peer_name, peer, ratio, asked, verdict


HEAD = ("what", "unit", "Postroad", "(range)", "peer", "its figure", "ratio", "asked", "held")


def markdown(rows: Sequence[Row]) -> str:
    """Return the rows as a table that is aligned in plain text and valid Markdown."""
    lines = [HEAD, *(row.cells() for row in rows)]
    widths = [max(len(line[column]) for line in lines) for column in range(len(HEAD))]

    def show(cells: Sequence[str]) -> str:
        return "| " + " | ".join(cell.ljust(width) for cell, width in zip(cells, widths, strict=True)) + " |"

    rule = "|" + "|".join("-" * (width + 2) for width in widths) + "|"
    return "\n".join([show(HEAD), rule, *(show(line) for line in lines[1:])])


def interleave(row: Row, rounds: int, ours: Callable[[], float], peer: Callable[[], float] | None = None) -> Row:
    """Measure in turn, ours and the peer's, the first of each round changing; shows progress on stderr."""
    for number in range(rounds):
        sides = [(row.ours, ours)] + ([(row.peer, peer)] if peer else [])
        for figures, measure in sides if number % 2 == 0 else reversed(sides):
            figures.append(measure())
        last = f"{row.ours[-1]:,.4g}" + (f" / {row.peer[-1]:,.4g}" if row.peer else "")
        print(f"  {row.name}: round {number + 1} of {rounds}: {last} {row.unit}", file=sys.stderr, flush=True)
    return row
