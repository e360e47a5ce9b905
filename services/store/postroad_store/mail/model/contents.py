"""A mailbox as the database has it at one moment."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from postroad.value import value

if TYPE_CHECKING:
    from postroad_store.mail.model.columns import Columns


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


@value
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


@value
class Contents:
    """What is in a mailbox, as the database has it at one moment."""

    row: MailboxRow
    keywords: list[tuple[int, str]]  # by number
    columns: Columns
    packed: bool = True  # all of it that could be; else the next load would take longer than it must
