"""Dates and sizes as people write them: every form, every part of it, and what is none."""

from __future__ import annotations

import calendar
from datetime import UTC, datetime, timedelta, timezone

import pytest

from postroad_web.search.dates import read_date, read_size

DAY = datetime(2026, 3, 4, tzinfo=UTC)


@pytest.mark.parametrize("number", range(1, 13))
def test_months_by_name(number: int) -> None:
    name = calendar.month_name[number]
    expected = DAY.replace(month=number).timestamp()
    for form in (f"4 {name} 2026", f"{name[:3]} 4, 2026", f"{name[:3].upper()}. 4 2026", f"4-{name[:3]}-2026"):
        assert read_date(form, UTC) == expected, form


@pytest.mark.parametrize(
    "form",
    [
        "2026-03-04",
        "2026-3-4",
        "2026/03/04",
        "2026.3.04",
        "3/4/2026",
        "03/04/26",
        "20260304",
        " 4 Mar 2026 ",
        "4th March 2026",
        "wed 4 mar 2026",
        "Wednesday, 4 March, 2026",
        "Wed, Mar 4 2026",
        "March 4th, 2026",
        "2026-03-04 00:00",
        "2026-03-04t0:00:00z",
        "2026-03-04, 12:00 am",
        "2026-03-04T02:00+02:00",
        "2026-03-03 22:30 -0130",
        "2026-03-04 00:00 GMT",
        "2026-03-04 utc",
    ],
)
def test_forms_of_one_day(form: str) -> None:
    assert read_date(form, UTC) == DAY.timestamp()


@pytest.mark.parametrize(
    ("time", "seconds"),
    [
        ("1:02", 3720),
        ("01:02:03", 3723),
        ("01:02:03.5", 3723.5),
        ("01:02:03,25", 3723.25),
        ("23:59:59.999999999", 86399.999999),
        ("12:30 a.m.", 1800),
        ("1:00am", 3600),
        ("11:59 AM", 43140),
        ("12:00 pm", 43200),
        ("1:00 p.m.", 46800),
        ("11:59pm", 86340),
    ],
)
def test_times(time: str, seconds: float) -> None:
    assert read_date(f"2026-03-04 {time}", UTC) == pytest.approx(DAY.timestamp() + seconds, abs=1e-6)


def test_a_zone_that_is_not_written() -> None:
    zone = timezone(timedelta(hours=-5))
    assert read_date("2026-03-04", zone) == DAY.timestamp() + 18_000
    assert read_date("2026-03-04 00:00z", zone) == DAY.timestamp()
    assert read_date("2026", zone) == datetime(2026, 1, 1, tzinfo=zone).timestamp()
    assert read_date("2026-03", zone) == datetime(2026, 3, 1, tzinfo=zone).timestamp()


def test_times_since_the_epoch() -> None:
    assert read_date("1700000000", UTC) == 1_700_000_000
    assert read_date("1700000000250", UTC) == 1_700_000_000.25
    assert read_date("170000000", UTC) is None
    assert read_date("17000000000", UTC) is None


@pytest.mark.parametrize(
    "text",
    [
        *("2026-00-04", "2026-13-04", "2026-02-29", "2026-03-04 24:00", "2026-03-04 0:60", "2026-03-04 0:00:60"),
        *("2026-03-04 0:00 am", "2026-03-04 13:00 pm", "2026-03-04 +24:00", "4 Mrz 2026", "4 Mar 26", "Mar 2026"),
        *("2026-03-04 1", "2026-03-04 1:2", "202603", "2026-03-04x", "x2026-03-04", "26-03-04"),
    ],
)
def test_what_is_no_date(text: str) -> None:
    assert read_date(text, UTC) is None


@pytest.mark.parametrize(
    ("text", "size"),
    [
        ("0", 0),
        (" 12 ", 12),
        ("1.5", 1.5),
        ("2k", 2048),
        ("2 KB", 2048),
        ("0.5m", 524_288),
        ("3 mb", 3_145_728),
        ("999999999999", 999_999_999_999),
        ("1000000000000", None),
        ("1.1234567", None),
        ("1  k", None),
        ("1b", None),
        ("k", None),
        ("-1", None),
        (".5", None),
        ("", None),
    ],
)
def test_sizes(text: str, size: float | None) -> None:
    assert read_size(text) == size
