"""Dates and sizes as people write them in queries."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta, timezone, tzinfo

from postroad.mail.dates import MONTHS

_MONTH = {name.lower(): number for number, name in enumerate(MONTHS, 1)}
_NAMES = "|".join(_MONTH)
_TIME = (
    r"(?:[t ,]+(?P<hour>\d{1,2}):(?P<minute>\d{2})(?::(?P<second>\d{2})(?:[.,](?P<fraction>\d{1,9}))?)?"
    r"(?: ?(?P<half>[ap])\.?m\.?)?)?(?: ?(?P<zone>z|utc|gmt|[+-]\d{2}:?\d{2}))?"
)
_DAY = (
    r"(?P<year>\d{4})[-/.](?P<month>\d{1,2})(?:[-/.](?P<day>\d{1,2}))?",
    r"(?P<month>\d{1,2})/(?P<day>\d{1,2})/(?P<year>\d{4}|\d{2})",
    r"(?P<year>\d{4})(?P<month>\d{2})(?P<day>\d{2})",
    rf"(?:[a-z]+,? )?(?P<day>\d{{1,2}})(?:st|nd|rd|th)?[ -](?P<name>{_NAMES})[a-z]*\.?,?[ -](?P<year>\d{{4}})",
    rf"(?:[a-z]+,? )?(?P<name>{_NAMES})[a-z]*\.? (?P<day>\d{{1,2}})(?:st|nd|rd|th)?,? (?P<year>\d{{4}})",
    r"(?P<year>\d{4})",
)
_FORMS = tuple(re.compile(rf"{day}{_TIME}") for day in _DAY)
_EPOCH = re.compile(r"(\d{10})(\d{3})?")  # seconds or milliseconds
_SIZE = re.compile(r"(\d{1,12}(?:\.\d{1,6})?) ?(k|kb|m|mb)?")
_UNITS = {None: 1, "k": 1024, "kb": 1024, "m": 1024**2, "mb": 1024**2}


def read_date(text: str, zone: tzinfo) -> float | None:
    """Return the time in seconds since the epoch, or None if the text is none. A day begins at midnight in `zone`.

    Of `03/04/2026`, the month comes first, as in Mailpit.
    """
    text = text.strip().lower()
    if match := _EPOCH.fullmatch(text):
        return int(match[1]) + int(match[2] or 0) / 1000
    for form in _FORMS:
        if match := form.fullmatch(text):
            return _time(match.groupdict(), zone)
    return None


def _time(given: dict[str, str | None], zone: tzinfo) -> float | None:
    digits = given["year"] or ""
    year = int(digits) + (2000 if len(digits) == 2 else 0)
    name = given.get("name")
    month = _MONTH[name] if name else int(given.get("month") or 1)
    hour = int(given["hour"] or 0)
    if given["half"]:
        if not 1 <= hour <= 12:
            return None
        hour = hour % 12 + (12 if given["half"] == "p" else 0)
    microsecond = int((given["fraction"] or "0").ljust(9, "0")[:6])
    try:
        moment = datetime(
            year,
            month,
            int(given.get("day") or 1),
            hour,
            int(given["minute"] or 0),
            int(given["second"] or 0),
            microsecond,
            _zone(given["zone"], zone),
        )
        return moment.timestamp()
    except (ValueError, OverflowError):
        return None


def _zone(text: str | None, zone: tzinfo) -> tzinfo:
    if text is None:
        return zone
    if text[0] not in "+-":
        return UTC
    offset = timedelta(hours=int(text[1:3]), minutes=int(text[-2:]))
    return timezone(-offset if text[0] == "-" else offset)


def read_size(text: str) -> float | None:
    """Return a number of octets, or None if the text is none. K, KB, M and MB count in 1,024s."""
    match = _SIZE.fullmatch(text.strip().lower())
    return None if match is None else float(match[1]) * _UNITS[match[2]]
