"""One message: the facts that the store keeps, so that it need not parse the message again (RFC 3501 §2.3).

A message is parsed once, when it is stored. ENVELOPE, BODY and BODYSTRUCTURE are stored as the octets that FETCH
sends; the header section is stored apart from the body; the parts are stored as offsets.
"""

from __future__ import annotations

from collections.abc import Sequence
from enum import Enum
from typing import Any, NewType

UID = NewType("UID", int)  # RFC 3501 §2.3.1.1
ReadColumns = tuple[Sequence[int], Sequence[Sequence[Any]]]  # UIDs, and what was read, column by column, in their order


class Column(Enum):
    """The parts of a message that `Storage.fetch` can read. FLAGS, SIZE and INTERNALDATE are in memory (`Mailbox`)."""

    ID = "id"  # a number: of the content, which all copies of the message share
    THREAD = "thread"  # a number: of the thread that it belongs to in this account
    SAVE_DATE = "save_date"  # a number: when it came into this mailbox, in seconds since 1970 (RFC 8514 §3)
    ENVELOPE = "envelope"  # the parenthesized list, as octets
    BODY = "body"  # the non-extensible BODYSTRUCTURE, as octets
    BODYSTRUCTURE = "bodystructure"  # with extension data, as octets
    HEADER = "header"  # the header section with the empty line that ends it (RFC 3501 §6.4.5 HEADER)
    TEXT = "text"  # the body: all after the header section
    CONTENT = "content"  # the whole message, HEADER + TEXT

    __hash__ = object.__hash__  # an Enum's own is a function in Python, and every FETCH looks columns up


BODIES = frozenset({Column.TEXT, Column.CONTENT})  # those that may be long
