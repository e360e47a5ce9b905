"""The outcomes of attempts: into the spool, and through it into the journal; and the notifications of failures.

After the last outcome of an attempt it is concluded (`conclusion.py`). A conclusion is on disk before it is in the
journal, together with what the journal has to say of it (`spool/news.py`), and a DSN is written together with the
failure that it reports. The content of a message that has failed is kept for a while (`dead.py`), for people who look
for it.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import secrets
from typing import TYPE_CHECKING, Protocol

from postroad_relay.dsn import report as dsn
from postroad_relay.queue.conclusion import Conclusion, conclude
from postroad_relay.queue.spool import UNTRIED, SpoolError, Stored

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from postroad.clock import Clock
    from postroad.journal import Note
    from postroad.smtp.client.outcome import Deferred, Failed, Outcome
    from postroad_relay.chronicle import Chronicle
    from postroad_relay.dsn.report import Report, Reporter
    from postroad_relay.queue.active import Active, Job
    from postroad_relay.queue.schedule import Schedule
    from postroad_relay.queue.spool import Entry, Message, Spool

log = logging.getLogger(__name__)


class Queue(Protocol):
    """The queue that the outcomes are about (`Manager`)."""

    def release(self, active: Active) -> None:
        """Forget the content of a message that is in memory."""
        ...

    def accepted(self, entry: Entry, stored: Stored) -> None:
        """Take up a DSN that has just become durable."""
        ...

    def concluded(self, active: Active, resume_at: float | None) -> None:
        """Note that a message is active no more; it waits until `resume_at`, or is done or held."""
        ...


class Outcomes:
    """Notes the outcomes of a queue's messages. All methods are for the event loop's thread.

    `reporter` may be replaced at any time. A write that fails is tried again every `write_again` seconds.
    """

    def __init__(
        self,
        queue: Queue,
        spool: Spool,
        *,
        schedule: Schedule,
        chronicle: Chronicle,
        reporter: Reporter,
        clock: Clock,
        chance: Callable[[], float],
        write_again: float,
    ) -> None:
        self.reporter = reporter
        self._queue = queue
        self._spool = spool
        self._schedule = schedule
        self._chronicle = chronicle
        self._clock = clock
        self._chance = chance
        self._write_again = write_again
        self._stopping = False
        self._writing = 0  # conclusions on their way to the disk
        self._written = asyncio.Event()

    async def close(self, grace: float) -> None:
        """Wait for the conclusions that are on their way to the disk, `grace` seconds at most."""
        self._stopping = True
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(grace):
                while self._writing:
                    self._written.clear()
                    await self._written.wait()

    def settle(self, job: Job, outcomes: Sequence[Outcome]) -> None:
        """Note the outcomes of one job; the last job of a message concludes the attempt."""
        active = job.active
        final = active.note(job.indexes, outcomes)
        active.jobs -= 1
        if not active.jobs:
            self.end(active)
        elif final:
            # Other domains may take minutes. A delivered message must not be delivered again if we are killed
            # meanwhile.
            entry = active.entry
            progress = active.progress(due=entry.due, attempts=entry.attempts)
            news, active.news, active.noted = active.news, [], True
            notes = self._chronicle.settled(active, news, entry.due)

            def written(error: Exception | None) -> None:
                self._noted(active, news, error)

            self._spool.put_progress(entry, progress, written, notes=notes)

    def _noted(self, active: Active, news: list[tuple[int, Outcome]], error: Exception | None) -> None:
        if error is None:
            self._chronicle.log(active, news)
        else:  # the conclusion writes it once more
            active.news = news + active.news

    def end(self, active: Active) -> None:
        """Conclude a message without jobs, or leave that to the administrator who has halted it."""
        if active.halt is None:
            self.conclude(active)
        else:
            active.halt()

    def conclude(self, active: Active, further: Sequence[Note] = ()) -> None:
        """End the attempt: decide about the message, and write the decision, with `further` notes."""
        self._queue.release(active)
        due: float | None = None
        resume_at = 0.0
        warns = False
        entry = active.entry
        clock = self._spool.clocks.of(entry.world)
        if active.withdrawn and active.left:
            due, resume_at = clock.now(), clock.monotonic()  # once it is released, if it is held
        elif active.deferred:
            now = clock.monotonic()
            at = self._schedule.next_attempt(
                now=now, arrived=entry.since, attempts=active.attempt, chance=self._chance()
            )
            if at is not None:
                due, resume_at = clock.now() + (at - now), at
                warns = self._warns(active, now)
            elif active.held:
                due, resume_at = clock.now(), now
            else:
                active.expire(now - entry.since)
        report = None
        if active.failed:
            report = self._report_of(active, last=due is None)
        elif warns:
            active.warned = True
            report = self._warning_of(active)
        active.stored = None
        active.concluding = True
        self._write(active, conclude(active, report, due=due, resume_at=resume_at), further)

    def _write(self, active: Active, conclusion: Conclusion, further: Sequence[Note]) -> None:
        """Make a conclusion durable. If the disk refuses, try again later; the message stays active."""
        report = conclusion.report
        pair = (report.message, report.content) if report is not None else None
        due = active.entry.due if conclusion.progress is None else conclusion.progress.due
        news, active.news = active.news, []
        notes = self._chronicle.settled(active, news, due)
        if report is not None:
            notes += self._chronicle.reported(active.message, report)
        notes += further
        self._writing += 1

        def written(error: Exception | None) -> None:
            self._concluded(active, conclusion, further, news, error)

        self._spool.put_progress(active.entry, conclusion.progress, written, report=pair, notes=notes)

    def _concluded(
        self,
        active: Active,
        conclusion: Conclusion,
        further: Sequence[Note],
        news: list[tuple[int, Outcome]],
        error: Exception | None,
    ) -> None:
        self._writing -= 1
        self._written.set()
        if error is not None:
            active.news = news + active.news
            if not self._stopping:
                log.error("the spool can't be written: %s", error)
                self._clock.call_later(self._write_again, self._write, active, conclusion, further)
            return
        self._chronicle.log(active, news)
        if active.news:  # of an update that failed while the conclusion was on its way to the disk
            self._chronicle.late(active, active.news, active.entry.due)
        if conclusion.report is not None:
            self.reported(active, conclusion.report)
        progress = conclusion.progress
        self._queue.concluded(active, None if progress is None or progress.held else conclusion.resume_at)

    # -- delays and failures ----------------------------------------------------------------------------------------

    def _warns(self, active: Active, now: float) -> bool:
        """Whether the sender is to get the DSN about a delay: once per message, and not with one about a failure."""
        return not (active.warned or active.held or active.failed) and self._schedule.is_delayed(
            now=now, arrived=active.entry.since
        )

    def _warning_of(self, active: Active) -> Report | None:
        """Make the DSN about the recipients that are delayed; None if its sender may not get one."""
        return self.report(
            active.message,
            active.deferred,
            self.stored(active),
            retry_until=active.entry.arrived + self._schedule.expiry,
        )

    def _report_of(self, active: Active, *, last: bool) -> Report | None:
        """Make the DSN for the recipients that have failed, if RFC 5321 §6.1 allows one; `last`: none is left."""
        stored = self.stored(active)
        if last and stored is not None:
            self._spool.dead.keep(stored)
        if active.message.envelope.reverse_path is None:
            # RFC 5321 §6.1: no notification about a notification. It is dropped, with a line in the log.
            log.warning("%s can't be delivered and has the null reverse-path: dropped", active.message.queue_id)
            return None
        return self.report(active.message, active.failed, stored)

    def stored(self, active: Active) -> Stored | None:
        """Return a message with its content, None if that can't be read."""
        try:
            return active.stored or self._spool.read(active.entry)
        except SpoolError:
            return None

    def report(
        self,
        message: Message,
        outcomes: Mapping[int, Failed | Deferred],
        stored: Stored | None,
        *,
        retry_until: float | None = None,
    ) -> Report | None:
        """Make the DSN for recipients that have failed, if RFC 5321 §6.1 allows one.

        With `retry_until`, in seconds since the epoch, they are delayed and tried until then.
        """
        try:
            content = stored.beginning(dsn.RETURN_WHOLE) if stored is not None else b""
        except SpoolError:
            content = b""
        return dsn.report(
            message,
            outcomes,
            content,
            reporter=self.reporter,
            queue_id=self._spool.new_id(),
            now=self._spool.clocks.of(message.world).now(),
            retry_until=retry_until,
            unique=secrets.token_hex(12),
        )

    def reported(self, active: Active, report: Report) -> None:
        """Have a DSN delivered that has become durable with the failure that it reports."""
        notification = report.message
        active.notification = notification.queue_id
        entry = self._spool.find(notification.queue_id)
        if entry is not None:  # pragma: no branch - it became durable with the failure that it reports
            self._queue.accepted(entry, Stored(notification, UNTRIED, report.content))
