"""The queue manager: takes messages that are due, has them carried, and records the outcome of each attempt.

A message waits in the heap, as a few numbers, until it is due. Then it is active: it is offered to the lane of each
domain that its recipients have (`lanes.py`), and each lane's outcome is noted in it (`active.py`). After the last
outcome, the attempt is concluded (`conclusion.py`). A conclusion is on disk before it is in the journal, and a DSN is
written together with the failure that it reports.

How each kind of failure is handled:

    A recipient's server says 5yz, or its      The recipient has failed. Its sender gets one DSN per attempt, for all
    domain does not exist or takes no mail     recipients that failed in it (RFC 5321 §6.1).
    A server says 4yz                          The recipient is deferred and attempted again by the schedule; the
                                               others of the message are not attempted again.
    No server of a domain can be reached,      The message is deferred, and the domain rests: mail for it waits and is
    or the name server does not answer         not attempted, until a probe gets through (decision record 5).
    The message expires                        Deferred recipients have failed, with the last reason (5.4.7).
    A DSN or another message with the null     It is dropped, with a warning in the log: no notification is sent about a
    reverse-path fails                         notification.
    The content can't be read from the disk    All its recipients have failed (5.3.0).
    The envelope can't be read from the disk   Nobody can be notified: the message stays on disk, with an error in the
                                               log and the journal, for the administrator.
    The spool can't be written                 The conclusion is written again every second, until it is durable.
    The process is killed                      The progress on disk counts. An attempt that was under way is made
                                               again, so a server may get it twice (RFC 5321 §4.5.4.2).
    Our own code breaks in an attempt          The recipients are deferred (4.3.0), with the details in the log alone.
    The wall clock is set                      Waits and the expiry go by the monotonic clock. After a restart, no wait
                                               is longer than its step of the schedule.

The lifetime of a message is not bounded by attempts but by `POSTROAD_EXPIRY`. No warning is sent about delays.
"""

from __future__ import annotations

import asyncio
import contextlib
import heapq
import logging
import random
import secrets
from typing import TYPE_CHECKING

from postroad.clock import Clock
from postroad.mail.address import AddressError
from postroad.smtp.client import Transaction
from postroad.smtp.client.outcome import Deferred, Failed, Outcome, deferred, failed
from postroad_relay.chronicle import Chronicle
from postroad_relay.delivery.routing import Route
from postroad_relay.dsn import report as dsn
from postroad_relay.queue.active import Active, Job
from postroad_relay.queue.capacity import Capacity
from postroad_relay.queue.conclusion import Conclusion, conclude
from postroad_relay.queue.lanes import Lanes
from postroad_relay.queue.spool import UNTRIED, SpoolError, Stored

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

    from postroad.clock import Timer
    from postroad.journal import Journal
    from postroad.mail.address import Address
    from postroad_relay.delivery.courier import Courier
    from postroad_relay.delivery.router import Router
    from postroad_relay.dsn.report import Report, Reporter
    from postroad_relay.queue.lanes import Lane
    from postroad_relay.queue.schedule import Schedule
    from postroad_relay.queue.spool import Entry, Message, QueueId, Spool

log = logging.getLogger(__name__)

_SHORTEST = 0.001  # seconds of a timer: the event loop gets its turn between two refills


