from __future__ import annotations

from datetime import UTC, datetime

import pytest

from postroad_store.imap.grammar.dates import read_date_time
from postroad_store.imap.grammar.reader import Reader, SyntaxFault


@pytest.mark.parametrize(
    ("text", "moment"),
    [
        (b" 1-Feb-2020 10:20:30 +0130", datetime(2020, 2, 1, 8, 50, 30, tzinfo=UTC)),
        (b"01-feb-2020 10:20:30 -0130", datetime(2020, 2, 1, 11, 50, 30, tzinfo=UTC)),
        (b"9-Sep-2001 01:46:40 +0000", datetime(2001, 9, 9, 1, 46, 40, tzinfo=UTC)),
        (b"31-DEC-1999 23:59:60 -0000", datetime(1999, 12, 31, 23, 59, 59, tzinfo=UTC)),
        (b"31-Dec-1969 23:59:59 +0000", datetime(1969, 12, 31, 23, 59, 59, tzinfo=UTC)),
        (b"01-Jan-0001 00:00:00 -2359", datetime(1, 1, 1, 23, 59, tzinfo=UTC)),
        # A zone may lead out of the years that FETCH can give back in UTC.
        (b"31-Dec-9999 23:59:59 -1200", datetime(9999, 12, 31, 23, 59, 59, tzinfo=UTC)),
        (b"01-Jan-0001 00:00:00 +0100", datetime(1, 1, 1, tzinfo=UTC)),
    ],
)
def test_date_time(text: bytes, moment: datetime) -> None:
    reader = Reader([b'"%b"' % text])
    assert read_date_time(reader) == moment.timestamp()
    assert reader.at_end()


@pytest.mark.parametrize(
    "text",
    [
        b"  1-Feb-2020 10:20:30 +0130",
        b"001-Feb-2020 10:20:30 +0130",
        b"0-Feb-2020 10:20:30 +0000",
        b"31-Feb-2020 10:20:30 +0000",
        b"01-Foo-2020 10:20:30 +0000",
        b"01-Feb-0000 10:20:30 +0000",
        b"01-Feb-2020 25:20:30 +0000",
        b"01-Feb-2020 10:20:30 +9900",
        b"01-Feb-2020 10:20:30 +2400",
        b"01-Feb-2020 10:20:30",
    ],
)
def test_no_date_time(text: bytes) -> None:
    with pytest.raises(SyntaxFault):
        read_date_time(Reader([b'"%b"' % text]))
