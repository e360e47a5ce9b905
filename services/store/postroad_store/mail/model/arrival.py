"""What the storage is given to keep, and where it says it has put it (RFC 3501 §6.3.11, RFC 4315 §3)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from postroad_store.mail.model.flags import FlagSet
    from postroad_store.mail.model.mailbox import Mailbox
    from postroad_store.mail.model.message import UID


@dataclass(frozen=True, slots=True)
class Arrival:
    """One message to be stored: an APPEND, or a delivery, into one mailbox or into several (one copy is kept).

    `content` is the whole message: CRLF line ends are wanted but any octets are kept as they are.
    `internal_date` is in seconds since 1970 UTC.
    """

    mailboxes: tuple[Mailbox, ...]
    content: bytes
    internal_date: int
    flags: FlagSet


@dataclass(frozen=True, slots=True)
class Stored:
    """Where a message was stored: what APPENDUID tells (RFC 4315 §3)."""

    mailbox: Mailbox
    uid_validity: int
    uid: UID


@dataclass(frozen=True, slots=True)
class Copied:
    """What COPYUID tells (RFC 4315 §3): the two UID lists are parallel; both are empty if no message was there."""

    uid_validity: int
    source: tuple[UID, ...]
    target: tuple[UID, ...]
