"""Which rows of a list are asked for: start, limit, before. Pure."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any, NamedTuple

from postroad_web.mailpit.dates import seconds_of

if TYPE_CHECKING:
    from collections.abc import Sequence

    from postroad_web.catalog.page import Query

LIMIT = 50
_NUMBER = re.compile(r"[+-]?[0-9]{1,30}", re.ASCII)
_MOST = 2**63 - 1  # of a Go int; what is larger is no number


class Window(NamedTuple):
    """The rows from `start` on, at most `limit`, of messages that came before `before` (seconds since the epoch)."""

    start: int
    limit: int
    before: float | None


def window(start: str, limit: str, before: str) -> Window:
    """Return the window that the parameters ask for; what is no number or no time counts as not given."""
    first, most = number(start), number(limit)
    return Window(
        max(first or 0, 0), LIMIT if most is None or most < 0 else most, seconds_of(before) if before else None
    )


def number(text: str) -> int | None:
    """Return a number as Go reads it; None if the text is none."""
    read = int(text) if _NUMBER.fullmatch(text) else None
    return None if read is None or abs(read) > _MOST else read


class Before:
    """A query for what `inner` finds, or for all if it is None, among the messages that came before a time."""

    def __init__(self, inner: Query | None, seconds: float) -> None:
        self._inner = inner
        self._seconds = seconds

    def where(self) -> tuple[str, Sequence[Any]]:
        """Return the condition and its parameters."""
        if self._inner is None:
            return "records.arrived < ?", [self._seconds]
        condition, values = self._inner.where()
        return f"({condition}) AND records.arrived < ?", [*values, self._seconds]
