"""SEARCH as it was, until it has a package of its own."""

from __future__ import annotations

from dataclasses import dataclass
from types import MappingProxyType
from typing import TYPE_CHECKING

from postroad_store.imap.events import Command
from postroad_store.imap.parse_search import CharsetUnknown, read_search
from postroad_store.imap.search import key_for
from postroad_store.imap.spec import Spec
from postroad_store.imap.states import SELECT

if TYPE_CHECKING:
    from postroad_store.imap.grammar.reader import Reader
    from postroad_store.imap.old_keys import Key
    from postroad_store.imap.session import Session
    from postroad_store.imap.spec import Parser


@dataclass(frozen=True, slots=True)
class Search(Command):
    """SEARCH, or UID SEARCH (RFC 3501 §6.4.4); its strings have been decoded from their CHARSET."""

    uid: bool
    key: Key


@dataclass(frozen=True, slots=True)
class BadCharset(Command):
    """A SEARCH whose CHARSET is not known here: it is answered NO (RFC 3501 §6.4.4)."""


def _search(*, uid: bool) -> Parser:
    def parse(tag: bytes, reader: Reader) -> Command:
        try:
            key = read_search(reader)
        except CharsetUnknown:
            return BadCharset(tag)
        return Search(tag, uid, key)

    return parse


async def search(session: Session, command: Search) -> None:
    """SEARCH and UID SEARCH (RFC 3501 §6.4.4)."""
    view = session.selected_view()
    found = await session.storage.search(view, key_for(command.key, view.uids))
    uids = view.uids
    numbers = [uids[number - 1] for number in found] if command.uid else found
    session.engine.send(b"* SEARCH%b\r\n" % b"".join([b" %d" % number for number in numbers]))
    session.finish(command, b"OK Search completed.", expunges=command.uid, uid=command.uid)


def bad_charset(session: Session, command: BadCharset) -> None:
    """Refuse a SEARCH in an unknown charset."""
    session.engine.complete(command.tag, b"NO [BADCHARSET] Unknown charset")


SPECS = tuple(
    Spec(
        name,
        SELECT,
        Search,
        _search(uid=name != b"SEARCH"),
        search,
        "RFC 3501 §6.4.4",
        follow=MappingProxyType({BadCharset: bad_charset}),
    )
    for name in (b"SEARCH", b"UID SEARCH")
)
