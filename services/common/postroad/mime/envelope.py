"""ENVELOPE as the octets that FETCH sends (RFC 3501 §7.4.2), and the day and time in a message's Date field."""

from __future__ import annotations

import re
from datetime import date
from typing import TYPE_CHECKING

from postroad.mail.dates import MONTHS
from postroad.mime.addresses import address_list
from postroad.mime.fields import without_comments
from postroad.mime.strings import nstring

if TYPE_CHECKING:
    from collections.abc import Iterable

_ADDRESS_FIELDS = frozenset({b"from", b"sender", b"reply-to", b"to", b"cc", b"bcc"})
_TEXT_FIELDS = frozenset({b"date", b"subject", b"in-reply-to", b"message-id"})


def envelope(fields: Iterable[tuple[bytes, bytes]]) -> bytes:
    """Return the ENVELOPE of a header section's (lower-case name, value) pairs.

    Of several Date, Subject, In-Reply-To or Message-ID fields the last counts; address fields are joined.
    """
    text: dict[bytes, bytes] = {}
    addresses: dict[bytes, bytes] = {}
    for name, value in fields:
        if name in _TEXT_FIELDS:
            text[name] = nstring(value)
        elif name in _ADDRESS_FIELDS and (structures := address_list(value)):
            addresses[name] = addresses.get(name, b"") + structures
    from_ = b"(%b)" % addresses[b"from"] if b"from" in addresses else b"NIL"
    # "If the Sender or Reply-To lines are absent in the [RFC-2822] header, or are present but empty, the server
    # sets the corresponding member of the envelope to be the same value as the from member."
    return b"(%b %b %b %b %b %b %b %b %b %b)" % (
        text.get(b"date", b"NIL"),
        text.get(b"subject", b"NIL"),
        from_,
        b"(%b)" % addresses[b"sender"] if b"sender" in addresses else from_,
        b"(%b)" % addresses[b"reply-to"] if b"reply-to" in addresses else from_,
        b"(%b)" % addresses[b"to"] if b"to" in addresses else b"NIL",
        b"(%b)" % addresses[b"cc"] if b"cc" in addresses else b"NIL",
        b"(%b)" % addresses[b"bcc"] if b"bcc" in addresses else b"NIL",
        text.get(b"in-reply-to", b"NIL"),
        text.get(b"message-id", b"NIL"),
    )


_MONTHS = {name.lower().encode("ascii"): number for number, name in enumerate(MONTHS, 1)}
# RFC 5322 §3.3, §4.3: [day-name ","] day month year; C's asctime() has month day time year.
_DATE = re.compile(rb"(?:[A-Za-z]+[\s,]+)?(\d{1,2})[\s-]+([A-Za-z]{3})[a-z]*[\s-]+(\d{2,4})(?!\d)")
_ASCTIME = re.compile(rb"(?:[A-Za-z]+[\s,]+)?([A-Za-z]{3})[a-z]*\s+(\d{1,2})\s+([\d:]+)\s+(?:[A-Z]+\s+)?(\d{4})")
# RFC 5322 §3.3: time = time-of-day zone; hour ":" minute [ ":" second ]. RFC 5322 §4.3: with white space around each
_TIME = re.compile(rb"[\s,]*(\d{1,2})\s*:\s*(\d{1,2})(?:\s*:\s*(\d{1,2}))?(?!\d)")
_ZONE = re.compile(rb"\s*(?:([+-])(\d\d)([0-5]\d)(?!\d)|([A-Za-z]+))")
# RFC 5322 §4.3: in hours; any other name, and a military letter, is UTC
_ZONES = {b"EDT": -4, b"EST": -5, b"CDT": -5, b"CST": -6, b"MDT": -6, b"MST": -7, b"PDT": -7, b"PST": -8}
_EPOCH = date(1970, 1, 1).toordinal()


def sent_day(value: bytes) -> int | None:
    """Return the day of a Date field, without its time and zone, as `date.toordinal` counts; None if unreadable."""
    return _day(without_comments(value).strip())[0]


def sent_time(value: bytes) -> int | None:
    """Return the moment of a Date field, in seconds since 1970 UTC; None if its day is unreadable.

    RFC 5256 §2.2: "If the time zone is invalid, the date and time SHOULD be treated as UTC. If the time is also
    invalid, the time SHOULD be treated as 00:00:00."
    """
    text = without_comments(value).strip()
    day, at, stop = _day(text)
    if day is None:
        return None
    seconds = (day - _EPOCH) * 86400
    clock = _clock(text, at, stop)
    return seconds if clock is None else seconds + clock[0] - clock[1]


def date_time(value: bytes) -> tuple[int, int, int] | None:
    """Read a whole date-time (RFC 5322 §3.3); None unless its day and its time are valid.

    Return its day, as `date.toordinal` counts, its second of that day, and how many seconds its zone is before UTC.
    """
    text = without_comments(value).strip()
    day, at, stop = _day(text)
    clock = _clock(text, at, stop)
    return None if day is None or clock is None else (day, *clock)


def _clock(text: bytes, at: int, stop: int) -> tuple[int, int] | None:
    """Return the second of the day, and how many seconds the zone is before UTC; None if there is no valid time."""
    match = _TIME.match(text, at, stop)
    if match is None:
        return None
    hour, minute, second = int(match[1]), int(match[2]), int(match[3] or 0)
    if hour > 23 or minute > 59 or second > 60:
        return None
    second = min(second, 59)  # a leap second becomes the one before it, of the same day
    return hour * 3600 + minute * 60 + second, _zone(text, match.end(), stop)


def _zone(text: bytes, at: int, stop: int) -> int:
    """Return how many seconds a zone is before UTC; 0 if it is invalid, or there is none."""
    match = _ZONE.match(text, at, stop)
    if match is None:
        return 0
    sign, hours, minutes, name = match.groups()
    if sign is None:
        return _ZONES.get(name.upper(), 0) * 3600
    seconds = int(hours) * 3600 + int(minutes) * 60
    return -seconds if sign == b"-" else seconds


def _day(text: bytes) -> tuple[int | None, int, int]:
    """Return the day, and between which places its time may be; None for the day if it is unreadable."""
    if match := _DATE.match(text):
        day, month, year = match.groups()
        at, stop = match.end(), len(text)
    elif match := _ASCTIME.match(text):
        month, day, _, year = match.groups()
        at, stop = match.span(3)
    else:
        return None, 0, 0
    number = int(year)
    # RFC 5322 §4.3: two digits 00 to 49 are 2000 and on, 50 to 99 and all with three digits count from 1900.
    if len(year) < 4:
        number += 2000 if len(year) == 2 and number < 50 else 1900
    try:
        return date(number, _MONTHS[month.lower()], int(day)).toordinal(), at, stop
    except (KeyError, ValueError):
        return None, 0, 0
