"""The commands of the selected state (RFC 3501 §6.4, RFC 3691, RFC 4315, RFC 6851)."""

from __future__ import annotations

from itertools import chain, groupby
from typing import TYPE_CHECKING

from postroad.journal import Kind
from postroad_store.imap import commands
from postroad_store.imap.commands import Attribute
from postroad_store.imap.fetch import Lost, plan, responses
from postroad_store.imap.grammar.sequence import format_ranges, ranges_of
from postroad_store.imap.search import key_for
from postroad_store.imap.selection import GONE, READ_ONLY, some_gone, spans_of, uids_of
from postroad_store.imap.states import State
from postroad_store.mail.model.errors import MessagesExpunged, NoSuchMailbox
from postroad_store.mail.model.flags import SEEN, Change, FlagSet

if TYPE_CHECKING:
    from collections.abc import Awaitable, Iterator

    from postroad_store.imap.fetch import Plan
    from postroad_store.imap.session import Handler, Session
    from postroad_store.mail.model.arrival import Copied
    from postroad_store.mail.model.mailbox import Mailbox
    from postroad_store.mail.model.message import UID
    from postroad_store.mail.model.view import View
    from postroad_store.protocol.contract import Event

    Pieces = Iterator[tuple[bytes, bool]]

# Pieces of a long answer that are produced before other sessions get their turn.
STRIDE = 4
NOTHING_FOUND = b"OK No messages found."
_SEEN = FlagSet(SEEN)


# -- FETCH ----------------------------------------------------------------------------------------------------


def fetch(session: Session, command: commands.Fetch) -> Awaitable[None] | None:
    """FETCH and UID FETCH (RFC 3501 §6.4.5)."""
    view = session.selected_view()
    spans = spans_of(view, command.messages, uid=command.uid)
    made = plan(command.items, uid=command.uid)
    if made.sets_seen and not view.read_only:
        unseen = _unseen(view, spans)
        if unseen:
            return _fetch_and_mark(session, command, spans, made, unseen)
    return _produce(session, command, spans, made, responses(session.storage, view, spans, made))


def _unseen(view: View, spans: list[range]) -> list[UID]:
    found: list[UID] = []
    for span in spans:
        flags = view.pick(view.mailbox.flags, span[0], span[-1])
        uids = view.uids[span.start - 1 : span.stop - 1]
        found += [uid for uid, one in zip(uids, flags, strict=True) if not one & SEEN]  # -1, the gone, has all bits
    return found


async def _fetch_and_mark(
    session: Session, command: commands.Fetch, spans: list[range], made: Plan, unseen: list[UID]
) -> None:
    r"""Set \Seen first, and give the flags of those that had not had it (RFC 3501 §6.4.5)."""
    view = session.selected_view()
    await session.storage.store(view.mailbox, unseen, Change.ADD, _SEEN, view=view)
    with_flags = plan(command.items, uid=command.uid, flags=True)
    changed = set(unseen)
    uids = view.uids
    runs = groupby(chain.from_iterable(spans), key=lambda number: uids[number - 1] in changed)
    pieces = chain.from_iterable(
        responses(session.storage, view, _spans(list(numbers)), with_flags if marked else made)
        for marked, numbers in runs
    )
    rest = _produce(session, command, spans, made, pieces)
    if rest is not None:
        await rest


def _spans(numbers: list[int]) -> list[range]:
    return [range(low, high + 1) for low, high in ranges_of(numbers)]


def _produce(
    session: Session, command: commands.Fetch, spans: list[range], made: Plan, pieces: Pieces
) -> Awaitable[None] | None:
    """Send the responses: at once where they are few, else as fast as the client reads."""
    try:
        for count, (octets, in_literal) in enumerate(pieces):
            session.engine.send(octets)
            session.in_literal = in_literal
            if count or in_literal:
                session.connection.flush()
                if count >= STRIDE or not session.connection.can_write():
                    return _produce_patiently(session, command, spans, made, pieces)
    except Lost:
        session.connection.close()
        return None
    _fetched(session, command, spans, made)
    return None


