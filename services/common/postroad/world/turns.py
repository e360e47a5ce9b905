"""Turns: how long an attempt has to wait after others for the same key have failed. Pure: times are given, in seconds.

Memory is bounded: the keys that failed least recently go first.
"""

from __future__ import annotations

from collections import OrderedDict
from dataclasses import dataclass

FORGOTTEN_AFTER = 60.0  # seconds until one failure is forgotten
MOST_COUNTED = 100  # failures of one key: what is above that need not be forgotten first
KEPT = 4096  # keys


@dataclass(slots=True)
class _Record:
    """What is known of one key."""

    failures: float
    counted: float  # when `failures` was right, in seconds of `Clock.monotonic`
    next_turn: float  # when the next attempt may be checked, likewise


class Turns:
    """The attempts for each of many keys, one after the other.

    The first `free` failures of a key cost nothing. From then on each attempt makes the next one wait for `first`
    seconds, which each further failure doubles, up to `longest`.
    """

    def __init__(self, *, free: int, first: float, longest: float, kept: int = KEPT) -> None:
        self._free = free
        self._first = first
        self._longest = longest
        self._kept = kept
        self._records: OrderedDict[str, _Record] = OrderedDict()

    def __len__(self) -> int:
        """How many keys have failures."""
        return len(self._records)

    def wait(self, key: str, now: float) -> float:
        """Return the seconds that an attempt which begins now has to wait."""
        record = self._records.get(key)
        return max(0.0, record.next_turn - now) if record is not None else 0.0

    def take(self, key: str, now: float, pending: int = 0) -> None:
        """Take the next turn. Later attempts wait longer if there were failures; `pending` more of them are assumed."""
        record = self._records.get(key)
        if record is not None:
            self._forget(record, now)
            above = record.failures + pending - self._free
            if above >= 0:
                turn = min(self._first * 2.0 ** min(above, 32.0), self._longest)
                record.next_turn = max(record.next_turn, now) + turn

    def failed(self, key: str, now: float) -> None:
        """Count a failure."""
        record = self._records.get(key)
        if record is None:
            record = self._records[key] = _Record(0.0, now, now)
            if len(self._records) > self._kept:
                self._records.popitem(last=False)
        self._forget(record, now)
        record.failures = min(record.failures + 1.0, MOST_COUNTED)
        self._records.move_to_end(key)

    def clear(self, key: str) -> None:
        """Forget the failures of a key."""
        self._records.pop(key, None)

    def _forget(self, record: _Record, now: float) -> None:
        record.failures = max(0.0, record.failures - (now - record.counted) / FORGOTTEN_AFTER)
        record.counted = now
