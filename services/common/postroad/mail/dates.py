"""Seconds since the epoch, as relay and store count them, in the form of header fields (RFC 5322 §3.3)."""

from __future__ import annotations

from datetime import UTC, datetime
from email.utils import format_datetime
from functools import lru_cache

# RFC 5322 §3.3 month-name, which IMAP (RFC 3501 §9 date-month) has too; the month's number is the index plus 1.
MONTHS = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")
# RFC 5322 §3.3 day-name, as Python numbers the days of the week.
DAYS = ("Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun")


def utc(seconds: float) -> datetime:
    """Return the time, to the second, with its zone."""
    return _utc(int(seconds))


@lru_cache(maxsize=4)
def _utc(seconds: int) -> datetime:
    return datetime.fromtimestamp(seconds, UTC)


def local(seconds: float) -> datetime:
    """Return the time, to the second, with the offset of the local time zone."""
    return _local(int(seconds))


@lru_cache(maxsize=4)
def _local(seconds: int) -> datetime:
    return datetime.fromtimestamp(seconds, UTC).astimezone()


def date_time(seconds: float) -> str:
    """Return the date-time of a header field."""
    return format_datetime(utc(seconds))
