"""The threading algorithms that THREAD knows, and what each reads of the messages (RFC 5256 §3).

A new algorithm is one class and one entry in `ALGORITHMS`.
"""

from __future__ import annotations

import re
from abc import ABC, abstractmethod
from functools import partial
from itertools import islice
from typing import TYPE_CHECKING, ClassVar

from postroad.mime.collation import casemap
from postroad.mime.fields import unfold
from postroad.mime.text import decode_words
from postroad_store.mail.model.message import Column
from postroad_store.mail.order.criteria import MAX_SUBJECT, SUBJECT
from postroad_store.mail.order.subject import base_subject
from postroad_store.mail.order.values import Derived
from postroad_store.mail.search.envelopes import Place, string
from postroad_store.mail.threads.messageid import message_ids
from postroad_store.mail.threads.orderedsubject import ordered_subject
from postroad_store.mail.threads.references import references, refs

if TYPE_CHECKING:
    from collections.abc import Sequence

    from postroad_store.mail.order.ordering import Ordering
    from postroad_store.mail.threads.forest import Forest

MAX_REFERENCES = 1000  # of a message that count: the last ones, which are the nearest
FEW = 1000  # messages that are threaded at once (some 2 ms), and not in a thread
_REFERENCES = re.compile(rb"references[ \t]*:((?:[^\n]|\n[ \t])*)", re.IGNORECASE)


def _ids(envelope: bytes, header: bytes) -> tuple[bytes, ...]:
    """Return a message's own Message ID, empty without one, and those that it refers to (RFC 5256 §3, REFERENCES)."""
    own = next(message_ids(string(envelope, Place.MESSAGE_ID)), b"")
    references: list[bytes] = []
    place = header.lower().find(b"\nreferences")
    match = _REFERENCES.match(header, place + 1) if place >= 0 or header[:10].lower() == b"references" else None
    if match is not None:
        references = list(message_ids(unfold(match[1])))[-MAX_REFERENCES:]
    # "If a message does not contain a References header line, or the References header line does not contain any valid
    # Message IDs, then use the first (if any) valid Message ID found in the In-Reply-To header line"
    return own, *(references or islice(message_ids(string(envelope, Place.IN_REPLY_TO)), 1))


def _subject(envelope: bytes) -> tuple[bytes, bool]:
    text, reply = base_subject(decode_words(string(envelope, Place.SUBJECT)[:MAX_SUBJECT]))
    return casemap(text), reply


_IDS = Derived("ids", (Column.ENVELOPE, Column.HEADER), _ids, (b"",))
_REPLIES = Derived("replies", (Column.ENVELOPE,), _subject, (b"", False))


class Algorithm(ABC):
    """One threading algorithm."""

    __slots__ = ()
    word: ClassVar[str]

    @abstractmethod
    async def thread(self, ordering: Ordering, numbers: Sequence[int]) -> Forest:
        """Return the threads of these messages (ascending numbers), each a node by its place among the numbers."""


class OrderedSubject(Algorithm):
    """ORDEREDSUBJECT."""

    word = "ORDEREDSUBJECT"

    async def thread(self, ordering: Ordering, numbers: Sequence[int]) -> Forest:
        """Read subjects and dates."""
        subjects, dates = await ordering.values(SUBJECT, numbers), await ordering.sent(numbers)
        return await ordering.apart(partial(ordered_subject, subjects, dates), large=len(numbers) > FEW)


class References(Algorithm):
    """REFERENCES."""

    word = "REFERENCES"

    async def thread(self, ordering: Ordering, numbers: Sequence[int]) -> Forest:
        """Read Message IDs, subjects and dates."""
        ids, subjects = await ordering.values(_IDS, numbers), await ordering.values(_REPLIES, numbers)
        dates = await ordering.sent(numbers)
        return await ordering.apart(partial(references, ids, subjects, dates), large=len(numbers) > FEW)


class Refs(Algorithm):
    """REFS."""

    word = "REFS"

    async def thread(self, ordering: Ordering, numbers: Sequence[int]) -> Forest:
        """Read Message IDs and dates."""
        ids, dates = await ordering.values(_IDS, numbers), await ordering.sent(numbers)
        return await ordering.apart(partial(refs, ids, dates), large=len(numbers) > FEW)


ALGORITHMS: tuple[type[Algorithm], ...] = (OrderedSubject, References, Refs)
