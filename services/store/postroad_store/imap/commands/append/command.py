"""APPEND (RFC 3501 §6.3.11), with what extensions add to it: see `grammar`."""

from __future__ import annotations

from typing import TYPE_CHECKING

from postroad.value import value
from postroad_store.imap.appends import refusal
from postroad_store.imap.commands.append.building import FOLLOW, begin, refuse
from postroad_store.imap.commands.append.grammar import Segment, read_first, read_on
from postroad_store.imap.commands.list.response import tell_spelling
from postroad_store.imap.extensions import BINARY, CATENATE, MULTIAPPEND, UIDPLUS, UTF8_ACCEPT
from postroad_store.imap.grammar.arguments import read_mailbox
from postroad_store.imap.spec import Spec
from postroad_store.imap.states import AUTH
from postroad_store.mail.model.errors import NoSuchMailbox, NotPermitted

if TYPE_CHECKING:
    from collections.abc import Awaitable

    from postroad_store.imap.grammar.reader import Reader
    from postroad_store.imap.session import Session


@value
class Append(Segment):
    """APPEND as far as its first literal: `Engine.take_literal` lets the message come, a completion refuses it."""

    mailbox: bytes


def parse(tag: bytes, reader: Reader) -> Append:
    """Take the arguments as far as the literal's announcement."""
    # append = "APPEND" SP mailbox 1*append-message
    mailbox = read_mailbox(reader)
    return Append(tag, *read_first(reader), reader.offers(MULTIAPPEND), mailbox)


def handle(session: Session, command: Append) -> Awaitable[None] | None:
    """Begin: a message has been announced, or made of parts of others."""
    try:
        mailbox = session.find_mailbox(command.mailbox, needs="i")
    except (NoSuchMailbox, NotPermitted) as error:
        return refuse(session, command.tag, refusal(error))
    if session.rev2:
        tell_spelling(session, command.mailbox, session.directory.name_of(mailbox))
    return begin(session, command, mailbox)


SPECS = (
    Spec(
        b"APPEND",
        AUTH,
        Append,
        parse,
        handle,
        "RFC 3501 §6.3.11",
        extensions=(UIDPLUS, BINARY, MULTIAPPEND, CATENATE, UTF8_ACCEPT),
        follow=FOLLOW,
        resume=read_on,
    ),
)
