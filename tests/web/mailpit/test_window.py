from __future__ import annotations

import sqlite3

import pytest

from postroad_web.mailpit.window import Before, Window, window


@pytest.mark.parametrize(
    ("start", "limit", "before", "asked"),
    [
        ("", "", "", Window(0, 50, None)),
        ("10", "5", "", Window(10, 5, None)),
        ("-1", "-1", "", Window(0, 50, None)),
        ("x", "y", "z", Window(0, 50, None)),
        ("1e3", "9" * 30, "", Window(0, 50, None)),
        ("9223372036854775807", "9223372036854775807", "", Window(2**63 - 1, 2**63 - 1, None)),
        ("9223372036854775808", "9223372036854775808", "", Window(0, 50, None)),
        ("+2", "0", "1970-01-01T00:00:05Z", Window(2, 0, 5.0)),
    ],
)
def test_parameters(start: str, limit: str, before: str, asked: Window) -> None:
    assert window(start, limit, before) == asked


class Read:
    """A query for what is read."""

    def where(self) -> tuple[str, list[object]]:
        return "read = ? OR 0", [1]


def matching(query: Before) -> list[int]:
    database = sqlite3.connect(":memory:")
    database.execute("CREATE TABLE records (arrived REAL, read INTEGER)")
    database.executemany("INSERT INTO records VALUES (?, ?)", [(1.0, 0), (2.0, 1), (3.0, 1)])
    condition, values = query.where()
    rows = database.execute(f"SELECT arrived FROM records WHERE {condition}", values).fetchall()
    database.close()
    return [int(arrived) for (arrived,) in rows]


def test_before_a_time() -> None:
    assert matching(Before(None, 3.0)) == [1, 2]
    assert matching(Before(Read(), 3.0)) == [2]
