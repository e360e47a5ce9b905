"""A mailbox as the database has it at one moment."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from array import array

    from postroad_store.mail.model.message import UID


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


@dataclass(frozen=True, slots=True)
class Contents:
    """What is in a mailbox, as the database has it at one moment: parallel lists, ascending by UID."""

    row: MailboxRow
    keywords: list[tuple[int, str]]  # by number
    uids: list[UID]
    flags: list[int]
    sizes: array[int]
    internal_dates: array[int]
    unseen: int
    all_seen: int  # at least so many of the first messages have \Seen