async def _produce_patiently(
    session: Session, command: commands.Fetch, spans: list[range], made: Plan, pieces: Pieces
) -> None:
    sleep = session.service.breathe
    try:
        await session.connection.wait_writable()
        for octets, in_literal in pieces:
            session.engine.send(octets)
            session.in_literal = in_literal
            session.connection.flush()
            await session.connection.wait_writable()
            await sleep()
    except Lost:
        session.connection.close()
        return
    _fetched(session, command, spans, made)


def _fetched(session: Session, command: commands.Fetch, spans: list[range], made: Plan) -> None:
    view = session.selected_view()
    if made.whole and spans:
        session.note(Kind.RETRIEVED, view.mailbox, uids_of(view, spans))
    if not command.uid and some_gone(view, spans):
        # RFC 2180 §4.1.2: what is there has been sent; NO says that it was not all.
        session.finish(command, b"NO " + GONE, expunges=False)
    else:
        session.finish(command, b"OK Fetch completed.", expunges=command.uid, uid=command.uid)


# -- STORE ----------------------------------------------------------------------------------------------------


def store(session: Session, command: commands.Store) -> Awaitable[None] | None:
    """STORE and UID STORE (RFC 3501 §6.4.6)."""
    view = session.selected_view()
    spans = spans_of(view, command.messages, uid=command.uid)
    if view.read_only:
        session.engine.complete(command.tag, READ_ONLY)
        return None
    if not spans:
        session.finish(command, b"OK Store completed.", uid=True)
        return None
    return _store(session, command, spans)


async def _store(session: Session, command: commands.Store, spans: list[range]) -> None:
    view = session.selected_view()
    uids = uids_of(view, spans)
    await session.storage.store(view.mailbox, uids, command.change, command.flags, view=view)
    if view.changed:  # new keywords must be told before they are used; numbers must stay
        session.tell(view, expunges=False, uid=command.uid)
    if not command.silent:
        made = plan((Attribute.FLAGS,), uid=command.uid)
        for octets, _ in responses(session.storage, view, spans, made):
            session.engine.send(octets)
            session.connection.flush()
            await session.connection.wait_writable()
    text = b"OK Store completed."
    if not command.uid and some_gone(view, spans):
        text = b"OK " + GONE
    session.finish(command, text, expunges=command.uid, uid=command.uid)


# -- SEARCH ---------------------------------------------------------------------------------------------------


async def search(session: Session, command: commands.Search) -> None:
    """SEARCH and UID SEARCH (RFC 3501 §6.4.4)."""
    view = session.selected_view()
    found = await session.storage.search(view, key_for(command.key, view.uids))
    uids = view.uids
    numbers = [uids[number - 1] for number in found] if command.uid else found
    session.engine.send(b"* SEARCH%b\r\n" % b"".join([b" %d" % number for number in numbers]))
    session.finish(command, b"OK Search completed.", expunges=command.uid, uid=command.uid)


def bad_charset(session: Session, command: commands.BadCharset) -> None:
    """Refuse a SEARCH in an unknown charset."""
    session.engine.complete(command.tag, b"NO [BADCHARSET] Unknown charset")


# -- COPY, MOVE -----------------------------------------------------------------------------------------------


def copy(session: Session, command: commands.Copy | commands.Move) -> Awaitable[None] | None:
    """COPY, MOVE and their UID forms (RFC 3501 §6.4.7, RFC 6851)."""
    view = session.selected_view()
    spans = spans_of(view, command.messages, uid=command.uid)
    if isinstance(command, commands.Move) and view.read_only:
        session.engine.complete(command.tag, READ_ONLY)
        return None
    if not spans:
        session.finish(command, NOTHING_FOUND)
        return None
    return _copy(session, command, uids_of(view, spans))


