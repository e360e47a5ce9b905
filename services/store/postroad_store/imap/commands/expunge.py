"""EXPUNGE (RFC 3501 §6.4.3) and UID EXPUNGE (RFC 4315 §2.1)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from postroad.journal import Kind
from postroad_store.imap.events import Command
from postroad_store.imap.extensions import UIDPLUS
from postroad_store.imap.grammar.sequence import read_sequence_set
from postroad_store.imap.selection import READ_ONLY, require, spans_of, uids_of
from postroad_store.imap.spec import Spec
from postroad_store.imap.states import SELECT

if TYPE_CHECKING:
    from collections.abc import Awaitable, Sequence

    from postroad_store.imap.grammar.reader import Reader
    from postroad_store.imap.grammar.sequence import SequenceSet
    from postroad_store.imap.session import Session
    from postroad_store.mail.model.mailbox import Mailbox
    from postroad_store.mail.model.message import UID


@dataclass(frozen=True, slots=True)
class Expunge(Command):
    """Remove messages that are marked as deleted; UID EXPUNGE only those among its UIDs."""

    uids: SequenceSet | None


def parse(tag: bytes, reader: Reader) -> Expunge:
    """Take nothing."""
    reader.end()
    return Expunge(tag, None)


def parse_uid(tag: bytes, reader: Reader) -> Expunge:
    """Take the UIDs."""
    reader.space()
    uids = read_sequence_set(reader)
    reader.end()
    return Expunge(tag, uids)


def handle(session: Session, command: Expunge) -> Awaitable[None] | None:
    """Remove messages for good."""
    if session.selected_view().read_only:
        session.engine.complete(command.tag, READ_ONLY)
        return None
    require(session.selected_view(), "e")  # RFC 4314 §4
    return _expunge(session, command)


async def _expunge(session: Session, command: Expunge) -> None:
    view = session.selected_view()
    uids = view.uids if command.uids is None else uids_of(view, spans_of(view, command.uids, uid=True))
    removed = await remove(session, view.mailbox, uids)
    session.finish(command, b"OK Expunge completed.", coded=bool(removed))  # RFC 7162 §3.2.7, §3.2.9


async def remove(session: Session, mailbox: Mailbox, uids: Sequence[UID]) -> list[UID]:
    r"""Remove those of the messages that have \Deleted, note it in the journal, and return their UIDs."""
    removed = await session.storage.expunge(mailbox, uids)
    if removed:
        login = session.directory.owner_of(mailbox)
        await session.shared.notes.note_in_turns(Kind.REMOVED, login, mailbox, removed)
    return removed


SPECS = (
    Spec(b"EXPUNGE", SELECT, Expunge, parse, handle, "RFC 3501 §6.4.3"),
    Spec(b"UID EXPUNGE", SELECT, Expunge, parse_uid, handle, "RFC 4315 §2.1", capability=UIDPLUS),
)
