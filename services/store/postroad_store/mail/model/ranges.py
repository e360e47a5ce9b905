"""Ranges of UIDs, both ends included, ascending and apart: how a set of UIDs is short."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

Runs = list[tuple[int, int]]

_END = (1 << 64, 1 << 64)  # behind every UID


def following(uids: Iterable[int]) -> Runs:
    """Return the ranges of these UIDs, which ascend."""
    runs: Runs = []
    for uid in uids:
        if runs and uid == runs[-1][1] + 1:
            runs[-1] = (runs[-1][0], uid)
        else:
            runs.append((uid, uid))
    return runs


def union(ranges: Iterable[tuple[int, int]]) -> Runs:
    """Return the UIDs of ranges in any order, which may overlap, in as few ranges as can be."""
    runs: Runs = []
    for low, high in sorted(ranges):
        if runs and low <= runs[-1][1] + 1:
            if high > runs[-1][1]:
                runs[-1] = (runs[-1][0], high)
        else:
            runs.append((low, high))
    return runs


def intersection(ranges: Iterable[tuple[int, int]], limits: Iterable[tuple[int, int]]) -> Runs:
    """Return the UIDs that are in both."""
    runs: Runs = []
    others = iter(limits)
    low, high = next(others, _END)
    for first, last in ranges:
        while high < first:
            low, high = next(others, _END)
        while low <= last:
            runs.append((max(first, low), min(last, high)))
            if high > last:
                break
            low, high = next(others, _END)
    return runs


def without(ranges: Iterable[tuple[int, int]], uids: Iterable[int]) -> Runs:
    """Return the ranges without these UIDs, which ascend."""
    runs: Runs = []
    left = iter(uids)
    uid = next(left, _END[0])
    for first, last in ranges:
        low = first
        while uid <= last:
            if uid > low:
                runs.append((low, uid - 1))
            low = max(low, uid + 1)
            uid = next(left, _END[0])
        if low <= last:
            runs.append((low, last))
    return runs


def gaps(uids: Sequence[int], end: int) -> Runs:
    """Return the UIDs from 1 to before `end` that are not among these, which ascend.

    Where none is missing, none is looked at: a gap costs some 20 looks.
    """
    runs: Runs = []
    if not uids:
        return [(1, end - 1)] if end > 1 else []
    if uids[0] > 1:
        runs.append((1, uids[0] - 1))
    runs += _between(uids, 0, len(uids) - 1)
    if uids[-1] < end - 1:
        runs.append((uids[-1] + 1, end - 1))
    return runs


def _between(uids: Sequence[int], first: int, last: int) -> Iterator[tuple[int, int]]:
    """Yield the gaps between the UIDs at two places."""
    low, high = uids[first], uids[last]
    if high - low == last - first:
        return
    if last - first == 1:
        yield low + 1, high - 1
        return
    middle = (first + last) // 2
    yield from _between(uids, first, middle)
    yield from _between(uids, middle, last)
