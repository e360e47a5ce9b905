"""How the native API writes what it shows."""

from __future__ import annotations

import pytest

from postroad_web.api.native.shapes import time


@pytest.mark.parametrize(
    ("seconds", "text"),
    [
        (None, None),
        (0.0, "1970-01-01T00:00:00.000Z"),
        (1_764_115_200.1239, "2025-11-26T00:00:00.123Z"),
        (-1.0, "1969-12-31T23:59:59.000Z"),
        (1e12, None),
        (-1e12, None),
    ],
)
def test_times_are_as_in_rfc_3339(seconds: float | None, text: str | None) -> None:
    assert time(seconds) == text
