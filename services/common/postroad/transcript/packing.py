"""Blocks of a tape as one object, in the form in which the interpreter keeps constants (`marshal`). Pure.

What a tape has costs little to keep, but the many small objects in it cost cache misses: once when each takes memory
that is not warm, and again when they go (decision 47). A pack takes 1 µs for a message with its dialogue, and 1.5 µs to
be read back. It never leaves the process, so the form may be another with the next version of Python.
"""

from __future__ import annotations

import marshal
from typing import TYPE_CHECKING, cast

from postroad.tap import Carried, LoggedIn, Read

if TYPE_CHECKING:
    from collections.abc import Sequence

    from postroad.transcript.cutting import Block

_FORM = 2  # of marshal: later ones look for objects that come twice, which takes as long again
_FACTS = (Carried, LoggedIn, Read)


def packed(blocks: Sequence[Block]) -> bytes:
    """Return the blocks as octets; facts, which marshal does not know, as a number and a tuple."""
    return marshal.dumps(
        [
            block if type(block) is tuple or block is None else (_FACTS.index(type(block)), tuple(block))
            for block in blocks
        ],
        _FORM,
    )


def unpacked(pack: bytes) -> list[Block]:
    """Return the blocks again."""
    blocks = cast("list[Block]", marshal.loads(pack))  # noqa: S302 - `packed` has made it, in this process
    for index, block in enumerate(blocks):
        if block is not None and len(block) == 2:  # a block that was said has four
            kind, values = cast("tuple[int, tuple[str, ...]]", block)
            blocks[index] = _FACTS[kind]._make(values)
    return blocks
