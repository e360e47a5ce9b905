"""Blocks of a tape as one object, in the form in which the interpreter keeps constants (`marshal`). Pure.

What a tape has costs little to keep, but the many small objects in it cost cache misses: once when each takes memory
that is not warm, and again when they go (decision 47). A pack says what a cut has to know, so that it goes unread. It
never leaves the process, so the form may be another with the next version of Python.
"""

from __future__ import annotations

import marshal
from typing import TYPE_CHECKING, Any, NamedTuple, TypeAlias, cast

from postroad.tap import Carried, LoggedIn, Read
from postroad.transcript.cutting import ENTRY

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from postroad.tap import Fact
    from postroad.transcript.cutting import Block

# A block as a tape keeps it. In place of octets that are large is their index among these; in place of a fact, which
# marshal does not know, are its kind and its fields. So a fact has two items, and what was said has four.
Item: TypeAlias = "tuple[bool, bytes | int, float, bool] | tuple[int, tuple[Any, ...]] | None"

LARGE = 2048  # octets of a block that stay as they are: contents are not copied
_FORM = 2  # of marshal: later ones look for objects that come twice, which takes as long again
_FACTS = (Carried, LoggedIn, Read)
_KINDS = {kind: number for number, kind in enumerate(_FACTS)}


class Pack(NamedTuple):
    """Blocks as one object."""

    begins: bool  # whether its first block is where a mail transaction begins
    weight: int  # octets, with those that each block takes besides
    small: bytes
    large: tuple[bytes, ...]  # octets that `small` names by their index
    carried: tuple[str, ...]  # the queue IDs in it


def pack_of(
    items: list[Item], large: tuple[bytes, ...], carried: tuple[str, ...], weight: int, *, begins: bool
) -> Pack:
    """Return items, and what they are about, as a pack."""
    return Pack(begins, weight, marshal.dumps(cast("Any", items), _FORM), large, carried)


def packed(blocks: Sequence[Block], *, begins: bool = False) -> Pack:
    """Return blocks as a pack."""
    items, large = items_of(blocks)
    carried = tuple([block.queue_id for block in blocks if type(block) is Carried])
    said = [len(block[1]) for block in cast("Sequence[Any]", blocks) if type(block) is tuple]
    weight = sum(said) + ENTRY * sum(block is not None for block in blocks)
    return pack_of(items, large, carried, weight, begins=begins)


def items_of(blocks: Sequence[Block]) -> tuple[list[Item], tuple[bytes, ...]]:
    """Return blocks as items, and the octets that are large."""
    items: list[Item] = []
    large: list[bytes] = []
    for block in cast("Sequence[Any]", blocks):
        if block is None:
            items.append(None)
        elif type(block) is not tuple:
            items.append(item_of(block))
        elif len(block[1]) > LARGE:
            from_client, octets, at, tls = block
            items.append((from_client, len(large), at, tls))
            large.append(octets)
        else:
            items.append(block)
    return items, tuple(large)


def item_of(fact: Fact) -> tuple[int, tuple[Any, ...]]:
    """Return a fact as an item."""
    return _KINDS[type(fact)], tuple(fact)


def blocks_of(items: Iterable[Item], large: Sequence[bytes]) -> list[Block]:
    """Return the blocks again."""
    blocks: list[Block] = []
    for item in cast("Iterable[Any]", items):
        if item is None:
            blocks.append(None)
        elif len(item) == 2:
            blocks.append(_FACTS[item[0]]._make(item[1]))
        elif type(item[1]) is int:
            blocks.append((item[0], large[item[1]], item[2], item[3]))
        else:
            blocks.append(item)
    return blocks


def unpacked(packs: Iterable[Pack]) -> list[Block]:
    """Return the blocks of packs."""
    blocks: list[Block] = []
    for pack in packs:
        blocks += blocks_of(marshal.loads(pack.small), pack.large)  # noqa: S302 - made by `pack_of`, in this process
    return blocks


GAP = packed([None])  # where blocks were dropped
