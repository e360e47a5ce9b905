"""The queue manager: takes messages that are due, has them carried, and records the outcome of each attempt.

A message waits, as a few numbers, until it is due (`due.py`). Then it is active: it is offered to the lane of each
domain that its recipients have (`lanes.py`), and each lane's outcome is noted in it (`active.py`). After the last
outcome, the attempt is concluded (`outcomes.py`). An administrator may interfere (`administration.py`).

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
    The message is delayed                     Its sender gets one DSN about that, with the first attempt that fails
                                               after `POSTROAD_DELAY_NOTICE`.
    The wall clock is set                      Waits and the expiry go by the monotonic clock. After a restart, no wait
                                               is longer than its step of the schedule.
    The clock of a world is pushed             Its messages are attempted one due time after the other (`push.py`). They
                                               do not wait for domains that rest.

The lifetime of a message is not bounded by attempts but by `POSTROAD_EXPIRY`. Every time of a message is by the clock
of its world.
"""

from __future__ import annotations

import asyncio
import logging
import random
from typing import TYPE_CHECKING

from postroad.clock import Clock
from postroad.locks import Locks
from postroad.mail.address import AddressError
from postroad.smtp.client.events import Transaction
from postroad.smtp.client.outcome import Deferred, Failed, Outcome, deferred, failed
from postroad.world.world import DEFAULT_WORLD
from postroad_relay.chronicle import Chronicle
from postroad_relay.delivery.routing import Route
from postroad_relay.queue.active import Active, Job
from postroad_relay.queue.capacity import Capacity
from postroad_relay.queue.dues import Dues
from postroad_relay.queue.lanes import Lanes
from postroad_relay.queue.outcomes import Outcomes
from postroad_relay.queue.spool import SpoolError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

    from postroad.clock import Timer
    from postroad.journal import Journal
    from postroad.mail.address import Address
    from postroad.smtp.client.session import Session
    from postroad_relay.delivery.courier import Courier
    from postroad_relay.delivery.router import Router
    from postroad_relay.dsn.report import Reporter
    from postroad_relay.queue.lanes import Lane
    from postroad_relay.queue.push import Push
    from postroad_relay.queue.schedule import Schedule
    from postroad_relay.queue.spool import Entry, Message, QueueId, Spool, Stored
    from postroad_relay.queue.spool.clocks import WorldClock

log = logging.getLogger(__name__)

_SHORTEST = 0.001  # seconds of a timer: the event loop gets its turn between two refills


