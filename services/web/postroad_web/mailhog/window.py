"""Which messages of a list are asked for: start and limit. Pure."""

from __future__ import annotations

from typing import NamedTuple

from postroad_web.mailpit.window import number

LIMIT = 50
MOST = 250


class Window(NamedTuple):
    """The messages from `start` on, at most `limit`."""

    start: int
    limit: int


def window(start: str, limit: str) -> Window:
    """Return the window that the parameters ask for; what is no number above 0 counts as not given."""
    first, most = max(number(start) or 0, 0), max(number(limit) or 0, 0)
    return Window(first, min(most or LIMIT, MOST))
