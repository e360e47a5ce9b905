"""EXPUNGE (RFC 3501 §6.4.3) and UID EXPUNGE (RFC 4315 §2.1)."""

from __future__ import annotations

from typing import TYPE_CHECKING

from postroad.value import value
from postroad_store.imap.events import Command
from postroad_store.imap.extensions import UIDPLUS
from postroad_store.imap.grammar.sequence import ranges_of, read_sequence_set
from postroad_store.imap.limits import message_limit, newest, told
from postroad_store.imap.selection import READ_ONLY, known, require, spans_of, uids_of
from postroad_store.imap.spec import Spec
from postroad_store.imap.states import SELECT
from postroad_store.mail.model.flags import DELETED

if TYPE_CHECKING:
    from collections.abc import Awaitable, Sequence

    from postroad_store.imap.grammar.reader import Reader
    from postroad_store.imap.grammar.sequence import SequenceSet
    from postroad_store.imap.session import Session
    from postroad_store.mail.model.mailbox import Mailbox
    from postroad_store.mail.model.message import UID
    from postroad_store.mail.model.view import View


@value
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
    lowest = None
    uids = known(view)
    if command.uids is not None:  # RFC 9738 §3.1: UID EXPUNGE alone has a limit
        spans, lowest = newest(view, _deleted(session, view, command.uids), message_limit(session))
        uids = uids_of(view, spans)
    removed = await remove(session, view.mailbox, uids)
    coded = bool(removed)
    # RFC 7162 §3.2.7, §3.2.9
    session.finish(command, told(session, b"OK Expunge completed.", lowest, coded=coded), coded=coded)


def _deleted(session: Session, view: View, uids: SequenceSet) -> list[range]:
    r"""Return the sequence numbers of those of the messages that have \Deleted, where that has to be known before."""
    spans = spans_of(view, uids, uid=True)
    if message_limit(session) is None:
        return spans
    flags = view.mailbox.flags
    marked = [
        number
        for span in spans
        for number, value in zip(span, view.pick(flags, span[0], span[-1]), strict=True)
        if value >= 0 and value & DELETED
    ]
    return [range(low, high + 1) for low, high in ranges_of(marked)]


async def remove(session: Session, mailbox: Mailbox, uids: Sequence[UID]) -> list[UID]:
    r"""Remove those of the messages that have \Deleted, tell the journal, and return their UIDs."""
    tell = session.shared.notes.removed(session.directory.owner_of(mailbox))
    return await session.storage.expunger.remove(mailbox, uids, tell)


SPECS = (
    Spec(b"EXPUNGE", SELECT, Expunge, parse, handle, "RFC 3501 §6.4.3"),
    Spec(b"UID EXPUNGE", SELECT, Expunge, parse_uid, handle, "RFC 4315 §2.1", capability=UIDPLUS),
)
