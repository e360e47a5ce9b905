"""A segment of the spool's log: the form of its file, and how its frames are found and checked. Reading only.

A segment is a file `<number>-<salt>.log` of a header (magic, number, salt) and frames. A frame is a marker, a count,
the record's length, a checksum, and the record. The checksum covers salt, offset and count too, so that octets of a
message that look like a frame, or a frame of another place, never count as a frame. The marker is the beginning of the
salt.

Number and salt are in the file's name as well as in its header, so frames can be found and checked if one of the two is
lost. The count is the number of messages in the segment before the frame: it tells how many are lost in a gap.

Segments of the first format (`PRSPOOL1`) have neither salt in their name nor counts; they are read, never written.
"""

from __future__ import annotations

import os
import re
import struct
import zlib
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from postroad.value import value

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence
    from pathlib import Path

SUFFIX = ".log"
KEPT_SUFFIX = ".damaged"  # of a segment that is kept for the administrator

_HEADER = struct.Struct("<8sQ16s")  # magic, number, salt
HEADER_SIZE = _HEADER.size
_NAME = re.compile(r"([0-9a-f]{12})(?:-([0-9a-f]{32}))?(?:\.log|\.damaged)\Z")
_MARKER = 8  # octets
_BLOCK = 1 << 20  # octets searched for a marker at a time


@value
class _Format:
    """`frame` is marker, count, length, checksum; `place` is covered by the checksum, besides the record."""

    magic: bytes
    frame: struct.Struct
    place: struct.Struct
    counts: bool = True


_FORMAT = _Format(b"PRSPOOL2", struct.Struct("<8sIII"), struct.Struct("<QI"))
_FIRST = _Format(b"PRSPOOL1", struct.Struct("<8s0sII"), struct.Struct("<Q0s"), counts=False)


@value
class Frame:
    """A frame whose checksum is right; `count` is None in a segment of the first format."""

    offset: int
    end: int
    count: int | None
    record: bytes


@value
class Gap:
    """Octets in which no frame is found."""

    offset: int
    length: int


@dataclass(slots=True)
class Segment:
    """An open segment. It is good up to the offset `length`, and has `records` records up to there."""

    number: int
    path: Path
    handle: int
    salt: bytes
    format: _Format = _FORMAT
    length: int = HEADER_SIZE
    records: int = 0
    counted: int = 0  # records that are messages
    marker: bytes = field(init=False)
    _seed: int = field(init=False)  # the checksum of the salt, which all others continue

    def __post_init__(self) -> None:
        self.marker = self.salt[:_MARKER]
        self._seed = zlib.crc32(self.salt)

    @property
    def header(self) -> bytes:
        """The first octets of the file."""
        return _HEADER.pack(self.format.magic, self.number, self.salt)

    @property
    def overhead(self) -> int:
        """How many octets a frame has besides its record."""
        return self.format.frame.size

    def head(self, offset: int, count: int, pieces: Sequence[bytes], length: int) -> bytes:
        """Return the octets before a record at this offset; the record is given in pieces."""
        return self.format.frame.pack(self.marker, count, length, self._checksum(offset, count, pieces))

    def frame_at(self, offset: int, size: int) -> Frame | None:
        """Return the frame at `offset` if it is whole and ends before `size`; raises `OSError`."""
        overhead = self.overhead
        head = os.pread(self.handle, overhead, offset)
        if len(head) < overhead:
            return None
        marker, count, length, checksum = self.format.frame.unpack(head)
        end = offset + overhead + length
        if marker != self.marker or end > size:
            return None
        record = os.pread(self.handle, length, offset + overhead)
        if self._checksum(offset, count, (record,)) != checksum:
            return None
        return Frame(offset, end, count if self.format.counts else None, record)

    def beginning(self, offset: int, octets: int) -> bytes:
        """Return the first octets of the record at `offset`, unchecked; raises `OSError`."""
        return os.pread(self.handle, octets, offset + self.overhead)

    def scan(self, size: int) -> Iterator[Frame | Gap]:
        """Yield the frames and gaps in the first `size` octets, in order; raises `OSError`."""
        offset, gap_at = HEADER_SIZE, -1
        if os.pread(self.handle, HEADER_SIZE, 0) != self.header:
            offset, gap_at = self._next_marker(0, size), 0
        while offset < size:
            frame = self.frame_at(offset, size)
            if frame is None:
                gap_at = offset if gap_at < 0 else gap_at
                offset = self._next_marker(offset + 1, size)
                continue
            if gap_at >= 0:
                yield Gap(gap_at, offset - gap_at)
                gap_at = -1
            yield frame
            offset = frame.end
        if gap_at >= 0:
            yield Gap(gap_at, size - gap_at)

    def _next_marker(self, offset: int, size: int) -> int:
        """Return where the next marker begins, or `size`."""
        while offset < size:
            data = os.pread(self.handle, _BLOCK + _MARKER - 1, offset)
            index = data.find(self.marker)
            if index >= 0:
                return offset + index
            offset += _BLOCK
        return size

    def _checksum(self, offset: int, count: int | bytes, pieces: Iterable[bytes]) -> int:
        value = zlib.crc32(self.format.place.pack(offset, count), self._seed)
        for piece in pieces:
            value = zlib.crc32(piece, value)
        return value


def is_segment(path: Path) -> bool:
    """Whether this is the name of a segment that is in use."""
    return path.suffix == SUFFIX and _NAME.match(path.name) is not None


def number_in(path: Path) -> int:
    """Return the number in the name of a segment."""
    return int(path.name[:12], 16)


def name_of(number: int, salt: bytes) -> str:
    """Return the file name of a segment."""
    return f"{number:012x}-{salt.hex()}{SUFFIX}"


def open_segment(path: Path, flags: int) -> Segment | None:
    """Open a segment to read it; None if neither name nor header has its salt. Raises `OSError`.

    `flags` are those of `os.open`. Raises `ValueError` if the name is not that of a segment.
    """
    named = _NAME.match(path.name)
    if named is None:
        raise ValueError(f"{path.name} is not the name of a segment")
    number = number_in(path)
    handle = os.open(path, flags)
    if named[2] is not None:
        return Segment(number, path, handle, bytes.fromhex(named[2]))
    header = os.pread(handle, HEADER_SIZE, 0)
    if len(header) == HEADER_SIZE:
        magic, number_there, salt = _HEADER.unpack(header)
        for known in (_FORMAT, _FIRST):
            if (magic, number_there) == (known.magic, number):
                return Segment(number, path, handle, salt, known)
    os.close(handle)
    return None
