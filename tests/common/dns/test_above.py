from __future__ import annotations

import pytest

from postroad.dns.above import above, is_within, upwards


@pytest.mark.parametrize(
    ("name", "names"),
    [("www.beta.test", ["beta.test", "test"]), ("test", []), ("", [])],
)
def test_the_names_above(name: str, names: list[str]) -> None:
    assert list(above(name)) == names
    assert list(upwards(name)) == ([name, *names] if name else [])


@pytest.mark.parametrize(
    ("name", "within"),
    [
        ("beta.test", True),
        ("www.beta.test", True),
        ("a.b.c.other.test", True),
        ("test", False),
        ("alphabeta.test", False),
        ("beta.test.example", False),
        ("", False),
    ],
)
def test_is_within(name: str, within: bool) -> None:
    assert is_within(name, {"beta.test", "other.test"}) is within
