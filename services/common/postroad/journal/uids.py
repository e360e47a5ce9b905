"""UIDs in an event's details: a number, or a uid-set such as `1:5,9` (RFC 4315 §4), ascending.

Two details of one event may be parallel: the message with the n-th UID of `uid` has the n-th of `to_uid` now.
"""

from __future__ import annotations

from typing import TypeAlias

Ranges: TypeAlias = tuple[tuple[int, int], ...]  # both ends included, ascending


def ranges_in(value: object) -> Ranges:
    """Return the UIDs of a detail as ranges; what is not a UID or a uid-set has none."""
    if isinstance(value, int):
        return ((value, value),)
    ranges = []
    for part in str(value).split(","):
        first, _, last = part.partition(":")
        last = last or first
        if not (first.isascii() and last.isascii() and first.isdecimal() and last.isdecimal()):
            return ()
        ranges.append((int(first), int(last)))
    return tuple(ranges)


def position_of(uid: int, ranges: Ranges) -> int | None:
    """Return how many UIDs come before this one, or None if it is not there."""
    before = 0
    for low, high in ranges:
        if low <= uid <= high:
            return before + uid - low
        before += high - low + 1
    return None


def uid_at(position: int, ranges: Ranges) -> int | None:
    """Return the UID before which there are so many, or None if there are not as many."""
    for low, high in ranges:
        if position <= high - low:
            return low + position
        position -= high - low + 1
    return None
