"""Writes one service's journal.

Its errors never refuse mail: `record` puts the event into a bounded queue, and a thread of the journal writes it. An
event that cannot be written is counted and dropped, and the journal says how many were. A service that answers for a
message calls `flush` first: if the process is killed behind the answer, the journal has the message. The thread is not
woken for events that such a flush is about to write: to pass Python's lock to and fro would cost more than the writing.

Each event has a number, `n`, one more than that of the event before it, over rotations and restarts. A service without
a journal begins with the microseconds since 1970, so that a journal that was removed repeats no number. The numbers of
events that could not be written are missing.
"""

from __future__ import annotations

import asyncio
import logging
import os
import re
import threading
import time
from collections import deque
from datetime import UTC, datetime
from functools import lru_cache
from typing import TYPE_CHECKING, Any, NamedTuple, TypeAlias

from postroad.clock import Clock
from postroad.journal.files import last_number, rotated
from postroad.journal.kinds import SUFFIX, Kind
from postroad.journal.latest import Latest
from postroad.journal.note import Line, Note
from postroad.journal.numbered import NumberedLines
from postroad.jsontext import to_json
from postroad.regular import open_regular

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence
    from pathlib import Path

    from postroad.journal.series import Series

log = logging.getLogger(__name__)

QUEUE_LIMIT = 50_000  # events waiting to be written, of about 1 KiB each
# Seconds in which events gather into one write: none after a time of quiet, so that a reader learns of a single message
# at once; few after that, and more under load, when waking a thread for each message would cost more than writing.
QUIET = 0.004
SOON = 0.002
GATHER = 0.02
# Under load means that there were so many events each second, so many times in a row that the thread has looked.
BUSY = 3
RATE = 1000.0
CALM = 500.0  # ... and it lasts until they are fewer than this: its events come in bursts
LATER = 0.05  # seconds until the thread is woken for events that are in no hurry, if nobody has written them by then
PATIENCE = 5.0  # seconds that `close` waits for a disk that does not answer
PROMPT = 0.01  # seconds that `flush` waits for a write that is under way: mail goes on without the journal

RECENT = 8  # batches that are remembered for those who follow
RECENT_OCTETS = 128 << 10  # ... together, without the last one

_Waiting: TypeAlias = Note | Line
_LOST = Kind.LOST  # a member of an enum takes 60 ns to be found in its class (Python 3.11)

_WORLD = re.compile(rb'"world":"([a-z0-9-]+)"')  # in a JSON string the quotes would be escaped


class Batch(NamedTuple):
    """Events that were written at once: the first number, the last, and the lines."""

    first: int
    last: int
    octets: bytes


