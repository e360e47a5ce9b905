"""Messages while attempts are made to deliver them: their outcomes so far, and the lanes that they wait in."""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass
from typing import TYPE_CHECKING

from postroad_relay.outcome import Deferred, Delivered, Failed, Outcome
from postroad_relay.spool import Progress

if TYPE_CHECKING:
    from collections.abc import Sequence

    from postroad_relay.spool import Entry, Stored


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

    def progress(self, *, due: float, attempts: int) -> Progress:
        """Return what the spool is to keep of it."""
        return Progress(due, attempts, frozenset(self.done), dict(self.failed), dict(self.deferred))


@dataclass(slots=True)
class Job:
    """The recipients of one message in one domain."""

    active: Active
    indexes: list[int]


class Lane:
    """What waits for one domain."""

    __slots__ = ("busy", "domain", "jobs", "queued")

    def __init__(self, domain: str) -> None:
        self.domain = domain
        self.jobs: deque[Job] = deque()
        self.busy = 0  # workers
        self.queued = False  # in the ring of those that a worker may take from
