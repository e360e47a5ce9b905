"""A mailbox as the database has it at one moment."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from array import array

    from postroad_store.mail.model.message import UID


class Counts(NamedTuple):
    r"""What is in a mailbox, counted; every commit that changes messages keeps it.

    `unseen` lack \Seen, `deleted` have \Deleted, `octets` is the sum of all sizes, `recent` no session has seen yet.
    """

    messages: int = 0
    unseen: int = 0
    deleted: int = 0
    octets: int = 0
    recent: int = 0


NOTHING = Counts()


@dataclass(frozen=True, slots=True)
class MailboxRow:
    """A mailbox as the database has it."""

    id: int
    name: str
    special_use: str | None
    selectable: bool
    uid_validity: int
    uid_next: int
    modseq: int
    recent_uid: int
    counts: Counts = NOTHING
    lowest_known: int = 0  # expunges at this modseq or a lower one may have been forgotten
    object_id: str = ""  # MAILBOXID (RFC 8474 §4)
    account: int = 0  # the id of its owner
    acl: str | None = None  # its access control list (`model.rights`)


@dataclass(frozen=True, slots=True)
class Contents:
    """What is in a mailbox, as the database has it at one moment: parallel lists, ascending by UID."""

    row: MailboxRow
    keywords: list[tuple[int, str]]  # by number
    uids: list[UID]
    flags: list[int]
    sizes: array[int]
    internal_dates: array[int]
    modseqs: array[int]
    unseen: int
    all_seen: int  # at least so many of the first messages have \Seen
