"""Lanes: the jobs of each domain, the workers that serve all lanes in turn, and the rest of domains that are down.

A lane holds the jobs for one domain. Lanes that have jobs form a ring, and a few workers take one job at a time from
the lane at its head, so that a burst makes no task per message, and a slow domain holds up nobody else's mail.

A lane whose servers can't be reached rests: the messages that are only for its domain wait in it. They are neither
attempted nor written to the spool, except one per pause, the probe, which finds out whether a server is back. Then all
go on.
"""

from __future__ import annotations

import asyncio
import logging
import math
from collections import deque
from typing import TYPE_CHECKING, Protocol, cast

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Iterator

    from postroad.clock import Clock, Timer
    from postroad.smtp.client.outcome import Deferred
    from postroad_relay.queue.active import Active, Job
    from postroad_relay.queue.capacity import Capacity
    from postroad_relay.queue.schedule import Schedule
    from postroad_relay.queue.spool import Entry, QueueId

log = logging.getLogger(__name__)


class Lane:
    """The jobs of one domain."""

    __slots__ = ("busy", "domain", "down", "in_ring", "jobs", "probe_at", "soonest", "timer", "waiting")

    def __init__(self, domain: str) -> None:
        self.domain = domain
        self.jobs: deque[Job] = deque()
        self.busy = 0  # workers
        self.in_ring = False
        self.down: Deferred | None = None  # why it rests
        self.waiting: dict[QueueId, Entry] = {}
        self.soonest = math.inf  # no message that waits has to be attempted before, in seconds of the monotonic clock
        self.timer: Timer | None = None  # for the next probe
        self.probe_at = 0.0  # seconds since the epoch

    def wait(self, entry: Entry, deadline: float) -> None:
        """Let a message wait until the rest is over, or until `deadline`."""
        self.soonest = min(self.soonest, deadline) if self.waiting else deadline
        self.waiting[entry.queue_id] = entry


class Carrier(Protocol):
    """The queue that lanes belong to (`Manager`)."""

    async def attempt(self, lane: Lane, job: Job) -> None:
        """Attempt a job and settle it."""
        ...

    def cut_off(self, job: Job) -> None:
        """Note that an attempt was given up, with its outcome unknown."""
        ...

    def postpone(self, lane: Lane, job: Job, down: Deferred) -> None:
        """Take back a job whose lane has begun to rest: let its message wait in the lane, or defer it."""
        ...

    def deadline(self, entry: Entry) -> float:
        """Return when a message has to be attempted though its domain rests, in seconds of the monotonic clock."""
        ...

    def probe(self, entry: Entry) -> None:
        """Make a message active that has waited in a lane, though the lane rests."""
        ...

    def resume(self, entries: Iterable[Entry]) -> None:
        """Take messages back from a lane that no longer rests: they are due."""
        ...


