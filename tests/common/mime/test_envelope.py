from __future__ import annotations

from datetime import UTC, date, datetime

import pytest

from postroad.mime.envelope import date_time, envelope, sent_day, sent_time
from postroad.mime.strings import nstring


def test_envelope_of_nothing() -> None:
    assert envelope([]) == b"(NIL NIL NIL NIL NIL NIL NIL NIL NIL NIL)"


def test_all_members_in_order() -> None:
    names = (b"date", b"subject", b"from", b"sender", b"reply-to", b"to", b"cc", b"bcc", b"in-reply-to", b"message-id")
    wire = envelope([(name, b"%d@x" % number) for number, name in enumerate(names)])
    assert wire == (
        b'("0@x" "1@x" ((NIL NIL "2" "x")) ((NIL NIL "3" "x")) ((NIL NIL "4" "x")) ((NIL NIL "5" "x"))'
        b' ((NIL NIL "6" "x")) ((NIL NIL "7" "x")) "8@x" "9@x")'
    )


def test_sender_and_reply_to_default_to_from() -> None:
    from_ = b'((NIL NIL "a" "b"))'
    wire = envelope([(b"from", b"a@b"), (b"reply-to", b""), (b"x-other", b"c@d")])
    assert wire == b"(NIL NIL %b %b %b NIL NIL NIL NIL NIL)" % (from_, from_, from_)


@pytest.mark.parametrize(
    ("value", "day"),
    [
        (b"Mon, 23 Nov 2026 23:30:00 -1200", date(2026, 11, 23)),
        (b"23 nov 2026 00:00 GMT", date(2026, 11, 23)),
        (b"Mon (a comment), 1 (another) January 99 00:00:00", date(1999, 1, 1)),
        (b"1 Jan 49 00:00:00", date(2049, 1, 1)),
        (b"1 Jan 50 00:00:00", date(1950, 1, 1)),
        (b"1 Jan 126 00:00:00", date(2026, 1, 1)),
        (b"1 Jan 049 00:00:00", date(1949, 1, 1)),
        (b"01-Feb-2024 00:00:00 +0000", date(2024, 2, 1)),
        (b"Fri May  4 14:05:44 2001", date(2001, 5, 4)),
        (b"Fri May  4 14:05:44 EDT 2001", date(2001, 5, 4)),
        (b"31 Feb 2024 00:00:00", None),
        (b"1 Foo 2024 00:00:00", None),
        (b"yesterday", None),
        (b"", None),
    ],
)
def test_sent_day(value: bytes, day: date | None) -> None:
    assert sent_day(value) == (None if day is None else day.toordinal())


@pytest.mark.parametrize(
    ("value", "written"),
    [
        (None, b"NIL"),
        (b"", b'""'),
        (b"a b\t", b'"a b\t"'),
        (b'a"', b'{2}\r\na"'),
        (b"\\", b"{1}\r\n\\"),
        (b"\xff", b"{1}\r\n\xff"),
        (b"a\r", b"{2}\r\na\r"),
        (b"\x00", b"{1}\r\n\x80"),
    ],
)
def test_nstring(value: bytes | None, written: bytes) -> None:
    assert nstring(value) == written


def at(*parts: int) -> int:
    return int(datetime(*parts, tzinfo=UTC).timestamp())  # type: ignore[misc, arg-type]


ZONES = {b"E": 5, b"C": 6, b"M": 7, b"P": 8}  # RFC 5322 §4.3: hours behind UTC


@pytest.mark.parametrize(
    ("value", "moment"),
    [
        (b"Mon, 2 Mar 2026 10:00:00 +0000", at(2026, 3, 2, 10)),
        (b"2 Mar 2026 12:30:15 +0530", at(2026, 3, 2, 7, 0, 15)),
        (b"31 Dec 2000 16:01:33 -0800", at(2001, 1, 1, 0, 1, 33)),  # the example of RFC 5256 section 2.2
        (b"2 Mar 2026 09:30 EST", at(2026, 3, 2, 14, 30)),
        (b"2 Mar 2026 09:30:00 (morning) PDT", at(2026, 3, 2, 16, 30)),
        *((b"2 Mar 2026 0:00 %sST" % name, at(2026, 3, 2, hour)) for name, hour in ZONES.items()),
        *((b"2 Mar 2026 0:00 %sdt" % name, at(2026, 3, 2, hour - 1)) for name, hour in ZONES.items()),
        (b"1 Mar 26 00:00:00 GMT", at(2026, 3, 1)),
        (b"2 Mar 2026 09:30:00 Z", at(2026, 3, 2, 9, 30)),
        (b"2 Mar 2026 09:30:60 +0000", at(2026, 3, 2, 9, 30) + 59),  # as Dovecot, and as APPEND has it
        (b"2 Mar 2026 9:30:00", at(2026, 3, 2, 9, 30)),
        (b"2 Mar 2026 09:30:00 +9", at(2026, 3, 2, 9, 30)),  # an invalid zone is UTC
        (b"2 Mar 2026 09:30:00 +0099", at(2026, 3, 2, 9, 30)),
        (b"2 Mar 2026 25:00:00 +0500", at(2026, 3, 2)),  # an invalid time is midnight
        (b"2 Mar 2026 10:60:00", at(2026, 3, 2)),
        (b"2 Mar 2026 10:10:61", at(2026, 3, 2)),
        (b"2 Mar 2026 noon", at(2026, 3, 2)),
        (b"2 Mar 2026", at(2026, 3, 2)),
        (b"Mon Mar  2 10:00:01 2026", at(2026, 3, 2, 10, 0, 1)),
        (b"Mon Mar  2 10:00:01 UTC 2026", at(2026, 3, 2, 10, 0, 1)),
        (b"32 Mar 2026 10:00:00 +0000", None),
        (b"whenever", None),
        (b"1 Jan 1970 00 :\t01 : 02 +0000", 62),
        (b"", None),
    ],
)
def test_sent_time(value: bytes, moment: int | None) -> None:
    assert sent_time(value) == moment


@pytest.mark.parametrize(
    ("value", "read"),
    [
        (b"Thu, 1 Jan 1970 00:00:01 +0130", (719163, 1, 5400)),
        (b"1 Jan 1970 23 : 59 :60 (c) PST", (719163, 86399, -28800)),
        (b"1 Jan 1970 1:2", (719163, 3720, 0)),
        (b"Thu Jan  1 01:02:03 1970", (719163, 3723, 0)),
        (b"1 Jan 1970", None),
        (b"1 Jan 1970 24:00", None),
        (b"1 Jan 1970 23:60", None),
        (b"1 Jan 1970 23:59:61", None),
        (b"32 Jan 1970 23:59", None),
        (b"23:59", None),
    ],
)
def test_a_whole_date_time(value: bytes, read: tuple[int, int, int] | None) -> None:
    assert date_time(value) == read


@pytest.mark.parametrize(
    ("time", "seconds"),
    [
        (b"23:59:60 +0000", 86_399),
        (b"23:59:59", 86_399),
        (b"23:00", 82_800),
        (b"24:00:00", 0),
        (b"00:60:00", 0),
        (b"00:00:61", 0),
        (b"00:59:00", 3540),
    ],
)
def test_the_latest_times_of_a_day(time: bytes, seconds: int) -> None:
    assert sent_time(b"1 Jan 1970 " + time) == seconds
