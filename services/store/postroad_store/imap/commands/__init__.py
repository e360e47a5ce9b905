"""IMAP commands as events: what each says once it has been parsed (RFC 3501 §6 and its extensions).

All are frozen. Strings are as the client sent them, in octets: their meaning (a mailbox name's UTF-7, a search
string's charset) is settled where it is known. `parse.py` makes them.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum
from typing import TYPE_CHECKING, TypeAlias

from postroad_store.imap.events import Bad, Command
from postroad_store.mail.search import keys

if TYPE_CHECKING:
    from datetime import datetime

    from postroad_store.imap.grammar.sequence import SequenceSet
    from postroad_store.mail.model.flags import Change, FlagSet

__all__ = ["Bad", "Command"]


@dataclass(frozen=True, slots=True)
class Capability(Command):
    """CAPABILITY (RFC 3501 §6.1.1)."""


@dataclass(frozen=True, slots=True)
class Noop(Command):
    """NOOP (RFC 3501 §6.1.2)."""


@dataclass(frozen=True, slots=True)
class Logout(Command):
    """LOGOUT (RFC 3501 §6.1.3)."""


@dataclass(frozen=True, slots=True)
class Id(Command):
    """ID (RFC 2971 §3.1); pairs of field and value, None for NIL."""

    fields: tuple[tuple[bytes, bytes | None], ...] | None


@dataclass(frozen=True, slots=True)
class Authenticate(Command):
    """AUTHENTICATE (RFC 3501 §6.2.2); `initial` is the decoded initial response (RFC 4959), if it was given."""

    mechanism: bytes
    initial: bytes | None


@dataclass(frozen=True, slots=True)
class AuthenticateResponse(Command):
    """The client's decoded answer to a challenge."""

    response: bytes


@dataclass(frozen=True, slots=True)
class Login(Command):
    """LOGIN (RFC 3501 §6.2.3)."""

    userid: bytes
    password: bytes

    def __repr__(self) -> str:
        """Leave the password out: it must not reach a log."""
        return f"Login(tag={self.tag!r}, userid={self.userid!r})"


@dataclass(frozen=True, slots=True)
class Select(Command):
    """SELECT, or EXAMINE which is the same read-only (RFC 3501 §6.3.1, §6.3.2)."""

    mailbox: bytes
    read_only: bool


@dataclass(frozen=True, slots=True)
class Create(Command):
    """CREATE (RFC 3501 §6.3.3)."""

    mailbox: bytes


@dataclass(frozen=True, slots=True)
class Delete(Command):
    """DELETE (RFC 3501 §6.3.4)."""

    mailbox: bytes


@dataclass(frozen=True, slots=True)
class Rename(Command):
    """RENAME (RFC 3501 §6.3.5)."""

    mailbox: bytes
    new_name: bytes


@dataclass(frozen=True, slots=True)
class Subscribe(Command):
    """SUBSCRIBE (RFC 3501 §6.3.6)."""

    mailbox: bytes


@dataclass(frozen=True, slots=True)
class Unsubscribe(Command):
    """UNSUBSCRIBE (RFC 3501 §6.3.7)."""

    mailbox: bytes


@dataclass(frozen=True, slots=True)
class List(Command):
    """LIST (RFC 3501 §6.3.8); `extended`: with the options of RFC 6154 §2, `special_use`: as a selection."""

    reference: bytes
    pattern: bytes
    extended: bool = False
    special_use: bool = False


@dataclass(frozen=True, slots=True)
class Lsub(Command):
    """LSUB (RFC 3501 §6.3.9)."""

    reference: bytes
    pattern: bytes


@dataclass(frozen=True, slots=True)
class Namespace(Command):
    """NAMESPACE (RFC 2342 §5)."""


@dataclass(frozen=True, slots=True)
class Status(Command):
    """STATUS (RFC 3501 §6.3.10); items in upper case, each once."""

    mailbox: bytes
    items: tuple[bytes, ...]


@dataclass(frozen=True, slots=True)
class Append(Command):
    """APPEND (RFC 3501 §6.3.11) as far as its literal: it waits for `Engine.take_literal` or a completion.

    `AppendData` and then `AppendEnd` follow, or `Bad` where the command turns out to be malformed.
    """

    mailbox: bytes
    flags: FlagSet
    internal_date: datetime | None  # aware
    size: int  # octets


@dataclass(frozen=True, slots=True)
class AppendData(Command):
    """Octets of the message, as they come; nothing is to be answered."""

    octets: bytes


@dataclass(frozen=True, slots=True)
class AppendEnd(Command):
    """The message is whole and the command ended as it should."""


