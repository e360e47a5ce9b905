"""SELECT and EXAMINE (RFC 3501 §6.3.1, §6.3.2)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from postroad_store.imap import updates
from postroad_store.imap.events import Command
from postroad_store.imap.extensions import OBJECTID
from postroad_store.imap.grammar.arguments import one_mailbox
from postroad_store.imap.spec import Spec
from postroad_store.imap.states import AUTH, State

if TYPE_CHECKING:
    from collections.abc import Awaitable

    from postroad_store.imap.session import Session
    from postroad_store.mail.model.mailbox import Mailbox
    from postroad_store.mail.model.view import View


@dataclass(frozen=True, slots=True)
class Select(Command):
    """SELECT, or EXAMINE which is the same read-only."""

    mailbox: bytes
    read_only: bool


def handle(session: Session, command: Select) -> Awaitable[None] | None:
    """Open a mailbox, and report its contents."""
    engine = session.engine
    if session.view is not None:
        # RFC 3501 §6.3.1: the selected mailbox is given up before the new one is tried, whether or not that succeeds.
        session.leave_mailbox()
        engine.send(updates.CLOSED)
    mailbox = session.find_mailbox(command.mailbox)
    if session.storage.is_large(mailbox):
        return _select_large(session, command, mailbox)
    _enter(session, command, session.storage.view(mailbox, read_only=command.read_only))
    return None


async def _select_large(session: Session, command: Select, mailbox: Mailbox) -> None:
    _enter(session, command, await session.storage.view_large(mailbox, read_only=command.read_only))


def _enter(session: Session, command: Select, view: View) -> None:
    engine = session.engine
    session.view = view
    engine.enter(State.SELECTED)
    engine.send(_contents(session, view))
    if command.read_only:
        engine.complete(command.tag, b"OK [READ-ONLY] Examine completed.")
    else:
        engine.complete(command.tag, b"OK [READ-WRITE] Select completed.")


def _contents(session: Session, view: View) -> bytes:
    mailbox = view.mailbox
    lines = [
        updates.flags_line(mailbox),
        updates.permanent_flags(view),
        b"* %d EXISTS\r\n* %d RECENT\r\n" % (len(view.uids), len(view.recent)),
    ]
    unseen = view.first_unseen()
    if unseen is not None:
        lines.append(b"* OK [UNSEEN %d] First unseen.\r\n" % unseen)
    lines.append(b"* OK [UIDVALIDITY %d] UIDs valid\r\n" % mailbox.uid_validity)
    lines.append(b"* OK [UIDNEXT %d] Predicted next UID\r\n" % mailbox.uid_next)
    if session.offers(OBJECTID):  # RFC 8474 §4.2
        lines.append(b"* OK [MAILBOXID (%b)] Mailbox's id\r\n" % mailbox.object_id.encode("ascii"))
    return b"".join(lines)


SPECS = (
    Spec(
        b"SELECT",
        AUTH,
        Select,
        one_mailbox(lambda tag, mailbox: Select(tag, mailbox, read_only=False)),
        handle,
        "RFC 3501 §6.3.1",
    ),
    Spec(
        b"EXAMINE",
        AUTH,
        Select,
        one_mailbox(lambda tag, mailbox: Select(tag, mailbox, read_only=True)),
        handle,
        "RFC 3501 §6.3.2",
    ),
)
