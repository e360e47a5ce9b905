"""The keys of SEARCH as they were."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, TypeAlias

from postroad_store.mail.search import keys

if TYPE_CHECKING:
    from postroad_store.imap.grammar.sequence import SequenceSet

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
