"""What a search has found, as runs of numbers."""

from __future__ import annotations

import pytest

from postroad_store.imap.commands.search.found import Found
from tests.store.imap.test_updates import opened


@pytest.mark.parametrize(
    ("numbers", "runs"),
    [
        ([1, 3, 2, 4], [(1, 1), (3, 3), (2, 2), (4, 4)]),
        ([2, 3, 1], [(2, 3), (1, 1)]),
        ([4, 3], [(4, 4), (3, 3)]),
    ],
)
def test_the_order_of_sort_is_kept(numbers: list[int], runs: list[tuple[int, int]]) -> None:
    view = opened(11, 12, 13, 14)
    for uid, rise in ((False, 0), (True, 10)):
        matches = Found(view, numbers, uid=uid, sorted=True)
        told = [run for step in matches.runs(numbers, uid=uid) for run in step]
        assert told == [(low + rise, high + rise) for low, high in runs]
