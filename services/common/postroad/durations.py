"""Spans of time as settings have them: 500ms, 30s, 5m, 2h, 1d. All raise `ValueError` with what they must be."""

from __future__ import annotations

import re

_LONGEST = 3650 * 86400.0  # seconds; with more, dates run out
_UNITS = {"": 1.0, "ms": 0.001, "s": 1.0, "m": 60.0, "h": 3600.0, "d": 86400.0}


def duration(text: str) -> float:
    """Return the seconds of a span above 0."""
    match = re.fullmatch(r"([0-9]+(?:\.[0-9]+)?)(ms|s|m|h|d|)", text)
    seconds = float(match[1]) * _UNITS[match[2]] if match else 0.0
    if not 0 < seconds <= _LONGEST:
        raise ValueError("must be a time such as 500ms, 30s, 5m, 2h or 1d, above 0 and no more than 3650d")
    return seconds


def age(text: str) -> float:
    """Return the seconds of a span, or 0."""
    return 0.0 if text == "0" else duration(text)


def durations(text: str) -> tuple[float, ...]:
    """Return the seconds of several spans, with blanks or commas between them."""
    parts = text.replace(",", " ").split()
    if not parts:
        raise ValueError("must be one time or more, such as 1s 10s 1m")
    return tuple(map(duration, parts))
