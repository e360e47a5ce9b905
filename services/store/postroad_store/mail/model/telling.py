"""What commits have done, for the journal, and who puts it into the journal's words.

The words are made before the transaction ends, from what it has written. So the names of mailboxes are those that they
had then, and the events are on disk with what they are about (`mail.news`).
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Generic, NamedTuple, TypeAlias, TypeVar

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from postroad.journal import Line
    from postroad_store.mail.model.arrival import Copied, NewName
    from postroad_store.mail.model.message import UID

What = TypeVar("What")


class Telling(NamedTuple, Generic[What]):
    """Gives the events of what was done. It must not touch what belongs to the event loop."""

    events: Callable[[What], Sequence[Line]]
    hurry: bool = True  # False: whoever waits for the commit flushes the journal


Tell: TypeAlias = Telling[What] | None  # None: nothing for the journal


class Box(NamedTuple):
    """A mailbox."""

    name: str
    uid_validity: int


class Places(NamedTuple):
    """Where messages have been stored, in the order of the arrivals."""

    boxes: Sequence[Box]
    uids: Sequence[UID]


class Gone(NamedTuple):
    """Messages that have been removed, with ascending UIDs."""

    box: Box
    uids: Sequence[UID]


class Put(NamedTuple):
    """Messages that have been copied or moved."""

    source: Box
    copied: Copied
    target: Box


class Moved(NamedTuple):
    """INBOX's messages have moved, those up to a UID, and kept their UIDs."""

    inbox: Box
    last: int
    target: Box


class Names(NamedTuple):
    """What RENAME has done."""

    mailboxes: Sequence[NewName]
    inbox: Moved | None
