"""Small blocks of a tape as one object, in the form in which the interpreter keeps constants (`marshal`). Pure.

What a tape has costs little to keep, but the many small objects in it cost cache misses: once when each takes memory
that is not warm, and again when they go (decision 47). A pack takes 1 µs for a message with its dialogue, and 1.5 µs to
be read back. It never leaves the process, so the form may be another with the next version of Python.
"""

from __future__ import annotations

import marshal
from typing import TYPE_CHECKING, TypeAlias, cast

from postroad.tap import Carried, LoggedIn, Read

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from postroad.transcript.cutting import Block, Said

    Pack: TypeAlias = "bytes | Said"

LARGE = 1024  # octets of a block that stays as it is: contents are not copied
TOGETHER = 64  # blocks in one pack
_FORM = 2  # of marshal: later ones look for objects that come twice, which takes as long again
_FACTS = (Carried, LoggedIn, Read)


def packed(blocks: Iterable[Block]) -> list[Pack]:
    """Return the blocks as packs of many, between which large ones stand alone."""
    packs: list[Pack] = []
    small: list[Block] = []
    for block in blocks:
        if type(block) is tuple and len(block[1]) > LARGE:
            if small:
                packs.append(_pack(small))
                small = []
            packs.append(cast("Said", block))
        else:
            small.append(block)
            if len(small) == TOGETHER:
                packs.append(_pack(small))
                small = []
    if small:
        packs.append(_pack(small))
    return packs


def unpacked(packs: Sequence[Pack]) -> list[Block]:
    """Return the blocks again."""
    blocks: list[Block] = []
    for pack in packs:
        if type(pack) is bytes:
            blocks += _unpack(pack)
        else:
            blocks.append(cast("Said", pack))
    return blocks


def size_of(pack: Pack) -> int:
    """Return how many octets there are in a pack, without those that a block takes besides."""
    return len(pack) if type(pack) is bytes else len(cast("Said", pack)[1])


def _pack(blocks: Sequence[Block]) -> bytes:
    """Facts, which marshal does not know, become a number and a tuple."""
    return marshal.dumps(
        [
            block if type(block) is tuple or block is None else (_FACTS.index(type(block)), tuple(block))
            for block in blocks
        ],
        _FORM,
    )


def _unpack(pack: bytes) -> list[Block]:
    blocks = cast("list[Block]", marshal.loads(pack))  # noqa: S302 - `_pack` has made it, in this process
    for index, block in enumerate(blocks):
        if block is not None and len(block) == 2:  # a block that was said has four
            kind, values = cast("tuple[int, tuple[str, ...]]", block)
            blocks[index] = _FACTS[kind]._make(values)
    return blocks
