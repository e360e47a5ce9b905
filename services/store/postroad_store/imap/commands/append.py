"""APPEND (RFC 3501 §6.3.11)."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from types import MappingProxyType
from typing import TYPE_CHECKING

from postroad.mail.content import SPILL_AT, Content
from postroad_store.imap.appends import Incoming, refusal
from postroad_store.imap.events import Command, End, Octets
from postroad_store.imap.extensions import UIDPLUS
from postroad_store.imap.grammar.arguments import read_mailbox
from postroad_store.imap.grammar.dates import read_date_time
from postroad_store.imap.grammar.flags import read_flags
from postroad_store.imap.spec import Spec
from postroad_store.imap.states import AUTH
from postroad_store.mail.crlf import with_crlf
from postroad_store.mail.model.arrival import Arrival
from postroad_store.mail.model.errors import NoSuchMailbox, StorageFull
from postroad_store.mail.model.flags import NO_FLAGS, FlagSet

if TYPE_CHECKING:
    from collections.abc import Awaitable

    from postroad_store.imap.grammar.reader import Reader
    from postroad_store.imap.session import Session


@dataclass(frozen=True, slots=True)
class Append(Command):
    """APPEND as far as its literal: `Engine.take_literal` lets the message come, a completion refuses it."""

    mailbox: bytes
    flags: FlagSet
    internal_date: int | None  # seconds since 1970
    size: int  # octets


def parse(tag: bytes, reader: Reader) -> Append:
    """Take the arguments as far as the literal's announcement."""
    # append = "APPEND" SP mailbox [SP flag-list] [SP date-time] SP literal
    mailbox = read_mailbox(reader)
    reader.space()
    flags = NO_FLAGS
    if reader.peek() == b"(":
        flags = read_flags(reader, lenient=True)
        reader.space()
    internal_date = None
    if reader.peek() == b'"':
        internal_date = read_date_time(reader)
        reader.space()
    return Append(tag, mailbox, flags, internal_date, reader.literal_size())


def handle(session: Session, command: Append) -> Awaitable[None] | None:
    """Begin: the literal has been announced."""
    refused = _refused(session, command)
    if refused is not None:
        if session.appends.pending:
            return _refuse_in_turn(session, command.tag, refused)
        session.engine.complete(command.tag, refused)
        return None
    mailbox = session.find_mailbox(command.mailbox)
    content = Content(session.shared.incoming)
    session.appends.incoming = Incoming(mailbox, command.internal_date, command.flags, content)
    session.engine.take_literal()
    return None


def _refused(session: Session, command: Append) -> bytes | None:
    """Return the completion of an APPEND that is refused before its message comes, else None."""
    if command.size > session.shared.message_size:
        return b"NO [TOOBIG] Message is too large."  # RFC 7889 §4, RFC 4469 §4.2
    if command.size == 0:
        return b"NO Can't save a zero byte message."
    try:
        session.find_mailbox(command.mailbox)
    except NoSuchMailbox as error:
        return refusal(error)
    return None


async def _refuse_in_turn(session: Session, tag: bytes, text: bytes) -> None:
    await session.appends.settled()
    session.engine.complete(tag, text)


def take_octets(session: Session, event: Octets) -> None:
    """Take a piece of the message."""
    incoming = session.appends.incoming
    if incoming is None or incoming.error is not None:
        return
    try:
        incoming.content.write(event.octets)
    except OSError as error:
        incoming.content.close()
        incoming.error = StorageFull(f"Message can't be kept: {error.strerror}")


def end(session: Session, event: End) -> Awaitable[None] | None:
    """Hand the whole message to the storage."""
    appends = session.appends
    incoming, appends.incoming = appends.incoming, None
    if incoming is None:
        raise RuntimeError("an APPEND has ended that was not begun")
    if incoming.error is not None:
        return _refuse_in_turn(session, event.tag, refusal(incoming.error))
    if incoming.content.size > SPILL_AT:
        return _store_large(session, event.tag, incoming)
    content = with_crlf(incoming.content.read())
    incoming.content.close()
    _store(session, event.tag, incoming, content)
    if appends.full or not session.engine.has_input:
        return _answered(session)
    session.engine.proceed()
    return None


async def _store_large(session: Session, tag: bytes, incoming: Incoming) -> None:
    """Hand over a message that is in a file, which a thread reads: 40 MB take a tenth of a second."""
    _store(session, tag, incoming, await asyncio.to_thread(_read_whole, incoming.content))
    if session.appends.full or not session.engine.has_input:
        await session.appends.settled()
    session.engine.proceed()


def _store(session: Session, tag: bytes, incoming: Incoming, content: bytes) -> None:
    moment = incoming.internal_date if incoming.internal_date is not None else int(session.shared.clock.now())
    arrival = Arrival((incoming.mailbox,), content, moment, incoming.flags)
    session.appends.add(tag, asyncio.ensure_future(session.storage.append([arrival])), len(content))


def _read_whole(content: Content) -> bytes:
    """Read a message and forget its file; block by block, so that other threads need not wait."""
    whole = []
    cut = b""  # CR at the end of a block, whose LF may be in the next one
    for block in content.blocks():
        lines = cut + block if cut else block
        cut = b"\r" if lines.endswith(b"\r") else b""
        whole.append(with_crlf(lines.removesuffix(b"\r")))
    content.close()
    return b"".join([*whole, cut])


async def _answered(session: Session) -> None:
    """Answer all APPENDs under way first: there are enough of them, or the client has sent no more."""
    await session.appends.settled()
    session.engine.proceed()


SPECS = (
    Spec(
        b"APPEND",
        AUTH,
        Append,
        parse,
        handle,
        "RFC 3501 §6.3.11",
        extensions=(UIDPLUS,),
        follow=MappingProxyType({Octets: take_octets, End: end}),
        streams=True,
    ),
)
