from __future__ import annotations

from datetime import date

import pytest

from postroad.mime.envelope import envelope, sent_day
from postroad.mime.strings import nstring


def test_envelope_of_nothing() -> None:
    assert envelope([]) == b"(NIL NIL NIL NIL NIL NIL NIL NIL NIL NIL)"


def test_all_members_in_order() -> None:
    names = (b"date", b"subject", b"from", b"sender", b"reply-to", b"to", b"cc", b"bcc", b"in-reply-to", b"message-id")
    found = envelope([(name, b"%d@x" % number) for number, name in enumerate(names)])
    assert found == (
        b'("0@x" "1@x" ((NIL NIL "2" "x")) ((NIL NIL "3" "x")) ((NIL NIL "4" "x")) ((NIL NIL "5" "x"))'
        b' ((NIL NIL "6" "x")) ((NIL NIL "7" "x")) "8@x" "9@x")'
    )


def test_sender_and_reply_to_default_to_from() -> None:
    from_ = b'((NIL NIL "a" "b"))'
    found = envelope([(b"from", b"a@b"), (b"reply-to", b""), (b"x-other", b"c@d")])
    assert found == b"(NIL NIL %b %b %b NIL NIL NIL NIL NIL)" % (from_, from_, from_)


@pytest.mark.parametrize(
    ("value", "day"),
    [
        (b"Mon, 23 Nov 2026 23:30:00 -1200", date(2026, 11, 23)),
        (b"23 nov 2026 00:00 GMT", date(2026, 11, 23)),
        (b"Mon (a comment), 1 (another) January 99 00:00:00", date(1999, 1, 1)),
        (b"1 Jan 49 00:00:00", date(2049, 1, 1)),
        (b"1 Jan 50 00:00:00", date(1950, 1, 1)),
        (b"1 Jan 126 00:00:00", date(2026, 1, 1)),
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
