"""STORE and UID STORE (RFC 3501 §6.4.6, §6.4.8)."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from typing import TYPE_CHECKING

from postroad_store.imap.commands.fetch import JUST_FLAGS, responses
from postroad_store.imap.events import Command
from postroad_store.imap.grammar.flags import read_flags
from postroad_store.imap.grammar.reader import SyntaxFault
from postroad_store.imap.grammar.sequence import read_sequence_set
from postroad_store.imap.selection import GONE, READ_ONLY, some_gone, spans_of, uids_of
from postroad_store.imap.spec import Spec
from postroad_store.imap.states import SELECT
from postroad_store.mail.model.flags import Change, FlagSet

if TYPE_CHECKING:
    from collections.abc import Awaitable

    from postroad_store.imap.grammar.reader import Reader
    from postroad_store.imap.grammar.sequence import SequenceSet
    from postroad_store.imap.session import Session

_CHANGES = {change.value.encode("ascii"): change for change in Change}


@dataclass(frozen=True, slots=True)
class Store(Command):
    """Change the flags of messages."""

    uid: bool
    messages: SequenceSet
    change: Change
    silent: bool
    flags: FlagSet


def _parse(tag: bytes, reader: Reader, *, uid: bool) -> Store:
    # store-att-flags = (["+" / "-"] "FLAGS" [".SILENT"]) SP (flag-list / (flag *(SP flag)))
    reader.space()
    messages = read_sequence_set(reader)
    reader.space()
    item = reader.keyword()
    change = _CHANGES.get(item.removesuffix(b".SILENT"))
    if change is None:
        raise SyntaxFault("Invalid arguments")
    reader.space()
    flags = read_flags(reader, bare=True)
    reader.end()
    return Store(tag, uid, messages, change, item.endswith(b".SILENT"), flags)


def parse(tag: bytes, reader: Reader) -> Store:
    """Take sequence numbers, the change and the flags."""
    return _parse(tag, reader, uid=False)


def parse_uid(tag: bytes, reader: Reader) -> Store:
    """Take UIDs, the change and the flags."""
    return _parse(tag, reader, uid=True)


def handle(session: Session, command: Store) -> Awaitable[None] | None:
    """Change flags, and report the new ones."""
    view = session.selected_view()
    spans = spans_of(view, command.messages, uid=command.uid)
    if view.read_only:
        session.engine.complete(command.tag, READ_ONLY)
        return None
    if not spans:
        session.finish(command, b"OK Store completed.", uid=True)
        return None
    return _store(session, command, spans)


async def _store(session: Session, command: Store, spans: list[range]) -> None:
    view = session.selected_view()
    uids = uids_of(view, spans)
    await session.storage.store(view.mailbox, uids, command.change, command.flags, view=view)
    if view.changed:  # the client must know new keywords before they are used; numbers must stay
        await session.tell_in_turns(view, expunges=False, uid=command.uid)
    if not command.silent:
        plan = JUST_FLAGS.plan(uid=command.uid)
        for octets, _ in responses(session.storage, view, spans, plan):
            session.engine.send(octets)
            session.connection.flush()
            await session.connection.wait_writable()
            await asyncio.sleep(0)  # others get their turn
    text = b"OK Store completed."
    if not command.uid and some_gone(view, spans):
        text = b"OK " + GONE
    session.finish(command, text, expunges=command.uid, uid=command.uid)


SPECS = (
    Spec(b"STORE", SELECT, Store, parse, handle, "RFC 3501 §6.4.6"),
    Spec(b"UID STORE", SELECT, Store, parse_uid, handle, "RFC 3501 §6.4.8"),
)
