"""Times as Mailpit writes and reads them. Pure.

Mailpit's JSON has times of RFC 3339 with up to nine digits of a second, and drops trailing zeros. Its database keeps
milliseconds, so all times here have three digits at most.
"""

from __future__ import annotations

import re
from datetime import UTC, datetime

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
MOST = 253402300799.0  # the last second that has a year of four digits (RFC 3339 §5.6)
LEAST = -62135596800.0  # the first second of the year 1

_ZONE = re.compile(r"\d ([+-])([01]\d|2[0-3])([0-5]\d)(?: *\(.*)? *\Z", re.ASCII | re.DOTALL)


def rfc3339(seconds: float, offset: int = 0) -> str:
    """Return seconds since the epoch as a time in UTC, or `offset` minutes ahead of it, cut to milliseconds.

    A time that RFC 3339 can't express becomes the nearest one that it can.
    """
    if not LEAST <= seconds + 60 * offset <= MOST:
        offset = 0
    zone = f"{'-' if offset < 0 else '+'}{abs(offset) // 60:02}:{abs(offset) % 60:02}" if offset else "Z"
    whole = min(max(seconds + 60 * offset, LEAST), MOST)
    # A float of today's size is exact to 0.2 µs: half a microsecond more keeps .678 from becoming .677.
    milliseconds = int((whole - LEAST) * 1000 + 0.0005)
    second, rest = divmod(milliseconds, 1000)
    text = datetime.fromtimestamp(second + int(LEAST), UTC).strftime("%Y-%m-%dT%H:%M:%S")
    # strftime does not fill the year everywhere.
    text = text if len(text) == 19 else text.rjust(19, "0")
    return f"{text}.{rest:03}".rstrip("0") + zone if rest else text + zone


def offset_of(field: str) -> int:
    """Return the zone of a Date field (RFC 5322 §3.3), in minutes ahead of UTC; 0 if it says none in digits."""
    match = _ZONE.search(field)
    if match is None:
        return 0
    minutes = 60 * int(match[2]) + int(match[3])
    return -minutes if match[1] == "-" else minutes


def seconds_of(text: str) -> float | None:
    """Return the seconds since the epoch of a time in ISO 8601's forms, UTC by default; None if it is invalid."""
    try:
        when = datetime.fromisoformat(text.strip())
    except ValueError:
        return None
    when = when if when.tzinfo is not None else when.replace(tzinfo=UTC)
    return (when - _EPOCH).total_seconds()
