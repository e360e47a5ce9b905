"""A push: a world's clock moves ahead, from one due time to the next, and all that falls due happens meanwhile.

The attempts that are under way at first are waited for. Then the clock is moved to the moment at which a message of the
world is due next, and all messages that are due then are attempted, with their notifications; and again, until no more
fall due in the span. So each attempt has the timestamp that it would have had if time had passed. Only the world's mail
is pushed, not the deadlines of sessions: a server that does not answer is waited for as long as ever.

Messages do not wait for domains that rest, while their world is pushed. They go by the schedule; those that are due
together share the outcome of the first one if no server can be reached.

A push goes on to its end though nobody waits for it any more. If the relay is stopped, the clock stays where it is.
"""

from __future__ import annotations

import asyncio
import math
from typing import TYPE_CHECKING

from postroad_relay.queue.spool.clocks import FARTHEST

if TYPE_CHECKING:
    from collections.abc import Iterator

    from postroad_relay.queue.active import Active
    from postroad_relay.queue.manager import Manager
    from postroad_relay.queue.spool import QueueId

NEXT = math.inf  # in place of a span: to the next due attempt


class PushError(Exception):
    """A clock can't be pushed; the message is a sentence."""


class Push:
    """One push of one world (for `Pushes` and `Manager`)."""

    def __init__(self, manager: Manager, world: str) -> None:
        self._manager = manager
        self._world = world
        self._first = manager.spool.new_id()  # messages with later queue IDs are not waited for
        self._left: set[QueueId] = set()  # those whose conclusion is waited for
        self._settled = asyncio.Event()
        self._room = asyncio.Event()
        self._stopped = False

    def stop(self) -> None:
        """Leave the clock where it is."""
        self._stopped = True
        self._settled.set()
        self._room.set()

    def ended(self, active: Active) -> None:
        """Note that a message of any world is concluded."""
        self._room.set()
        if active.entry.world != self._world:
            return
        self._left.discard(active.entry.queue_id)
        if not self._left:
            self._settled.set()

    async def run(self, span: float) -> None:
        """Push by a span, in seconds, or to the next due attempt (`NEXT`); raises `OSError` and `PushError`."""
        manager, world = self._manager, self._world
        begin = manager.clocks.of(world).ahead
        if span != NEXT and begin + span > FARTHEST:
            days = FARTHEST / 86400
            raise PushError(f"the clock of a world can be {days:g} days ahead at most, and it is {begin / 86400:g} now")
        await self._settle()
        clock = manager.clocks.of(world)
        for entry in manager.lanes.leave_all(world):
            manager.due.push(entry, clock.monotonic())
        target = begin + span
        if span == NEXT:
            at = manager.due.next_of(world)
            target = begin if at is None else begin + max(0.0, at - clock.monotonic())
        while not self._stopped and (at := manager.due.next_of(world)) is not None:
            clock = manager.clocks.of(world)
            ahead = clock.ahead + max(0.0, at - clock.monotonic())
            if ahead > target:
                break
            await self._advance(ahead, target)
            await self._attempt(max(at, clock.monotonic()))
        if not self._stopped:
            await self._advance(target, target)

    async def _attempt(self, at: float) -> None:
        """Attempt the messages that are due at a time of the world's clock, as many at a time as there is room for."""
        manager = self._manager
        if not manager.has_room:  # the messages of other worlds have taken it
            self._room.clear()
            await self._room.wait()
        if not self._stopped:
            manager.take_up(self._world, at)
            await self._settle()

    async def _advance(self, ahead: float, target: float) -> None:
        manager = self._manager
        await manager.clocks.advance(self._world, ahead, target)
        manager.due.moved(self._world)

    async def _settle(self) -> None:
        """Wait until no message of the world is active, except those that have come since the push began."""
        while not self._stopped and (left := set(self._under_way())):
            self._left = left
            self._settled.clear()
            await self._settled.wait()

    def _under_way(self) -> Iterator[QueueId]:
        for ident, active in self._manager.active.items():
            if active.entry.world == self._world and (ident < self._first or active.message.reports is not None):
                yield ident


class Pushes:
    """The clocks of worlds, for those who push them. One push of a world is made at a time; others wait for it."""

    def __init__(self, manager: Manager) -> None:
        self._manager = manager
        self._turns: dict[str, asyncio.Task[None]] = {}  # the last push of each world

    def last(self, world: str) -> asyncio.Task[None] | None:
        """Return the last push of a world that is under way, or None."""
        return self._turns.get(world)

    def next_at(self, world: str) -> float | None:
        """Return when the next message of a world is attempted, in seconds since the epoch by its clock, or None."""
        manager = self._manager
        clock = manager.clocks.of(world)
        times = [at + clock.ahead for at in manager.lanes.probes(world)]
        at = manager.due.next_of(world)
        if at is not None:
            times.append(clock.now() + at - clock.monotonic())
        return min(times, default=None)

    def push(self, world: str, span: float) -> asyncio.Task[None]:
        """Begin to push a world's clock by seconds, or to the next due attempt (`NEXT`), after the pushes before it.

        The task ends when all that fell due has been concluded; it raises `PushError` or `OSError`.
        """
        task = asyncio.get_running_loop().create_task(self._run(world, span))
        self._turns[world] = task
        task.add_done_callback(lambda done: self._ended(world, done))
        return task

    async def _run(self, world: str, span: float) -> None:
        manager = self._manager
        async with manager.turn(world):
            push = manager.pushing[world] = Push(manager, world)
            manager.on_end.add(push.ended)
            try:
                await push.run(span)
            finally:
                manager.on_end.discard(push.ended)
                del manager.pushing[world]
                manager.refill()

    def _ended(self, world: str, task: asyncio.Task[None]) -> None:
        if not task.cancelled():
            task.exception()  # it was raised to whoever waits, if anybody does
        if self._turns.get(world) is task:
            del self._turns[world]
