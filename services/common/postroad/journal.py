"""The journal: one JSON line for each thing that happened to a message, one file and one writer a service.

Writing never delays mail and never fails it: `record` puts the event in a bounded queue and a thread of its own
writes it; an event that cannot be written is counted and dropped. `trace` reads the files of all services.

A line is an object with `time` (RFC 3339, UTC, microseconds), `service`, `kind`, then `queue_id` and
`message_id` where known, then what the kind calls for, in the peer's own words:

    {"time":"2026-03-01T12:00:00.000001Z","service":"relay","kind":"delivered","queue_id":"4c1f…",
     "message_id":"<a@alpha.test>","recipient":"bob@beta.test","host":"mx.postroad.test","reply":"250 2.0.0 OK"}

The file `<service>.jsonl` is rotated to `<service>.jsonl.1`, `.2` and so on. It is not fsynced: what a crash
takes is history, not mail.
"""

from __future__ import annotations

import heapq
import json
import logging
import os
import threading
import time
from collections import deque
from dataclasses import dataclass, field
from datetime import UTC, datetime
from enum import StrEnum
from functools import lru_cache
from operator import attrgetter
from typing import TYPE_CHECKING, Any

from postroad.jsontext import to_json

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping
    from pathlib import Path

log = logging.getLogger(__name__)

SUFFIX = ".jsonl"
QUEUE_LIMIT = 50_000  # events waiting to be written; about 1 KiB each at the most
GATHER = 0.02  # seconds in which events gather into one write
PATIENCE = 5.0  # seconds that `close` waits for a disk that does not answer


class Kind(StrEnum):
    """What happened (design §3)."""

    ACCEPTED = "accepted"
    QUEUED = "queued"
    RESOLVED = "resolved"
    ATTEMPTED = "attempted"
    DELIVERED = "delivered"
    DEFERRED = "deferred"
    FAILED = "failed"
    EXPIRED = "expired"
    REPORTED = "reported"
    STORED = "stored"
    RETRIEVED = "retrieved"
    REMOVED = "removed"


@dataclass(frozen=True, slots=True)
class Entry:
    """One event of the journal."""

    time: datetime  # aware, UTC
    service: str
    kind: Kind
    queue_id: str | None = None
    message_id: str | None = None  # with its angle brackets, as in the message
    detail: Mapping[str, Any] = field(default_factory=dict)


class Journal:
    """The writer of one service's journal; `record` may be called from any thread.

    `path` is the file, `<journal_dir>/<service>.jsonl`. A file longer than `rotate_at` octets is rotated, and
    `kept` old ones stay. `clock` gives seconds since the epoch.
    """

    def __init__(
        self,
        path: Path,
        *,
        service: str,
        clock: Callable[[], float] = time.time,
        rotate_at: int = 64 << 20,
        kept: int = 4,
        limit: int = QUEUE_LIMIT,
    ) -> None:
        self._path = path
        self._service = service
        self._clock = clock
        self._rotate_at = rotate_at
        self._kept = kept
        self._limit = limit
        self._queue: deque[tuple[float, str, str | None, str | None, dict[str, Any]]] = deque()
        self._wake = threading.Event()
        self._closing = threading.Event()
        self._handle: int | None = None
        self._size = 0
        self._torn = False  # the file ends inside a line
        self._lost = 0  # by the writer thread
        self._overflowed = 0  # by `record`
        self._complained = False
        self._thread = threading.Thread(target=self._run, name=f"journal-{service}", daemon=True)
        self._thread.start()

    @property
    def dropped(self) -> int:
        """How many events were dropped, for want of room in the queue or on the disk."""
        return self._lost + self._overflowed

    def record(self, kind: Kind, queue_id: str | None = None, message_id: str | None = None, **detail: Any) -> None:
        """Note an event; returns at once and raises nothing. `detail` must not change afterwards.

        Values are what JSON knows; of anything else its `str()` is written.
        """
        if len(self._queue) >= self._limit or self._closing.is_set():
            self._overflowed += 1
            return
        self._queue.append((self._clock(), kind, queue_id, message_id, detail))
        if not self._wake.is_set():
            self._wake.set()

    def close(self) -> None:
        """Write what waits and end the thread; further events are dropped."""
        self._closing.set()
        self._wake.set()
        self._thread.join(PATIENCE)

    def _run(self) -> None:
        closing = False
        while not closing:
            self._wake.wait()
            # A batch costs one write and one waking of the thread, however many events there are.
            self._closing.wait(GATHER)
            # Cleared first: whatever comes from here on wakes the thread again, `close` too.
            self._wake.clear()
            closing = self._closing.is_set()
            self._write_waiting()
        if self._handle is not None:
            os.close(self._handle)

    def _write_waiting(self) -> None:
        lines: list[bytes] = []
        while self._queue:
            when, kind, queue_id, message_id, detail = self._queue.popleft()
            try:
                lines.append(self._line(when, kind, queue_id, message_id, detail))
            except Exception:  # noqa: BLE001 - a value that has no text: the journal never fails anyone
                self._lost += 1
        if not lines:
            return
        try:
            self._append(b"".join(lines))
            self._complained = False
        except OSError as error:
            self._lost += len(lines)
            if not self._complained:
                self._complained = True
                log.warning("the journal can't be written: %s", error)

    def _line(
        self, when: float, kind: str, queue_id: str | None, message_id: str | None, detail: dict[str, Any]
    ) -> bytes:
        second, fraction = divmod(int(when * 1_000_000), 1_000_000)
        entry: dict[str, Any] = {
            "time": f"{_date_time(second)}.{fraction:06d}Z",
            "service": self._service,
            "kind": kind,
        }
        if queue_id is not None:
            entry["queue_id"] = queue_id
        if message_id is not None:
            entry["message_id"] = message_id
        for name, value in detail.items():
            entry.setdefault(name, value)
        return to_json(entry) + b"\n"

    def _append(self, data: bytes) -> None:
        handle = self._open() if self._handle is None else self._handle
        if not os.fstat(handle).st_nlink:  # somebody has removed the file, to begin anew
            os.close(handle)
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
        self._path.parent.mkdir(parents=True, exist_ok=True)
        self._handle = handle = os.open(self._path, os.O_RDWR | os.O_APPEND | os.O_CREAT, 0o644)
        self._size = os.fstat(handle).st_size
        # A writer that was killed in the midst of a line must not spoil the next one.
        self._torn = self._size > 0 and os.pread(handle, 1, self._size - 1) != b"\n"
        return handle

    def _rotate(self, handle: int) -> None:
        os.close(handle)
        self._handle = None
        for number in range(self._kept, 0, -1):
            older = self._path.with_name(f"{self._path.name}.{number}")
            newer = self._path if number == 1 else self._path.with_name(f"{self._path.name}.{number - 1}")
            if newer.exists():
                newer.replace(older)
        if not self._kept:
            self._path.unlink(missing_ok=True)