class Manager:
    """Runs the queue. All methods are for the event loop's thread.

    `router` and `reporter` may be replaced at any time. `chance` gives numbers from 0 to 1, for the jitter of waits.
    """

    def __init__(
        self,
        spool: Spool,
        *,
        router: Router,
        courier: Courier,
        schedule: Schedule,
        journal: Journal,
        reporter: Reporter,
        clock: Clock | None = None,
        chance: Callable[[], float] = random.random,
        capacity: Capacity | None = None,
    ) -> None:
        self.router = router
        self.reporter = reporter
        self._spool = spool
        self._courier = courier
        self._schedule = schedule
        self._clock = clock or Clock()
        self._chronicle = Chronicle(journal, self._clock)
        self._chance = chance
        self._capacity = capacity or Capacity()
        self._lanes = Lanes(self, schedule=schedule, clock=self._clock, capacity=self._capacity)
        self._heap: list[tuple[float, QueueId, Entry]] = []  # by when they are due, in seconds of `Clock.monotonic`
        self._active: dict[QueueId, Active] = {}
        self._held = 0  # octets of content in memory
        self._timer: Timer | None = None
        self._stopping = False
        self._looking_up: set[asyncio.Task[Route | Deferred | Failed]] = set()
        self._writing = 0  # conclusions on their way to the disk
        self._written = asyncio.Event()

    def start(self, queued: Iterable[Entry]) -> None:
        """Take up the messages that were in the spool before the first message was `accepted`."""
        now, monotonic = self._clock.now(), self._clock.monotonic()
        for entry in queued:
            wait = self._schedule.wait_left(now=now, due=entry.due, attempts=entry.attempts)
            self._heap.append((monotonic + wait, entry.queue_id, entry))
        heapq.heapify(self._heap)
        if self._heap:
            log.info("%d messages are queued", len(self._heap))
        self._refill()

    def expect(self, recipient: Address) -> None:
        """Look up the route for a recipient of a message that is about to come: saves 2 ms after its 250."""
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
            heapq.heappush(self._heap, (self._clock.monotonic(), entry.queue_id, entry))

    async def close(self, grace: float = 0.5) -> None:
        """Stop: attempts under way have `grace` seconds to end; those cut off are made again after the next start."""
        self._stopping = True
        if self._timer is not None:
            self._timer.cancel()
        await self._lanes.close(grace)
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(grace):
                while self._writing:
                    self._written.clear()
                    await self._written.wait()

    # -- from the heap to the lanes ---------------------------------------------------------------------------

    def _refill(self) -> None:
        """Make messages active that are due, as far as there is room, and set the timer for the next."""
        now = self._clock.monotonic()
        for _ in range(self._capacity.refill):
            if not self._heap or self._heap[0][0] > now or len(self._active) >= self._capacity.active:
                break
            self._take_up(heapq.heappop(self._heap)[2])
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        if self._heap and not self._stopping and len(self._active) < self._capacity.active:
            self._timer = self._clock.call_at(max(self._heap[0][0], now + _SHORTEST), self._refill)

    def resume(self, entries: Iterable[Entry]) -> None:
        """Take messages back from a lane that no longer rests: they are due."""
        now = self._clock.monotonic()
        for entry in entries:
            heapq.heappush(self._heap, (now, entry.queue_id, entry))
        self._refill()

    def probe(self, entry: Entry) -> None:
        """Make a message active that has waited in a lane, though the lane rests."""
        self._take_up(entry, probe=True)

    def _take_up(self, entry: Entry, *, probe: bool = False) -> None:
        """Read a message back and make it active."""
        try:
            stored = self._spool.read(entry)
        except SpoolError as error:
            log.error("a queued message is not readable and stays where it is: %s", error)  # noqa: TRY400
            self._chronicle.unreadable(entry.queue_id, str(error))
        else:
            self._activate(entry, stored, probe=probe)

    def _activate(self, entry: Entry, stored: Stored, *, probe: bool = False) -> None:
        """Offer a message to the lanes of its domains; if its only domain rests, let it wait there unless it probes."""
        message = stored.message
        by_domain: dict[str, list[int]] = {}
        for index in stored.progress.pending(message):
            by_domain.setdefault(_domain(message.envelope.recipients[index].address), []).append(index)
        if len(by_domain) == 1 and not probe:
            ((domain, indexes),) = by_domain.items()
            lane = self._lanes.resting(domain)
            if lane is not None:
                self._wait(lane, entry, message, indexes)
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
            self._lanes.offer(domain, Job(active, indexes))

    # -- attempts ---------------------------------------------------------------------------------------------

    async def attempt(self, lane: Lane, job: Job) -> None:
        """Attempt a job and settle it; if no server can be reached, let the lane rest."""
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
            self._lanes.rest(lane, outcomes[0])
        elif lane.down is not None:
            self._lanes.wake(lane)

    async def _carry(self, domain: str, job: Job) -> tuple[Sequence[Outcome], bool]:
        """Return an outcome per recipient, and whether the domain can be reached; raises `SpoolError`."""
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
            route, transaction, stored, lambda session: self._chronicle.attempted(active, session, recipients)
        )
        return attempt.outcomes, attempt.reached

    def postpone(self, lane: Lane, job: Job, down: Deferred) -> None:
        """Take back a job whose lane has begun to rest: let its message wait in the lane, or defer it."""
        active = job.active
        if active.is_untouched and not self._schedule.is_over(now=self._clock.monotonic(), arrived=active.entry.since):
            self._held -= active.held
            del self._active[active.entry.queue_id]
            self._wait(lane, active.entry, active.message, job.indexes)
        else:
            self._settle(job, [down] * len(job.indexes))

    def _wait(self, lane: Lane, entry: Entry, message: Message, indexes: Sequence[int]) -> None:
        assert lane.down is not None  # noqa: S101 - it rests
        lane.wait(entry)
        self._chronicle.waits(message, indexes, lane.down, self._clock.now() + self._lanes.pause)

    # -- their outcomes ---------------------------------------------------------------------------------------

    def _settle(self, job: Job, outcomes: Sequence[Outcome]) -> None:
        """Note the outcomes of one job; the last job of a message concludes the attempt."""
        active = job.active
        final = active.note(job.indexes, outcomes)
        active.jobs -= 1
        if not active.jobs:
            self._conclude(active)
        elif final:
            # Other domains may take minutes. A delivered message must not be delivered again if we are killed
            # meanwhile.
            entry = active.entry
            progress = active.progress(due=entry.due, attempts=entry.attempts)
            news, active.news = active.news, []
            self._spool.update(entry, progress).add_done_callback(lambda done: self._noted(active, news, done))

    def _noted(self, active: Active, news: list[tuple[int, Outcome]], done: asyncio.Future[None]) -> None:
        if done.exception() is None:
            self._chronicle.settled(active, news, active.entry.due)
        else:  # the conclusion writes it once more
            active.news = news + active.news

    def _conclude(self, active: Active) -> None:
        """End the attempt: decide about the message, and write the decision."""
        self._held -= active.held
        due: float | None = None
        resume_at = 0.0
        if active.deferred:
            now, entry = self._clock.monotonic(), active.entry
            at = self._schedule.next_attempt(
                now=now, arrived=entry.since, attempts=entry.attempts + 1, chance=self._chance()
            )
            if at is None:
                active.expire(now - entry.since)
            else:
                due, resume_at = self._clock.now() + (at - now), at
        report = self._report(active) if active.failed else None
        active.stored = None
        self._write(active, conclude(active, report, due=due, resume_at=resume_at))

    def _write(self, active: Active, conclusion: Conclusion) -> None:
        """Make a conclusion durable. If the disk refuses, try again later; the message stays active."""
        report = conclusion.report
        pair = (report.message, report.content) if report is not None else None
        if conclusion.progress is None:
            written = self._spool.finish(active.entry, report=pair)
        else:
            written = self._spool.update(active.entry, conclusion.progress, report=pair)
        self._writing += 1
        written.add_done_callback(lambda done: self._concluded(active, conclusion, done.exception()))

    def _concluded(self, active: Active, conclusion: Conclusion, error: BaseException | None) -> None:
        self._writing -= 1
        self._written.set()
        if error is not None:
            if not self._stopping:
                log.error("the spool can't be written: %s", error)
                self._clock.call_later(self._capacity.retry_write, self._write, active, conclusion)
            return
        entry = active.entry
        self._chronicle.settled(active, active.news, entry.due)
        del self._active[entry.queue_id]
        if conclusion.report is not None:
            self._reported(active, conclusion.report)
        if conclusion.progress is not None:
            heapq.heappush(self._heap, (conclusion.resume_at, entry.queue_id, entry))
        if self._heap:
            self._refill()

    def _report(self, active: Active) -> Report | None:
        """Make the DSN for the recipients that have failed, if RFC 5321 §6.1 allows one."""
        message = active.message
        if message.envelope.reverse_path is None:
            # RFC 5321 §6.1: no notification about a notification. It is dropped, with a line in the log.
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
            now=self._clock.now(),
            unique=secrets.token_hex(12),
        )

    def _reported(self, active: Active, report: Report) -> None:
        notification = report.message
        self._chronicle.reported(active.message, notification)
        entry = self._spool.find(notification.queue_id)
        if entry is not None:  # pragma: no branch - it became durable with the failure that it reports
            self.accepted(entry, Stored(notification, UNTRIED, report.content))


def _domain(address: Address) -> str:
    """Return the domain (`domain_key`) or address literal that the recipients of one transaction share."""
    try:
        return address.key[1]
    except AddressError:
        return address.domain.lower()
