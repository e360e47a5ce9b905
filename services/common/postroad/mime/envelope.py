"""ENVELOPE as the octets that FETCH sends (RFC 3501 §7.4.2), and the day in a message's Date field."""

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
_ASCTIME = re.compile(rb"(?:[A-Za-z]+[\s,]+)?([A-Za-z]{3})[a-z]*\s+(\d{1,2})\s+[\d:]+\s+(?:[A-Z]+\s+)?(\d{4})")


def sent_day(value: bytes) -> int | None:
    """Return the day of a Date field, without its time and zone, as `date.toordinal` counts; None if unreadable."""
    text = without_comments(value).strip()
    if match := _DATE.match(text):
        day, month, year = match.groups()
    elif match := _ASCTIME.match(text):
        month, day, year = match.groups()
    else:
        return None
    number = int(year)
    # RFC 5322 §4.3: two digits 00 to 49 are 2000 and on, 50 to 99 and all with three digits count from 1900.
    if len(year) < 4:
        number += 2000 if len(year) == 2 and number < 50 else 1900
    try:
        return date(number, _MONTHS[month.lower()], int(day)).toordinal()
    except (KeyError, ValueError):
        return None
