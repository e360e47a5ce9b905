"""Messages while attempts are made to deliver them, with their outcomes so far. Pure."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from postroad.mail.reply import EnhancedStatus
from postroad.smtp.client.outcome import Deferred, Delivered, Failed, Outcome
from postroad_relay.queue.spool.record import Progress

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from postroad.smtp.client.session import Session
    from postroad_relay.queue.spool import Entry, QueueId, Stored

# RFC 3463 §3.5: X.4.7, delivery time expired.
_EXPIRED = EnhancedStatus(5, 4, 7)


class Expired(Failed):
    """A recipient that was deferred until its message expired; the reason quotes the last deferral's."""

    __slots__ = ()


class Active:
    """A message while attempts are made."""

    __slots__ = (
        "attempt",
        "concluding",
        "deferred",
        "done",
        "entry",
        "failed",
        "halt",
        "held",
        "jobs",
        "message",
        "news",
        "noted",
        "notification",
        "over",
        "reported",
        "stored",
        "warned",
        "withdrawn",
    )

    def __init__(self, entry: Entry, stored: Stored) -> None:
        self.entry = entry
        self.message = stored.message
        self.attempt = entry.attempts + 1  # its number
        self.stored: Stored | None = None  # with its content, while there is memory for it
        self.done = set(stored.progress.done)
        self.reported = stored.progress.reported
        self.warned = stored.progress.warned
        self.failed = dict(stored.progress.failed)
        self.deferred = dict(stored.progress.deferred)
        self.jobs = 0  # domains that are still to be attempted
        self.news: list[tuple[int, Outcome]] = []  # for the journal, once they are durable
        self.noted = False  # outcomes of this attempt are in the spool, or on their way there
        self.concluding = False  # the decision about it is on its way to the disk
        self.notification: QueueId | None = None  # the DSN about it
        # What an administrator wants of it:
        self.held = False  # to be held after the attempts that are under way
        self.withdrawn = False  # some of its recipients were not attempted
        self.halt: Callable[[], None] | None = None  # called in place of the conclusion
        self.over: Callable[[], None] | None = None  # called once it is active no more

    def note(self, indexes: Sequence[int], outcomes: Sequence[Outcome]) -> bool:
        """Note outcomes; return whether any of them is final."""
        final = False
        for index, outcome in zip(indexes, outcomes, strict=True):
            self.deferred.pop(index, None)
            match outcome:
                case Delivered():
                    self.done.add(index)
                case Failed():
                    self.failed[index] = outcome
                case _:
                    self.deferred[index] = outcome
            final = final or not isinstance(outcome, Deferred)
            self.news.append((index, outcome))
        return final

    def withdraw(self) -> None:
        """Take back one of its jobs, whose recipients have no outcome of this attempt."""
        self.jobs -= 1
        self.withdrawn = True

    def expire(self, age: float) -> None:
        """Let the deferred recipients fail, at an age in seconds."""
        words = period(age)
        for index, last in self.deferred.items():
            failure = Expired(_EXPIRED, f"gave up after {words}: {last.reason}", last.host, last.reply)
            self.failed[index] = failure
            self.news.append((index, failure))
        self.deferred.clear()

    @property
    def octets(self) -> int:
        """How many octets of its content are in memory."""
        return len(self.stored.start) if self.stored is not None else 0

    @property
    def is_untouched(self) -> bool:
        """Whether it can be postponed without writing progress: one domain, and no outcome yet.

        Else, its progress might still be on its way to the spool when it is read back from there.
        """
        return self.jobs == 1 and not self.news and not self.noted

    def progress(self, *, due: float, attempts: int) -> Progress:
        """Return its progress for the spool; `due` in seconds since the epoch."""
        return Progress(
            due,
            attempts,
            frozenset(self.done),
            dict(self.failed),
            dict(self.deferred),
            self.reported,
            self.held,
            self.warned,
        )

    @property
    def left(self) -> list[int]:
        """The recipients that have neither got nor failed it."""
        count = len(self.message.envelope.recipients)
        return [index for index in range(count) if index not in self.done and index not in self.failed]


@dataclass(slots=True, eq=False)
class Job:
    """The recipients of one message in one domain, by their index in its envelope."""

    active: Active
    indexes: list[int]
    session: Session | None = None  # over which it is being carried
    cut: bool = False  # its attempt is given up for an administrator


def period(seconds: float) -> str:
    """Return a span of time in words, rounded to its largest unit."""
    for unit, length in (("days", 86400), ("hours", 3600), ("minutes", 60)):
        if seconds >= 2 * length:
            return f"{seconds / length:.0f} {unit}"
    return f"{seconds:.0f} seconds"
