"""Blocks of a tape as one object, in the form in which the interpreter keeps constants (`marshal`). Pure.

What a tape has costs little to keep, but the many small objects in it cost cache misses: once when each takes memory
that is not warm, and again when they go (decision 47). A pack says what a cut has to know, so that it goes unread. It
never leaves the process, so the form may be another with the next version of Python.
"""

from __future__ import annotations

import marshal
from typing import TYPE_CHECKING, Any, NamedTuple, cast

from postroad.tap import Carried, LoggedIn, Read
from postroad.transcript.cutting import ENTRY

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from postroad.transcript.cutting import Block


LARGE = 1024  # octets of a block that stay as they are: contents are not copied
_FORM = 2  # of marshal: later ones look for objects that come twice, which takes as long again
_FACTS = (Carried, LoggedIn, Read)


class Pack(NamedTuple):
    """Blocks as one object."""

    begins: bool  # whether its first block is where a mail transaction begins
    weight: int  # octets, with those that each block takes besides
    small: bytes
    large: tuple[bytes, ...]  # octets that `small` names by their index
    carried: tuple[str, ...]  # the queue IDs in it


def packed(blocks: Sequence[Block], *, begins: bool = False) -> Pack:
    """Return blocks as a pack. Facts, which marshal does not know, become a number and a tuple."""
    plain: list[tuple[Any, ...] | None] = []
    large: tuple[bytes, ...] = ()
    carried: tuple[str, ...] = ()
    weight = ENTRY * len(blocks)
    for block in cast("Sequence[Any]", blocks):
        if type(block) is tuple:
            size = len(block[1])
            weight += size
            if size > LARGE:
                from_client, octets, at, tls = block
                plain.append((from_client, len(large), at, tls))
                large += (octets,)
            else:
                plain.append(block)
        elif block is None:
            weight -= ENTRY
            plain.append(None)
        else:
            if type(block) is Carried:
                carried += (block.queue_id,)
            plain.append((_FACTS.index(type(block)), tuple(block)))
    return Pack(begins, weight, marshal.dumps(plain, _FORM), large, carried)


def unpacked(packs: Iterable[Pack]) -> list[Block]:
    """Return the blocks again."""
    blocks: list[Block] = []
    for pack in packs:
        for item in marshal.loads(pack.small):  # noqa: S302 - `packed` has made it, in this process
            if item is None:
                blocks.append(None)
            elif len(item) == 2:  # a block that was said has four
                blocks.append(_FACTS[item[0]]._make(item[1]))
            elif type(item[1]) is int:
                blocks.append((item[0], pack.large[item[1]], item[2], item[3]))
            else:
                blocks.append(item)
    return blocks


GAP = packed([None])  # where blocks were dropped
