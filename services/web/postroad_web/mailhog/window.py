"""Which messages of a list are asked for: start and limit. Pure."""

from __future__ import annotations

import re
from typing import NamedTuple

LIMIT = 50
MOST = 250
_NUMBER = re.compile(r"\+?[0-9]{1,30}", re.ASCII)
_LARGEST = 2**63 - 1  # of a Go int; what is larger is no number


class Window(NamedTuple):
    """The messages from `start` on, at most `limit`."""

    start: int
    limit: int


def window(start: str, limit: str) -> Window:
    """Return the window that the parameters ask for; what is no number above 0 counts as not given."""
    return Window(_number(start) or 0, min(_number(limit) or LIMIT, MOST))


def _number(text: str) -> int | None:
    number = int(text) if _NUMBER.fullmatch(text) else 0
    return number if 0 < number <= _LARGEST else None
