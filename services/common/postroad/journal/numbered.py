"""Reads the lines of one service's journal by their numbers, while the service writes it.

A reader that follows is remembered by the number that it has come to: the next lines are read from where it stopped,
also if the file has been rotated meanwhile. Any other number is found by halving (`files.offset_after`).
"""

from __future__ import annotations

import os
from contextlib import suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING, NamedTuple

from postroad.journal.files import BLOCK, first_number_from, number_of, offset_after, rotated
from postroad.regular import open_regular

if TYPE_CHECKING:
    import threading
    from pathlib import Path

MOST_OCTETS = 1 << 20  # of lines that are read at once, unless one line is longer
PLACES = 64  # readers that are remembered
_LONGEST = 16 << 20  # octets; a line without end within them is none


class Lines(NamedTuple):
    """Whole lines, the first number in the files, None if there is none, and the last number that was read."""

    octets: bytes
    first: int | None
    last: int | None  # None if no line was read


@dataclass(slots=True)
class _File:
    handle: int
    inode: int
    first: int | None = None  # the first number in it
    searched: int = 0  # octets in which there is no number


class NumberedLines:
    """The lines of one service's journal. It is for one thread at a time.

    `path` is the file that is being written, `kept` the number of rotated ones; `renaming` is held while they are
    renamed.
    """

    def __init__(self, path: Path, kept: int, renaming: threading.Lock) -> None:
        self._path = path
        self._kept = kept
        self._renaming = renaming
        self._files: list[_File] = []  # the oldest first
        self._places: dict[int, tuple[int, int]] = {}  # by the last number that was read: inode and offset

    def read(self, after: int, limit: int) -> Lines:
        """Return lines with numbers above `after`, in their order: at most `limit`, and about `MOST_OCTETS`."""
        self._refresh()
        files = [file for file in self._files if self._first(file) is not None]
        if not files:
            return Lines(b"", None, None)
        at, offset = self._start(files, after)
        lines: list[bytes] = []
        room, last = MOST_OCTETS, after
        while room > 0 and len(lines) < limit:
            block = _whole_lines(files[at].handle, offset)
            if not block:
                if at + 1 == len(files):
                    break
                at, offset = at + 1, 0
                continue
            for line in block.splitlines(keepends=True):
                if room <= 0 or len(lines) >= limit:
                    break
                offset += len(line)
                number = number_of(line)
                # A line that was torn by a kill ends anywhere; a later version may have cut it off.
                if number is not None and number > last and line.endswith(b"}\n"):
                    lines.append(line)
                    room -= len(line)
                    last = number
        self._places.pop(last, None)
        if len(self._places) >= PLACES:
            del self._places[next(iter(self._places))]
        self._places[last] = (files[at].inode, offset)
        return Lines(b"".join(lines), files[0].first, last if lines else None)

    def close(self) -> None:
        """Close the files."""
        while self._files:
            os.close(self._files.pop().handle)

    def _refresh(self) -> None:
        """Open the files anew if one was rotated or removed since."""
        with self._renaming:
            try:
                inode = self._path.stat(follow_symlinks=False).st_ino
            except OSError:
                inode = None
            if (
                self._files
                and self._files[-1].inode == inode
                and all(os.fstat(file.handle).st_nlink for file in self._files)
            ):
                return
            known = {file.inode: file for file in self._files}
            self._files = []
            for age in range(self._kept, -1, -1):
                with suppress(OSError):
                    handle = open_regular(rotated(self._path, age), os.O_RDONLY)
                    inode = os.fstat(handle).st_ino
                    before = known.get(inode)
                    self._files.append(
                        _File(handle, inode) if before is None else _File(handle, inode, before.first, before.searched)
                    )
            for file in known.values():
                os.close(file.handle)

    @staticmethod
    def _first(file: _File) -> int | None:
        if file.first is None:
            file.first, file.searched = first_number_from(file.handle, file.searched)
        return file.first

    def _start(self, files: list[_File], after: int) -> tuple[int, int]:
        """Return in which file, and at which offset, to read on."""
        place = self._places.get(after)
        if place is not None:
            for at, file in enumerate(files):
                if file.inode == place[0] and place[1] <= os.fstat(file.handle).st_size:
                    return at, place[1]
        for at in range(len(files) - 1, -1, -1):
            first = files[at].first
            if first is not None and first <= after + 1:
                return at, offset_after(files[at].handle, after)
        return 0, 0


def _whole_lines(handle: int, offset: int) -> bytes:
    """Return one line or more from here, with their line ends; empty if no line has ended."""
    size = 4 * BLOCK
    while True:
        block = os.pread(handle, size, offset)
        end = block.rfind(b"\n") + 1
        if end or len(block) < size or size > _LONGEST:
            return block[:end]
        size *= 4
