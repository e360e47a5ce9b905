"""Messages as they come, literal by literal, and what becomes of them (RFC 3501 §6.3.11, RFC 3502, RFC 4469).

A command is refused at the first announcement at which that is certain, so that a client need not send what nobody
wants. What has come before is forgotten then: nothing of a command is stored unless all of it is.
"""

from __future__ import annotations

import asyncio
from types import MappingProxyType
from typing import TYPE_CHECKING

from postroad.mail.content import SPILL_AT, Content
from postroad.mail.crlf import with_crlf
from postroad.mime.fields import header_end
from postroad.mime.transportable import transportable
from postroad_store.imap.appends import Draft, Incoming, append_uid, refusal
from postroad_store.imap.commands.append.grammar import PARTS, Begin, More, Place, Segment, Url
from postroad_store.imap.events import Octets
from postroad_store.imap.extensions import UTF8_ACCEPT
from postroad_store.imap.grammar.responses import text
from postroad_store.imap.grammar.url import UrlFault
from postroad_store.imap.limits import append_limit, save_limit
from postroad_store.imap.limits import refusal as refusal_of_many
from postroad_store.imap.urls import find_text
from postroad_store.mail.model.arrival import Arrival
from postroad_store.mail.model.errors import MailError, StorageFull
from postroad_store.mail.model.flags import NO_FLAGS
from postroad_store.mail.model.rights import permitted

if TYPE_CHECKING:
    from collections.abc import Awaitable, Mapping

    from postroad_store.imap.session import Session
    from postroad_store.imap.spec import Handler
    from postroad_store.mail.model.arrival import Stored
    from postroad_store.mail.model.mailbox import Mailbox
    from postroad_store.mail.model.message import UID
    from postroad_store.protocol.contract import Event

MAX_MESSAGES = 1000  # of one command
# Octets of one command's messages, in units of the largest message that is taken: they are stored from memory.
MAX_LARGEST = 2

TOO_BIG = b"NO [TOOBIG] Message is too large."  # RFC 7889 §4, RFC 4469 §4.2
ZERO = b"NO Can't save a zero byte message."  # RFC 3502: it cancels the others too
TOO_MANY = b"NO [LIMIT] Too many messages, or too many octets, in one command."
# RFC 6855 §4: header fields in UTF-8 are for clients that have enabled it
NOT_UTF8 = b"NO [CANNOT] Message has 8-bit header fields, which need ENABLE UTF8=ACCEPT."
# RFC 3516 §4.4: NULs outside of parts that can be put into base64
UNKNOWN_CTE = b"NO [UNKNOWN-CTE] Message has NULs that can't be kept."


def begin(session: Session, command: Segment, mailbox: Mailbox, replaced: UID | None = None) -> Awaitable[None] | None:
    """Begin with the first segment of a command."""
    session.appends.incoming = Incoming(mailbox, replaced)
    return _go_on(session, command)


def refuse(session: Session, tag: bytes, completion: bytes) -> Awaitable[None] | None:
    """Refuse the command, and forget its messages."""
    session.appends.drop_incoming()
    if session.appends.pending:
        return _refuse_in_turn(session, tag, completion)
    session.engine.complete(tag, completion)
    return None


async def _refuse_in_turn(session: Session, tag: bytes, completion: bytes) -> None:
    await session.appends.settled()
    session.engine.complete(tag, completion)


def take_octets(session: Session, event: Octets) -> None:
    """Take a piece of a message."""
    incoming = session.appends.incoming
    if incoming is not None and incoming.error is None:
        _write(incoming, event.octets)


def _write(incoming: Incoming, octets: bytes) -> None:
    try:
        incoming.drafts[-1].content.write(octets)
    except OSError as error:
        incoming.close()
        incoming.error = StorageFull(f"Message can't be kept: {error.strerror}")


def take_segment(session: Session, event: More) -> Awaitable[None] | None:
    """Take what follows a literal."""
    incoming = session.appends.incoming
    if incoming is None:
        raise RuntimeError("a message has ended that was not begun")
    if incoming.error is not None:
        return refuse(session, event.tag, refusal(incoming.error))
    return _go_on(session, event)


# Handlers of the events that follow the command
FOLLOW: Mapping[type[Event], Handler] = MappingProxyType({Octets: take_octets, More: take_segment})


# -- what a segment says --------------------------------------------------------------------------------------


