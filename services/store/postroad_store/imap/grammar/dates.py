"""Dates in commands: APPEND's date-time (RFC 3501 §9)."""

from __future__ import annotations

import re
from datetime import datetime, timedelta, timezone
from typing import TYPE_CHECKING

from postroad.mail.dates import MONTHS
from postroad_store.imap.grammar.reader import SyntaxFault

if TYPE_CHECKING:
    from postroad_store.imap.grammar.reader import Reader

_MONTHS = {name.upper().encode("ascii"): number for number, name in enumerate(MONTHS, 1)}
# date-time = DQUOTE date-day-fixed "-" date-month "-" date-year SP time SP zone DQUOTE
# date-day-fixed = (SP DIGIT) / 2DIGIT; time = 2DIGIT ":" 2DIGIT ":" 2DIGIT; zone = ("+" / "-") 4DIGIT
# Some clients (npm's `imap`) write one digit without the space.
_DATE_TIME = re.compile(rb'"( \d|\d\d?)-([A-Za-z]{3})-(\d{4}) (\d\d):(\d\d):(\d\d) ([+-])(\d\d)(\d\d)"')
_EPOCH = datetime(1970, 1, 1)  # noqa: DTZ001 - a local time's distance from it is counted, then its zone taken off
_SECOND = timedelta(seconds=1)
# The years 1 to 9999 UTC, in seconds since 1970: FETCH can write no others.
_FIRST, _LAST = -62135596800, 253402300799


def read_date_time(reader: Reader) -> int:
    """Take a date-time, and return the seconds since 1970 (UTC) that it means; below 0 before that.

    If the zone leads out of the years 1 to 9999, return the nearest moment inside.
    """
    match = reader.find(_DATE_TIME, "internal date")
    day, month, year, hour, minute, second, sign, zone_hours, zone_minutes = match.groups()
    zone = timedelta(hours=int(zone_hours), minutes=int(zone_minutes))
    try:
        timezone(zone)  # ValueError from a day on
        local = datetime(  # noqa: DTZ001
            int(year),
            _MONTHS[month.upper()],
            int(day),
            int(hour),
            int(minute),
            min(int(second), 59),  # a leap second counts as the second before it
        )
    except (KeyError, ValueError):
        raise SyntaxFault("Invalid internal date") from None
    seconds = (local - _EPOCH - (-zone if sign == b"-" else zone)) // _SECOND
    return min(max(seconds, _FIRST), _LAST)
