"""A block of a mailbox as octets: its columns one behind the other, as they lie in memory.

To load a million messages row by row takes a second, and from packs some 30 ms: most of it is the copying of octets. So
a pack has the byte order of its machine; another machine reads the rows, and packs them anew.
"""

from __future__ import annotations

import sys
from array import array
from struct import Struct
from typing import TYPE_CHECKING

from postroad_store.mail.model.flagcolumn import NARROW

if TYPE_CHECKING:
    from postroad_store.mail.model.columns import Columns

FORMAT = 1 if sys.byteorder == "little" else 2
_HEAD = Struct("<BIHI")  # format, messages, different values of flags, octets of these
_LENGTH = Struct("<H")  # of one value, in octets


def pack(columns: Columns) -> bytes:
    """Return the columns of a block as octets."""
    flags = columns.flags
    used = flags.used(0, len(flags))
    values = b"".join([_written(flags.values[code]) for code in used])
    number = {code: at for at, code in enumerate(used)}
    codes = map(number.__getitem__, flags.codes)
    return b"".join(
        [
            _HEAD.pack(FORMAT, len(flags), len(used), len(values)),
            values,
            bytes(codes) if len(used) <= NARROW else array("H", codes).tobytes(),
            *(column.tobytes() for column in _numbers(columns)),
        ]
    )


def _written(flags: int) -> bytes:
    octets = flags.to_bytes((flags.bit_length() + 7) // 8, "little")
    return _LENGTH.pack(len(octets)) + octets


def _numbers(columns: Columns) -> tuple[array[int], ...]:
    return columns.uids, columns.sizes, columns.internal_dates, columns.modseqs


def unpack(columns: Columns, octets: bytes) -> bool:
    """Add the messages of a pack to the columns; return False if it is of another format, or cut short."""
    if len(octets) < _HEAD.size or octets[0] != FORMAT:
        return False
    _, count, used, length = _HEAD.unpack_from(octets)
    width = 1 if used <= NARROW else 2
    numbers = _numbers(columns)
    start = _HEAD.size + length
    if len(octets) != start + count * (width + sum([column.itemsize for column in numbers])):
        return False
    end = start + count * width
    codes = octets[start:end]
    columns.flags.extend_coded(codes if width == 1 else array("H", codes), _values(octets, used))
    with memoryview(octets) as view:  # spares a copy of all
        for column in numbers:
            start, end = end, end + count * column.itemsize
            column.frombytes(view[start:end])
    return True


def _values(octets: bytes, count: int) -> list[int]:
    values = []
    at = _HEAD.size
    for _ in range(count):
        (length,) = _LENGTH.unpack_from(octets, at)
        at += _LENGTH.size + length
        values.append(int.from_bytes(octets[at - length : at], "little"))
    return values