async def _copy(session: Session, command: commands.Copy | commands.Move, uids: list[UID]) -> None:
    view = session.selected_view()
    move = isinstance(command, commands.Move)
    try:
        target = session.find_mailbox(command.mailbox)
        work = session.storage.move if move else session.storage.copy
        # RFC 3501 §6.4.7: all or none, and OK would promise all. §6.4.8: UIDs that are gone are ignored.
        copied = await work(view.mailbox, uids, target, whole=not command.uid)
    except NoSuchMailbox as error:  # §6.4.7: the client may create it and try again
        session.refuse(command, error, "TRYCREATE")
        return
    except MessagesExpunged:
        session.finish(command, b"NO " + GONE)
        return
    if not copied.source:
        session.finish(command, NOTHING_FOUND)
        return
    code = _copyuid(copied)
    if move:
        # RFC 6851 §4.3: before the EXPUNGEs, so that the client knows where the messages went.
        session.engine.send(b"* OK %b Moved UIDs.\r\n" % code)
        session.finish(command, b"OK Move completed.")
    else:
        session.finish(command, b"OK %b Copy completed." % code)


def _copyuid(copied: Copied) -> bytes:
    source, target = ranges_of(copied.source), ranges_of(copied.target)
    return b"[COPYUID %d %b %b]" % (copied.uid_validity, format_ranges(source), format_ranges(target))


# -- EXPUNGE, CLOSE -------------------------------------------------------------------------------------------


def expunge(session: Session, command: commands.Expunge) -> Awaitable[None] | None:
    """EXPUNGE (RFC 3501 §6.4.3) and UID EXPUNGE (RFC 4315 §2.1)."""
    view = session.selected_view()
    if view.read_only:
        session.engine.complete(command.tag, READ_ONLY)
        return None
    return _expunge(session, command, view)


async def _expunge(session: Session, command: commands.Expunge, view: View) -> None:
    uids = uids_of(view, spans_of(view, command.uids, uid=True)) if command.uids is not None else view.uids
    await _remove(session, view.mailbox, session.storage.expunge(view.mailbox, uids))
    session.finish(command, b"OK Expunge completed.")


async def _remove(session: Session, mailbox: Mailbox, removing: Awaitable[list[UID]]) -> None:
    removed = await removing
    if removed:
        session.note(Kind.REMOVED, mailbox, removed)


def close(session: Session, command: commands.Close) -> Awaitable[None] | None:
    """CLOSE: expunge without telling of it (RFC 3501 §6.4.2), unless it is selected read-only, or gone."""
    view = session.selected_view()
    if view.read_only or view.gone:
        _leave(session, command, b"OK Close completed.")
        return None
    return _close(session, command)


async def _close(session: Session, command: commands.Close) -> None:
    view = session.selected_view()
    await _remove(session, view.mailbox, session.storage.expunge(view.mailbox, view.uids))
    _leave(session, command, b"OK Close completed.")


def unselect(session: Session, command: commands.Unselect) -> None:
    """UNSELECT: the same without the expunge (RFC 3691)."""
    _leave(session, command, b"OK Unselect completed.")


def _leave(session: Session, command: commands.Command, text: bytes) -> None:
    session.close_view()
    session.engine.enter(State.AUTHENTICATED)
    session.engine.complete(command.tag, text)


def check(session: Session, command: commands.Check) -> None:
    """CHECK (RFC 3501 §6.4.1): everything is on disk at any time, so this is NOOP."""
    session.finish(command, b"OK Check completed.")


HANDLERS: dict[type[Event], Handler] = {
    commands.Fetch: fetch,
    commands.Store: store,
    commands.Search: search,
    commands.BadCharset: bad_charset,
    commands.Copy: copy,
    commands.Move: copy,
    commands.Expunge: expunge,
    commands.Close: close,
    commands.Unselect: unselect,
    commands.Check: check,
}
