"""REPLACE and UID REPLACE (RFC 8508): a message comes and another goes, in one step.

The message that goes is looked up when the command begins, so that a number always means what the client saw.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from postroad.value import value
from postroad_store.imap.appends import refusal
from postroad_store.imap.commands.append.building import FOLLOW, begin, refuse
from postroad_store.imap.commands.append.grammar import Segment, read_on, read_only
from postroad_store.imap.grammar.arguments import read_mailbox
from postroad_store.imap.grammar.reader import SyntaxFault
from postroad_store.imap.grammar.sequence import read_number
from postroad_store.imap.selection import GONE, READ_ONLY, require
from postroad_store.imap.spec import Capability, Spec, after_login
from postroad_store.imap.states import SELECT
from postroad_store.mail.model.errors import NoSuchMailbox, NotPermitted
from postroad_store.mail.model.message import UID

if TYPE_CHECKING:
    from collections.abc import Awaitable

    from postroad_store.imap.grammar.reader import Reader
    from postroad_store.imap.session import Session

REPLACE = Capability(b"REPLACE", "RFC 8508", after_login)
NO_SUCH_MESSAGE = b"NO [NONEXISTENT] There is no message with this UID."


@value
class Replace(Segment):
    """REPLACE, or UID REPLACE, as far as its literal."""

    uid: bool
    number: int  # of the message that goes: its sequence number, or its UID; 0 is the last message
    mailbox: bytes


def _read(tag: bytes, reader: Reader, *, uid: bool) -> Replace:
    # replace = "REPLACE" SP seq-number SP mailbox append-message
    reader.space()
    number = read_number(reader)
    mailbox = read_mailbox(reader)
    return Replace(tag, *read_only(reader), False, uid, number, mailbox)


def parse(tag: bytes, reader: Reader) -> Replace:
    """Take the arguments as far as the literal's announcement."""
    return _read(tag, reader, uid=False)


def parse_uid(tag: bytes, reader: Reader) -> Replace:
    """Do the same, with a UID."""
    return _read(tag, reader, uid=True)


def handle(session: Session, command: Replace) -> Awaitable[None] | None:
    """Begin: check what can be checked before the message comes."""
    view = session.selected_view()
    if command.uid and command.number:
        uid = UID(command.number)
    elif max(command.number, 1) <= len(view.uids):
        uid = view.uids[command.number - 1]
    elif command.uid:  # * of an empty mailbox
        return refuse(session, command.tag, NO_SUCH_MESSAGE)
    else:
        raise SyntaxFault("Invalid message number")
    if view.read_only:
        return refuse(session, command.tag, READ_ONLY)
    if view.mailbox.index(uid) is None:
        return refuse(session, command.tag, NO_SUCH_MESSAGE if command.uid else b"NO " + GONE)
    try:
        require(view, "te")  # RFC 8508 §4.1
        mailbox = session.find_mailbox(command.mailbox, needs="i")
    except (NoSuchMailbox, NotPermitted) as error:
        return refuse(session, command.tag, refusal(error))
    return begin(session, command, mailbox, uid)


SPECS = (
    Spec(b"REPLACE", SELECT, Replace, parse, handle, "RFC 8508 §3.2", REPLACE, follow=FOLLOW, resume=read_on),
    Spec(b"UID REPLACE", SELECT, Replace, parse_uid, handle, "RFC 8508 §3.3", REPLACE, follow=FOLLOW, resume=read_on),
)
