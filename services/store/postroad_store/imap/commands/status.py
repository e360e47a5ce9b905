"""STATUS (RFC 3501 §6.3.10), with the item APPENDLIMIT (RFC 7889)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from postroad_store.imap.events import Command
from postroad_store.imap.extensions import OBJECTID
from postroad_store.imap.grammar.arguments import read_mailbox
from postroad_store.imap.grammar.reader import SyntaxFault
from postroad_store.imap.spec import Capability, Spec, after_login
from postroad_store.imap.states import AUTH

if TYPE_CHECKING:
    from collections.abc import Awaitable

    from postroad_store.imap.grammar.reader import Reader
    from postroad_store.imap.session import Session
    from postroad_store.imap.spec import Conditions
    from postroad_store.mail.model.mailbox import Mailbox
    from postroad_store.mail.model.mailbox import Status as Counts
    from postroad_store.mail.model.view import View


def _message_size(conditions: Conditions) -> bytes:
    return b"%d" % conditions.message_size


APPENDLIMIT = Capability(b"APPENDLIMIT", "RFC 7889", after_login, _message_size)
ITEMS = (b"MESSAGES", b"RECENT", b"UIDNEXT", b"UIDVALIDITY", b"UNSEEN", b"APPENDLIMIT", b"MAILBOXID")
_CAPABILITIES = {b"APPENDLIMIT": APPENDLIMIT, b"MAILBOXID": OBJECTID}


@dataclass(frozen=True, slots=True)
class Status(Command):
    """Figures of a mailbox; items in upper case, each once."""

    mailbox: bytes
    items: tuple[bytes, ...]


def parse(tag: bytes, reader: Reader) -> Status:
    """Take the mailbox and the items."""
    # status = "STATUS" SP mailbox SP "(" status-att *(SP status-att) ")"
    mailbox = read_mailbox(reader)
    reader.take(b" (")
    items: dict[bytes, None] = {}
    while True:
        item = reader.keyword()
        if item not in ITEMS or (item in _CAPABILITIES and not reader.offers(_CAPABILITIES[item])):
            raise SyntaxFault(f"Invalid status item {item.decode('ascii')}")
        items[item] = None
        if reader.skip(b")"):
            break
        reader.space()
    reader.end()
    return Status(tag, mailbox, tuple(items))


def handle(session: Session, command: Status) -> Awaitable[None] | None:
    """Give the figures, in the order of `ITEMS`."""
    mailbox = session.find_mailbox(command.mailbox)
    view = session.view
    if view is not None and view.mailbox is mailbox and view.changed:
        if view.much(expunges=True):
            return _after_news(session, command, view)
        session.tell(view, expunges=True)  # so that the figures agree with what the client knows
    _give(session, command, mailbox, session.storage.status(mailbox))
    return None


async def _after_news(session: Session, command: Status, view: View) -> None:
    await session.tell_in_turns(view, expunges=True)
    _give(session, command, view.mailbox, session.storage.status(view.mailbox))


def _give(session: Session, command: Status, mailbox: Mailbox, counts: Counts) -> None:
    view = session.view
    selected = view is not None and view.mailbox is mailbox
    values = {
        b"MESSAGES": counts.messages,
        b"RECENT": len(view.recent) if view is not None and selected else counts.recent,
        b"UIDNEXT": counts.uid_next,
        b"UIDVALIDITY": counts.uid_validity,
        b"UNSEEN": counts.unseen,
        b"APPENDLIMIT": session.shared.message_size,  # RFC 7889 §3.1
    }
    items = b" ".join([b"%b %d" % pair for pair in values.items() if pair[0] in command.items])
    if b"MAILBOXID" in command.items:  # RFC 8474 §4.3
        items += b"%bMAILBOXID (%b)" % (b" " if items else b"", mailbox.object_id.encode("ascii"))
    session.engine.send(b"* STATUS %b (%b)\r\n" % (session.written(mailbox.name), items))
    if selected:  # RFC 3501 §6.3.10: SHOULD NOT be used on the currently selected mailbox
        session.finish(command, b"OK [CLIENTBUG] Status on selected mailbox completed.")
    else:
        session.finish(command, b"OK Status completed.")


SPECS = (Spec(b"STATUS", AUTH, Status, parse, handle, "RFC 3501 §6.3.10", extensions=(APPENDLIMIT,)),)
