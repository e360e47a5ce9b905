"""The overlays of one service on disk: a log of definitions that came and of worlds that went.

A line is a CRC-32 in hexadecimal, a space, and JSON: `{"put": definition}` or `{"drop": id}`. A change is on disk
(fdatasync) before its future ends, and changes that wait together share that (`groupcommit`). A process that is killed
leaves a torn line at the end at most, which nobody relies on; it is cut off at the start. A line that the disk has
spoiled is left out, with an error in the log.

When the log has grown to several times the length of what counts in it, that is copied to a new file, which takes the
place of the old one by renaming.
"""

from __future__ import annotations

import logging
import os
import zlib
from typing import TYPE_CHECKING, Any, NamedTuple

import orjson

from postroad.groupcommit import GroupCommit
from postroad.jsontext import to_json
from postroad.syncing import fdatasync, is_in_memory, sync

if TYPE_CHECKING:
    import asyncio
    from collections.abc import Sequence
    from pathlib import Path

log = logging.getLogger(__name__)

FILE = "worlds.log"
_NEW = f"{FILE}.new"
_SLACK = 4  # the log may be this many times as long as what counts in it, plus so many octets:
_ROOM = 4 << 20
_QUICK = 1 << 20  # octets of changes that may be written on the event loop
_CRC = 8  # hexadecimal digits


class _Change(NamedTuple):
    id: str
    definition: Any  # None: the world goes


class _Place(NamedTuple):
    offset: int
    length: int


class OverlayLog:
    """The log in a folder; `put` and `drop` are for one event loop. Raises `OSError` if it can't be opened.

    `definitions` are those that were there at the start, in the order in which they came.
    """

    def __init__(self, directory: Path, *, room: int = _ROOM) -> None:
        directory.mkdir(parents=True, exist_ok=True)
        self._directory = directory
        self._room = room
        (directory / _NEW).unlink(missing_ok=True)
        self._handle = os.open(directory / FILE, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        self._places: dict[str, _Place] = {}
        self._live = 0  # octets that count
        self._size = 0
        self.definitions: list[Any] = self._recover()
        self._in_memory = is_in_memory(directory)
        self._commit: GroupCommit[_Change, None] = GroupCommit(self._write, name="worlds", at_once=self._is_quick)

    def __len__(self) -> int:
        """How many overlays are on disk."""
        return len(self._places)

    def __contains__(self, ident: object) -> bool:
        """Whether a world is on disk."""
        return ident in self._places

    @property
    def size(self) -> int:
        """The length of the log in octets."""
        return self._size

    def put(self, ident: str, definition: Any) -> asyncio.Future[None]:
        """Keep a definition, in place of the one that the world had; raises `OSError`, as awaited."""
        return self._commit.durable(_Change(ident, definition))

    def drop(self, ident: str) -> asyncio.Future[None]:
        """Forget a definition; raises `OSError`, as awaited."""
        return self._commit.durable(_Change(ident, None))

    def close(self) -> None:
        """Write what waits, and close the file."""
        self._commit.close()
        os.close(self._handle)

    def _is_quick(self) -> bool:
        """Whether the next changes wait for no disk, nor for the log to be copied."""
        return self._in_memory and self._size + _QUICK <= _SLACK * self._live + self._room

    # -- in the writer's thread, if they are not quick --------------------------------------------------------

    def _write(self, batch: Sequence[_Change]) -> Sequence[None]:
        lines = [_line(change) for change in batch]
        try:
            _append(self._handle, self._size, b"".join(lines))
            fdatasync(self._handle)
        except OSError:
            os.ftruncate(self._handle, self._size)  # nobody relies on what is there of it
            raise
        for change, line in zip(batch, lines, strict=True):
            self._note(change.id, _Place(self._size, len(line)), stays=change.definition is not None)
        if self._size > _SLACK * self._live + self._room:
            try:
                self._compact()
            except OSError as error:
                log.error("the log of worlds can't be compacted: %s", error)  # noqa: TRY400 - no bug
        return [None] * len(batch)

    def _note(self, ident: str, place: _Place, *, stays: bool) -> None:
        self._size = place.offset + place.length
        before = self._places.pop(ident, None)
        if before is not None:
            self._live -= before.length
        if stays:
            self._places[ident] = place
            self._live += place.length

    def _compact(self) -> None:
        path = self._directory / _NEW
        handle = os.open(path, os.O_RDWR | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC, 0o600)
        try:
            places: dict[str, _Place] = {}
            size = 0
            for ident, place in self._places.items():
                _append(handle, size, os.pread(self._handle, place.length, place.offset))
                places[ident] = _Place(size, place.length)
                size += place.length
            os.fsync(handle)
            path.replace(self._directory / FILE)
        except OSError:
            os.close(handle)
            raise
        os.close(self._handle)
        self._handle, self._places, self._size = handle, places, size
        sync(self._directory)

    # -- at the start -----------------------------------------------------------------------------------------

    def _recover(self) -> list[Any]:
        definitions: dict[str, Any] = {}
        with open(self._handle, "rb", closefd=False) as file:
            for line in file:
                place = _Place(self._size, len(line))
                if not line.endswith(b"\n"):
                    break  # torn: nobody relies on it
                change = _read(line)
                if change is None:
                    log.error("%s: the line at octet %d is spoiled, and left out", self._directory / FILE, place.offset)
                    self._size += place.length
                    continue
                self._note(change.id, place, stays=change.definition is not None)
                definitions.pop(change.id, None)
                if change.definition is not None:
                    definitions[change.id] = change.definition
        os.ftruncate(self._handle, self._size)
        sync(self._directory)
        return list(definitions.values())


def _append(handle: int, offset: int, octets: bytes) -> None:
    while octets:
        written = os.pwrite(handle, octets, offset)
        offset += written
        octets = octets[written:]


def _line(change: _Change) -> bytes:
    value = {"drop": change.id} if change.definition is None else {"put": change.definition}
    octets = to_json(value)
    return b"%08x %s\n" % (zlib.crc32(octets), octets)


def _read(line: bytes) -> _Change | None:
    """Return the change of a line, or None if it is spoiled."""
    octets = line[_CRC + 1 : -1]
    if line[: _CRC + 1] != b"%08x " % zlib.crc32(octets):
        return None
    match orjson.loads(octets):
        case {"put": {"id": str(ident)} as definition}:
            return _Change(ident, definition)
        case {"drop": str(ident)}:
            return _Change(ident, None)
    return None
