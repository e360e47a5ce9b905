"""The spool's log: records appended to segment files, each batch on disk before `append` returns.

A segment is a header (magic, number, salt) and frames; a frame is a marker, the record's length, its checksum
and the record. The checksum covers salt and offset too, so that octets of a message that look like a frame, or
a frame of another place, are never taken for one; the marker is the salt's beginning. A segment is never appended
to by a later process: recovery cuts the torn tail off and a new segment begins.

What may go wrong, and what is done:

- no space, or a write error: the segment is cut back to its last good length; nothing half-written stays
- fsync fails: the kernel may have dropped the dirty pages and forgotten (so a second fsync proves nothing): the
  segment is cut back and left for good, and whoever waited is told
- killed in the midst: the torn tail was acknowledged to nobody
- rotten octets in the middle: reported, and the next good frame is searched for

`append`, `roll` and `delete` are for one writer thread; `read` may be called from any other.
"""

from __future__ import annotations

import os
import re
import struct
import zlib
from contextlib import suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence
    from pathlib import Path

_MAGIC = b"PRSPOOL1"
_HEADER = struct.Struct("<8sQ16s")  # magic, number, salt
_FRAME = struct.Struct("<8sII")  # marker, length of the record, checksum
_PLACE = struct.Struct("<Q")
_MARKER = 8  # octets
_MAX_IOV = 1000  # buffers in one writev; Linux takes 1,024
_NAME = re.compile(r"([0-9a-f]{12})\.log\Z")
_fdatasync: Callable[[int], None] = getattr(os, "fdatasync", os.fsync)  # macOS has none


class LogError(Exception):
    """A record can't be read back: it is not, or no longer, what was written."""


@dataclass(frozen=True, slots=True)
class Position:
    """Where a record stands."""

    segment: int
    offset: int  # of its frame
    length: int  # of the record, in octets


@dataclass(frozen=True, slots=True)
class Damage:
    """Octets that recovery could make nothing of."""

    path: Path
    offset: int
    length: int
    torn: bool  # the tail of the last segment, which nobody was promised: it has been cut off


@dataclass(slots=True)
class _Segment:
    number: int
    path: Path
    handle: int
    marker: bytes
    salt: int  # the checksum of the salt, which all others go on from
    length: int  # up to which it is good
    records: int = 0