@lru_cache(maxsize=4)
def _date_time(second: int) -> str:
    """Return RFC 3339's date-time without fraction and zone; a second has many events."""
    return datetime.fromtimestamp(second, UTC).strftime("%Y-%m-%dT%H:%M:%S")


class JournalReader:
    """Reads the journals of all services in a folder, in the order of time."""

    def __init__(self, directory: Path) -> None:
        self._directory = directory

    def entries(self, may_matter: Callable[[bytes], object] | None = None) -> Iterator[Entry]:
        """Yield every event; a torn line, or one that is no event, is passed over.

        Lines of which `may_matter` says no are not parsed: what looks for one message in a long journal need
        not read a million events to find ten.
        """
        by_service: dict[str, list[Path]] = {}
        for path in sorted(self._directory.glob(f"*{SUFFIX}*"), key=_age, reverse=True):
            by_service.setdefault(path.name.partition(SUFFIX)[0], []).append(path)
        # Each service's own file is in order, apart from a clock that was set back.
        return heapq.merge(*(_read(paths, may_matter) for paths in by_service.values()), key=attrgetter("time"))


def _age(path: Path) -> int:
    """Return the number of a rotated file, 0 for the one that is written, -1 for what is no journal."""
    number = path.name.partition(SUFFIX)[2]
    if not number:
        return 0
    return int(number[1:]) if number[1:].isdigit() else -1


def _read(paths: list[Path], may_matter: Callable[[bytes], object] | None) -> Iterator[Entry]:
    for path in paths:
        if _age(path) < 0:
            continue
        try:
            lines = path.open("rb")
        except FileNotFoundError:  # rotated away between the listing and now
            continue
        with lines:
            for line in lines:
                if may_matter is not None and not may_matter(line):
                    continue
                entry = parse_line(line)
                if entry is not None:
                    yield entry


def parse_line(line: bytes) -> Entry | None:
    """Return the event that a line of the journal is, or None where it is torn or something else."""
    if not line.endswith(b"\n"):
        return None
    try:
        detail = json.loads(line)
        when = datetime.fromisoformat(detail.pop("time"))
        entry = Entry(
            when if when.tzinfo is not None else when.replace(tzinfo=UTC),
            str(detail.pop("service")),
            Kind(detail.pop("kind")),
            detail.pop("queue_id", None),
            detail.pop("message_id", None),
            detail,
        )
    except (ValueError, TypeError, KeyError, AttributeError, RecursionError):
        return None
    return entry
