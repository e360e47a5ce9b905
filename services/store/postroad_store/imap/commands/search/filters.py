"""What the names of filters stand for: annotations of the server (RFC 5466 §3)."""

from __future__ import annotations

from typing import TYPE_CHECKING

from postroad_store.imap.commands.search.grammar import CharsetUnknown, first_word, read_program
from postroad_store.imap.grammar.reader import Reader, SyntaxFault
from postroad_store.mail.model.annotations import MAX_VALUE, checked_entry

if TYPE_CHECKING:
    from postroad_store.imap.commands.search.grammar import Program
    from postroad_store.imap.session import Session

MAX_PASSES = 10  # filters within filters: RFC 5466 §3.1 wants 3 at least
MAX_FILTERS = 100  # of one search, those within others included


def undefined_filter(session: Session, program: Program) -> bytes | None:
    """Look up what the filters of a search stand for; return the name of one that stands for nothing, or None."""
    waiting = [(each, 1) for each in program.filters]
    for count, (each, passes) in enumerate(waiting, 1):
        meaning = _meaning(session, each.name) if passes <= MAX_PASSES and count <= MAX_FILTERS else None
        if meaning is None:
            return each.name.encode("ascii")
        each.meaning = meaning.key
        waiting += [(inner, passes + 1) for inner in meaning.filters]
    return None


def _meaning(session: Session, name: str) -> Program | None:
    """Return the search of a name; None if there is none, or it is no full search."""
    # RFC 5466 §3.1: the private filter, "otherwise, it MUST use the value of the filter that exists"
    account = session.current_account()
    for kind in ("private", "shared"):
        entry = checked_entry(f"/{kind}/filters/values/{name}".encode("ascii"))
        annotations = session.storage.metadata.get(account, None, [entry], depth=0, most=MAX_VALUE) if entry else []
        if annotations:
            reader = Reader([b" " + (annotations[0].value or b"")], 0, session.engine.offer)
            try:
                return read_program(reader, first_word(reader))
            except (SyntaxFault, CharsetUnknown):
                return None
    return None
