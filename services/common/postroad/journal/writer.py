"""Writes one service's journal.

Writing never delays mail, and its errors never refuse mail: `record` puts the event into a bounded queue, and a thread
of the journal writes it. An event that cannot be written is counted and dropped.
"""

from __future__ import annotations

import errno
import logging
import os
import stat
import threading
from collections import deque
from datetime import UTC, datetime
from functools import lru_cache
from typing import TYPE_CHECKING, Any

from postroad.clock import Clock
from postroad.journal.kinds import SUFFIX
from postroad.jsontext import to_json

if TYPE_CHECKING:
    from pathlib import Path

    from postroad.journal.kinds import Kind

log = logging.getLogger(__name__)

QUEUE_LIMIT = 50_000  # events waiting to be written, of about 1 KiB each
GATHER = 0.02  # seconds in which events gather into one write
PATIENCE = 5.0  # seconds that `close` waits for a disk that does not answer


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
        self._path = directory / service / f"{service}{SUFFIX}"
        self._service = service
        self._now = (clock or Clock()).now
        self._rotate_at = rotate_at
        self._kept = kept
        self._limit = limit
        self._queue: deque[tuple[float, str, str | None, str | None, dict[str, Any]]] = deque()
        self._wake = threading.Event()
        self._closing = threading.Event()
        self._handle: int | None = None
        self._size = 0
        self._torn = False  # the file ends inside a line
        self._lost = 0  # counted by the writer thread
        self._overflowed = 0  # counted by `record`
        self._complained = False
        self._thread = threading.Thread(target=self._run, name=f"journal-{service}", daemon=True)
        self._thread.start()

    @property
    def dropped(self) -> int:
        """The number of events that were dropped because the queue or the disk was full."""
        return self._lost + self._overflowed

    def record(self, kind: Kind, queue_id: str | None = None, message_id: str | None = None, **detail: Any) -> None:
        """Record an event; returns at once and raises nothing. `detail` must not change afterwards.

        Values that JSON does not know are written as their `str()`.
        """
        if len(self._queue) >= self._limit or self._closing.is_set():
            self._overflowed += 1
            return
        self._queue.append((self._now(), kind, queue_id, message_id, detail))
        if not self._wake.is_set():
            self._wake.set()

    def close(self) -> None:
        """Write the waiting events and end the thread; later events are dropped."""
        self._closing.set()
        self._wake.set()
        self._thread.join(PATIENCE)

    def _run(self) -> None:
        closing = False
        while not closing:
            self._wake.wait()
            # One write and one waking of the thread per batch, however many events there are.
            self._closing.wait(GATHER)
            # Cleared first: later events wake the thread again, and so does `close`.
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
            except Exception:  # noqa: BLE001 - a value whose str() fails must not fail mail
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
        self._path.parent.mkdir(mode=0o755, parents=True, exist_ok=True)
        # A link must not lead to another file, and a FIFO must not make the writer wait.
        flags = os.O_RDWR | os.O_APPEND | os.O_CREAT | os.O_NOFOLLOW | os.O_NONBLOCK
        handle = os.open(self._path, flags, 0o644)
        status = os.fstat(handle)
        if not stat.S_ISREG(status.st_mode):
            os.close(handle)
            raise OSError(errno.EINVAL, "not a regular file", str(self._path))
        self._handle = handle
        self._size = status.st_size
        # A writer that was killed while it wrote a line must not spoil the next one.
        self._torn = self._size > 0 and os.pread(handle, 1, self._size - 1) != b"\n"
        return handle

    def _close(self, handle: int) -> None:
        self._handle = None  # first: if opening the next file failed, the number might belong to another file
        os.close(handle)

    def _rotate(self, handle: int) -> None:
        self._close(handle)
        for number in range(self._kept, 0, -1):
            older = self._path.with_name(f"{self._path.name}.{number}")
            newer = self._path if number == 1 else self._path.with_name(f"{self._path.name}.{number - 1}")
            if newer.exists():
                newer.replace(older)
        if not self._kept:
            self._path.unlink(missing_ok=True)


@lru_cache(maxsize=4)
def _date_time(second: int) -> str:
    """Return RFC 3339's date-time without fraction and zone. It is remembered: a second has many events."""
    return datetime.fromtimestamp(second, UTC).strftime("%Y-%m-%dT%H:%M:%S")
