"""The queue manager: takes what is due from the spool, has it carried, and writes down what came of it.

A message waits in the heap (a few numbers) until it is due; it is active while attempts are made, one for each
domain that its recipients have. The jobs of a domain form a lane, lanes take turns, and a few workers serve them
all, so that a burst makes no task for each message and a dead host holds up nobody else's mail.

What an attempt came to is on disk before it is forgotten, and in the journal only after that.
"""

from __future__ import annotations

import asyncio
import contextlib
import heapq
import logging
import random
import secrets
import time
from collections import deque
from dataclasses import dataclass
from typing import TYPE_CHECKING

from postroad.mail.address import AddressError
from postroad.mail.reply import EnhancedStatus
from postroad.smtp.client import Transaction
from postroad.smtp.client.outcome import Deferred, Failed, Outcome, deferred, failed
from postroad_relay.chronicle import Chronicle
from postroad_relay.delivery.routing import Route
from postroad_relay.dsn import report as dsn
from postroad_relay.queue.active import Active, Job, Lane
from postroad_relay.queue.spool import UNTRIED, SpoolError, Stored

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

    from postroad.journal import Journal
    from postroad.mail.address import Address
    from postroad_relay.delivery.courier import Courier
    from postroad_relay.delivery.resolver import Router
    from postroad_relay.dsn.report import Report, Reporter
    from postroad_relay.queue.schedule import Schedule
    from postroad_relay.queue.spool import Entry, Message, QueueId, Spool

log = logging.getLogger(__name__)

# RFC 3463 §3.5: X.4.7, delivery time expired.
_EXPIRED = EnhancedStatus(5, 4, 7)


@dataclass(frozen=True, slots=True)
class Capacity:
    """How much is done at a time."""

    active: int = 5000  # messages; the rest of the queue is a few numbers each
    held: int = 16 << 20  # octets of content kept in memory; the rest is read back when its turn comes
    workers: int = 100
    lane: int = 20  # workers for one domain
    lookups: int = 20  # ahead of messages that are about to come
    refill: int = 500  # messages made active before others have their turn
    rest: float = 1.0  # seconds, at the most, until servers that could not be reached are tried again
    retry_write: float = 1.0  # seconds until what could not be written is tried again


