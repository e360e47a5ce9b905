"""What a query asks, as a tree. Both dialects are read into it; `sql` and `match` give it its two meanings."""

from __future__ import annotations

from enum import StrEnum
from typing import Literal, TypeAlias

from postroad.value import value

MAX_QUERY = 4096  # octets
MAX_TERMS = 64
MAX_DEPTH = 16  # of brackets


class QueryError(ValueError):
    """The query can't be read: a sentence, and the place in the text, counted in characters from 1."""

    def __init__(self, sentence: str, column: int) -> None:
        super().__init__(f"{sentence} (at character {column})")
        self.sentence = sentence
        self.column = column


class Name(StrEnum):
    """A field of the message; the value says what it is called in a query."""

    FROM = "from"
    TO = "to"
    CC = "cc"
    BCC = "bcc"
    REPLY_TO = "reply-to"
    SUBJECT = "subject"
    MESSAGE_ID = "message-id"


ADDRESSES = (Name.TO, Name.FROM, Name.CC, Name.BCC, Name.REPLY_TO)  # of the header


@value
class All:
    """Every record."""


@value
class And:
    """Records that all the others match."""

    nodes: tuple[Node, ...]


@value
class Or:
    """Records that any of the others matches."""

    nodes: tuple[Node, ...]


@value
class Not:
    """Records that the other does not match."""

    node: Node


@value
class Contains:
    """The searchable text has this in it."""

    text: str


@value
class InField:
    """One of these fields has this in it; of addresses, a name or an address has."""

    names: tuple[Name, ...]
    text: str


@value
class InHeader:
    """A header field of this name, in lower case, is there and has this in it."""

    name: str
    text: str


@value
class Recipient:
    """A recipient of the envelope is this, in lower case, or has this in it."""

    text: str
    whole: bool


@value
class Sender:
    """The reverse-path is this, or has this in it; None is the null reverse-path."""

    text: str | None
    whole: bool


@value
class Tagged:
    """The record has this tag; None: any tag."""

    tag: str | None


@value
class Flag:
    """One of the record's own facts."""

    flag: Literal["read", "report", "attachment", "inline"]


@value
class InState:
    """The record is in this state."""

    state: str


@value
class Stored:
    """A copy that is not removed lies in this account, or in a mailbox of this name; exactly one is given.

    The account is as given or in lower case.
    """

    account: str | None = None
    mailbox: str | None = None


@value
class Compare:
    """The time of arrival (seconds since the epoch) or the size (octets) compares so with the value."""

    column: Literal["arrived", "size"]
    operator: Literal["<", "<=", ">", ">="]
    value: float


@value
class Pattern:
    """A regular expression finds something in one of the fields, in a header field, or (neither) in the text."""

    source: str
    names: tuple[Name, ...] = ()
    header: str | None = None


Node: TypeAlias = (
    All
    | And
    | Or
    | Not
    | Contains
    | InField
    | InHeader
    | Recipient
    | Sender
    | Tagged
    | Flag
    | InState
    | Stored
    | Compare
    | Pattern
)
