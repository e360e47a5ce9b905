from __future__ import annotations

import pytest

from postroad_web.mailpit.dates import LEAST, MOST, offset_of, rfc3339, seconds_of


@pytest.mark.parametrize(
    ("seconds", "text"),
    [
        (0, "1970-01-01T00:00:00Z"),
        (1700000000.5, "2023-11-14T22:13:20.5Z"),
        (1700000000.678, "2023-11-14T22:13:20.678Z"),
        (1700000000.050, "2023-11-14T22:13:20.05Z"),
        (1700000000.9999, "2023-11-14T22:13:20.999Z"),  # cut, as Mailpit's database cuts
        (1700000000.001, "2023-11-14T22:13:20.001Z"),
        (1700000000.0009, "2023-11-14T22:13:20Z"),
        (-62125920000.0, "0001-04-23T00:00:00Z"),
        (-0.5, "1969-12-31T23:59:59.5Z"),
        (LEAST, "0001-01-01T00:00:00Z"),
        (-1e30, "0001-01-01T00:00:00Z"),
        (1e30, "9999-12-31T23:59:59Z"),
    ],
)
def test_times_written(seconds: float, text: str) -> None:
    assert rfc3339(seconds) == text


@pytest.mark.parametrize(
    ("seconds", "offset", "text"),
    [
        (0, 720, "1970-01-01T12:00:00+12:00"),
        (0.5, -90, "1969-12-31T22:30:00.5-01:30"),
        (MOST - 60, 1, "9999-12-31T23:59:59+00:01"),
        (LEAST + 60, -1, "0001-01-01T00:00:00-00:01"),
        (MOST - 60 + 1, 1, "9999-12-31T23:59:00Z"),
        (MOST, 1, "9999-12-31T23:59:59Z"),  # there is no such year
        (LEAST, -1, "0001-01-01T00:00:00Z"),
    ],
)
def test_times_written_as_elsewhere(seconds: float, offset: int, text: str) -> None:
    assert rfc3339(seconds, offset) == text


@pytest.mark.parametrize(
    ("field", "offset"),
    [
        ("Wed, 27 Jul 2022 15:44:41 +1200", 720),
        ("27 Jul 2022 15:44 -0130 (a (nested) comment) ", -90),
        ("Wed, 27 Jul 2022 15:44:41 GMT", 0),
        ("Wed, 27 Jul 2022 15:44:41 +9900", 0),
        ("", 0),
    ],
)
def test_offsets(field: str, offset: int) -> None:
    assert offset_of(field) == offset


@pytest.mark.parametrize("milliseconds", range(0, 1000, 7))
def test_milliseconds_come_back(milliseconds: int) -> None:
    seconds = 1764138000 + milliseconds / 1000
    assert seconds_of(rfc3339(seconds)) == pytest.approx(seconds, abs=1e-6)


@pytest.mark.parametrize(
    ("text", "seconds"),
    [
        ("1970-01-01T00:00:01Z", 1.0),
        ("1970-01-01T01:00:01.25+01:00", 1.25),
        ("1970-01-01 00:00:10", 10.0),
        (" 1970-01-02 ", 86400.0),
        ("yesterday", None),
        ("", None),
    ],
)
def test_times_read(text: str, seconds: float | None) -> None:
    assert seconds_of(text) == seconds