class Manager:
    """Runs the queue. All methods are for the event loop's thread.

    `router` may be replaced at any time. `chance` gives numbers from 0 to 1, for the jitter of waits.
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
        self.spool = spool
        self.clock = clock or Clock()
        self.clocks = spool.clocks
        self.chronicle = Chronicle(journal, self.clocks)
        self._courier = courier
        self._schedule = schedule
        self._capacity = capacity or Capacity()
        self.lanes = Lanes(self, schedule=schedule, clock=self.clock, capacity=self._capacity)
        self.outcomes = Outcomes(
            self,
            spool,
            schedule=schedule,
            chronicle=self.chronicle,
            reporter=reporter,
            clock=self.clock,
            chance=chance,
            write_again=self._capacity.retry_write,
        )
        self.due = Dues(lambda world: self.clocks.of(world).ahead)
        self.active: dict[QueueId, Active] = {}
        self.attempts = 0  # that were made, each for the recipients of one message in one domain
        self.pushing: dict[str, Push] = {}  # worlds whose clock is being pushed
        self.on_end: set[Callable[[Active], None]] = set()  # called when a message is active no more
        self._turns = Locks()
        # Returns the route to a domain that is a stranger's to the world of a message; None: it goes as DNS says.
        self.strangers: Callable[[str | None, str], Route | Failed | None] = lambda _world, _domain: None
        self.watcher: Callable[[], None] | None = None  # called when less may be under way than before
        self._octets = 0  # of content in memory
        self._timer: Timer | None = None
        self._stopping = False
        self._looking_up: set[asyncio.Task[Route | Deferred | Failed]] = set()

    def start(self, queued: Iterable[Entry]) -> None:
        """Take up the messages that were in the spool before the first message was `accepted`."""
        entries = list(queued)
        self.due.fill((entry, self._due_again(entry)) for entry in entries if not entry.steered)
        if entries:
            log.info("%d messages are queued", len(entries))
        self.refill()

    def _due_again(self, entry: Entry) -> float:
        """Return when a message is due that was in the spool, in monotonic seconds of its world's clock."""
        clock = self.clock_of(entry)
        left = self._schedule.wait_left(now=clock.now(), due=entry.due, attempts=entry.attempts)
        return clock.monotonic() + left

    def expect(self, recipient: Address, world: str | None = None) -> None:
        """Look up the route for a recipient of a message that is about to come: saves 2 ms after its 250.

        It will wait, and needs none, if its domain rests; and needs none if it is a stranger to the message's `world`,
        if that is known already.
        """
        domain = _domain(recipient)
        if (
            self.strangers(world, domain) is None
            and self.lanes.resting(domain) is None
            and self.router.known(domain) is None
            and len(self._looking_up) < self._capacity.lookups
        ):
            task = asyncio.get_running_loop().create_task(self.router.route(domain, world=world or DEFAULT_WORLD))
            self._looking_up.add(task)
            task.add_done_callback(self._looking_up.discard)

    def accepted(self, entry: Entry, stored: Stored) -> None:
        """Take up a message that has just become durable: its first attempt is made at once."""
        if self._stopping or entry.steered:
            return  # it is in the spool
        if self.has_room and not self.due.is_frozen(entry.world):
            self._activate(entry, stored)
        else:
            self.due.push(entry, self.clock_of(entry).monotonic())

    async def close(self, grace: float = 0.5) -> None:
        """Stop: attempts under way have `grace` seconds to end; those cut off are made again after the next start."""
        self._stopping = True
        for push in self.pushing.values():
            push.stop()
        if self._timer is not None:
            self._timer.cancel()
        await self.lanes.close(grace)
        await self.outcomes.close(grace)

    # -- from the waiting messages to the lanes -----------------------------------------------------------------

    def turn(self, world: str) -> asyncio.Lock:
        """Return the lock of those who push a world's clock or let its queue stand still."""
        return self._turns.of(world)

    def clock_of(self, entry: Entry) -> WorldClock:
        """Return the clock that a message goes by."""
        return self.clocks.of(entry.world)

    def deadline(self, entry: Entry) -> float:
        """Return when a message has to be attempted though its domain rests, in seconds of the monotonic clock."""
        return self._schedule.deadline(arrived=entry.since, warned=entry.warned) - self.clock_of(entry).ahead

    @property
    def waiting(self) -> int:
        """How many messages wait for their next attempt."""
        return len(self.due) + self.lanes.waiting_count

    @property
    def has_room(self) -> bool:
        """Whether one more message may be active."""
        return len(self.active) < self._capacity.active

    def refill(self) -> None:
        """Make messages active that are due, as far as there is room, and set the timer for the next."""
        now = self.clock.monotonic()
        for _ in range(self._capacity.refill):
            if not self.has_room or (entry := self.due.pop(now)) is None:
                break
            self._take_up(entry)
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        if not self._stopping and self.has_room and (at := self.due.next_at) is not None:
            self._timer = self.clock.call_at(max(at, now + _SHORTEST), self.refill)

    def take_up(self, world: str, at: float) -> None:
        """Make messages of a world active that are due at a time of its clock, as far as there is room."""
        while self.has_room and (entry := self.due.pop_of(world, at)) is not None:
            self._take_up(entry)

    def resume(self, entries: Iterable[Entry]) -> None:
        """Take messages back from a lane that no longer rests: they are due."""
        for entry in entries:
            self.due.push(entry, self.clock_of(entry).monotonic())
        self.refill()

    def probe(self, entry: Entry) -> None:
        """Make a message active that has waited in a lane, though the lane rests."""
        self._take_up(entry, probe=True)

    def _take_up(self, entry: Entry, *, probe: bool = False) -> None:
        """Read a message back and make it active."""
        try:
            stored = self.spool.read(entry)
        except SpoolError as error:
            log.error("a queued message is not readable and stays where it is: %s", error)  # noqa: TRY400
            self.chronicle.unreadable(entry, str(error))
        else:
            self._activate(entry, stored, probe=probe)

    def _activate(self, entry: Entry, stored: Stored, *, probe: bool = False) -> None:
        """Offer a message to the lanes of its domains; if its only domain rests, let it wait there unless it probes."""
        message = stored.message
        if self.due.is_frozen(entry.world):  # a person wants it now
            self.due.push(entry, self.clock_of(entry).monotonic())
            return
        recipients = message.envelope.recipients
        by_domain: dict[str, list[int]] = {}
        for index in stored.progress.pending(message):
            by_domain.setdefault(_domain(recipients[index].address), []).append(index)
        if len(by_domain) == 1 and not probe and entry.world not in self.pushing:
            ((domain, indexes),) = by_domain.items()
            lane = self.lanes.resting(domain)
            if lane is not None:
                self._wait(lane, entry, message, indexes)
                return
        active = Active(entry, stored)
        self.active[entry.queue_id] = active
        if self._octets + len(stored.start) <= self._capacity.held:
            active.stored = stored
            self._octets += len(stored.start)
        active.jobs = len(by_domain)
        if not by_domain:  # the process ended between a failure and its DSN
            self.outcomes.conclude(active)
            return
        for domain, indexes in by_domain.items():
            self.lanes.offer(domain, Job(active, indexes))

    # -- attempts ---------------------------------------------------------------------------------------------

    async def attempt(self, lane: Lane, job: Job) -> None:
        """Attempt a job and settle it; if no server can be reached, let the lane rest."""
        outcomes: Sequence[Outcome]
        reached = True
        self.attempts += 1
        try:
            outcomes, reached = await self._carry(lane.domain, job)
        except SpoolError as error:
            log.error("the content of %s is lost: %s", job.active.message.queue_id, error)  # noqa: TRY400
            outcomes = [failed("5.3.0", f"The content was lost in the queue: {error}")] * len(job.indexes)
        except Exception:
            log.exception("an attempt to deliver %s broke", job.active.message.queue_id)
            outcomes = [deferred("4.3.0", "Local error in processing")] * len(job.indexes)
        self.outcomes.settle(job, outcomes)
        if not reached and isinstance(outcomes[0], Deferred):
            self.lanes.rest(lane, outcomes[0])
        elif lane.down is not None:
            self.lanes.wake(lane)

    def cut_off(self, job: Job) -> None:
        """Take back a job whose attempt was given up; its recipients have no outcome of it."""
        job.active.withdraw()
        if not job.active.jobs:
            self.outcomes.end(job.active)

    async def _carry(self, domain: str, job: Job) -> tuple[Sequence[Outcome], bool]:
        """Return an outcome per recipient, and whether the domain can be reached; raises `SpoolError`."""
        active = job.active
        message = active.message
        given = self.strangers(message.envelope.world, domain)
        route = given or self.router.known(domain) or await self.router.route(domain, world=message.world)
        self.chronicle.resolved(active, domain, route, unasked=given is not None)
        if not isinstance(route, Route):
            return [route] * len(job.indexes), isinstance(route, Failed)
        envelope = message.envelope.only(job.indexes)
        transaction = Transaction(envelope, message.size, message.eight_bit, message.utf8_header)
        recipients = tuple(recipient.address for recipient in envelope.recipients)
        stored = active.stored or self.spool.read(active.entry)

        def attempted(session: Session) -> None:
            job.session = session
            self.chronicle.attempted(active, session, recipients)

        attempt = await self._courier.deliver(route, transaction, stored, attempted)
        return attempt.outcomes, attempt.reached

    def postpone(self, lane: Lane, job: Job, down: Deferred) -> None:
        """Take back a job whose lane has begun to rest: let its message wait in the lane, or defer it."""
        active = job.active
        entry = active.entry
        waits = active.is_untouched and self.deadline(entry) > self.clock.monotonic()
        if waits and entry.world not in self.pushing:
            self.release(active)
            del self.active[entry.queue_id]
            self._wait(lane, entry, active.message, job.indexes)
        else:
            self.outcomes.settle(job, [down] * len(job.indexes))

    def _wait(self, lane: Lane, entry: Entry, message: Message, indexes: Sequence[int]) -> None:
        assert lane.down is not None  # noqa: S101 - it rests
        lane.wait(entry, self.deadline(entry))
        now = self.clock_of(entry).now()
        self.chronicle.waits(message, indexes, lane.down, now, now + self.lanes.pause)

    # -- after an attempt -------------------------------------------------------------------------------------

    def release(self, active: Active) -> None:
        """Forget the content of a message that is in memory."""
        self._octets -= active.octets

    def changed(self) -> None:
        """Tell the watcher that less may be under way."""
        if self.watcher is not None:
            self.watcher()

    def forget(self, active: Active) -> None:
        """Forget a message that an administrator has dropped."""
        if self.active.pop(active.entry.queue_id, None) is not None:
            self.release(active)
            self._ended(active)

    def concluded(self, active: Active, resume_at: float | None) -> None:
        """Note that a message is active no more; it waits until `resume_at`, or is done or held."""
        entry = active.entry
        del self.active[entry.queue_id]
        if resume_at is not None and not entry.steered:
            self.due.push(entry, resume_at)
        if active.over is not None:
            active.over()
        self._ended(active)
        self.changed()
        if len(self.due):
            self.refill()

    def _ended(self, active: Active) -> None:
        for note in tuple(self.on_end):
            note(active)


def _domain(address: Address) -> str:
    """Return the domain (`domain_key`) or address literal that the recipients of one transaction share."""
    try:
        return address.domain_key
    except AddressError:
        return address.domain.lower()
