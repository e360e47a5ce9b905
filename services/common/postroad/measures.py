"""Times and sizes as settings write them. Pure."""

from __future__ import annotations

import re

_LONGEST = 3650 * 86400.0  # seconds; with more, dates run out
_UNITS = {"": 1.0, "ms": 0.001, "s": 1.0, "m": 60.0, "h": 3600.0, "d": 86400.0}


def duration(text: str) -> float:
    """Return the seconds of a time such as 500ms, 30s or 1d; raises `ValueError`."""
    match = re.fullmatch(r"([0-9]+(?:\.[0-9]+)?)(ms|s|m|h|d|)", text)
    seconds = float(match[1]) * _UNITS[match[2]] if match else 0.0
    if not 0 < seconds <= _LONGEST:
        raise ValueError("must be a time such as 500ms, 30s, 5m, 2h or 1d, above 0 and no more than 3650d")
    return seconds


def age(text: str) -> float:
    """Return the seconds of a time, or 0; raises `ValueError`."""
    return 0.0 if text == "0" else duration(text)


def days(text: str) -> int | None:
    """Return a number of days, or None for "never"; raises `ValueError`."""
    if text != "never" and not re.fullmatch("[0-9]{1,4}", text):
        raise ValueError("must be never, or a number of days from 0 to 9999")
    return None if text == "never" else int(text)


def durations(text: str) -> tuple[float, ...]:
    """Return the seconds of several times; raises `ValueError`."""
    parts = text.replace(",", " ").split()
    if not parts:
        raise ValueError("must be one time or more, such as 1s 10s 1m")
    return tuple(map(duration, parts))


_SIZES = {"": 1, "K": 1 << 10, "M": 1 << 20, "G": 1 << 30}


def size(text: str) -> int:
    """Return the octets of a size such as 65536 or 50M; raises `ValueError`."""
    match = re.fullmatch(r"([0-9]{1,15})([KMG]?)", text)
    # RFC 1870 §4: SIZE 0 would tell clients that there is no limit.
    if not match or not int(match[1]):
        raise ValueError("must be a number of octets above 0, such as 65536 or 50M")
    return int(match[1]) * _SIZES[match[2]]
