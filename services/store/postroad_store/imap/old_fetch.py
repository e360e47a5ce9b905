"""FETCH as it was, until it has a package of its own."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from itertools import chain, groupby
from typing import TYPE_CHECKING

from postroad.journal import Kind
from postroad_store.imap.events import Command
from postroad_store.imap.fetch import Lost, plan, responses
from postroad_store.imap.grammar.sequence import ranges_of, read_sequence_set
from postroad_store.imap.parse_fetch import read_fetch_items
from postroad_store.imap.selection import GONE, some_gone, spans_of, uids_of
from postroad_store.imap.spec import Spec
from postroad_store.imap.states import SELECT
from postroad_store.mail.model.flags import SEEN, Change, FlagSet

if TYPE_CHECKING:
    from collections.abc import Awaitable, Iterator

    from postroad_store.imap.fetch import Plan
    from postroad_store.imap.grammar.reader import Reader
    from postroad_store.imap.grammar.sequence import SequenceSet
    from postroad_store.imap.old_items import Item
    from postroad_store.imap.session import Session
    from postroad_store.imap.spec import Parser
    from postroad_store.mail.model.message import UID
    from postroad_store.mail.model.view import View

    Pieces = Iterator[tuple[bytes, bool]]

# Pieces of a long answer that are produced before other sessions get their turn.
STRIDE = 4
_SEEN = FlagSet(SEEN)


async def _breathe() -> None:
    await asyncio.sleep(0)


@dataclass(frozen=True, slots=True)
class Fetch(Command):
    """FETCH, or UID FETCH (RFC 3501 §6.4.5, §6.4.8); the macros have been replaced, no item stands twice."""

    uid: bool
    messages: SequenceSet
    items: tuple[Item, ...]


def _fetch(*, uid: bool) -> Parser:
    def parse(tag: bytes, reader: Reader) -> Command:
        reader.space()
        messages = read_sequence_set(reader)
        reader.space()
        items = read_fetch_items(reader)
        return Fetch(tag, uid, messages, items)

    return parse


# -- FETCH ----------------------------------------------------------------------------------------------------


def fetch(session: Session, command: Fetch) -> Awaitable[None] | None:
    """FETCH and UID FETCH (RFC 3501 §6.4.5)."""
    view = session.selected_view()
    spans = spans_of(view, command.messages, uid=command.uid)
    made = plan(command.items, uid=command.uid)
    if made.sets_seen and not view.read_only:
        unseen = _unseen(view, spans)
        if unseen:
            return _fetch_and_mark(session, command, spans, made, unseen)
    return _produce(session, command, spans, made, responses(session.storage, view, spans, made))


def _unseen(view: View, spans: list[range]) -> list[UID]:
    found: list[UID] = []
    for span in spans:
        flags = view.pick(view.mailbox.flags, span[0], span[-1])
        uids = view.uids[span.start - 1 : span.stop - 1]
        found += [uid for uid, one in zip(uids, flags, strict=True) if not one & SEEN]  # -1, the gone, has all bits
    return found


async def _fetch_and_mark(session: Session, command: Fetch, spans: list[range], made: Plan, unseen: list[UID]) -> None:
    r"""Set \Seen first, and give the flags of those that had not had it (RFC 3501 §6.4.5)."""
    view = session.selected_view()
    await session.storage.store(view.mailbox, unseen, Change.ADD, _SEEN, view=view)
    with_flags = plan(command.items, uid=command.uid, flags=True)
    changed = set(unseen)
    uids = view.uids
    runs = groupby(chain.from_iterable(spans), key=lambda number: uids[number - 1] in changed)
    pieces = chain.from_iterable(
        responses(session.storage, view, _spans(list(numbers)), with_flags if marked else made)
        for marked, numbers in runs
    )
    rest = _produce(session, command, spans, made, pieces)
    if rest is not None:
        await rest


def _spans(numbers: list[int]) -> list[range]:
    return [range(low, high + 1) for low, high in ranges_of(numbers)]


def _produce(
    session: Session, command: Fetch, spans: list[range], made: Plan, pieces: Pieces
) -> Awaitable[None] | None:
    """Send the responses: at once where they are few, else as fast as the client reads."""
    try:
        for count, (octets, in_literal) in enumerate(pieces):
            session.engine.send(octets)
            session.in_literal = in_literal
            if count or in_literal:
                session.connection.flush()
                if count >= STRIDE or not session.connection.can_write():
                    return _produce_patiently(session, command, spans, made, pieces)
    except Lost:
        session.connection.close()
        return None
    _fetched(session, command, spans, made)
    return None


async def _produce_patiently(session: Session, command: Fetch, spans: list[range], made: Plan, pieces: Pieces) -> None:
    sleep = _breathe
    try:
        await session.connection.wait_writable()
        for octets, in_literal in pieces:
            session.engine.send(octets)
            session.in_literal = in_literal
            session.connection.flush()
            await session.connection.wait_writable()
            await sleep()
    except Lost:
        session.connection.close()
        return
    _fetched(session, command, spans, made)


def _fetched(session: Session, command: Fetch, spans: list[range], made: Plan) -> None:
    view = session.selected_view()
    if made.whole and spans:
        session.note(Kind.RETRIEVED, view.mailbox, uids_of(view, spans))
    if not command.uid and some_gone(view, spans):
        # RFC 2180 §4.1.2: what is there has been sent; NO says that it was not all.
        session.finish(command, b"NO " + GONE, expunges=False)
    else:
        session.finish(command, b"OK Fetch completed.", expunges=command.uid, uid=command.uid)


SPECS = (
    Spec(b"FETCH", SELECT, Fetch, _fetch(uid=False), fetch, "RFC 3501 §6.4.5"),
    Spec(b"UID FETCH", SELECT, Fetch, _fetch(uid=True), fetch, "RFC 3501 §6.4.8"),
)
