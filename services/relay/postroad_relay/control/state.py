"""`GET /state` and `GET /figures`: what is under way, and the relay in numbers.

The state is exact. A message is under way from before its client can see the 250 until its conclusion is durable and in
the journal; so, if nothing is queued and nothing is being accepted, all that has happened is in the journal up to the
number `upto`. With `wait=` the answer comes once nothing is under way but messages that are held, or after so many
seconds. With `world=` all of it is about that world alone, except `last`, the number of the last event of all.
"""

from __future__ import annotations

import asyncio
from collections import Counter
from contextlib import suppress
from typing import TYPE_CHECKING, Any

from postroad.control.door import Route, answer
from postroad.control.feed import journal_figures
from postroad.control.messages import LONGEST_WAIT
from postroad.control.process import process_figures
from postroad.smtp.server.service import Purpose
from postroad_relay.control.queue import next_ones

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

    from postroad.control.door import Request, Response
    from postroad.journal import Journal
    from postroad_relay.queue.administration import Administration
    from postroad_relay.queue.manager import Manager
    from postroad_relay.submission.arriving import Arriving

SHOWN = 100  # messages of `GET /state`


class StateRoutes:
    """The handlers; `arriving` counts messages whose 250 is due, `sessions` gives the purpose of each session."""

    def __init__(
        self,
        manager: Manager,
        administration: Administration,
        journal: Journal,
        *,
        arriving: Arriving,
        sessions: Callable[[], Iterable[Purpose]],
    ) -> None:
        self._manager = manager
        self._administration = administration
        self._journal = journal
        self._arriving = arriving
        self._sessions = sessions
        self._waiting: dict[asyncio.Future[None], str | None] = {}  # with the world that should be quiet

    @property
    def routes(self) -> Sequence[Route]:
        """The routes."""
        return (Route("GET", "/state", self.state), Route("GET", "/figures", self.figures))

    async def state(self, request: Request) -> Response:
        """Say what is under way."""
        wait = request.seconds("wait", 0.0, most=LONGEST_WAIT)
        world = request.query.get("world")
        if wait and not self._is_quiet(world):
            await self._until_quiet(wait, world)
        return answer(
            (self._counts() if world is None else self._counts_of(world))
            | {
                "accepting": self._arriving.total if world is None else self._arriving.of_world(world),
                "last": self._journal.recorded,
                "upto": self._journal.last if world is None else self._journal.last_of(world),
                "messages": next_ones(self._manager, SHOWN, world),
            }
        )

    def _is_quiet(self, world: str | None) -> bool:
        if world is not None:
            held = sum(entry.held for entry in self._manager.spool.of_world(world))
            return not self._arriving.of_world(world) and self._administration.under_way_in(world) == held
        spool = self._manager.spool
        if len(spool) > spool.held or self._arriving.total:
            return False  # most often, and cheap
        return self._administration.under_way == spool.held

    async def _until_quiet(self, seconds: float, world: str | None) -> None:
        quiet = asyncio.get_running_loop().create_future()
        self._waiting[quiet] = world
        self._manager.watcher = self._look
        try:
            with suppress(TimeoutError):
                async with asyncio.timeout(seconds):
                    await quiet
        finally:
            del self._waiting[quiet]
            if not self._waiting:
                self._manager.watcher = None

    def _look(self) -> None:
        for quiet, world in self._waiting.items():
            if not quiet.done() and self._is_quiet(world):
                quiet.set_result(None)

    def _counts(self) -> dict[str, int]:
        manager = self._manager
        queued, active, held = self._administration.under_way, len(manager.active), manager.spool.held
        return {"queued": queued, "active": active, "held": held, "deferred": manager.waiting}

    def _counts_of(self, world: str) -> dict[str, int]:
        manager = self._manager
        entries = manager.spool.of_world(world)
        active = sum(active.message.world == world for active in manager.active.values())
        held = sum(entry.held for entry in entries)
        deferred = sum(not entry.held and entry.queue_id not in manager.active for entry in entries)
        return {
            "queued": self._administration.under_way_in(world),
            "active": active,
            "held": held,
            "deferred": deferred,
        }

    async def figures(self, request: Request) -> Response:  # noqa: ARG002 - a handler's signature
        """Give the figures."""
        counts = self._counts()
        manager = self._manager
        ages = (manager.clock_of(entry).now() - entry.arrived for entry in manager.spool.entries())
        queue: dict[str, Any] = {
            "length": counts["queued"],
            "active": counts["active"],
            "held": counts["held"],
            "deferred": counts["deferred"],
            "oldest_age": max(0.0, max(ages, default=0.0)),
            "resting_domains": manager.lanes.resting_count,
        }
        sessions = Counter(self._sessions())
        return answer(
            {
                "process": process_figures(),
                "journal": journal_figures(self._journal),
                "queue": queue,
                "attempts": {"made": manager.attempts, "under_way": manager.lanes.running},
                "sessions": {purpose.value: sessions[purpose] for purpose in Purpose if purpose is not Purpose.LMTP},
            }
        )
