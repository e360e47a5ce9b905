"""The answer to FETCH and UID FETCH (RFC 3501 §6.4.5, §7.4.2); `command` has their syntax."""

from __future__ import annotations

import asyncio
from bisect import bisect_left, bisect_right
from dataclasses import replace
from itertools import chain, groupby
from operator import itemgetter
from typing import TYPE_CHECKING

from postroad_store.imap.commands.fetch.blocks import response, responses
from postroad_store.imap.commands.fetch.item import Refused
from postroad_store.imap.commands.fetch.plain import Lost, can_be_given
from postroad_store.imap.extensions import CONDSTORE
from postroad_store.imap.grammar.sequence import ranges_of
from postroad_store.imap.limits import message_limit, newest, told
from postroad_store.imap.selection import GONE, some_gone, spans_of, uids_of
from postroad_store.mail.model.flags import SEEN, Change, FlagSet
from postroad_store.protocol.waiting import give_way

if TYPE_CHECKING:
    from collections.abc import Awaitable, Iterable, Iterator, Sequence

    from postroad_store.imap.commands.fetch.command import Fetch
    from postroad_store.imap.commands.fetch.plan import Plan
    from postroad_store.imap.session import Session
    from postroad_store.mail.model.message import UID
    from postroad_store.mail.model.view import View

    Pieces = Iterator[tuple[bytes, bool]]

STRIDE = 4  # pieces of a long answer that are produced before other sessions get their turn
CHECKED = 20  # messages whose parts are looked at before other sessions get their turn
MANY = 10_000  # messages whose flags are looked at before other sessions get their turn
_SEEN = FlagSet(SEEN)


def handle(session: Session, command: Fetch) -> Awaitable[None] | None:
    """Send the items, at once if they are short, else as fast as the client reads."""
    view = session.selected_view()
    spans = spans_of(view, command.messages, uid=command.uid)
    for modifier in command.modifiers:
        modifier.begin(session, command.messages)
        spans = modifier.narrow(session, spans)
    spans, lowest = newest(view, spans, message_limit(session))
    if lowest is not None:
        command = replace(command, lowest=lowest)
    plan = _plan(session, command)
    if plan.modseq:  # RFC 7162 §3.1: from now on FETCH responses that nobody has asked for have MODSEQ too
        session.enable(CONDSTORE)
        session.highest.fetched_any()
    # RFC 4314 §4: "MUST NOT set it, if the current user doesn't have "s" right"
    if plan.sets_seen and not view.read_only and "s" in view.rights and _has_unseen(view, spans):
        return _fetch_and_mark(session, command, spans)
    alone = response(session.storage, view, spans, plan)
    if alone is not None:
        session.engine.send(alone)
        _fetched(session, command, spans)
        return None
    return _produce(session, command, spans, responses(session.storage, view, spans, plan))


def _plan(session: Session, command: Fetch, *, flags: bool = False) -> Plan:
    r"""Return how the responses are written; with `flags`, of messages that get \Seen."""
    manner = session.engine.offer.manner
    # RFC 7162 §3.2.4, RFC 9051 §7.5.2: a FETCH that sets \Seen tells of it as of any change
    uid = command.uid or (flags and (manner.modseq or manner.rev2))
    modseq = flags and manner.modseq
    if command.modifiers:
        modseq = modseq or any(modifier.modseq for modifier in command.modifiers)
    return command.items.plan(uid=uid, flags=flags, modseq=modseq, uid_only=manner.uid_only)


def _has_unseen(view: View, spans: list[range]) -> bool:
    r"""Return True if a message lacks \Seen; of many messages, assume it: `_fetch_and_mark` looks at them in turns."""
    return sum(map(len, spans)) > MANY or any(_unseen(view, spans))


def _unseen(view: View, spans: list[range]) -> Iterator[list[UID]]:
    r"""Yield the UIDs of the messages without \Seen, a list for each few thousand messages."""
    for span in spans:
        for start in range(0, len(span), MANY):
            part = span[start : start + MANY]
            flags = view.pick(view.mailbox.flags, part[0], part[-1])
            uids = view.uids[part.start - 1 : part.stop - 1]
            # -1 has all bits: a message that is gone is no longer marked
            yield [uid for uid, value in zip(uids, flags, strict=True) if not value & SEEN]


