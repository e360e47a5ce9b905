from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from postroad_store.imap.grammar.reader import SyntaxFault
from postroad_store.imap.grammar.sequence import (
    SAVED,
    PinnedSet,
    SequenceSet,
    coalesce,
    format_ranges,
    indexes,
    parse_sequence_set,
    ranges_of,
    runs_of,
)


@pytest.mark.parametrize(
    ("text", "largest", "expected"),
    [
        (b"1", 10, ((1, 1),)),
        (b"*", 10, ((10, 10),)),
        (b"2:4", 10, ((2, 4),)),
        (b"4:2", 10, ((2, 4),)),
        (b"2,4:7,9,12:*", 15, ((2, 2), (4, 7), (9, 9), (12, 15))),  # RFC 3501 §9, example
        (b"*:4,5:7", 10, ((4, 10),)),  # RFC 3501 §9, example
        (b"3291:*", 100, ((100, 3291),)),  # it holds the last message
        (b"*:*", 7, ((7, 7),)),
        (b"1,2,3", 9, ((1, 3),)),
        (b"5,1:9,3", 9, ((1, 9),)),
        (b"4294967295", 9, ((4294967295, 4294967295),)),
    ],
)
def test_resolve(text: bytes, largest: int, expected: tuple[tuple[int, int], ...]) -> None:
    assert parse_sequence_set(text).resolve(largest) == expected


@pytest.mark.parametrize(
    "text",
    [
        b"",
        b"0",
        b"1,",
        b",1",
        b"1:",
        b":1",
        b"1:2:3",
        b"4294967296",
        b"01",
        b"1,,2",
        b"**",
        b"4294967296:1",
        b"1:4294967296",
    ],
)
def test_malformed(text: bytes) -> None:
    with pytest.raises(SyntaxFault, match="Invalid messageset"):
        parse_sequence_set(text)


def test_written_as_it_was() -> None:
    assert str(SequenceSet(((1, 1), (2, 0), (0, 0)))) == "1,2:*,*"


def test_indexes_pass_over_gaps() -> None:
    assert indexes([(1, 4), (6, 6), (9, 99)], [2, 3, 5, 9, 10]) == [range(2), range(3, 5)]


@given(st.sets(st.integers(1, 60)))
def test_ranges_and_back(numbers: set[int]) -> None:
    ranges = ranges_of(sorted(numbers))
    assert {number for low, high in ranges for number in range(low, high + 1)} == numbers
    assert coalesce(ranges) == ranges
    if numbers:
        assert parse_sequence_set(format_ranges(ranges)).resolve(99) == ranges


def test_numbers_that_are_pinned_to_the_messages_that_they_mean() -> None:
    saved = PinnedSet(SAVED)
    saved.pin([1, 2, 3], [4, 6, 9, 9, 12, 20])
    assert saved.resolve(99) == ((4, 6), (9, 9), (12, 20))
    numbers = PinnedSet(parse_sequence_set(b"2,4:9,*,7:8"))
    assert numbers.resolve(99) == ()
    numbers.pin([10, 20, 30, 40, 50], [1, 1])
    assert numbers.resolve(99) == ((20, 20), (40, 50))
    numbers.pin([], [])
    assert numbers.resolve(99) == ()


@pytest.mark.parametrize(
    ("numbers", "runs"),
    [
        ([], []),
        ([7], [(7, 7)]),
        ([1, 2, 3], [(1, 3)]),
        ([1, 2, 4, 5, 7], [(1, 2), (4, 5), (7, 7)]),
        ([5, 4, 3], [(5, 5), (4, 4), (3, 3)]),
        ([4, 5, 1, 2, 6], [(4, 5), (1, 2), (6, 6)]),
    ],
)
def test_runs_ascend_one_by_one(numbers: list[int], runs: list[tuple[int, int]]) -> None:
    assert runs_of(numbers) == runs