def _go_on(session: Session, segment: Segment) -> Awaitable[None] | None:
    """Carry out the steps of a segment; only those that read other messages have to be waited for."""
    for place, step in enumerate(segment.steps):
        if isinstance(step, Url):
            return _go_on_with_urls(session, segment, place)
        refused = _begin(session, step)
        if refused is not None:
            return refuse(session, segment.tag, refused)
    return _take_or_store(session, segment)


async def _go_on_with_urls(session: Session, segment: Segment, place: int) -> None:
    for step in segment.steps[place:]:
        refused = await _catenate(session, step) if isinstance(step, Url) else _begin(session, step)
        if refused is not None:
            break
    waiting = _take_or_store(session, segment) if refused is None else refuse(session, segment.tag, refused)
    if waiting is not None:
        await waiting


def _begin(session: Session, step: Begin) -> bytes | None:
    """Begin a message; return the completion if it is refused."""
    incoming = _incoming(session)
    if incoming.drafts and not incoming.drafts[-1].content.size:
        return ZERO
    limit = save_limit(session)
    if limit is not None and len(incoming.drafts) >= limit:
        return refusal_of_many(session)
    if len(incoming.drafts) >= MAX_MESSAGES:
        return TOO_MANY
    flags = step.flags
    if flags is not NO_FLAGS:  # RFC 4314 §4: a flag that may not be set is left out, and the message comes
        flags = permitted(flags, session.directory.rights(incoming.mailbox))
    incoming.drafts.append(Draft(flags, step.internal_date, Content(session.shared.incoming)))
    return None


async def _catenate(session: Session, step: Url) -> bytes | None:
    """Add what a URL names to the message (RFC 4469 §3); return the completion if it is refused."""
    content = _incoming(session).drafts[-1].content
    try:
        size, pieces = find_text(session, step.text)
        refused = _too_large(session, size)
        if refused is not None:
            return refused
        for octets in pieces:
            content.write(octets)
            await asyncio.sleep(0)
    except (UrlFault, MailError) as fault:
        # RFC 4469 §4.1: the first URL that has failed. A "]" would end the code, so it is written as URLs may have it.
        named = step.text.replace(b"]", b"%5D").decode("utf-8", "replace")
        return b'NO [BADURL "%b"] %b' % (text(named), text(str(fault)))
    except OSError as error:
        return refusal(StorageFull(f"Message can't be kept: {error.strerror}"))
    return None


def _too_large(session: Session, octets: int) -> bytes | None:
    """Return the completion if the message would be too large with so many more octets, or all messages together."""
    incoming, largest = _incoming(session), session.shared.message_size
    if incoming.drafts[-1].content.size + octets > append_limit(session, incoming.mailbox):
        return TOO_BIG
    return TOO_MANY if len(incoming.drafts) > 1 and incoming.octets + octets > MAX_LARGEST * largest else None


def _take_or_store(session: Session, segment: Segment) -> Awaitable[None] | None:
    """Let the next literal come, or store what has come."""
    incoming = _incoming(session)
    if segment.size is None:
        if not incoming.drafts[-1].content.size:
            return refuse(session, segment.tag, ZERO)
        return _store(session, segment.tag)
    refused = _too_large(session, segment.size)
    if refused is None and segment.size == 0 and segment.place not in PARTS:
        refused = ZERO
    if refused is not None:
        return refuse(session, segment.tag, refused)
    incoming.drafts[-1].is_binary |= segment.binary
    whole = session.engine.take_message() if segment.place is Place.WHOLE and segment.size <= SPILL_AT else None
    if whole is None:
        session.engine.take_literal()
        return None
    _write(incoming, whole)
    if incoming.error is not None:
        return refuse(session, segment.tag, refusal(incoming.error))
    return _store(session, segment.tag)


def _incoming(session: Session) -> Incoming:
    incoming = session.appends.incoming
    assert incoming is not None  # noqa: S101 - a command is under way
    return incoming


# -- the end of the command -----------------------------------------------------------------------------------


def _store(session: Session, tag: bytes) -> Awaitable[None] | None:
    """Hand the messages to the storage."""
    appends, incoming = session.appends, _incoming(session)
    appends.incoming = None
    if incoming.octets > SPILL_AT or incoming.replaced is not None or session.contexts is not None:
        return _store_apart(session, tag, incoming)
    contents = [_ready(draft.content.read(), is_binary=draft.is_binary) for draft in incoming.drafts]
    arrivals = _arrivals(session, incoming, contents)
    if isinstance(arrivals, bytes):
        return refuse(session, tag, arrivals)
    octets = sum(len(arrival.content) for arrival in arrivals)
    appends.add(tag, asyncio.ensure_future(session.storage.append(arrivals)), octets)
    if appends.full or not session.engine.has_input:
        return _answered(session)
    session.engine.proceed()
    return None


