"""COPY (RFC 3501 §6.4.7), MOVE (RFC 6851) and their UID forms."""

from __future__ import annotations

from typing import TYPE_CHECKING

from postroad.journal import Kind
from postroad.value import value
from postroad_store.imap.events import Command
from postroad_store.imap.extensions import MESSAGELIMIT, SAVELIMIT, UIDPLUS
from postroad_store.imap.grammar.arguments import read_mailbox
from postroad_store.imap.grammar.sequence import format_ranges, ranges_of, read_sequence_set
from postroad_store.imap.limits import message_limit, newest, refusal, save_limit, told
from postroad_store.imap.selection import GONE, READ_ONLY, require, spans_of, uids_of
from postroad_store.imap.spec import Capability, Spec, after_login
from postroad_store.imap.states import SELECT
from postroad_store.mail.model.errors import MessagesExpunged, NoSuchMailbox
from postroad_store.mail.model.rights import flags_mask

if TYPE_CHECKING:
    from collections.abc import Awaitable, Sequence

    from postroad_store.imap.grammar.reader import Reader
    from postroad_store.imap.grammar.sequence import SequenceSet
    from postroad_store.imap.session import Session
    from postroad_store.imap.spec import Parser
    from postroad_store.mail.model.arrival import Copied
    from postroad_store.mail.model.message import UID

MOVE = Capability(b"MOVE", "RFC 6851", after_login)
NOTHING_FOUND = b"OK No messages found."


@value
class Copy(Command):
    """Put copies of messages into another mailbox."""

    uid: bool
    messages: SequenceSet
    mailbox: bytes


@value
class Move(Command):
    """Put messages into another mailbox."""

    uid: bool
    messages: SequenceSet
    mailbox: bytes


def _parser(kind: type[Copy | Move], *, uid: bool) -> Parser:
    def parse(tag: bytes, reader: Reader) -> Command:
        reader.space()
        messages = read_sequence_set(reader)
        mailbox = read_mailbox(reader)
        reader.end()
        return kind(tag, uid, messages, mailbox)

    return parse


def handle(session: Session, command: Copy | Move) -> Awaitable[None] | None:
    """Copy or move."""
    view = session.selected_view()
    spans = spans_of(view, command.messages, uid=command.uid)
    if isinstance(command, Move) and view.read_only:
        session.engine.complete(command.tag, READ_ONLY)
        return None
    if isinstance(command, Move):
        require(view, "te")  # RFC 6851 §4.2
    if not spans:
        session.finish(command, NOTHING_FOUND)
        return None
    limit = message_limit(session) if isinstance(command, Move) else save_limit(session)
    spans, lowest = newest(view, spans, limit)
    if lowest is not None and isinstance(command, Copy):  # RFC 9738 §3.1: COPY is of all messages, or of none
        session.finish(command, refusal(session, lowest))
        return None
    return _copy(session, command, uids_of(view, spans), lowest)


async def _copy(session: Session, command: Copy | Move, uids: Sequence[UID], lowest: UID | None) -> None:
    view = session.selected_view()
    move = isinstance(command, Move)
    try:
        target = session.find_mailbox(command.mailbox, needs="i")
        mask = flags_mask(session.directory.rights(target))
        owners = session.directory.owner_of(view.mailbox), session.directory.owner_of(target)
        tell = session.shared.notes.put(Kind.MOVED if move else Kind.COPIED, *owners)
        # RFC 3501 §6.4.7: all or none, and OK would promise all. RFC 3501 §6.4.8: UIDs that are gone are ignored.
        copied = await session.storage.copy(
            view.mailbox, uids, target, move=move, whole=not command.uid, mask=mask, tell=tell
        )
    except NoSuchMailbox as error:  # RFC 3501 §6.4.7: the client may create it and try again
        session.refuse(command, error, "TRYCREATE")
        return
    except MessagesExpunged:
        session.finish(command, b"NO " + GONE)
        return
    if not copied.source:
        session.finish(command, NOTHING_FOUND)
        return
    code = _copyuid(copied) if session.offers(UIDPLUS) else b""
    if session.notify is not None:
        session.notify.forget(target, copied.target)
    if not move:
        session.finish(command, b"OK %bCopy completed." % code)
        return
    if code:  # RFC 6851 §4.3: before the EXPUNGEs, so that the client knows where the messages went
        session.engine.send(b"* OK %bMoved UIDs.\r\n" % code)
    # RFC 6851 §4.4
    session.finish(command, told(session, b"OK Move completed.", lowest, coded=True), coded=True)


def _copyuid(copied: Copied) -> bytes:
    """Return the response code with a space behind it (RFC 4315 §3)."""
    source, target = ranges_of(copied.source), ranges_of(copied.target)
    return b"[COPYUID %d %b %b] " % (copied.uid_validity, format_ranges(source), format_ranges(target))


SPECS = (
    Spec(
        b"COPY",
        SELECT,
        Copy,
        _parser(Copy, uid=False),
        handle,
        "RFC 3501 §6.4.7",
        extensions=(UIDPLUS, SAVELIMIT, MESSAGELIMIT),
    ),
    Spec(b"UID COPY", SELECT, Copy, _parser(Copy, uid=True), handle, "RFC 3501 §6.4.8", extensions=(UIDPLUS,)),
    Spec(b"MOVE", SELECT, Move, _parser(Move, uid=False), handle, "RFC 6851 §3.1", capability=MOVE),
    Spec(b"UID MOVE", SELECT, Move, _parser(Move, uid=True), handle, "RFC 6851 §3.2", capability=MOVE),
)
