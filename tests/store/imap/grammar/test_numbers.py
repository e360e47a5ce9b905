from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from postroad_store.imap.grammar.numbers import listed, listed_ascending


def plainly(numbers: list[int]) -> bytes:
    return b"".join(b" %d" % number for number in numbers)


@pytest.mark.parametrize(
    "numbers",
    [
        [],
        [1],
        [999, 1000],
        [1, 2, 3, 999, 1000, 1001, 1999, 2000, 2002],
        list(range(1, 3500)),
        list(range(1, 3500, 3)),
        list(range(4294966000, 4294967296)),
        [1, 4294967295],
        list(range(10, 900)),
    ],
)
def test_lists(numbers: list[int]) -> None:
    assert listed_ascending(numbers) == listed(numbers) == plainly(numbers)
    assert listed(numbers[::-1]) == plainly(numbers[::-1])


def test_a_range() -> None:
    assert listed_ascending(range(1, 2001)) == plainly(list(range(1, 2001)))


@given(st.sets(st.integers(1, 5000)).map(sorted), st.integers(0, 4294960000))
def test_any_list(numbers: list[int], above: int) -> None:
    numbers = [number + above for number in numbers]
    assert listed_ascending(numbers) == plainly(numbers)
