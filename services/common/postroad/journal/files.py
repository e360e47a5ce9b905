"""The files of one service's journal, and the numbers of the lines in them.

A line that has a number begins with it: `{"n":1764115200000000,"time":…`. Lines of older versions have none.
"""

from __future__ import annotations

import os
import re
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

BLOCK = 64 << 10  # octets that are read at a time
_LONGEST = 32  # octets of the start of a line, with its number

_NUMBERED = re.compile(rb'\{"n":([0-9]{1,18})[,}]')
_AT_LINE_START = re.compile(rb'^\{"n":([0-9]{1,18})[,}]', re.MULTILINE)


def rotated(path: Path, age: int) -> Path:
    """Return the path of the file that was rotated `age` times; 0 is the file that is being written."""
    return path.with_name(f"{path.name}.{age}") if age else path


def number_of(line: bytes) -> int | None:
    """Return the number of a line; None if it has none."""
    match = _NUMBERED.match(line)
    return None if match is None else int(match[1])


def first_number_from(handle: int, offset: int) -> tuple[int | None, int]:
    """Return the first number at or after an offset, and up to where it was looked for."""
    end = os.fstat(handle).st_size
    start = next(_starts(handle, offset, end), None)
    # The last line may not have been written whole.
    return (None, max(offset, end - _LONGEST)) if start is None else (start[1], start[0])


def last_number(handle: int) -> int | None:
    """Return the last number in a file, that of a torn line too: no other line may get it."""
    end = os.fstat(handle).st_size
    while end > 0:
        start = max(0, end - BLOCK)
        numbers = [number for _, number in _starts(handle, start, end)]
        if numbers:
            return numbers[-1]
        end = start
    return None


def offset_after(handle: int, number: int) -> int:
    """Return where a line begins that is not far before the first one with a higher number than this.

    The numbers in a file only grow, so it is found by halving, with a few reads, however long the file is.
    """
    low, high = 0, os.fstat(handle).st_size  # the line that begins at `low` or the next one is not above `number`
    while high - low > BLOCK:
        middle = (low + high) // 2
        line = next(_starts(handle, middle, high), None)
        if line is not None and line[1] <= number:
            low = line[0]
        else:
            high = middle
    return low


def _starts(handle: int, offset: int, end: int) -> Iterator[tuple[int, int]]:
    """Yield offset and number of the numbered lines that begin in this range of a file."""
    while offset < end:
        size = min(BLOCK, end - offset)
        # With what comes before, since ^ matches at the start of a block, be it within a line; and with the whole of
        # a number that begins right before the end.
        before = min(1, offset)
        block = os.pread(handle, before + size + _LONGEST, offset - before)
        for match in _AT_LINE_START.finditer(block):
            start = match.start() - before
            if 0 <= start < size and (start or not before or block[:1] == b"\n"):
                yield offset + start, int(match[1])
        offset += size
