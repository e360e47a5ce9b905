"""Worlds whose queue stands still: no attempt is made, and none is under way.

An attempt that is under way is cut off, unless the server has the whole content already: then its reply is waited for.
Mail that comes meanwhile is durable in the spool and waits. So every message of the world is either in the queue or
with its server, and not in between. A world may be frozen for a while only: whoever has asked for it may have died.
"""

from __future__ import annotations

import asyncio
import logging
from typing import TYPE_CHECKING

from postroad_relay.queue.administration import Administration

if TYPE_CHECKING:
    from postroad.clock import Timer
    from postroad_relay.queue.active import Active
    from postroad_relay.queue.manager import Manager

log = logging.getLogger(__name__)

LEASE = 30.0  # seconds of real time, after which a world thaws that nobody has thawed


class Freezer:
    """Freezes worlds. One that is frozen, or whose clock is pushed, is waited for."""

    def __init__(self, manager: Manager) -> None:
        self._manager = manager
        self._administration = Administration(manager)
        self._turns: dict[str, asyncio.Lock] = {}
        self._leases: dict[str, Timer | None] = {}  # of worlds that are frozen; None: until they are thawed

    def is_frozen(self, world: str) -> bool:
        """Whether the queue of a world stands still."""
        return world in self._leases

    async def freeze(self, world: str, *, lease: float | None = LEASE) -> None:
        """Let the queue of a world stand still, for so many seconds; None: until it is thawed, after a restart too."""
        manager = self._manager
        turn = manager.turn(world)
        await turn.acquire()
        self._turns[world] = turn
        manager.due.freeze(world)
        self._leases[world] = manager.clock.call_later(lease, self._expire, world) if lease is not None else None
        clock = manager.clocks.of(world)
        for entry in manager.lanes.leave_all(world):
            manager.due.push(entry, clock.monotonic())
        try:
            await self._halt(world)
        except BaseException:
            self.thaw(world)
            raise

    async def _halt(self, world: str) -> None:
        manager = self._manager
        ended = asyncio.Event()

        def note(_: Active) -> None:
            ended.set()

        manager.on_end.add(note)
        try:
            # Those that are concluding, or that a person is changing, end by themselves.
            cut = [active.entry for active in self._active(world) if not active.concluding and not active.entry.steered]
            self._administration.go_on(await self._administration.halt(cut))
            while self._active(world):
                ended.clear()
                await ended.wait()
        finally:
            manager.on_end.discard(note)

    def _active(self, world: str) -> list[Active]:
        return [active for active in self._manager.active.values() if active.entry.world == world]

    def keep(self, world: str) -> None:
        """Let a world that is frozen stand still until it is thawed."""
        lease = self._leases[world]
        if lease is not None:
            lease.cancel()
        self._leases[world] = None

    def thaw(self, world: str) -> None:
        """Let the queue of a world go on, if it stands still."""
        if world not in self._leases:
            return
        lease = self._leases.pop(world)
        if lease is not None:
            lease.cancel()
        self._manager.due.thaw(world)
        self._turns.pop(world).release()
        self._manager.refill()

    def _expire(self, world: str) -> None:
        log.warning("the queue of the world %s goes on: nobody has thawed it", world)
        self.thaw(world)
