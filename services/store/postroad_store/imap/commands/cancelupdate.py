"""CANCELUPDATE: searches are followed no longer (RFC 5267 §4.3.5)."""

from __future__ import annotations

from typing import TYPE_CHECKING

from postroad.value import value
from postroad_store.imap.events import Command
from postroad_store.imap.extensions import CONTEXT_SEARCH, CONTEXT_SORT
from postroad_store.imap.grammar.reader import SyntaxFault
from postroad_store.imap.spec import Spec
from postroad_store.imap.states import SELECT

if TYPE_CHECKING:
    from postroad_store.imap.grammar.reader import Reader
    from postroad_store.imap.session import Session


@value
class CancelUpdate(Command):
    """Follow the searches with these tags no longer."""

    tags: tuple[bytes, ...]


def parse(tag: bytes, reader: Reader) -> CancelUpdate:
    """Take the tags."""
    # command-select =/ "CANCELUPDATE" 1*(SP quoted)                                              (RFC 5267 §5)
    if not (reader.offers(CONTEXT_SEARCH) or reader.offers(CONTEXT_SORT)):
        raise SyntaxFault("Unknown command")
    tags: list[bytes] = []
    while not tags or not reader.at_end():
        reader.space()
        if reader.peek() != b'"':
            raise SyntaxFault("Invalid tag")
        tags.append(reader.string())
    return CancelUpdate(tag, tuple(tags))


def handle(session: Session, command: CancelUpdate) -> None:
    """Forget them."""
    contexts = session.contexts
    known = [tag for tag in command.tags if contexts is not None and contexts.cancel(tag)]
    text = b"OK No further updates." if len(known) == len(command.tags) else b"NO Unknown tag."
    session.finish(command, text)


SPECS = (
    Spec(
        b"CANCELUPDATE",
        SELECT,
        CancelUpdate,
        parse,
        handle,
        "RFC 5267 §4.3.5",
        extensions=(CONTEXT_SEARCH, CONTEXT_SORT),
    ),
)
