"""The index of the log in memory: which messages are queued, where their records are, which segments they need."""

from __future__ import annotations

import logging
from collections import Counter
from typing import TYPE_CHECKING

from postroad.world.world import DEFAULT_WORLD
from postroad_relay.queue.spool.record import (
    Kind,
    Progress,
    QueueId,
    RecordError,
    decode_message,
    decode_progress,
    number_of,
    peek,
)

if TYPE_CHECKING:
    from collections.abc import Iterable

    from postroad_relay.queue.spool.log import Position

log = logging.getLogger(__name__)


class Entry:
    """A queued message in memory."""

    __slots__ = (
        "arrived",
        "attempts",
        "due",
        "held",
        "led",
        "message_at",
        "progress_at",
        "queue_id",
        "since",
        "spilled",
        "steered",
        "turn",
        "warned",
        "world",
        "writing",
    )

    def __init__(self, ident: QueueId, arrived: float, *, spilled: bool, world: str = DEFAULT_WORLD) -> None:
        self.queue_id = ident
        self.arrived = arrived  # seconds since the epoch
        self.since = 0.0  # the same moment in seconds of the monotonic clock
        self.due = arrived  # seconds since the epoch; the first attempt is made at once
        self.attempts = 0
        self.warned = False  # its sender has a DSN that it is delayed, or may not get one
        self.spilled = spilled
        self.world = world  # all its times are by that world's clock
        self.message_at: Position | None = None  # None until it is on disk
        self.progress_at: Position | None = None
        self.led = 0  # the number of the journal's last event of an attempt
        self.writing = 0  # records about it that are under way
        self.held = False  # by an administrator, on disk
        self.steered = False  # held, or about to be changed by an administrator: it must not be taken up
        self.turn: float | None = None  # of `Due`, in seconds of the monotonic clock; None: it is not there

    @property
    def places(self) -> list[Position]:
        """Where its records are, the message's first."""
        return [place for place in (self.message_at, self.progress_at) if place is not None]


class Index:
    """The queued messages, with counts of the records that are needed in each segment."""

    def __init__(self) -> None:
        self.entries: dict[QueueId, Entry] = {}
        self.pins: Counter[int] = Counter()  # segment → records in it that are needed
        self.seen: Counter[int] = Counter()  # segment → records in it that the index knows of
        self.worlds: dict[str, dict[QueueId, Entry]] = {}  # those of other worlds than the file's, by world
        self.held = 0  # messages that an administrator holds
        self.live = 0  # octets of the records that are needed
        self.total = 0  # octets of the log
        self.last_id = 0  # the greatest number that a queue ID had

    def saw(self, positions: Iterable[Position]) -> None:
        """Count records that have been written."""
        seen = self.seen
        for position in positions:
            seen[position.segment] += 1
            self.total += position.length

    def add(self, entry: Entry, position: Position) -> None:
        """Queue a message whose record is on disk."""
        entry.message_at = position
        self.entries[entry.queue_id] = entry
        if entry.world != DEFAULT_WORLD:
            self.worlds.setdefault(entry.world, {})[entry.queue_id] = entry
        self.pins[position.segment] += 1
        self.live += position.length

    def remove(self, entry: Entry) -> None:
        """Forget a message."""
        if self.entries.pop(entry.queue_id, None) is not None:
            self._unpin(entry.places)
            self.held -= entry.held
            if entry.world != DEFAULT_WORLD:
                del self.worlds[entry.world][entry.queue_id]
                if not self.worlds[entry.world]:
                    del self.worlds[entry.world]

    def progress(self, entry: Entry, position: Position, progress: Progress) -> None:
        """Note where the last progress of a message is."""
        if entry.progress_at is not None:
            self._unpin((entry.progress_at,))
        entry.progress_at = position
        entry.due, entry.attempts, entry.warned = progress.due, progress.attempts, progress.warned
        self.held += progress.held - entry.held
        entry.held = progress.held
        self._pin(position)

    def move(self, entry: Entry, places: list[Position]) -> None:
        """Note that the records of a message have been copied to other places."""
        self._unpin(entry.places)
        entry.message_at = places[0]
        entry.progress_at = places[1] if len(places) == 2 else None
        for place in places:
            self._pin(place)

    def _pin(self, position: Position) -> None:
        self.pins[position.segment] += 1
        self.live += position.length

    def _unpin(self, positions: Iterable[Position]) -> None:
        for position in positions:
            self.pins[position.segment] -= 1
            self.live -= position.length

    def visit(self, position: Position, record: bytes | memoryview) -> None:
        """Take in a record that was found on disk; records come in the order in which they were written."""
        try:
            kind, ident = peek(record)
            self.last_id = max(self.last_id, number_of(ident))
            entry = self.entries.get(ident)
            if kind is Kind.MESSAGE:
                message, _ = decode_message(record)
                if entry is not None:  # it was moved, and its old segment outlived the crash
                    self.remove(entry)
                self.add(Entry(ident, message.arrived, spilled=message.spilled, world=message.world), position)
            elif entry is None:
                return  # its message was done, and forgotten with its segment
            elif kind is Kind.PROGRESS:
                self.progress(entry, position, decode_progress(record))
            else:
                self.remove(entry)
        except RecordError as error:
            log.error("spool: segment %d at %d: %s", position.segment, position.offset, error)  # noqa: TRY400 - no bug
