"""The responses of a FETCH: chooses the fast or the plain way for each message, and where an answer may pause."""

from __future__ import annotations

from typing import TYPE_CHECKING

from postroad_store.imap.commands.fetch.fast import fast
from postroad_store.imap.commands.fetch.item import Refused
from postroad_store.imap.commands.fetch.plain import plain
from postroad_store.imap.commands.fetch.section import PIECE

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from postroad_store.imap.commands.fetch.plan import Plan
    from postroad_store.mail.model.view import View
    from postroad_store.mail.storage import Storage

LARGE = 1 << 20  # octets of a message that is not read whole
BLOCK = 500  # messages that one block of the fast way has at most, if they are read
IN_MEMORY = 2500  # if nothing of them is read
BLOCK_OCTETS = 1 << 20  # their octets, about, if only a part of each is read
# If all of each is read. Memory for more than this comes from the system and goes back to it each time: pieces of a
# megabyte took half as much again.
BODY_OCTETS = 128 * 1024
BLOCK_TEXTS = 4000  # texts in their responses: about 10 ms
PIECES = 200  # pieces of the plain way that are gathered at most: about 5 ms


def response(storage: Storage, view: View, spans: Sequence[range], plan: Plan) -> bytes | None:
    """Return the response for one message of ordinary size that is asked for alone; None: `responses` must write it.

    It makes the same octets. Clients read one message after the other, and pipeline that.
    """
    if plan.alone or len(spans) != 1 or len(spans[0]) != 1:
        return None
    number = spans[0][0]
    if plan.reads and view.entry(view.mailbox.sizes, number) * max(plan.texts, 1) > BODY_OCTETS:
        return None
    return fast(storage, view, spans[0], plan)


def responses(storage: Storage, view: View, spans: Sequence[range], plan: Plan) -> Iterator[tuple[bytes, bool]]:
    """Yield the responses for sequence numbers in pieces, and whether a piece ends within a response.

    A piece is at most about a megabyte, and of the octets of messages an eighth of that, apart from single messages. An
    empty piece is a pause. Raises `Refused` at the end, if an item of some message could not be given.
    """
    refused: Refused | None = None
    block: list[int] = []
    octets = 0
    measured = bool(plan.reads) or plan.alone
    weight = max(plan.texts, 1)  # a list may ask for a text over and over
    # An item list of 64 KB may ask for thousands of texts, and every response repeats the names that it has.
    most = max(1, min(BLOCK if measured else IN_MEMORY, BLOCK_TEXTS // weight, BLOCK_OCTETS // len(plan.template)))
    room = BODY_OCTETS if plan.bodies else BLOCK_OCTETS
    sizes = view.mailbox.sizes
    last = spans[-1] if spans else None
    for span in spans:
        for start in range(0, len(span), most):
            chunk = span[start : start + most]
            some = view.pick(sizes, chunk[0], chunk[-1]) if measured else [0] * len(chunk)
            # A whole block of ordinary messages is taken as it is, or the last of them all: saves a tenth of FETCH 1:*
            # (ENVELOPE), and of the FETCH of one message.
            whole = len(chunk) == most or (not block and span is last and chunk[-1] == span[-1])
            if whole and not plan.alone and sum(some) * weight <= room:
                if block:
                    yield fast(storage, view, block, plan), False
                    block, octets = [], 0
                yield fast(storage, view, chunk, plan), False
                continue
            for place, number in enumerate(chunk):
                size = some[place] * weight
                if plan.alone or size > LARGE:
                    if block:
                        yield fast(storage, view, block, plan), False
                        block, octets = [], 0
                    try:
                        yield from _gathered(plain(storage, view, number, plan))
                    except Refused as refusal:
                        refused = refused or refusal
                    continue
                block.append(number)
                octets += size
                if len(block) >= most or octets >= room:
                    yield fast(storage, view, block, plan), False
                    block, octets = [], 0
    if block:
        yield fast(storage, view, block, plan), False
    if refused is not None:
        raise refused


def _gathered(pieces: Iterator[bytes]) -> Iterator[tuple[bytes, bool]]:
    """Gather small pieces, and say which one is the last of the response; a pause is kept."""
    gathered: list[bytes] = []
    octets = 0
    for piece in pieces:
        if not piece or (gathered and (octets + len(piece) > PIECE or len(gathered) >= PIECES)):
            yield b"".join(gathered), True
            gathered, octets = [], 0
        gathered.append(piece)
        octets += len(piece)
    yield b"".join(gathered), False
