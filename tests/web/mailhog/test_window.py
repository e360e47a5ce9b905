from __future__ import annotations

import pytest

from postroad_web.mailhog.window import Window, window


@pytest.mark.parametrize(
    ("start", "limit", "asked"),
    [
        ("", "", Window(0, 50)),
        ("10", "5", Window(10, 5)),
        ("+10", "+5", Window(10, 5)),
        ("-1", "-1", Window(0, 50)),
        ("0", "0", Window(0, 50)),
        ("x", "1e3", Window(0, 50)),
        ("1", "250", Window(1, 250)),
        ("1", "251", Window(1, 250)),
        ("9223372036854775807", "9223372036854775807", Window(2**63 - 1, 250)),
        ("9223372036854775808", "9223372036854775808", Window(0, 50)),
    ],
)
def test_parameters(start: str, limit: str, asked: Window) -> None:
    assert window(start, limit) == asked
