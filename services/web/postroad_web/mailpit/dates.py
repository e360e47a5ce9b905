"""Times as Mailpit writes and reads them. Pure.

Mailpit's JSON has times of RFC 3339 with up to nine digits of a second, and drops trailing zeros. Its database keeps
milliseconds, so all times here have three digits at most.
"""

from __future__ import annotations

from datetime import UTC, datetime

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
MOST = 253402300799.0  # the last second that has a year of four digits (RFC 3339 §5.6)
LEAST = -62135596800.0  # the first second of the year 1


def rfc3339(seconds: float) -> str:
    """Return seconds since the epoch as a time in UTC, cut to milliseconds.

    A time that RFC 3339 can't express becomes the nearest one that it can.
    """
    whole = min(max(seconds, LEAST), MOST)
    # A float of today's size is exact to 0.2 µs: half a microsecond more keeps .678 from becoming .677.
    milliseconds = int((whole - LEAST) * 1000 + 0.0005)
    second, rest = divmod(milliseconds, 1000)
    text = datetime.fromtimestamp(second + int(LEAST), UTC).strftime("%Y-%m-%dT%H:%M:%S")
    # strftime does not fill the year everywhere.
    text = text if len(text) == 19 else text.rjust(19, "0")
    return f"{text}.{rest:03}".rstrip("0") + "Z" if rest else text + "Z"


def seconds_of(text: str) -> float | None:
    """Return the seconds since the epoch of a time in ISO 8601's forms, UTC by default; None if it is invalid."""
    try:
        when = datetime.fromisoformat(text.strip())
    except ValueError:
        return None
    when = when if when.tzinfo is not None else when.replace(tzinfo=UTC)
    return (when - _EPOCH).total_seconds()
