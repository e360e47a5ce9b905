"""The options of the extended LIST (RFC 5258 §3.1, §3.2; RFC 6154 §2; RFC 5819; RFC 9590; RFC 8440)."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple, Protocol, TypeVar

from postroad.value import value
from postroad_store.imap.commands.acl import my_rights
from postroad_store.imap.commands.metadata import read_option
from postroad_store.imap.commands.status.items import read_items, response
from postroad_store.imap.extensions import (
    CHILDREN,
    LIST_EXTENDED,
    LIST_METADATA,
    LIST_MYRIGHTS,
    LIST_STATUS,
    SPECIAL_USE,
)
from postroad_store.imap.grammar.reader import SyntaxFault

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from postroad_store.imap.commands.status.items import Item
    from postroad_store.imap.grammar.reader import Reader
    from postroad_store.imap.session import Session
    from postroad_store.imap.spec import Capability
    from postroad_store.mail.model.account import Named
    from postroad_store.mail.model.mailbox import Mailbox


Option = TypeVar("Option", "Selection", "Return")


class Place(NamedTuple):
    """A name that is listed."""

    name: str
    written: bytes  # as an astring, in the client's spelling
    entry: Mailbox | Named | None  # None: no mailbox has the name


class Responder(Protocol):
    """What a return option adds behind the LIST response of a name that satisfies the selection."""

    def __call__(self, session: Session, place: Place) -> bytes:
        """Return whole responses, or nothing."""
        ...


@value
class Selection:
    """A selection option. Names have to satisfy all of them, unless `satisfied` is None: then it is no condition."""

    word: bytes
    offered_by: tuple[Capability, ...]
    satisfied: Callable[[Mailbox | Named | None], bool] | None = None


@value
class Return:
    """A return option; `read` takes its arguments. Attributes are given to every client: then it returns None."""

    word: bytes
    offered_by: tuple[Capability, ...]
    read: Callable[[Reader], Responder | None] = lambda _: None


@value
class StatusOf:
    """The STATUS responses of RFC 5819."""

    items: tuple[Item, ...]

    def __call__(self, session: Session, place: Place) -> bytes:
        """Return the response of a mailbox; a name alone has none (RFC 5819 §2)."""
        if place.entry is None or not place.entry.selectable:
            return b""
        mailbox = session.directory.glance(place.name)
        if mailbox is None or mailbox.deleted:  # between LIST and STATUS somebody has deleted it
            return b""
        return response(session, mailbox, place.written, self.items)


def _read_status(reader: Reader) -> StatusOf:
    # status-option = "STATUS" SP "(" status-att *(SP status-att) ")"                                 (RFC 5819 §4)
    reader.take(b" (")
    return StatusOf(read_items(reader))


SUBSCRIBED = b"SUBSCRIBED"
RECURSIVEMATCH = b"RECURSIVEMATCH"
REMOTE = b"REMOTE"

SELECTIONS: Mapping[bytes, Selection] = {
    each.word: each
    for each in (
        Selection(SUBSCRIBED, (LIST_EXTENDED,)),  # it says where names are from: see `selecting`
        Selection(REMOTE, (LIST_EXTENDED,)),  # RFC 5258 §3.1: "as well as local ones"; there are no others
        Selection(RECURSIVEMATCH, (LIST_EXTENDED,)),
        Selection(b"SPECIAL-USE", (SPECIAL_USE,), lambda entry: entry is not None and entry.special_use is not None),
    )
}

RETURNS: Mapping[bytes, Return] = {
    each.word: each
    for each in (
        Return(SUBSCRIBED, (LIST_EXTENDED,)),
        Return(b"CHILDREN", (CHILDREN,)),
        Return(b"SPECIAL-USE", (SPECIAL_USE,)),
        Return(b"STATUS", (LIST_STATUS,), _read_status),
        Return(b"METADATA", (LIST_METADATA,), read_option),
        Return(b"MYRIGHTS", (LIST_MYRIGHTS,), lambda _: my_rights),
    )
}


def read_selections(reader: Reader) -> frozenset[bytes]:
    """Take `[option *(SP option)] ")"`."""
    words: set[bytes] = set()
    for _ in reader.items(may_be_none=True):
        word = reader.keyword()
        _check(reader, SELECTIONS.get(word), word)
        words.add(word)
    # RFC 5258 §3.1: RECURSIVEMATCH alone, or with REMOTE alone, is answered BAD
    if RECURSIVEMATCH in words and not words - {RECURSIVEMATCH, REMOTE}:
        raise SyntaxFault("RECURSIVEMATCH must not be the only selection")
    return frozenset(words)


def read_returns(reader: Reader) -> dict[bytes, Responder | None]:
    """Take `[option *(SP option)] ")"`; one that comes twice counts once (RFC 5258 §3)."""
    returned: dict[bytes, Responder | None] = {}
    for _ in reader.items(may_be_none=True):
        word = reader.keyword()
        option = _check(reader, RETURNS.get(word), word)
        returned[word] = option.read(reader)
    return returned


def _check(reader: Reader, option: Option | None, word: bytes) -> Option:
    """Return the option if it is known and offered."""
    # RFC 5258 §3: "A server MUST respond to options it does not recognize with a BAD response."
    if option is None or not any(map(reader.offers, option.offered_by)):
        raise SyntaxFault(f"Unknown option {word.decode('ascii')}")
    return option
