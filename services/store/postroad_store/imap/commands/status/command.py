"""STATUS (RFC 3501 §6.3.10, RFC 9051 §6.3.11)."""

from __future__ import annotations

from typing import TYPE_CHECKING

from postroad.remembered import remembered
from postroad.value import value
from postroad_store.imap.commands.status.items import ITEMS, Item, all_offered, read_items, response
from postroad_store.imap.events import Command
from postroad_store.imap.extensions import APPENDLIMIT, CONDSTORE, STATUS_DELETED, STATUS_SIZE
from postroad_store.imap.grammar.arguments import read_mailbox
from postroad_store.imap.grammar.reader import Reader, SyntaxFault
from postroad_store.imap.spec import Spec
from postroad_store.imap.states import AUTH

if TYPE_CHECKING:
    from collections.abc import Awaitable

    from postroad_store.imap.session import Session
    from postroad_store.mail.model.mailbox import Mailbox
    from postroad_store.mail.model.view import View

MANY = 20_000  # messages, among which those with \Deleted are looked for in a thread
REMEMBERED = 256  # arguments: clients look at the same mailboxes over and over
REMEMBERED_OCTETS = 512  # of the longest that are remembered


@value
class Status(Command):
    """Figures of a mailbox."""

    mailbox: bytes
    items: tuple[Item, ...]


def parse(tag: bytes, reader: Reader) -> Status:
    """Take the mailbox and the items."""
    rest = reader.rest()
    known = None if rest is None else _remembered(rest)
    if known is not None and all_offered(reader, known[1]):
        return Status(tag, *known)
    return Status(tag, *_arguments(reader))


@remembered(REMEMBERED, REMEMBERED_OCTETS)
def _remembered(rest: bytes) -> tuple[bytes, tuple[Item, ...]] | None:
    """Return mailbox and items where all items are offered; None for what is not valid, or not ASCII."""
    if not rest.isascii():  # what is valid depends on what the client has enabled
        return None
    try:
        return _arguments(Reader([rest]))
    except SyntaxFault:
        return None


def _arguments(reader: Reader) -> tuple[bytes, tuple[Item, ...]]:
    # status = "STATUS" SP mailbox SP "(" status-att *(SP status-att) ")"
    mailbox = read_mailbox(reader)
    reader.take(b" (")
    items = read_items(reader)
    reader.end()
    return mailbox, items


def handle(session: Session, command: Status) -> Awaitable[None] | None:
    """Give the figures."""
    mailbox = session.find_mailbox(command.mailbox)
    view = session.view
    if view is not None and view.mailbox is mailbox and view.changed:
        if view.much(expunges=True):
            return _after_news(session, command, view)
        session.tell(view, expunges=True)  # so that the figures agree with what the client knows
    if ITEMS[b"DELETED-STORAGE"] in command.items and mailbox.counts.deleted and mailbox.counts.messages > MANY:
        return _after_counting(session, command, mailbox)
    _give(session, command, mailbox)
    return None


async def _after_counting(session: Session, command: Status, mailbox: Mailbox) -> None:
    _give(session, command, mailbox, await session.storage.deleted_octets_apart(mailbox))


async def _after_news(session: Session, command: Status, view: View) -> None:
    await session.tell_in_turns(view, expunges=True)
    _give(session, command, view.mailbox)


def _give(session: Session, command: Status, mailbox: Mailbox, deleted_octets: int | None = None) -> None:
    view = session.view
    written = session.written(session.directory.name_of(mailbox))
    session.engine.send(response(session, mailbox, written, command.items, deleted_octets))
    if view is not None and view.mailbox is mailbox:  # RFC 3501 §6.3.10: SHOULD NOT be used on the selected mailbox
        session.finish(command, b"OK [CLIENTBUG] Status on selected mailbox completed.")
    else:
        session.finish(command, b"OK Status completed.")


SPECS = (
    Spec(
        b"STATUS",
        AUTH,
        Status,
        parse,
        handle,
        "RFC 3501 §6.3.10",
        extensions=(APPENDLIMIT, STATUS_SIZE, STATUS_DELETED, CONDSTORE),
    ),
)
