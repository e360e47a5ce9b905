"""Which mailboxes a command is about, without naming each: the filters of RFC 5465 §6, and that of RFC 7377 §2.2."""

from __future__ import annotations

from enum import Enum
from typing import TYPE_CHECKING

from postroad_store.imap.grammar.arguments import read_mailboxes
from postroad_store.imap.grammar.reader import SyntaxFault
from postroad_store.mail.model.account import canonical_name

if TYPE_CHECKING:
    from collections.abc import Collection, Container, Iterable

    from postroad_store.imap.grammar.reader import Reader
    from postroad_store.imap.session import Session


class Filter(Enum):
    """The filters, except those that mean the selected mailbox."""

    INBOXES = "INBOXES"  # RFC 5465 §6.3: what Sieve may file mail into is every mailbox, so it equals PERSONAL
    PERSONAL = "PERSONAL"
    SUBSCRIBED = "SUBSCRIBED"
    SUBTREE = "SUBTREE"
    SUBTREE_ONE = "SUBTREE-ONE"  # RFC 7377 §2.2: mailboxes, and those directly below them
    MAILBOXES = "MAILBOXES"


FILTERS = frozenset(Filter)
NAMED = frozenset({Filter.SUBTREE, Filter.SUBTREE_ONE, Filter.MAILBOXES})  # names follow


def read_filter(reader: Reader, word: bytes, known: Collection[Filter]) -> tuple[Filter, tuple[bytes, ...]]:
    """Return the filter that a word is, and the names that follow it."""
    text = word.decode("ascii")
    chosen = next((each for each in known if each.value == text), None)
    if chosen is None:
        raise SyntaxFault(f"Invalid mailbox filter {text}")
    if chosen not in NAMED:
        return chosen, ()
    reader.space()
    return chosen, read_mailboxes(reader)


def names_of(session: Session, names: Iterable[bytes]) -> frozenset[str]:
    """Return the names that follow a filter as they are stored, without those that no mailbox can have."""
    return frozenset(canonical_name(session.known_name(name)) for name in names) - {""}


def covers(chosen: Filter, names: Container[str], name: str, subscriptions: Container[str], *, own: bool) -> bool:
    """Return True if a filter of these names is about a mailbox; `own`: it is in the personal namespace."""
    match chosen:
        case Filter.PERSONAL | Filter.INBOXES:
            return own
        case Filter.SUBSCRIBED:
            return name in subscriptions
        case Filter.MAILBOXES:
            return name in names
        case Filter.SUBTREE_ONE:
            return name in names or name.rpartition("/")[0] in names
    while name not in names:  # Filter.SUBTREE
        name, slash, _ = name.rpartition("/")
        if not slash:
            return False
    return True
