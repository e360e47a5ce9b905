"""The waiting messages of all worlds, each world's by its own clock. Pure.

Each world has a `Due`, in seconds of its own monotonic clock. When a world is pushed, the times of its messages stay as
they are; only the moment changes at which the first of them is due by the relay's clock. A heap has these moments. One
that has changed stays in it, as a stale item, until its time comes or the heap has more stale items than others.
"""

from __future__ import annotations

import heapq
import itertools
import math
from typing import TYPE_CHECKING

from postroad_relay.queue.due import Due

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from postroad_relay.queue.spool import Entry

_FEW = 64  # stale items that are no burden


class Dues:
    """Which message of any world is due next. `ahead` gives the seconds that a world is ahead of the relay's clock."""

    def __init__(self, ahead: Callable[[str], float]) -> None:
        self._ahead = ahead
        self._worlds: dict[str, Due] = {}  # those in which a message waits
        self._frozen: set[str] = set()  # none of their messages comes out by itself
        self._first: dict[str, float] = {}  # world → when its first message is due, by the relay's clock
        self._heap: list[tuple[float, int, str]] = []
        self._numbers = itertools.count()  # so that those that are due first at the same moment take turns
        self._count = 0

    def __len__(self) -> int:
        """How many messages wait."""
        return self._count

    def fill(self, entries: Iterable[tuple[Entry, float]]) -> None:
        """Add many messages with their times by their world's clock; none of them waits yet."""
        by_world: dict[str, list[tuple[Entry, float]]] = {}
        for entry, at in entries:
            by_world.setdefault(entry.world, []).append((entry, at))
        for world, some in by_world.items():
            self._worlds.setdefault(world, Due()).fill(some)
            self._count += len(some)
            self.moved(world)

    def push(self, entry: Entry, at: float) -> None:
        """Add a message that is due at a time of its world's clock; it must not wait yet."""
        due = self._worlds.get(entry.world)
        if due is None:
            due = self._worlds[entry.world] = Due()
        due.push(entry, at)
        self._count += 1
        self.moved(entry.world)

    @property
    def next_at(self) -> float | None:
        """When the next message is due by the relay's clock, None if none waits."""
        heap = self._heap
        while heap and self._first.get(heap[0][2]) != heap[0][0]:
            heapq.heappop(heap)
        return heap[0][0] if heap else None

    def next_of(self, world: str) -> float | None:
        """When the next message of a world is due by its own clock, None if none waits."""
        due = self._worlds.get(world)
        return due.next_at if due is not None else None

    def pop(self, now: float) -> Entry | None:
        """Take out the message that was due first by the relay's clock, None if none is due."""
        at = self.next_at
        if at is None or at > now:
            return None
        world = self._heap[0][2]
        return self.pop_of(world, self._worlds[world].next_at or 0.0)

    def pop_of(self, world: str, at: float) -> Entry | None:
        """Take out the message of a world that was due first, None if none is due at a time of the world's clock."""
        due = self._worlds.get(world)
        entry = due.pop(at) if due is not None else None
        if entry is not None:
            self._count -= 1
            self.moved(world)
        return entry

    def remove(self, entry: Entry) -> bool:
        """Take out a message, and return whether it was here."""
        due = self._worlds.get(entry.world)
        if due is None or not due.remove(entry):
            return False
        self._count -= 1
        self.moved(entry.world)
        return True

    def all_at(self, world: str, now: float) -> int:
        """Make every message of a world due, in the order in which they are now, and return how many they are."""
        due = self._worlds.get(world)
        count = due.all_at(now) if due is not None else 0
        self.moved(world)
        return count

    def worlds(self) -> list[str]:
        """Return the worlds in which messages wait."""
        return list(self._worlds)

    def first(self, count: int, world: str | None = None) -> list[Entry]:
        """Return the `count` messages that are due first, of all worlds or one."""
        if world is not None:
            due = self._worlds.get(world)
            return due.first(count) if due is not None else []
        turns: list[tuple[float, int, Entry]] = []
        for world_id in heapq.nsmallest(count, self._worlds, key=lambda name: self._first.get(name, math.inf)):
            ahead = self._ahead(world_id)
            some = self._worlds[world_id].first(count)
            turns += [((entry.turn or 0.0) - ahead, number, entry) for number, entry in enumerate(some, len(turns))]
        return [entry for _, _, entry in heapq.nsmallest(count, turns)]

    def freeze(self, world: str) -> None:
        """Let no message of a world come out by `pop` until it is thawed."""
        self._frozen.add(world)
        self.moved(world)

    def thaw(self, world: str) -> None:
        """Let messages of a world come out again."""
        self._frozen.discard(world)
        self.moved(world)

    def is_frozen(self, world: str) -> bool:
        """Whether a world is frozen."""
        return world in self._frozen

    def moved(self, world: str) -> None:
        """Note that a world's clock was pushed, or that its first message is another."""
        due = self._worlds.get(world)
        at = due.next_at if due is not None else None
        if at is None:
            self._worlds.pop(world, None)
            self._first.pop(world, None)
            return
        if world in self._frozen:
            self._first.pop(world, None)
            return
        at -= self._ahead(world)
        if self._first.get(world) != at:
            self._first[world] = at
            heapq.heappush(self._heap, (at, next(self._numbers), world))
            if len(self._heap) > 2 * len(self._first) + _FEW:
                self._heap = [(when, next(self._numbers), name) for name, when in self._first.items()]
                heapq.heapify(self._heap)
