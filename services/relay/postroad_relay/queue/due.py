"""The messages that wait for their time, by when they are due; each can be taken out or moved. Pure.

A heap of (time, number, entry). A message that is taken out stays in the heap, as a stale item, until its time comes or
the heap has more stale items than others: to find it there would cost as much as to make the heap anew.
"""

from __future__ import annotations

import heapq
import itertools
from typing import TYPE_CHECKING, TypeAlias

if TYPE_CHECKING:
    from collections.abc import Iterable

    from postroad_relay.queue.spool import Entry

_Item: TypeAlias = "tuple[float, int, Entry]"

_FEW = 64  # stale items that are no burden


class Due:
    """The waiting messages. Times are in seconds of `Clock.monotonic`; `Entry.turn` has each message's."""

    def __init__(self) -> None:
        self._heap: list[_Item] = []
        self._numbers = itertools.count()  # so that entries are never compared
        self._stale = 0

    def __len__(self) -> int:
        """How many messages wait."""
        return len(self._heap) - self._stale

    def fill(self, entries: Iterable[tuple[Entry, float]]) -> None:
        """Add many messages with their times; none of them waits yet."""
        for entry, at in entries:
            entry.turn = at
            self._heap.append((at, next(self._numbers), entry))
        heapq.heapify(self._heap)

    def push(self, entry: Entry, at: float) -> None:
        """Add a message; it must not wait yet."""
        entry.turn = at
        heapq.heappush(self._heap, (at, next(self._numbers), entry))

    @property
    def next_at(self) -> float | None:
        """When the next message is due, None if none waits."""
        heap = self._heap
        while heap and heap[0][2].turn != heap[0][0]:
            heapq.heappop(heap)
            self._stale -= 1
        return heap[0][0] if heap else None

    def pop(self, now: float) -> Entry | None:
        """Take out the message that was due first, None if none is due."""
        at = self.next_at
        if at is None or at > now:
            return None
        entry = heapq.heappop(self._heap)[2]
        entry.turn = None
        return entry

    def remove(self, entry: Entry) -> bool:
        """Take out a message, and return whether it was here."""
        if entry.turn is None:
            return False
        entry.turn = None
        self._stale += 1
        if self._stale > len(self._heap) // 2 + _FEW:
            self._heap = [item for item in self._heap if item[2].turn == item[0]]
            heapq.heapify(self._heap)
            self._stale = 0
        return True

    def all_at(self, now: float) -> int:
        """Make every message due, in the order in which they are now, and return how many they are."""
        items = sorted(item for item in self._heap if item[2].turn == item[0])
        for _, _, entry in items:
            entry.turn = now
        self._heap = [(now, number, entry) for number, (_, _, entry) in zip(self._numbers, items, strict=False)]
        self._stale = 0
        return len(items)

    def first(self, count: int) -> list[Entry]:
        """Return the `count` messages that are due first; the whole heap is not looked at."""
        heap = self._heap
        entries: list[Entry] = []
        candidates = [(heap[0], 0)] if heap else []
        while candidates and len(entries) < count:
            (at, _, entry), index = heapq.heappop(candidates)
            if entry.turn == at:
                entries.append(entry)
            for child in (2 * index + 1, 2 * index + 2):
                if child < len(heap):
                    heapq.heappush(candidates, (heap[child], child))
        return entries
