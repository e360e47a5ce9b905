"""Search keys (RFC 3501 §6.4.4) as a tree, which `Storage.search` evaluates over a view.

The wire's keys map so: ALL is `And(())`; ANSWERED, DELETED, DRAFT, FLAGGED, SEEN are `Flag(bit)` and their UN-
forms `Not` of it; KEYWORD is `Keyword`; NEW is `And((Recent(), Not(Flag(SEEN))))`; OLD is `Not(Recent())`; a
sequence set is turned into UIDs by the session, which knows its numbers; BCC, CC, FROM, SUBJECT, TO are `Header`.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum
from typing import TYPE_CHECKING, TypeAlias

if TYPE_CHECKING:
    from datetime import date


class When(Enum):
    """How a date is compared, without time and zone."""

    BEFORE = "BEFORE"  # earlier than the date
    ON = "ON"
    SINCE = "SINCE"  # on the date or later


@dataclass(frozen=True, slots=True)
class And:
    """Messages that match all the keys; with no keys, all messages."""

    keys: tuple[SearchKey, ...]


@dataclass(frozen=True, slots=True)
class Or:
    """Messages that match either key."""

    left: SearchKey
    right: SearchKey


@dataclass(frozen=True, slots=True)
class Not:
    """Messages that do not match the key."""

    key: SearchKey


@dataclass(frozen=True, slots=True)
class Uids:
    """Messages whose UID is in one of the ranges, each (first, last), both included."""

    ranges: tuple[tuple[int, int], ...]


@dataclass(frozen=True, slots=True)
class Flag:
    """Messages with this system flag (one of the bits of `flags`)."""

    bit: int


@dataclass(frozen=True, slots=True)
class Keyword:
    """Messages with this keyword, in any case."""

    keyword: str


@dataclass(frozen=True, slots=True)
class Recent:
    r"""Messages that are \Recent in this session."""


@dataclass(frozen=True, slots=True)
class InternalDate:
    """Messages whose internal date, in UTC, is on the right side of the date: BEFORE, ON, SINCE."""

    when: When
    date: date


@dataclass(frozen=True, slots=True)
class SentDate:
    """Messages whose Date field, in its own zone, is on the right side of the date: SENTBEFORE and the like.

    A message without a readable Date field matches none.
    """

    when: When
    date: date


@dataclass(frozen=True, slots=True)
class Larger:
    """Messages of more octets."""

    octets: int


@dataclass(frozen=True, slots=True)
class Smaller:
    """Messages of fewer octets."""

    octets: int


@dataclass(frozen=True, slots=True)
class Header:
    """Messages with this header field, whose decoded text has the value in it; an empty value: any text."""

    name: str
    value: str


@dataclass(frozen=True, slots=True)
class Body:
    """Messages with the string in the decoded text of their body."""

    value: str


@dataclass(frozen=True, slots=True)
class Text:
    """Messages with the string in their header or their body, decoded."""

    value: str


SearchKey: TypeAlias = (
    And | Or | Not | Uids | Flag | Keyword | Recent | InternalDate | SentDate | Larger | Smaller | Header | Body | Text
)
