"""A block of a mailbox as octets: its columns one behind the other, as they lie in memory.

To load a million messages row by row takes a second, and from packs some 30 ms: most of it is the copying of octets. So
a pack has the byte order of its machine; another machine reads the rows, and packs them anew.
"""

from __future__ import annotations

import sys
from array import array
from itertools import pairwise
from struct import Struct
from typing import TYPE_CHECKING

from postroad_store.mail.model.columns import NARROW, WIDE_DATES, WIDE_MODSEQS
from postroad_store.mail.model.flagcolumn import NARROW as CODES

if TYPE_CHECKING:
    from postroad_store.mail.model.columns import Columns

FORMAT = 1 if sys.byteorder == "little" else 2
_HEAD = Struct("<BccIHI")  # format, how wide dates and modseqs are, messages, values of flags, octets of these
_WIDTHS = {typecode: array(typecode).itemsize for typecode in (NARROW, WIDE_DATES, WIDE_MODSEQS)}
_LENGTH = Struct("<H")  # of one value, in octets


def pack(columns: Columns) -> bytes:
    """Return the columns of a block as octets."""
    flags, dates, modseqs = columns.flags, columns.internal_dates, columns.modseqs
    used = flags.used(0, len(flags))
    values = b"".join([_written(flags.values[code]) for code in used])
    number = {code: at for at, code in enumerate(used)}
    codes = map(number.__getitem__, flags.codes)
    return b"".join(
        [
            _HEAD.pack(FORMAT, dates.typecode.encode(), modseqs.typecode.encode(), len(flags), len(used), len(values)),
            values,
            bytes(codes) if len(used) <= CODES else array("H", codes).tobytes(),
            *(column.tobytes() for column in (columns.uids, columns.sizes, dates, modseqs)),
        ]
    )


def _written(flags: int) -> bytes:
    octets = flags.to_bytes((flags.bit_length() + 7) // 8, "little")
    return _LENGTH.pack(len(octets)) + octets


def unpack(columns: Columns, octets: bytes) -> bool:
    """Add the messages of a pack to the columns; return False if it is of another format, or cut short."""
    if len(octets) < _HEAD.size or octets[0] != FORMAT:
        return False
    _, dates, modseqs, count, used, length = _HEAD.unpack_from(octets)
    typecodes = (NARROW, NARROW, dates.decode("latin-1"), modseqs.decode("latin-1"))
    width = 1 if used <= CODES else 2
    ends = [_HEAD.size + length, _HEAD.size + length + count * width]
    for typecode in typecodes:
        ends.append(ends[-1] + count * _WIDTHS.get(typecode, 0))
    if ends[-1] != len(octets):
        return False
    codes = octets[ends[0] : ends[1]]
    columns.flags.extend_coded(codes if width == 1 else array("H", codes), _values(octets, used))
    with memoryview(octets) as view:  # spares a copy of all
        parts = [view[start:end] for start, end in pairwise(ends[1:])]
        columns.uids.frombytes(parts[0])
        columns.sizes.frombytes(parts[1])
        columns.internal_dates = _joined(columns.internal_dates, typecodes[2], parts[2])
        columns.modseqs = _joined(columns.modseqs, typecodes[3], parts[3])
    return True


def _joined(column: array[int], typecode: str, octets: memoryview) -> array[int]:
    """Return the column with the numbers of another, which may be wider or narrower."""
    if column.typecode == NARROW != typecode:
        column = array(typecode, column)
    if column.typecode == typecode:
        column.frombytes(octets)
    else:
        more = array(typecode)
        more.frombytes(octets)
        column.extend(more.tolist())
    return column


def _values(octets: bytes, count: int) -> list[int]:
    values = []
    at = _HEAD.size
    for _ in range(count):
        (length,) = _LENGTH.unpack_from(octets, at)
        at += _LENGTH.size + length
        values.append(int.from_bytes(octets[at - length : at], "little"))
    return values