class Lanes:
    """All lanes with jobs, workers or waiting messages. All methods are for the event loop's thread."""

    def __init__(self, carrier: Carrier, *, schedule: Schedule, clock: Clock, capacity: Capacity) -> None:
        self._carrier = carrier
        self._clock = clock
        self._capacity = capacity
        self._lanes: dict[str, Lane] = {}
        self._ring: deque[Lane] = deque()
        self._workers: set[asyncio.Task[None]] = set()
        self._running: dict[Job, asyncio.Task[None]] = {}
        self._stopping = False
        self.pause = min(capacity.rest, schedule.waits[0])  # seconds between two probes

    def __len__(self) -> int:
        """How many domains have jobs, workers, or messages that wait."""
        return len(self._lanes)

    @property
    def workers(self) -> int:
        """How many workers there are."""
        return len(self._workers)

    @property
    def running(self) -> int:
        """How many attempts are under way."""
        return len(self._running)

    @property
    def resting_count(self) -> int:
        """How many domains rest."""
        return sum(lane.down is not None for lane in self._lanes.values())

    def resting(self, domain: str) -> Lane | None:
        """Return the domain's lane if it rests."""
        lane = self._lanes.get(domain)
        return lane if lane is not None and lane.down is not None else None

    def offer(self, domain: str, job: Job) -> None:
        """Add a job for a domain."""
        lane = self._lanes.get(domain)
        if lane is None:
            lane = self._lanes[domain] = Lane(domain)
        lane.jobs.append(job)
        self._offer(lane)

    async def close(self, grace: float) -> None:
        """Stop: attempts under way have `grace` seconds to end, then they are cancelled."""
        self._stopping = True
        for lane in self._lanes.values():
            if lane.timer is not None:
                lane.timer.cancel()
        if self._workers:
            await asyncio.wait(self._workers, timeout=grace)
        for worker in self._workers:
            worker.cancel()
        if self._workers:
            await asyncio.wait(self._workers)

    # -- workers ------------------------------------------------------------------------------------------------

    def _offer(self, lane: Lane) -> None:
        """Let a worker take from the lane, if it has jobs and not too many workers."""
        if lane.jobs and not lane.in_ring and lane.busy < self._capacity.lane:
            lane.in_ring = True
            self._ring.append(lane)
            if len(self._workers) < self._capacity.workers:
                worker = asyncio.get_running_loop().create_task(self._work())
                self._workers.add(worker)

    async def _work(self) -> None:
        worker = cast("asyncio.Task[None]", asyncio.current_task())
        try:
            while self._ring and not self._stopping:
                lane = self._ring.popleft()
                lane.in_ring = False
                if lane.jobs:
                    await self._serve(lane, worker)
                else:  # another worker has found the servers down, and postponed them all
                    self._forget(lane)
        finally:
            self._workers.discard(worker)  # at once: what is offered from here on needs another worker

    async def _serve(self, lane: Lane, worker: asyncio.Task[None]) -> None:
        job = lane.jobs.popleft()
        lane.busy += 1
        self._offer(lane)  # at the end of the ring: lanes take turns
        self._running[job] = worker
        try:
            await self._carrier.attempt(lane, job)
        except asyncio.CancelledError:
            if not job.cut or self._stopping:
                raise
            worker.uncancel()
            self._carrier.cut_off(job)
        except Exception:
            log.exception("the outcome of %s could not be noted", job.active.message.queue_id)
        finally:
            del self._running[job]
            lane.busy -= 1
            self._offer(lane)
            self._forget(lane)

    def _forget(self, lane: Lane) -> None:
        """Forget a lane without work; one that rests goes on being probed, though its probe may have been cut off."""
        if lane.jobs or lane.busy or lane.in_ring:
            return
        if lane.down is None:
            self._lanes.pop(lane.domain, None)
        else:
            self._set_probe(lane)

    # -- domains that are down ------------------------------------------------------------------------------------

    def rest(self, lane: Lane, down: Deferred) -> None:
        """Let a domain rest whose servers can't be reached; `down` says why."""
        if lane.down is None:
            log.info("mail for %s waits: %s", lane.domain, down.reason)
        lane.down = down
        jobs = list(lane.jobs)
        lane.jobs.clear()
        for job in jobs:
            self._carrier.postpone(lane, job, down)
        self._set_probe(lane)

    def _set_probe(self, lane: Lane) -> None:
        if lane.timer is None and not self._stopping:
            lane.timer = self._clock.call_later(self.pause, self.probe, lane)
            lane.probe_at = self._clock.now() + self.pause

    def probe(self, lane: Lane) -> None:
        """Attempt one of the waiting messages, and all that have expired meanwhile or whose sender is to be warned."""
        lane.timer = None
        now = self._clock.monotonic()
        if now >= lane.soonest:
            over = [entry for entry in lane.waiting.values() if now >= self._carrier.deadline(entry)]
            for entry in over[: self._capacity.refill]:
                del lane.waiting[entry.queue_id]
                self._carrier.probe(entry)
            lane.soonest = min(map(self._carrier.deadline, lane.waiting.values()), default=math.inf)
        while lane.waiting and not lane.jobs:
            self._carrier.probe(lane.waiting.pop(next(iter(lane.waiting))))
        if not lane.jobs and not lane.busy:
            self._end_rest(lane)
            self._forget(lane)

    def wake(self, lane: Lane) -> None:
        """Go on with a domain if it rests: one of its servers has answered."""
        if lane.down is not None:
            log.info("mail for %s goes on", lane.domain)
            self._end_rest(lane)

    def _end_rest(self, lane: Lane) -> None:
        lane.down = None
        if lane.timer is not None:
            lane.timer.cancel()
            lane.timer = None
        waiting = list(lane.waiting.values())
        lane.waiting.clear()
        self._carrier.resume(waiting)

    # -- an administrator's hand ----------------------------------------------------------------------------------

    @property
    def waiting_count(self) -> int:
        """How many messages wait for domains that rest."""
        return sum(len(lane.waiting) for lane in self._lanes.values())

    def waiting(self) -> Iterator[Entry]:
        """Yield the messages that wait for domains that rest."""
        for lane in self._lanes.values():
            yield from lane.waiting.values()

    def probes(self, world: str) -> list[float]:
        """Return when the domains are tried for which messages of a world wait, in seconds since the epoch."""
        lanes = self._lanes.values()
        return [lane.probe_at for lane in lanes if any(entry.world == world for entry in lane.waiting.values())]

    def lane_of(self, entry: Entry) -> Lane | None:
        """Return the lane in which a message waits."""
        return next((lane for lane in self._lanes.values() if entry.queue_id in lane.waiting), None)

    def leave_all(self, world: str) -> list[Entry]:
        """Take out the messages of a world that wait, and return them."""
        left = [entry for entry in self.waiting() if entry.world == world]
        for lane in self._lanes.values():
            for entry in left:
                lane.waiting.pop(entry.queue_id, None)
        return left

    def leave(self, entry: Entry) -> bool:
        """Take a message out that waits, and return whether there was such a one."""
        lane = self.lane_of(entry)
        if lane is None:
            return False
        del lane.waiting[entry.queue_id]
        return True

    def probe_all(self) -> None:
        """Try every domain that rests at once."""
        for lane in [lane for lane in self._lanes.values() if lane.timer is not None]:
            assert lane.timer is not None  # noqa: S101 - as just seen
            lane.timer.cancel()
            self.probe(lane)

    def withdraw(self, actives: Collection[Active]) -> list[Job]:
        """Take back the jobs of some messages that no worker has begun."""
        withdrawn: list[Job] = []
        for lane in list(self._lanes.values()):
            if any(job.active in actives for job in lane.jobs):
                withdrawn += [job for job in lane.jobs if job.active in actives]
                lane.jobs = deque(job for job in lane.jobs if job.active not in actives)
                self._forget(lane)
        return withdrawn

    def cut(self, actives: Collection[Active], *, even_final: bool) -> None:
        """Give up attempts that are under way; of those whose server has the whole content, only if `even_final`.

        Such a server takes the message or not, whatever we do: it is better to wait for its reply.
        """
        for job, worker in self._running.items():
            if (
                job.active in actives
                and not job.cut
                and (even_final or job.session is None or not job.session.is_final)
            ):
                job.cut = True
                worker.cancel()
