"""The fast way of FETCH: the responses of a block of messages of ordinary size, written at once.

Each item is a column, or two, computed for all of the block, and all responses are one `%` of a template that is made
once for an item list. This takes the ENVELOPEs of 10,000 messages from 260 to 12 ms. The octets are those of the plain
way; tests hold the two against each other.
"""

from __future__ import annotations

from itertools import chain
from typing import TYPE_CHECKING, Any

from postroad_store.imap.commands.fetch.item import Block

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from postroad_store.imap.commands.fetch.plan import Plan
    from postroad_store.mail.model.view import View
    from postroad_store.mail.storage import Storage


def fast(storage: Storage, view: View, numbers: Sequence[int], plan: Plan) -> bytes:
    """Return the responses for ascending sequence numbers (at least one); a message that is gone has no response."""
    mailbox = view.mailbox
    first, last = numbers[0], numbers[-1]
    following = last - first + 1 == len(numbers)
    uids = view.uids[first - 1 : last] if following else [view.uids[number - 1] for number in numbers]
    block = Block(view, numbers, uids, following=following)
    reads = plan.reads
    read: Sequence[Sequence[Any]] = ()
    if reads:
        here, read = storage.columns(mailbox, uids, reads)
        there: set[int] | None = set(here) if len(here) < len(uids) else None
    else:
        gone = -1 in block.column(mailbox.flags)
        there = {uid for uid in uids if mailbox.index(uid) is not None} if gone else None
    if there is not None:  # another session has expunged some
        kept = [(number, uid) for number, uid in zip(numbers, uids, strict=True) if uid in there]
        if not kept:
            return b""
        numbers, uids = [number for number, _ in kept], [uid for _, uid in kept]
        block = Block(view, numbers, uids, following=False)
    if reads:
        block.stored = dict(zip(reads, read, strict=True))
    columns: list[Iterable[object]] = [uids if plan.uid_only else numbers]
    for item in plan.items:
        columns += item.columns(block)
    count, width = len(numbers), len(columns)
    if count == 1:  # nothing has to be put between: a fifth less
        return plan.template % tuple(chain.from_iterable(columns))
    values: list[object] = [None] * (count * width)
    for place, column in enumerate(columns):
        values[place::width] = column  # which raises `ValueError` if it is not as long as the others
    return (plan.template * count) % tuple(values)
