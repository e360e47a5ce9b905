"""APPEND (RFC 3501 §6.3.11)."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from types import MappingProxyType
from typing import TYPE_CHECKING

from postroad.mail.content import SPILL_AT, Content
from postroad.mime.transportable import transportable
from postroad_store.imap.appends import Incoming, refusal
from postroad_store.imap.events import Announcing, End, Octets
from postroad_store.imap.extensions import BINARY, UIDPLUS, UTF8_ACCEPT
from postroad_store.imap.grammar.arguments import read_mailbox
from postroad_store.imap.grammar.dates import read_date_time
from postroad_store.imap.grammar.flags import read_flags
from postroad_store.imap.spec import Spec
from postroad_store.imap.states import AUTH
from postroad_store.mail.crlf import with_crlf
from postroad_store.mail.model.arrival import Arrival
from postroad_store.mail.model.errors import NoSuchMailbox, NotPermitted, StorageFull
from postroad_store.mail.model.flags import NO_FLAGS, FlagSet
from postroad_store.mail.model.rights import permitted

if TYPE_CHECKING:
    from collections.abc import Awaitable

    from postroad_store.imap.grammar.reader import Reader
    from postroad_store.imap.session import Session


# RFC 3516 §4.4: NULs outside of parts that can be put into base64
UNKNOWN_CTE = b"NO [UNKNOWN-CTE] Message has NULs that can't be kept."
# RFC 6855 §4: 8-bit octets in header fields are for clients that have enabled UTF8=ACCEPT
NOT_UTF8 = b"NO [CANNOT] Message has 8-bit header fields, which need ENABLE UTF8=ACCEPT."


@dataclass(frozen=True, slots=True)
class Append(Announcing):
    """APPEND as far as its literal: `Engine.take_literal` lets the message come, a completion refuses it."""

    mailbox: bytes
    flags: FlagSet
    internal_date: int | None  # seconds since 1970


def parse(tag: bytes, reader: Reader) -> Append:
    """Take the arguments as far as the literal's announcement."""
    # append = "APPEND" SP mailbox [SP flag-list] [SP date-time] SP append-data
    # append-data = literal / literal8 / "UTF8" SP "(" literal8 ")"                 (RFC 3516 §7, RFC 6855 §4)
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
    closing, octets = b"", None
    if reader.offers(UTF8_ACCEPT) and reader.skip_word(b"UTF8"):
        reader.take(b" (~")
        closing, octets = b")", reader.literal_size()
    elif reader.offers(BINARY):
        octets = reader.literal8_size()
    size = reader.literal_size() if octets is None else octets
    return Append(tag, size, octets is not None and reader.offers(BINARY), closing, mailbox, flags, internal_date)


def handle(session: Session, command: Append) -> Awaitable[None] | None:
    """Begin: the literal has been announced."""
    refused = _refused(session, command)
    if refused is not None:
        if session.appends.pending:
            return _refuse_in_turn(session, command.tag, refused)
        session.engine.complete(command.tag, refused)
        return None
    mailbox = session.find_mailbox(command.mailbox, needs="i")
    content = Content(session.shared.incoming)
    flags = permitted(command.flags, session.rights(mailbox))  # RFC 4314 §4: "MUST NOT fail" for a flag
    session.appends.incoming = Incoming(mailbox, command.internal_date, flags, content, is_binary=command.binary)
    session.engine.take_literal()
    return None


def _refused(session: Session, command: Append) -> bytes | None:
    """Return the completion of an APPEND that is refused before its message comes, else None."""
    if command.size > session.shared.message_size:
        return b"NO [TOOBIG] Message is too large."  # RFC 7889 §4, RFC 4469 §4.2
    if command.size == 0:
        return b"NO Can't save a zero byte message."
    try:
        session.find_mailbox(command.mailbox, needs="i")
    except (NoSuchMailbox, NotPermitted) as error:
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
    content = _ready(incoming.content.read(), is_binary=incoming.is_binary)
    incoming.content.close()
    unfit = _unfit(session, content)
    if content is None or unfit:
        return _refuse_in_turn(session, event.tag, unfit)
    _store(session, event.tag, incoming, content)
    if appends.full or not session.engine.has_input:
        return _answered(session)
    session.engine.proceed()
    return None


async def _store_large(session: Session, tag: bytes, incoming: Incoming) -> None:
    """Hand over a message that is in a file, which a thread reads: 40 MB take a tenth of a second."""
    content = await asyncio.to_thread(_read_whole, incoming.content, is_binary=incoming.is_binary)
    unfit = _unfit(session, content)
    if content is None or unfit:
        await _refuse_in_turn(session, tag, unfit)
        return
    _store(session, tag, incoming, content)
    if session.appends.full or not session.engine.has_input:
        await session.appends.settled()
    session.engine.proceed()


def _store(session: Session, tag: bytes, incoming: Incoming, content: bytes) -> None:
    moment = incoming.internal_date if incoming.internal_date is not None else int(session.shared.clock.now())
    arrival = Arrival((incoming.mailbox,), content, moment, incoming.flags)
    session.appends.add(tag, asyncio.ensure_future(session.storage.append([arrival])), len(content))


def _unfit(session: Session, content: bytes | None) -> bytes:
    """Return the completion that refuses a whole message, or nothing."""
    if content is None:
        return UNKNOWN_CTE
    if session.offers(UTF8_ACCEPT) and not session.engine.offer.utf8:
        end = content.find(b"\r\n\r\n")
        header = content[:end] if end >= 0 else content
        return b"" if header.isascii() else NOT_UTF8
    return b""


def _ready(content: bytes, *, is_binary: bool) -> bytes | None:
    """Return a message as it is stored; None if it has NULs that cannot be."""
    return transportable(content) if is_binary else with_crlf(content)


def _read_whole(content: Content, *, is_binary: bool) -> bytes | None:
    """Read a message and forget its file; block by block, so that other threads need not wait."""
    whole = []
    cut = b""  # CR at the end of a block, whose LF may be in the next one
    for block in content.blocks():
        if is_binary:
            whole.append(block)
            continue
        lines = cut + block if cut else block
        cut = b"\r" if lines.endswith(b"\r") else b""
        whole.append(with_crlf(lines.removesuffix(b"\r")))
    content.close()
    read = b"".join([*whole, cut])
    return transportable(read) if is_binary else read


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
        extensions=(UIDPLUS, BINARY, UTF8_ACCEPT),
        follow=MappingProxyType({Octets: take_octets, End: end}),
        streams=True,
    ),
)
