"""Messages while attempts are made to deliver them: their outcomes so far, and the lanes that they wait in."""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass
from typing import TYPE_CHECKING

from postroad.smtp.client.outcome import Deferred, Delivered, Failed, Outcome
from postroad_relay.queue.spool import Progress

if TYPE_CHECKING:
    from asyncio import TimerHandle
    from collections.abc import Sequence

    from postroad_relay.queue.spool import Entry, QueueId, Stored


class Active:
    """A message while attempts are made."""

    __slots__ = ("deferred", "done", "entry", "failed", "jobs", "message", "news", "stored")

    def __init__(self, entry: Entry, stored: Stored) -> None:
        self.entry = entry
        self.message = stored.message
        self.stored: Stored | None = None  # with its content, while there is memory for it
        self.done = set(stored.progress.done)
        self.failed = dict(stored.progress.failed)
        self.deferred = dict(stored.progress.deferred)
        self.jobs = 0  # domains that are still to be attempted
        self.news: list[tuple[int, Outcome | None]] = []  # for the journal, once durable; None: it expired

    def note(self, indexes: Sequence[int], outcomes: Sequence[Outcome]) -> bool:
        """Note outcomes; returns whether any of them is final."""
        final = False
        for index, outcome in zip(indexes, outcomes, strict=True):
            self.deferred.pop(index, None)
            match outcome:
                case Delivered():
                    self.done.add(index)
                case Failed():
                    self.failed[index] = outcome
                case Deferred():
                    self.deferred[index] = outcome
            final = final or not isinstance(outcome, Deferred)
            self.news.append((index, outcome))
        return final

    @property
    def held(self) -> int:
        """How many octets of content it keeps in memory."""
        return len(self.stored.start) if self.stored is not None else 0

    @property
    def is_untouched(self) -> bool:
        """Whether this attempt has nothing to show yet, and one domain to ask: it may be put off unwritten."""
        return self.jobs == 1 and not self.news

    def progress(self, *, due: float, attempts: int) -> Progress:
        """Return what the spool is to keep of it."""
        return Progress(due, attempts, frozenset(self.done), dict(self.failed), dict(self.deferred))


@dataclass(slots=True)
class Job:
    """The recipients of one message in one domain."""

    active: Active
    indexes: list[int]


class Lane:
    """What waits for one domain.

    While its servers can't be reached it rests: messages that are for it alone wait in `waiting`, neither attempted
    nor written about, but for one at a time that finds out whether there is somebody again.
    """

    __slots__ = ("busy", "domain", "down", "jobs", "oldest", "queued", "timer", "waiting")

    def __init__(self, domain: str) -> None:
        self.domain = domain
        self.jobs: deque[Job] = deque()
        self.busy = 0  # workers
        self.queued = False  # in the ring of those that a worker may take from
        self.down: Deferred | None = None  # why it rests
        self.waiting: dict[QueueId, Entry] = {}
        self.oldest = 0.0  # no message that waits arrived before this time
        self.timer: TimerHandle | None = None  # rings when it is time to find out
