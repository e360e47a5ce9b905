"""The spool's log: records appended to segments, each batch on disk before `append` returns.

`segment.py` says what a segment is. A segment is never appended to by a later process: recovery cuts the torn tail off,
and a new segment begins.

How failures are handled:

- no space, or a write error: the segment is cut back to its last good length, so that nothing half-written stays
- fsync fails: the kernel may have dropped the dirty pages and forgotten about them, so that a second fsync proves
  nothing: the segment is cut back and left for good, and the callers get the error
- the process is killed while it writes: no client got a 250 for the torn tail
- octets are lost in the middle, or the header is: every other frame is found, and the file is kept under a second name

`append`, `roll` and `delete` are for one writer thread; `read` may be called from any other.
"""

from __future__ import annotations

import logging
import os
from contextlib import suppress
from itertools import groupby
from operator import attrgetter
from typing import TYPE_CHECKING

from postroad.syncing import fdatasync, sync
from postroad.value import value
from postroad_relay.queue.spool.segment import (
    HEADER_SIZE,
    KEPT_SUFFIX,
    Frame,
    Gap,
    Segment,
    is_segment,
    name_of,
    number_in,
    open_segment,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence
    from pathlib import Path

log = logging.getLogger(__name__)

_MAX_IOV = 1000  # buffers in one writev; Linux takes 1,024


class LogError(Exception):
    """A record can't be read back, or has changed since it was written."""


@value
class Position:
    """Where a record is."""

    segment: int
    offset: int  # of its frame
    length: int  # of the record, in octets


@value
class Damage:
    """Octets of a segment in which recovery found no record.

    `torn` is the tail of the last segment: it has been cut off, and no client got a 250 for it. Of other damage, `kept`
    is the file that keeps it for the administrator, and `lost` the number of messages in it, None if unknown.
    """

    path: Path
    offset: int
    length: int
    torn: bool
    lost: int | None = None
    kept: Path | None = None


class Log:
    """An append-only log in a folder of its own.

    A segment that has reached `segment_size` octets is followed by another. Records that begin with the octet `counted`
    are counted, so that recovery can say how many of them are lost.
    """

    def __init__(self, directory: Path, *, segment_size: int = 32 << 20, counted: bytes | None = None) -> None:
        self._directory = directory
        self._segment_size = segment_size
        self._counted = counted
        self._segments: dict[int, Segment] = {}
        self._current: Segment | None = None
        self._last = 0
        self.fsync: Callable[[int], None] = fdatasync  # tests put failing ones here
        self.writev: Callable[[int, Sequence[bytes], int], int] = os.pwritev

    # -- recovery ---------------------------------------------------------------------------------------------

    def recover(self, visit: Callable[[Position, memoryview], None]) -> list[Damage]:
        """Visit all records, oldest first, and cut off the torn tail; return the octets that were not readable.

        Call once, before anything else.
        """
        self._directory.mkdir(parents=True, exist_ok=True)
        paths = sorted(filter(is_segment, self._directory.iterdir()))
        damages: list[Damage] = []
        for path in paths:
            self._last = max(self._last, number_in(path))
            damages += self._recover_segment(path, visit, last=path == paths[-1])
        return damages

    def _recover_segment(
        self, path: Path, visit: Callable[[Position, memoryview], None], *, last: bool
    ) -> list[Damage]:
        size = path.stat().st_size
        segment = open_segment(path, os.O_RDWR)
        if segment is None or size <= HEADER_SIZE:
            return self._set_aside(path, segment, size, last=last)
        self._segments[segment.number] = segment
        damages: list[Damage] = []
        gap: Gap | None = None  # before the next frame
        lost = 0
        for piece in segment.scan(size):
            if isinstance(piece, Gap):
                gap = piece
                continue
            if gap is not None:
                damages.append(self._damage(segment, gap, piece, lost))
                lost += damages[-1].lost or 0
                gap = None
            self._count(segment, piece.record)
            visit(Position(segment.number, piece.offset, len(piece.record)), memoryview(piece.record))
            segment.length = piece.end
        if gap is not None and last and gap.offset:
            damages.append(Damage(path, gap.offset, gap.length, torn=True))
            os.ftruncate(segment.handle, segment.length)
            os.fsync(segment.handle)
        elif gap is not None:
            damages.append(self._damage(segment, gap, None, lost))
        return damages

    def _set_aside(self, path: Path, segment: Segment | None, size: int, *, last: bool) -> list[Damage]:
        """Take a file out of the log in which no frame can be found."""
        if segment is not None:
            os.close(segment.handle)
        # A new segment is fsynced before its first record: one that ends in its header has none.
        if size <= HEADER_SIZE:
            path.unlink()
            return [Damage(path, 0, size, torn=last)] if size < HEADER_SIZE or segment is None else []
        return [Damage(path, 0, size, torn=False, kept=path.rename(path.with_suffix(KEPT_SUFFIX)))]

    def _damage(self, segment: Segment, gap: Gap, following: Frame | None, lost: int) -> Damage:
        """Keep a damaged segment's file under a second name, and return the loss."""
        name = segment.path.with_suffix(KEPT_SUFFIX)
        with suppress(OSError):
            if not name.exists():
                name.hardlink_to(segment.path)
        kept = name if name.exists() else None
        count = following.count if following is not None else None
        lost_here = count - segment.counted - lost if count is not None else None
        return Damage(segment.path, gap.offset, gap.length, torn=False, lost=lost_here, kept=kept)

    def _count(self, segment: Segment, record: bytes) -> None:
        segment.records += 1
        if record[:1] == self._counted:
            segment.counted += 1

    # -- writing ----------------------------------------------------------------------------------------------

    def append(self, records: Sequence[Sequence[bytes]]) -> list[Position]:
        """Write records, each given in pieces, and fsync them; raises `OSError`, and then none is written."""
        if self._current is None or self._current.length >= self._segment_size:
            self.roll()
        segment = self._current
        assert segment is not None  # noqa: S101 - roll() has made it, or raised
        offset, count, overhead = segment.length, segment.counted, segment.overhead
        buffers: list[bytes] = []
        positions: list[Position] = []
        for pieces in records:
            length = sum(map(len, pieces))
            buffers.append(segment.head(offset, count, pieces, length))
            buffers.extend(pieces)
            positions.append(Position(segment.number, offset, length))
            offset += overhead + length
            if pieces[0][:1] == self._counted:
                count += 1
        try:
            self._write(segment.handle, buffers, segment.length)
        except OSError:
            self._cut_back(segment)
            raise
        try:
            self.fsync(segment.handle)
        except OSError:
            self._current = None
            self._cut_back(segment)
            raise
        segment.length, segment.counted = offset, count
        segment.records += len(positions)
        return positions

    def _write(self, handle: int, buffers: Sequence[bytes], offset: int) -> None:
        for start in range(0, len(buffers), _MAX_IOV):
            some = list(buffers[start : start + _MAX_IOV])
            left = sum(map(len, some))
            while left:
                written = self.writev(handle, some, offset)
                offset += written
                left -= written
                if left:  # a short write, as on a disk that is almost full: go on where it ended
                    some = _after(some, written)

    def _cut_back(self, segment: Segment) -> None:
        try:
            os.ftruncate(segment.handle, segment.length)
        except OSError:
            self._current = None  # nothing must be appended to this segment
        with suppress(OSError):
            fdatasync(segment.handle)

    def roll(self) -> None:
        """Begin a new segment; raises `OSError`, and then no file is left behind."""
        self._current = None
        number = self._last + 1
        salt = os.urandom(16)
        path = self._directory / name_of(number, salt)
        handle = os.open(path, os.O_RDWR | os.O_CREAT | os.O_EXCL, 0o600)
        segment = Segment(number, path, handle, salt)
        try:
            self._write(handle, [segment.header], 0)
            self.fsync(handle)
            self.sync_directory()
        except OSError:
            os.close(handle)
            path.unlink(missing_ok=True)
            raise
        self._last = number
        self._current = self._segments[number] = segment

    def sync_directory(self) -> None:
        """Make the creation, renaming or removal of files in the folder durable."""
        sync(self._directory)

    def delete(self, number: int) -> None:
        """Remove a segment."""
        segment = self._segments.pop(number)
        if segment is self._current:
            self._current = None
        os.close(segment.handle)
        segment.path.unlink(missing_ok=True)
        self.sync_directory()

    # -- reading ----------------------------------------------------------------------------------------------

    def read(self, position: Position) -> bytes:
        """Return the record at a position; raises `LogError` if it can't be read or has changed."""
        segment = self._segments.get(position.segment)
        if segment is None:
            raise LogError(f"segment {position.segment} is not there")
        try:
            frame = segment.frame_at(position.offset, position.offset + segment.overhead + position.length)
        except OSError as error:
            raise LogError(f"{segment.path.name} can't be read: {error}") from error
        if frame is None or len(frame.record) != position.length:
            raise LogError(f"{segment.path.name}: the record at {position.offset} is damaged")
        return frame.record

    def read_beginning(self, position: Position, octets: int) -> bytes:
        """Return the first octets of a record, unchecked; raises `LogError` if they can't be read."""
        segment = self._segments.get(position.segment)
        if segment is None:
            raise LogError(f"segment {position.segment} is not there")
        try:
            return segment.beginning(position.offset, min(octets, position.length))
        except OSError as error:
            raise LogError(f"{segment.path.name} can't be read: {error}") from error

    def records(self, number: int) -> int:
        """Return how many records a segment has."""
        return self._segments[number].records

    @property
    def sizes(self) -> dict[int, int]:
        """The segments with their lengths in octets, oldest first."""
        return {number: segment.length for number, segment in sorted(self._segments.items())}

    def close(self) -> None:
        """Close the files."""
        self._current = None
        for segment in self._segments.values():
            os.close(segment.handle)
        self._segments.clear()


def _after(buffers: Sequence[bytes], written: int) -> list[bytes]:
    for index, buffer in enumerate(buffers):
        if written < len(buffer):
            return [buffer[written:], *buffers[index + 1 :]]
        written -= len(buffer)
    return []


def log_damages(damages: Sequence[Damage], saved: Mapping[int, int]) -> None:
    """Log what recovery could not read, per segment, and what that means for the administrator.

    `saved` has the number of messages in each segment that are there.
    """
    for path, group in groupby(damages, key=attrgetter("path")):
        gaps = []
        for damage in group:
            if damage.torn:
                log.info("spool: a torn tail of %d octets is cut off %s", damage.length, path.name)
            else:
                gaps.append(damage)
        if not gaps:
            continue
        lost = [gap.lost for gap in gaps if gap.lost is not None]
        log.error(
            "spool: %s is DAMAGED: %d octets from %d on can't be read; %d messages in it are saved, %s lost; %s",
            path.name,
            sum(gap.length for gap in gaps),
            gaps[0].offset,
            saved.get(number_in(path), 0),
            f"at most {sum(lost)}" if len(lost) == len(gaps) else "an unknown number of",
            f"the file is kept as {gaps[0].kept.name}" if gaps[0].kept is not None else "no copy could be kept",
        )