class Journal:
    """The writer of one service's journal; `record` may be called from any thread.

    The service's folder is made in `directory`, the folder of all journals. A file longer than `rotate_at` octets is
    rotated, and `kept` old ones stay. At most `limit` events wait to be written.
    """

    def __init__(
        self,
        directory: Path,
        *,
        service: str,
        clock: Clock | None = None,
        rotate_at: int = 64 << 20,
        kept: int = 4,
        limit: int = QUEUE_LIMIT,
    ) -> None:
        self.path = directory / service / f"{service}{SUFFIX}"
        self._service = service
        # A line: the event's number, its time, the end of the line
        self._form = b'{"n":%%d,"time":"%%b","service":%b%%b' % to_json(service).replace(b"%", b"%%")
        self._clock = clock or Clock()
        self._rotate_at = rotate_at
        self.kept = kept
        self._limit = limit
        self._queue: deque[_Waiting] = deque()
        self._taking = threading.Lock()  # held while events leave the queue and get their numbers
        self._writing = threading.Lock()  # held while they are written
        self._numbered = (
            self._find_last() or int(self._clock.now() * 1_000_000) - 1
        )  # the last number that an event got
        self._latest = Latest(self._numbered)  # of the events that have their numbers
        self.written = self._numbered  # the last number in the file; for readers in any thread
        self.files = threading.Lock()  # held while files are renamed
        self.listener: Callable[[], object] | None = None  # called after each write, in the thread that wrote
        self.recent: tuple[Batch, ...] = ()  # the last batches, up to `written`, in a row
        self.rotations = 0
        self._wake = threading.Event()
        self._closing = threading.Event()
        self._closed = False  # the same: to ask an event takes a call
        self._later: asyncio.TimerHandle | None = None  # when the thread is woken for events that are in no hurry
        self._handle: int | None = None
        self._size = 0
        self._torn = False  # the file ends inside a line
        self._lost = 0  # counted by the writer thread
        self._told = 0  # dropped events that the events LOST have counted
        self._busy = 0  # times in a row that there were many events
        self._wrote = 0.0  # when, in seconds of the monotonic clock
        self._overflowed = 0  # counted by `record`
        self._complained = False
        self._thread = threading.Thread(target=self._run, name=f"journal-{service}", daemon=True)
        self._thread.start()

    @property
    def dropped(self) -> int:
        """The number of events that were dropped because the queue or the disk was full."""
        return self._lost + self._overflowed

    @property
    def last(self) -> int:
        """The number of the last event that was recorded: a reader that has come to it has all events until now.

        A caller is about to wait for these events, so they are written now.
        """
        if self._queue:
            self._wake.set()
        return self.recorded

    def last_of(self, world: str) -> int:
        """Return the same for the events of a world: there is none of it behind this number."""
        with self._taking:
            for index in range(len(self._queue), 0, -1):
                if _world_of(self._queue[index - 1]) in {world, None}:
                    self._wake.set()
                    return self._numbered + index
            return self._latest.of(world)

    @property
    def recorded(self) -> int:
        """The number of the last event, for those who wait for nothing."""
        with self._taking:
            return self._numbered + len(self._queue)

    def record(
        self,
        kind: Kind,
        queue_id: str | None = None,
        message_id: str | None = None,
        *,
        at: float | None = None,
        hurry: bool = True,
        **detail: Any,
    ) -> None:
        """Record an event; returns at once and raises nothing. `detail` must not change afterwards.

        `at` is when it happened, in seconds since the epoch, if that is not now: a world's clock may be ahead. Values
        that JSON does not know are written as their `str()`. An event that is in no `hurry` waits for a flush, or for
        `LATER` seconds of the event loop on which it has to be recorded.
        """
        self._put(Note(self._clock.now() if at is None else at, kind, queue_id, message_id, detail), hurry=hurry)

    def line(self, kind: Kind, queue_id: str | None = None, message_id: str | None = None, **detail: Any) -> Line:
        """Return an event of now that is to be recorded by `tell`; may be called from any thread."""
        at = self._clock.now()
        return at, Note(at, kind, queue_id, message_id, detail).line

    def tell(self, events: Sequence[_Waiting], *, hurry: bool = False) -> None:
        """Record events that were noted before, however many they are."""
        self._put(*events, hurry=hurry)

    def tell_again(self, at: float, line: bytes) -> None:
        """Record an event of which a killed process has left when it was, and the end of its line (`Note.line`)."""
        self._put((at, line))

    def record_next(self, series: Series, value: int | str) -> None:
        """Record an event of a series, now; `value` is the detail that differs."""
        self._put((self._clock.now(), series.line(value)))

    def _put(self, *events: _Waiting, hurry: bool = True) -> None:
        if len(self._queue) >= self._limit or self._closed:
            self._overflowed += len(events)
            return
        self._queue.extend(events)
        if hurry:
            if not self._wake.is_set():
                self._wake.set()
        elif self._later is None:
            self._later = asyncio.get_running_loop().call_later(LATER, self._hasten)

    def _hasten(self) -> None:
        self._later = None
        if self._queue:
            self._wake.set()

    def ends_after(self, number: int) -> Iterator[bytes]:
        """Yield the ends (`Note.line`) of the lines in the files that have higher numbers than this, in their order."""
        lines = NumberedLines(self.path, self.kept, self.files)
        try:
            while (stretch := lines.read(number, QUEUE_LIMIT)).last is not None:
                number = stretch.last
                for line in stretch.octets.splitlines(keepends=True):
                    yield line[line.find(b',"kind":') :]
        finally:
            lines.close()

    def flush(self) -> None:
        """Write all that was recorded until now: a kill of the process loses none of it any more. Raises nothing."""
        if (self._queue or self._writing.locked()) and self._writing.acquire(timeout=PROMPT):
            self._write_and_release()

    def close(self) -> None:
        """Write the waiting events and end the thread; later events are dropped."""
        self._closed = True
        self._closing.set()
        self._wake.set()
        self._thread.join(PATIENCE)

    def _run(self) -> None:
        closing = False
        seen = self._numbered
        while not closing or self._queue:  # the last batch may have had to tell of dropped events
            self._wake.wait()
            # One write and one waking of the thread per batch, however many events there are.
            gather = GATHER if self._busy >= BUSY else SOON
            if time.monotonic() < self._wrote + QUIET or self._busy:
                self._closing.wait(gather)
            # Cleared first: later events wake the thread again, and so does `close`.
            self._wake.clear()
            closing = self._closing.is_set()
            self._writing.acquire()
            self._write_and_release()
            self._wrote = time.monotonic()
            # Those that `flush` has written count too: under load it leaves little to the thread, which would else be
            # woken every 2 ms for nothing.
            count, seen = self._numbered - seen, self._numbered
            self._busy = self._busy + 1 if count > (CALM if gather == GATHER else RATE) * gather else 0
        if self._handle is not None:
            os.close(self._handle)

    def _write_and_release(self) -> None:
        """Write the events that wait, let others write, and tell who listens."""
        try:
            count = self._write_waiting()
        finally:
            self._writing.release()
        if count and (listener := self.listener) is not None:
            listener()

    def _write_waiting(self) -> int:
        """Write the events that wait, and return how many they are."""
        queue = self._queue
        with self._taking:
            take = queue.popleft
            batch = [take() for _ in range(len(queue))]
            first = self._numbered + 1
            self._numbered = last = self._numbered + len(batch)
            latest = {
                event.world if type(event) is Note else _world_of(event): number
                for number, event in enumerate(batch, first)
            }
            for world, number in latest.items():
                self._latest.note(world, number)
        if not batch:
            return 0
        lines: list[bytes] = []
        telling = self._told
        moment, time_of_it = -1.0, b""
        for number, event in enumerate(batch, first):
            if isinstance(event, Note):
                at = event.at
                if event.kind is _LOST:
                    telling = self.dropped
                    event.detail["count"] = telling - self._told
                end = event.line
            else:
                at, end = event
            if not end:
                self._lost += 1
                continue
            if at != moment:  # a message has two events of one moment
                moment, time_of_it = at, _time(at)
            lines.append(self._form % (number, time_of_it, end))
        octets = b"".join(lines)
        try:
            self._append(octets)
        except OSError as error:
            self.recent = ()  # some of the lines may be in the file
            self._lost += len(lines)
            if not self._complained:
                self._complained = True
                log.warning("the journal can't be written: %s", error)
            return len(batch)
        self._complained = False
        self._remember(Batch(first, last, octets))
        self.written = last
        self._told = telling
        if self.dropped > telling:
            self._queue.append(Note(self._clock.now(), Kind.LOST, None, None, {}))
            self._wake.set()
        return len(batch)

    def _remember(self, batch: Batch) -> None:
        recent = self.recent[1 - RECENT :]
        while sum(len(earlier.octets) for earlier in recent) > RECENT_OCTETS:
            recent = recent[1:]
        self.recent = (*recent, batch)

    def _append(self, data: bytes) -> None:
        handle = self._open() if self._handle is None else self._handle
        if not os.fstat(handle).st_nlink:  # an operator has removed the file
            self._close(handle)
            handle = self._open()
        if self._size > self._rotate_at:
            self._rotate(handle)
            handle = self._open()
        if self._torn:
            data = b"\n" + data
        done = 0
        try:
            while done < len(data):
                done += os.write(handle, data[done:])
        finally:
            self._size += done
            if done:
                self._torn = data[done - 1 : done] != b"\n"

    def _open(self) -> int:
        self.path.parent.mkdir(mode=0o755, parents=True, exist_ok=True)
        handle = open_regular(self.path, os.O_RDWR | os.O_APPEND | os.O_CREAT)
        self._handle = handle
        self._size = os.fstat(handle).st_size
        # A writer that was killed while it wrote a line must not spoil the next one.
        self._torn = self._size > 0 and os.pread(handle, 1, self._size - 1) != b"\n"
        return handle

    def _close(self, handle: int) -> None:
        self._handle = None  # first: if opening the next file failed, the number might belong to another file
        os.close(handle)

    def _rotate(self, handle: int) -> None:
        self._close(handle)
        self.rotations += 1
        with self.files:
            for age in range(self.kept, 0, -1):
                newer = rotated(self.path, age - 1)
                if newer.exists():
                    newer.replace(rotated(self.path, age))
            if not self.kept:
                self.path.unlink(missing_ok=True)

    def _find_last(self) -> int | None:
        """Return the number of the last event in the files, or None if none has a number."""
        for age in range(self.kept + 1):
            try:
                handle = open_regular(rotated(self.path, age), os.O_RDONLY)
            except OSError:
                continue
            try:
                number = last_number(handle)
            finally:
                os.close(handle)
            if number is not None:
                return number
        return None


def _world_of(event: _Waiting) -> str | None:
    if isinstance(event, Note):
        return event.world
    said = _WORLD.search(event[1])
    return None if said is None else said[1].decode("ascii")


def _time(at: float) -> bytes:
    """Return the time of an event, of seconds since the epoch."""
    second, fraction = divmod(int(at * 1_000_000), 1_000_000)
    return b"%b.%06dZ" % (_date_time(second), fraction)


@lru_cache(maxsize=4)
def _date_time(second: int) -> bytes:
    """Return RFC 3339's date-time without fraction and zone. It is remembered: a second has many events."""
    return datetime.fromtimestamp(second, UTC).strftime("%Y-%m-%dT%H:%M:%S").encode()