async def _fetch_and_mark(session: Session, command: Fetch, spans: list[range]) -> None:
    r"""Set \Seen first, and add FLAGS to the responses for messages that lacked it (RFC 3501 §6.4.5)."""
    view, storage = session.selected_view(), session.storage
    unseen: list[UID] = []
    for count, part in enumerate(_unseen(view, spans), 1):
        unseen += part
        if count % STRIDE == 0:
            await asyncio.sleep(0)
    plan = _plan(session, command)
    pieces = responses(storage, view, spans, plan)
    if plan.alone:  # a message that cannot be given is not marked
        given: list[UID] = []
        for count, uid in enumerate(unseen, 1):
            if can_be_given(storage, view, uid, plan):
                given.append(uid)
            if count % CHECKED == 0:
                await asyncio.sleep(0)
        unseen = given
    if unseen:
        stored = await storage.store(view.mailbox, unseen, Change.ADD, _SEEN, view=view)
        with_flags = _plan(session, command, flags=True)
        if with_flags.modseq:
            session.highest.fetched(stored.modseq)
        pieces = _joined(
            responses(storage, view, part, with_flags if marked else plan)
            for marked, part in _runs(view, spans, unseen)
        )
    rest = _produce(session, command, spans, pieces)
    if rest is not None:
        await rest


def _joined(answers: Iterable[Pieces]) -> Pieces:
    """Yield the responses of several calls; raises the first `Refused` at the end."""
    refused: Refused | None = None
    for answer in answers:
        try:
            yield from answer
        except Refused as refusal:
            refused = refused or refusal
    if refused is not None:
        raise refused


def _runs(view: View, spans: list[range], changed: list[UID]) -> Iterator[tuple[bool, list[range]]]:
    """Yield the spans cut where messages that have changed (ascending) meet others."""
    uids = view.uids
    for portion in _portions(spans):
        first, last = uids[portion[0][0] - 1], uids[portion[-1][-1] - 1]
        marked = set(changed[bisect_left(changed, first) : bisect_right(changed, last)])
        states = ((uids[number - 1] in marked, number) for number in chain.from_iterable(portion))
        for is_marked, group in groupby(states, key=itemgetter(0)):
            yield is_marked, _spans([number for _, number in group])


def _portions(spans: list[range]) -> Iterator[list[range]]:
    """Yield the spans in lists of a few thousand messages."""
    portion: list[range] = []
    count = 0
    for span in spans:
        for start in range(0, len(span), MANY):
            portion.append(span[start : start + MANY])
            count += len(portion[-1])
            if count >= MANY:
                yield portion
                portion, count = [], 0
    if portion:
        yield portion


def _spans(numbers: Sequence[int]) -> list[range]:
    return [range(low, high + 1) for low, high in ranges_of(numbers)]


def _produce(session: Session, command: Fetch, spans: list[range], pieces: Pieces) -> Awaitable[None] | None:
    """Send the responses: at once where they are few, else as fast as the client reads."""
    try:
        for count, (octets, in_response) in enumerate(pieces):
            session.engine.send(octets)
            session.in_literal = in_response
            if count or in_response:
                session.connection.flush()
                if count >= STRIDE or not session.connection.can_write():
                    return _produce_patiently(session, command, spans, pieces)
    except Lost:
        session.connection.close()
        return None
    except Refused as refusal:
        _refused(session, command, refusal)
        return None
    _fetched(session, command, spans)
    return None


async def _produce_patiently(session: Session, command: Fetch, spans: list[range], pieces: Pieces) -> None:
    # The one message that is asked for is on its way: it is given, though it may be expunged meanwhile.
    given = session.in_literal and sum(map(len, spans)) == 1
    try:
        await session.connection.wait_writable()
        for octets, in_response in pieces:
            session.engine.send(octets)
            session.in_literal = in_response
            await give_way(session.connection)
    except Lost:
        session.connection.close()
        return
    except Refused as refusal:
        _refused(session, command, refusal)
        return
    _fetched(session, command, spans, given=given)


def _refused(session: Session, command: Fetch, refusal: Refused) -> None:
    session.in_literal = False  # what came last may have been a pause
    session.finish(command, b"NO " + refusal.text, expunges=command.uid, uid=command.uid)


def _fetched(session: Session, command: Fetch, spans: list[range], *, given: bool = False) -> None:
    view = session.selected_view()
    if command.items.whole and spans:
        login = session.directory.owner_of(view.mailbox) if view.foreign else session.current_account().login
        session.shared.notes.retrieved(session.connection, login, view.mailbox, uids_of(view, spans))
    if not command.uid and not given and some_gone(view, spans):
        # RFC 2180 §4.1.2: the messages that exist have been sent; NO says that others are gone.
        session.finish(command, told(session, b"NO " + GONE, command.lowest), expunges=False)
    else:
        text = told(session, b"OK Fetch completed.", command.lowest)
        session.finish(command, text, expunges=command.uid, uid=command.uid)
