"""Messages to store, and where messages are after a commit: stored, copied, renamed (RFC 3501 §6.3, RFC 4315 §3)."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from postroad.value import value

if TYPE_CHECKING:
    from postroad_store.mail.model.flags import FlagSet
    from postroad_store.mail.model.mailbox import Mailbox
    from postroad_store.mail.model.message import UID


@value
class Arrival:
    """One message to store, by APPEND or delivery, in one or more mailboxes, which share one copy of it.

    `content` is the whole message. Its lines should end in CRLF, but any octets are stored as they are.
    `internal_date` is in seconds since 1970 UTC.
    """

    mailboxes: tuple[Mailbox, ...]
    content: bytes
    internal_date: int
    flags: FlagSet


@value
class Stored:
    """The place of a stored message: the values of APPENDUID (RFC 4315 §3)."""

    mailbox: Mailbox
    uid_validity: int
    uid: UID


@value
class Copied:
    """The values of COPYUID (RFC 4315 §3): two parallel lists of UIDs, both empty if no message was there."""

    uid_validity: int
    source: tuple[UID, ...]
    target: tuple[UID, ...]


class NewName(NamedTuple):
    """A mailbox that has another name now."""

    old: str
    name: str
    uid_validity: int


@value
class FlagsStored:
    """What STORE has done: at which modseq, and which messages had changed after UNCHANGEDSINCE (RFC 7162 §3.1.3).

    If no message has changed, `modseq` is the mailbox's as it was. `overruled`: a message has passed although
    another of its flags had changed (RFC 7162 §3.1.12), so the client must be told all of them.
    """

    modseq: int
    failed: list[UID]
    overruled: bool = False


@value
class Renamed:
    """What RENAME has done (RFC 3501 §6.3.5): mailboxes with their old names, or the messages that were in INBOX."""

    mailboxes: tuple[NewName, ...]
    inbox: Emptied | None = None


@value
class Emptied:
    """INBOX has been renamed: its messages, up to the UID `last`, are in `target`, with the UIDs that they had."""

    inbox: Mailbox
    last: int
    target: Mailbox