async def _store_apart(session: Session, tag: bytes, incoming: Incoming) -> None:
    """Hand over messages that are in files, which a thread reads (40 MB take a tenth of a second), or one by one."""
    contents = await asyncio.to_thread(_read_all, incoming.drafts)
    arrivals = _arrivals(session, incoming, contents)
    if isinstance(arrivals, bytes):
        await _refuse_in_turn(session, tag, arrivals)
    elif incoming.replaced is not None:
        await _replace(session, tag, incoming.replaced, arrivals)
    elif session.contexts is not None:
        await _append(session, tag, arrivals)
    else:
        octets = sum(len(arrival.content) for arrival in arrivals)
        session.appends.add(tag, asyncio.ensure_future(session.storage.append(arrivals)), octets)
        if session.appends.full or not session.engine.has_input:
            await session.appends.settled()
        session.engine.proceed()


async def _append(session: Session, tag: bytes, arrivals: list[Arrival]) -> None:
    """Store messages, and match them with the searches that are kept up to date before the answer (RFC 5267 §4.3)."""
    await session.appends.settled()
    try:
        stored = await session.storage.append(arrivals)
    except MailError as error:
        session.engine.complete(tag, refusal(error))
        return
    _tell_no_items(session, stored)
    text = b"OK %bAppend completed." % append_uid(session, stored)
    session.finish(More(tag, None, False, (), Place.WHOLE, False), text, expunges=False)


async def _replace(session: Session, tag: bytes, uid: UID, arrivals: list[Arrival]) -> None:
    """Store the message in place of another (RFC 8508 §3.4)."""
    await session.appends.settled()
    view = session.selected_view()
    tell = session.shared.notes.removed(session.directory.owner_of(view.mailbox))
    stored = await session.storage.replace(view.mailbox, uid, arrivals, tell=tell)
    _tell_no_items(session, stored)
    code = append_uid(session, stored)
    if code:  # RFC 8508 §4.3: before the EXPUNGE
        session.engine.send(b"* OK %bReplacement message ready.\r\n" % code)
    session.finish(More(tag, None, False, (), Place.WHOLE, False), b"OK Replace completed.")


def _tell_no_items(session: Session, stored: list[Stored]) -> None:
    """Have the client not told of its own messages as it is of others' (RFC 5465 §5.2)."""
    if session.notify is not None:
        session.notify.forget(stored[0].mailbox, [message.uid for message in stored])


def _arrivals(session: Session, incoming: Incoming, contents: list[bytes | None]) -> list[Arrival] | bytes:
    """Return the messages as the storage takes them, or the completion if one is refused; forget what has come."""
    now = int(session.shared.clock.now())
    drafts = list(incoming.drafts)
    incoming.close()
    ascii_alone = session.offers(UTF8_ACCEPT) and not session.engine.offer.utf8
    arrivals: list[Arrival] = []
    for draft, content in zip(drafts, contents, strict=True):
        if content is None:
            return UNKNOWN_CTE
        if ascii_alone and not _has_ascii_header(content):
            return NOT_UTF8
        date = now if draft.internal_date is None else draft.internal_date
        arrivals.append(Arrival((incoming.mailbox,), content, date, draft.flags))
    return arrivals


def _has_ascii_header(content: bytes) -> bool:
    return content.isascii() or content[: header_end(content, 0, len(content))].isascii()


def _ready(content: bytes, *, is_binary: bool) -> bytes | None:
    """Return a message as it is stored; None if it has NULs that cannot be."""
    return transportable(content) if is_binary else with_crlf(content)


def _read_all(drafts: list[Draft]) -> list[bytes | None]:
    return [_read(draft.content, is_binary=draft.is_binary) for draft in drafts]


def _read(content: Content, *, is_binary: bool) -> bytes | None:
    """Read a message block by block, so that other threads need not wait."""
    whole = []
    cut = b""  # CR at the end of a block, whose LF may be in the next one
    for block in content.blocks():
        if is_binary:
            whole.append(block)
            continue
        lines = cut + block if cut else block
        cut = b"\r" if lines.endswith(b"\r") else b""
        whole.append(with_crlf(lines.removesuffix(b"\r")))
    read = b"".join([*whole, cut])
    return transportable(read) if is_binary else read


async def _answered(session: Session) -> None:
    """Answer all APPENDs under way first: there are enough of them, or the client has sent no more."""
    await session.appends.settled()
    session.engine.proceed()
