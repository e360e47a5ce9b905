"""Ranges of UIDs are sets of UIDs: each function is what the sets say."""

from __future__ import annotations

import itertools

from hypothesis import given
from hypothesis import strategies as st

from postroad_store.mail.model.ranges import Runs, following, gaps, intersection, union, without

UIDS = st.sets(st.integers(1, 60)).map(sorted)


def numbers(runs: Runs) -> list[int]:
    return [uid for low, high in runs for uid in range(low, high + 1)]


@given(UIDS)
def test_following_uids_become_ranges(uids: list[int]) -> None:
    runs = following(uids)
    assert numbers(runs) == uids
    assert all(low > before + 1 for (_, before), (low, _) in itertools.pairwise(runs))


@given(st.lists(st.tuples(st.integers(1, 60), st.integers(0, 9)).map(lambda pair: (pair[0], sum(pair)))))
def test_union(ranges: Runs) -> None:
    assert union(ranges) == following(sorted(set(numbers(ranges))))


@given(UIDS, UIDS)
def test_intersection_and_difference(uids: list[int], other: list[int]) -> None:
    assert numbers(intersection(following(uids), following(other))) == sorted(set(uids) & set(other))
    assert numbers(without(following(uids), other)) == sorted(set(uids) - set(other))


@given(UIDS, st.integers(0, 3))
def test_gaps(uids: list[int], more: int) -> None:
    end = (uids[-1] if uids else 0) + 1 + more
    assert gaps(uids, end) == following(sorted(set(range(1, end)) - set(uids)))
