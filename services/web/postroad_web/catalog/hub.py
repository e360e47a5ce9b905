"""Tells everybody who listens what has changed in the catalog.

Each subscriber has a bounded queue. One that is too slow is closed rather than waited for: it may come back, and ask
for what has changed since its cursor.
"""

from __future__ import annotations

import asyncio
from collections import deque
from enum import StrEnum
from typing import TYPE_CHECKING, NamedTuple

from postroad_web.catalog.worlds import EVERY

if TYPE_CHECKING:
    from postroad_web.catalog.record import Record

LIMIT = 1000  # changes that may wait for one subscriber


class Happened(StrEnum):
    """What happened to the records of a change."""

    ARRIVED = "arrived"  # their content has been read, or there is none to be read
    UPDATED = "updated"  # a recipient, a copy, the read mark
    DELETED = "deleted"  # they are no longer in the catalog
    PURGED = "purged"  # all records of the world are gone; `records` is empty
    TAGS = "tags"  # a tag was renamed or dropped; `records` are those that had it


class Change(NamedTuple):
    """What one commit changed, in one world or in several (`EVERY`). `cursor` grows with each change."""

    cursor: int
    kind: Happened
    records: tuple[Record, ...]
    world: str


class Subscription:
    """The changes of one world, or of all, from the moment of `subscribe` on; ends when it is closed."""

    def __init__(self, hub: Hub, world: str, limit: int) -> None:
        self.world = world
        self._hub = hub
        self._limit = limit
        self._waiting: deque[Change] = deque()
        self._bell = asyncio.Event()
        self.closed = False
        self.overrun = False  # closed because the reader was too slow
        self.finished = False  # closed because its world is no more

    def __aiter__(self) -> Subscription:
        return self

    async def __anext__(self) -> Change:
        while not self._waiting:
            if self.closed:
                raise StopAsyncIteration
            self._bell.clear()
            await self._bell.wait()
        return self._waiting.popleft()

    def close(self) -> None:
        """End the iteration, and forget what waits."""
        self.closed = True
        self._waiting.clear()
        self._bell.set()
        self._hub.forget(self)

    def finish(self) -> None:
        """End the iteration behind what waits: there is no such world any more (for `Hub`)."""
        self.closed = self.finished = True
        self._bell.set()
        self._hub.forget(self)

    def tell(self, change: Change) -> None:
        """Add a change (for `Hub`)."""
        if len(self._waiting) >= self._limit:
            self.overrun = True
            self.close()
            return
        self._waiting.append(change)
        self._bell.set()


class Hub:
    """All subscriptions."""

    def __init__(self) -> None:
        self._subscriptions: dict[str, set[Subscription]] = {}  # by world

    def __bool__(self) -> bool:
        return bool(self._subscriptions)

    def subscribe(self, world: str, limit: int = LIMIT) -> Subscription:
        """Return a new subscription to the changes of a world, or of `EVERY`; it is to be closed."""
        subscription = Subscription(self, world, limit)
        self._subscriptions.setdefault(world, set()).add(subscription)
        return subscription

    def forget(self, subscription: Subscription) -> None:
        """Drop a subscription (for `Subscription`)."""
        of_world = self._subscriptions.get(subscription.world, set())
        of_world.discard(subscription)
        if not of_world:
            self._subscriptions.pop(subscription.world, None)

    def tell(self, change: Change) -> None:
        """Tell those who listen to all worlds, and to each world's own what concerns it."""
        self._pass_on(EVERY, change)
        if change.world != EVERY:
            self._pass_on(change.world, change)
            return
        by_world: dict[str, list[Record]] = {}
        for record in change.records:
            if record.world in self._subscriptions:
                by_world.setdefault(record.world, []).append(record)
        for world, records in by_world.items():
            self._pass_on(world, change._replace(records=tuple(records), world=world))

    def drop(self, world: str) -> None:
        """End the subscriptions of a world that is no more: another one may get its ID."""
        for subscription in tuple(self._subscriptions.get(world, ())):
            subscription.finish()

    def _pass_on(self, world: str, change: Change) -> None:
        for subscription in tuple(self._subscriptions.get(world, ())):
            subscription.tell(change)

    def close(self) -> None:
        """End all subscriptions."""
        for of_world in tuple(self._subscriptions.values()):
            for subscription in tuple(of_world):
                subscription.close()