class Log:
    """An append-only log in a folder of its own."""

    def __init__(self, directory: Path, *, segment_size: int = 32 << 20) -> None:
        self._directory = directory
        self._segment_size = segment_size
        self._segments: dict[int, _Segment] = {}
        self._current: _Segment | None = None
        self._last = 0
        self.fsync: Callable[[int], None] = _fdatasync  # tests put failing ones here
        self.writev: Callable[[int, Sequence[bytes], int], int] = os.pwritev

    # -- recovery ---------------------------------------------------------------------------------------------

    def recover(self, visit: Callable[[Position, memoryview], None]) -> list[Damage]:
        """Read all that is there, oldest first, and cut off the torn tail; returns what was not readable.

        Call once, before anything else.
        """
        self._directory.mkdir(parents=True, exist_ok=True)
        paths = sorted(path for path in self._directory.iterdir() if _NAME.match(path.name))
        damages: list[Damage] = []
        for path in paths:
            damages += self._recover_segment(path, visit, last=path == paths[-1])
        return damages

    def _recover_segment(
        self, path: Path, visit: Callable[[Position, memoryview], None], *, last: bool
    ) -> list[Damage]:
        number = int(path.stem, 16)
        self._last = max(self._last, number)
        handle = os.open(path, os.O_RDWR)
        size = os.fstat(handle).st_size
        header = os.pread(handle, _HEADER.size, 0)
        if len(header) < _HEADER.size or _HEADER.unpack(header)[:2] != (_MAGIC, number):
            # A new segment is fsynced before its first record: one with a torn header has none.
            os.close(handle)
            if size <= _HEADER.size:
                path.unlink()
                return [Damage(path, 0, size, torn=last)]
            path.rename(path.with_suffix(".damaged"))  # kept for whoever can make something of it
            return [Damage(path, 0, size, torn=False)]
        segment = _Segment(number, path, handle, header[16 : 16 + _MARKER], zlib.crc32(header[16:]), _HEADER.size)
        self._segments[number] = segment
        damages: list[Damage] = []
        offset, bad_from = _HEADER.size, -1
        while offset < size:
            record = self._frame_at(segment, offset, size)
            if record is None:
                bad_from = offset if bad_from < 0 else bad_from
                offset = _next_marker(segment, offset + 1, size)
                continue
            if bad_from >= 0:
                damages.append(Damage(path, bad_from, offset - bad_from, torn=False))
                bad_from = -1
            visit(Position(number, offset, len(record)), memoryview(record))
            segment.records += 1
            offset += _FRAME.size + len(record)
            segment.length = offset
        if bad_from >= 0:
            damages.append(Damage(path, bad_from, size - bad_from, torn=last))
            os.ftruncate(handle, segment.length)
            os.fsync(handle)
        return damages

    def _frame_at(self, segment: _Segment, offset: int, size: int) -> bytes | None:
        head = os.pread(segment.handle, _FRAME.size, offset)
        if len(head) < _FRAME.size:
            return None
        marker, length, checksum = _FRAME.unpack(head)
        if marker != segment.marker or offset + _FRAME.size + length > size:
            return None
        record = os.pread(segment.handle, length, offset + _FRAME.size)
        return record if _checksum(segment.salt, offset, (record,)) == checksum else None

    # -- writing ----------------------------------------------------------------------------------------------

    def append(self, records: Sequence[Sequence[bytes]]) -> list[Position]:
        """Write records, each given in pieces, and have them on disk; raises `OSError` with none written."""
        if self._current is None or self._current.length >= self._segment_size:
            self.roll()
        segment = self._current
        assert segment is not None  # noqa: S101 - roll() has made it, or raised
        offset = segment.length
        buffers: list[bytes] = []
        positions: list[Position] = []
        for pieces in records:
            length = sum(map(len, pieces))
            buffers.append(_FRAME.pack(segment.marker, length, _checksum(segment.salt, offset, pieces)))
            buffers.extend(pieces)
            positions.append(Position(segment.number, offset, length))
            offset += _FRAME.size + length
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
        segment.length = offset
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
                if left:  # a short write, as a disk that is about to be full makes it: go on where it ended
                    some = _after(some, written)

    def _cut_back(self, segment: _Segment) -> None:
        try:
            os.ftruncate(segment.handle, segment.length)
        except OSError:
            self._current = None  # what stands there now must not be appended to
        with suppress(OSError):
            _fdatasync(segment.handle)

    def roll(self) -> None:
        """Begin a new segment; raises `OSError` with nothing left behind."""
        self._current = None
        number = self._last + 1
        path = self._directory / f"{number:012x}.log"
        salt = os.urandom(16)
        handle = os.open(path, os.O_RDWR | os.O_CREAT | os.O_EXCL, 0o600)
        try:
            self._write(handle, [_HEADER.pack(_MAGIC, number, salt)], 0)
            self.fsync(handle)
            self.sync_directory()
        except OSError:
            os.close(handle)
            path.unlink(missing_ok=True)
            raise
        self._last = number
        self._current = self._segments[number] = _Segment(
            number, path, handle, salt[:_MARKER], zlib.crc32(salt), _HEADER.size
        )

    def sync_directory(self) -> None:
        """Make the creation, renaming or removal of files in the folder last."""
        sync_directory(self._directory)

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
        """Return the record that stands there; raises `LogError` where it is not what was written."""
        segment = self._segments.get(position.segment)
        if segment is None:
            raise LogError(f"segment {position.segment} is not there")
        try:
            record = self._frame_at(segment, position.offset, position.offset + _FRAME.size + position.length)
        except OSError as error:
            raise LogError(f"{segment.path.name} can't be read: {error}") from error
        if record is None or len(record) != position.length:
            raise LogError(f"{segment.path.name}: the record at {position.offset} is damaged")
        return record

    def records(self, number: int) -> int:
        """Return how many records a segment has got."""
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


def sync_directory(directory: Path) -> None:
    """Fsync a folder: only then do its new names survive a crash of the machine."""
    handle = os.open(directory, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def _checksum(salt: int, offset: int, pieces: Iterable[bytes]) -> int:
    value = zlib.crc32(_PLACE.pack(offset), salt)
    for piece in pieces:
        value = zlib.crc32(piece, value)
    return value


def _after(buffers: Sequence[bytes], written: int) -> list[bytes]:
    for index, buffer in enumerate(buffers):
        if written < len(buffer):
            return [buffer[written:], *buffers[index + 1 :]]
        written -= len(buffer)
    return []


def _next_marker(segment: _Segment, offset: int, size: int) -> int:
    """Return where the next marker stands, or `size`."""
    block = 1 << 20
    while offset < size:
        data = os.pread(segment.handle, block + _MARKER - 1, offset)
        found = data.find(segment.marker)
        if found >= 0:
            return offset + found
        offset += block
    return size