class Manager:
    """Runs the queue. All methods are for the event loop's thread."""

    def __init__(
        self,
        spool: Spool,
        *,
        router: Router,
        courier: Courier,
        schedule: Schedule,
        journal: Journal,
        reporter: Reporter,
        clock: Callable[[], float] = time.time,
        chance: Callable[[], float] = random.random,
        capacity: Capacity | None = None,
    ) -> None:
        self.router = router
        self.reporter = reporter
        self._spool = spool
        self._courier = courier
        self._schedule = schedule
        self._chronicle = Chronicle(journal)
        self._clock = clock
        self._chance = chance
        self._capacity = capacity or Capacity()
        self._heap: list[tuple[float, QueueId, Entry]] = []
        self._active: dict[QueueId, Active] = {}
        self._held = 0  # octets of content in memory
        self._lanes: dict[str, Lane] = {}
        self._ring: deque[Lane] = deque()
        self._workers: set[asyncio.Task[None]] = set()
        self._timer: asyncio.TimerHandle | None = None
        self._stopping = False
        self._looking_up: set[asyncio.Task[Route | Deferred | Failed]] = set()
        self._writing = 0  # conclusions on their way to the disk
        self._written = asyncio.Event()

    def start(self, queued: Iterable[Entry]) -> None:
        """Take up what the spool held before the first message was `accepted`."""
        entries = list(queued)
        for entry in entries:
            heapq.heappush(self._heap, (entry.due, entry.queue_id, entry))
        if entries:
            log.info("%d messages are queued", len(entries))
        self._refill()

    def expect(self, recipient: Address) -> None:
        """Look up where mail for the recipient goes, since a message is about to come: saves 2 ms after its 250."""
        domain = _domain(recipient)
        if self.router.known(domain) is None and len(self._looking_up) < self._capacity.lookups:
            task = asyncio.get_running_loop().create_task(self.router.route(domain))
            self._looking_up.add(task)
            task.add_done_callback(self._looking_up.discard)

    def accepted(self, entry: Entry, stored: Stored) -> None:
        """Take up a message that has just become durable: its first attempt is made at once."""
        if self._stopping:
            return  # it is in the spool
        if len(self._active) < self._capacity.active:
            self._activate(entry, stored)
        else:
            heapq.heappush(self._heap, (entry.due, entry.queue_id, entry))

    async def close(self, grace: float = 0.5) -> None:
        """Stop: attempts under way have `grace` seconds to end; what is cut off is tried again at the next start."""
        self._stopping = True
        for timer in (self._timer, *(lane.timer for lane in self._lanes.values())):
            if timer is not None:
                timer.cancel()
        if self._workers:
            await asyncio.wait(self._workers, timeout=grace)
        for worker in self._workers:
            worker.cancel()
        if self._workers:
            await asyncio.wait(self._workers)
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(grace):
                while self._writing:
                    self._written.clear()
                    await self._written.wait()

    # -- from the heap to the lanes ---------------------------------------------------------------------------

    def _refill(self) -> None:
        """Make active what is due, as far as there is room, and set the timer for what comes next."""
        now = self._clock()
        for _ in range(self._capacity.refill):
            if not self._heap or self._heap[0][0] > now or len(self._active) >= self._capacity.active:
                break
            self._take_up(heapq.heappop(self._heap)[2])
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        if self._heap and not self._stopping and len(self._active) < self._capacity.active:
            delay = max(self._heap[0][0] - now, 0.001)
            self._timer = asyncio.get_running_loop().call_later(delay, self._refill)

    def _take_up(self, entry: Entry, *, probe: bool = False) -> None:
        """Read a message back and make it active."""
        try:
            stored = self._spool.read(entry)
        except SpoolError as error:
            # Not even its envelope can be read, so there is nobody to tell. It stays on disk, for a person.
            log.error("a queued message is not readable and stays where it is: %s", error)  # noqa: TRY400
            self._chronicle.unreadable(entry.queue_id, str(error))
        else:
            self._activate(entry, stored, probe=probe)

    def _activate(self, entry: Entry, stored: Stored, *, probe: bool = False) -> None:
        """Put a message into the lanes of its domains; if it is for one that rests, it waits there, but for a probe."""
        message = stored.message
        by_domain: dict[str, list[int]] = {}
        for index in stored.progress.pending(message):
            by_domain.setdefault(_domain(message.envelope.recipients[index].address), []).append(index)
        if len(by_domain) == 1 and not probe:
            ((domain, indexes),) = by_domain.items()
            lane = self._lanes.get(domain)
            if lane is not None and lane.down is not None:
                self._wait(lane, lane.down, entry, message, indexes)
                return
        active = Active(entry, stored)
        self._active[entry.queue_id] = active
        if self._held + len(stored.start) <= self._capacity.held:
            active.stored = stored
            self._held += len(stored.start)
        active.jobs = len(by_domain)
        if not by_domain:  # the process ended between a failure and its DSN
            self._conclude(active)
            return
        for domain, indexes in by_domain.items():
            lane = self._lanes.get(domain)
            if lane is None:
                lane = self._lanes[domain] = Lane(domain)
            lane.jobs.append(Job(active, indexes))
            self._offer(lane)

    def _offer(self, lane: Lane) -> None:
        """Let a worker take from the lane, if it has jobs and not too many workers."""
        if lane.jobs and not lane.queued and lane.busy < self._capacity.lane:
            lane.queued = True
            self._ring.append(lane)
            if len(self._workers) < self._capacity.workers:
                worker = asyncio.get_running_loop().create_task(self._work())
                self._workers.add(worker)
                worker.add_done_callback(self._workers.discard)

    # -- attempts ---------------------------------------------------------------------------------------------

    async def _work(self) -> None:
        while self._ring and not self._stopping:
            lane = self._ring.popleft()
            lane.queued = False
            if not lane.jobs:
                continue  # another worker has found its hosts down, and deferred them all
            job = lane.jobs.popleft()
            lane.busy += 1
            self._offer(lane)  # lanes take turns: it goes to the end
            try:
                await self._attempt(lane, job)
            except Exception:
                log.exception("the outcome of %s could not be noted", job.active.message.queue_id)
            finally:
                lane.busy -= 1
                self._offer(lane)
                self._forget(lane)

    async def _attempt(self, lane: Lane, job: Job) -> None:
        """Attempt a job; if no server is to be had, the lane rests: the others need not each find that out."""
        outcomes: Sequence[Outcome]
        reached = True
        try:
            outcomes, reached = await self._carry(lane.domain, job)
        except SpoolError as error:
            log.error("the content of %s is lost: %s", job.active.message.queue_id, error)  # noqa: TRY400
            outcomes = [failed("5.3.0", f"The content was lost in the queue: {error}")] * len(job.indexes)
        except Exception:
            log.exception("an attempt to deliver %s broke", job.active.message.queue_id)
            outcomes = [deferred("4.3.0", "Local error in processing")] * len(job.indexes)
        self._settle(job, outcomes)
        if not reached and isinstance(outcomes[0], Deferred):
            self._rest(lane, outcomes[0])
        elif lane.down is not None:
            log.info("mail for %s goes on", lane.domain)
            self._wake(lane)

    async def _carry(self, domain: str, job: Job) -> tuple[Sequence[Outcome], bool]:
        active = job.active
        message = active.message
        route = self.router.known(domain) or await self.router.route(domain)
        self._chronicle.resolved(message, domain, route)
        if not isinstance(route, Route):
            return [route] * len(job.indexes), isinstance(route, Failed)
        envelope = message.envelope.only(job.indexes)
        transaction = Transaction(envelope, message.size, message.eight_bit, message.utf8_header)
        recipients = tuple(recipient.address for recipient in envelope.recipients)
        stored = active.stored or self._spool.read(active.entry)
        attempt = await self._courier.deliver(
            route, transaction, stored, lambda session: self._chronicle.attempted(message, session, recipients)
        )
        return attempt.outcomes, attempt.reached

    # -- lanes that rest -----------------------------------------------------------------------------------------

    def _rest(self, lane: Lane, down: Deferred) -> None:
        """Let a domain rest whose servers can't be reached; what is for it alone waits, the rest is deferred."""
        if lane.down is None:
            log.info("mail for %s waits: %s", lane.domain, down.reason)
        lane.down = down
        jobs = list(lane.jobs)
        lane.jobs.clear()
        now = self._clock()
        for job in jobs:
            active = job.active
            if active.is_untouched and not self._schedule.is_over(now=now, arrived=active.message.arrived):
                self._held -= active.held
                del self._active[active.entry.queue_id]
                self._wait(lane, down, active.entry, active.message, job.indexes)
            else:
                self._settle(job, [down] * len(job.indexes))
        if lane.timer is None and not self._stopping:
            lane.timer = asyncio.get_running_loop().call_later(self._pause, self._probe, lane)

    @property
    def _pause(self) -> float:
        return min(self._capacity.rest, self._schedule.waits[0])

    def _wait(self, lane: Lane, down: Deferred, entry: Entry, message: Message, indexes: Sequence[int]) -> None:
        lane.oldest = min(lane.oldest, entry.arrived) if lane.waiting else entry.arrived
        lane.waiting[entry.queue_id] = entry
        self._chronicle.waits(message, indexes, down, self._clock() + self._pause)

    def _probe(self, lane: Lane) -> None:
        """Attempt one of the messages that wait, and those that have waited for as long as they may."""
        lane.timer = None
        now = self._clock()
        if self._schedule.is_over(now=now, arrived=lane.oldest):
            over = [one for one in lane.waiting.values() if self._schedule.is_over(now=now, arrived=one.arrived)]
            for entry in over[: self._capacity.refill]:
                del lane.waiting[entry.queue_id]
                self._take_up(entry, probe=True)
            lane.oldest = min((one.arrived for one in lane.waiting.values()), default=now)
        while lane.waiting and not lane.jobs:
            entry = lane.waiting.pop(next(iter(lane.waiting)))
            self._take_up(entry, probe=True)
        if not lane.jobs and not lane.busy:
            self._wake(lane)
            self._forget(lane)

    def _wake(self, lane: Lane) -> None:
        """Go on with a domain: there is somebody again, or nobody waits."""
        lane.down = None
        if lane.timer is not None:
            lane.timer.cancel()
            lane.timer = None
        now = self._clock()
        for entry in lane.waiting.values():
            heapq.heappush(self._heap, (now, entry.queue_id, entry))
        lane.waiting.clear()
        self._refill()

    def _forget(self, lane: Lane) -> None:
        if not lane.jobs and not lane.busy and lane.down is None:
            self._lanes.pop(lane.domain, None)

    # -- what came of them ------------------------------------------------------------------------------------

    def _settle(self, job: Job, outcomes: Sequence[Outcome]) -> None:
        """Note the outcomes of one job; the last one of a message concludes the attempt."""
        active = job.active
        final = active.note(job.indexes, outcomes)
        active.jobs -= 1
        if not active.jobs:
            self._conclude(active)
        elif final:
            # Other domains may take minutes: what is delivered must not be delivered again if we are killed then.
            entry = active.entry
            progress = active.progress(due=entry.due, attempts=entry.attempts)
            news, active.news = active.news, []
            self._spool.update(entry, progress).add_done_callback(lambda done: self._noted(active, news, done))

    def _noted(self, active: Active, news: list[tuple[int, Outcome | None]], done: asyncio.Future[None]) -> None:
        if done.exception() is None:
            self._chronicle.settled(active.message, news, {}, active.entry.due)
        else:  # the conclusion writes it once more
            active.news = news + active.news

    def _conclude(self, active: Active) -> None:
        """End the attempt: decide what becomes of the message, write it down, and report failures."""
        self._held -= active.held
        entry, message = active.entry, active.message
        now = self._clock()
        due = self._schedule.next_attempt(
            now=now, arrived=message.arrived, attempts=entry.attempts + 1, chance=self._chance()
        )
        if due is None:
            for index, last in active.deferred.items():
                active.failed[index] = Failed(
                    _EXPIRED, f"gave up after {_period(now - message.arrived)}: {last.reason}", last.host, last.reply
                )
                active.news.append((index, None))
            active.deferred.clear()
        report = self._report(active, now) if active.failed else None
        active.stored = None
        active.done.update(active.failed)
        failures = active.failed
        active.failed = {}
        self._write(active, due, report, failures)

    def _write(
        self,
        active: Active,
        due: float | None,
        report: Report | None,
        failures: dict[int, Failed],
    ) -> None:
        """Make the decision durable; a disk that does not take it now is asked again, the message staying active."""
        entry = active.entry
        pair = (report.message, report.content) if report is not None else None
        if active.deferred and due is not None:
            progress = active.progress(due=due, attempts=entry.attempts + 1)
            written = self._spool.update(entry, progress, report=pair)
        else:
            written = self._spool.finish(entry, report=pair)
        self._writing += 1

        def settled(done: asyncio.Future[None]) -> None:
            self._writing -= 1
            self._written.set()
            error = done.exception()
            if self._stopping and error is not None:
                return
            if error is not None:
                log.error("the spool can't be written: %s", error)
                asyncio.get_running_loop().call_later(
                    self._capacity.retry_write, self._write, active, due, report, failures
                )
                return
            self._chronicle.settled(active.message, active.news, failures, entry.due)
            del self._active[entry.queue_id]
            if report is not None:
                self._reported(active, report)
            if active.deferred and due is not None:
                heapq.heappush(self._heap, (entry.due, entry.queue_id, entry))
            if self._heap:
                self._refill()

        written.add_done_callback(settled)

    def _report(self, active: Active, now: float) -> Report | None:
        """Make the DSN for what has failed, if there may be one."""
        message = active.message
        if message.envelope.reverse_path is None:
            # RFC 5321 §6.1: no notification about a notification. It is dropped, but not without a word.
            log.warning("%s can't be delivered and has the null reverse-path: dropped", message.queue_id)
            return None
        try:
            stored = active.stored or self._spool.read(active.entry)
            content = stored.beginning(dsn.RETURN_WHOLE)
        except SpoolError:
            content = b""
        return dsn.report(
            message,
            active.failed,
            content,
            reporter=self.reporter,
            queue_id=self._spool.new_id(),
            now=now,
            unique=secrets.token_hex(12),
        )

    def _reported(self, active: Active, report: Report) -> None:
        notification = report.message
        self._chronicle.reported(active.message, notification)
        entry = self._spool.find(notification.queue_id)
        if entry is not None:  # pragma: no branch - it became durable with what it reports
            self.accepted(entry, Stored(notification, UNTRIED, report.content))


def _domain(address: Address) -> str:
    """Return what the recipients of one transaction have in common."""
    try:
        return address.key[1]
    except AddressError:
        return address.domain.lower()


def _period(seconds: float) -> str:
    for unit, length in (("days", 86400), ("hours", 3600), ("minutes", 60)):
        if seconds >= 2 * length:
            return f"{seconds / length:.0f} {unit}"
    return f"{seconds:.0f} seconds"