@dataclass(frozen=True, slots=True)
class Idle(Command):
    """IDLE (RFC 2177); waits for `Engine.idling`, then ends in `Done` or `Bad`."""


@dataclass(frozen=True, slots=True)
class Done(Command):
    """The end of IDLE."""


@dataclass(frozen=True, slots=True)
class Check(Command):
    """CHECK (RFC 3501 §6.4.1)."""


@dataclass(frozen=True, slots=True)
class Close(Command):
    """CLOSE (RFC 3501 §6.4.2)."""


@dataclass(frozen=True, slots=True)
class Unselect(Command):
    """UNSELECT (RFC 3691)."""


@dataclass(frozen=True, slots=True)
class Expunge(Command):
    """EXPUNGE (RFC 3501 §6.4.3), or UID EXPUNGE with its UIDs (RFC 4315 §2.1)."""

    uids: SequenceSet | None


class Attribute(Enum):
    """A FETCH data item without a section (RFC 3501 §6.4.5)."""

    FLAGS = b"FLAGS"
    UID = b"UID"
    INTERNALDATE = b"INTERNALDATE"
    SIZE = b"RFC822.SIZE"
    ENVELOPE = b"ENVELOPE"
    BODY = b"BODY"
    BODYSTRUCTURE = b"BODYSTRUCTURE"


class Text(Enum):
    """What of a message, or of a part of it, a section names (RFC 3501 §9 section-text)."""

    ALL = ""  # the part's body; without part numbers the whole message
    HEADER = "HEADER"
    FIELDS = "HEADER.FIELDS"
    FIELDS_NOT = "HEADER.FIELDS.NOT"
    TEXT = "TEXT"
    MIME = "MIME"


@dataclass(frozen=True, slots=True)
class Section:
    """A FETCH data item with the text of a section: BODY[...], or RFC822 and its likes."""

    label: bytes  # the item's name as the response gives it, before the octets: b"BODY[1.MIME]<0>"
    part: tuple[int, ...]
    text: Text
    fields: tuple[bytes, ...]  # of FIELDS and FIELDS_NOT, in upper case
    partial: tuple[int, int] | None  # the first octet wanted, and how many at most
    peek: bool  # whether \Seen is left alone


Item: TypeAlias = Attribute | Section


@dataclass(frozen=True, slots=True)
class Fetch(Command):
    """FETCH, or UID FETCH (RFC 3501 §6.4.5, §6.4.8); the macros have been replaced, no item stands twice."""

    uid: bool
    messages: SequenceSet
    items: tuple[Item, ...]


@dataclass(frozen=True, slots=True)
class Store(Command):
    """STORE, or UID STORE."""

    uid: bool
    messages: SequenceSet
    change: Change
    silent: bool
    flags: FlagSet


@dataclass(frozen=True, slots=True)
class Copy(Command):
    """COPY, or UID COPY (RFC 3501 §6.4.7)."""

    uid: bool
    messages: SequenceSet
    mailbox: bytes


@dataclass(frozen=True, slots=True)
class Move(Command):
    """MOVE, or UID MOVE (RFC 6851 §3.1)."""

    uid: bool
    messages: SequenceSet
    mailbox: bytes


@dataclass(frozen=True, slots=True)
class Search(Command):
    """SEARCH, or UID SEARCH (RFC 3501 §6.4.4); its strings have been decoded from their CHARSET."""

    uid: bool
    key: Key


@dataclass(frozen=True, slots=True)
class BadCharset(Command):
    """A SEARCH whose CHARSET is not known here: it is answered NO (RFC 3501 §6.4.4)."""


# Search keys (RFC 3501 §6.4.4): the leaves are the mail's own; what holds them can hold numbers too, which mean
# UIDs only once a session's view has been asked (`search.py`).


@dataclass(frozen=True, slots=True)
class And:
    """All of the keys; ALL where there are none."""

    keys: tuple[Key, ...]


@dataclass(frozen=True, slots=True)
class Or:
    """Either key."""

    left: Key
    right: Key


@dataclass(frozen=True, slots=True)
class Not:
    """Not the key."""

    key: Key


@dataclass(frozen=True, slots=True)
class Numbers:
    """Message sequence numbers, or UIDs, are in the set."""

    uid: bool
    messages: SequenceSet


Leaf: TypeAlias = (
    keys.Flag
    | keys.Keyword
    | keys.Recent
    | keys.InternalDate
    | keys.SentDate
    | keys.Larger
    | keys.Smaller
    | keys.Header
    | keys.Body
    | keys.Text
)
Key: TypeAlias = And | Or | Not | Numbers | Leaf
