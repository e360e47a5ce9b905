"""NOTIFY (RFC 5465): what the client wants to be told of, whenever it happens."""

from __future__ import annotations

from types import MappingProxyType
from typing import TYPE_CHECKING

from postroad.value import value
from postroad_store.imap.announcements import Announcements
from postroad_store.imap.commands.fetch import READER, ItemList
from postroad_store.imap.commands.list.response import list_response
from postroad_store.imap.commands.status.items import unasked_response
from postroad_store.imap.events import Command
from postroad_store.imap.extensions import CONDSTORE, NOTIFY
from postroad_store.imap.filters import FILTERS, Filter, names_of, read_filter
from postroad_store.imap.grammar.reader import SyntaxFault
from postroad_store.imap.interests import (
    MESSAGE_EVENTS,
    MESSAGES,
    METADATA_EVENTS,
    NAMES,
    NOTHING,
    Event,
    Group,
    Interests,
)
from postroad_store.imap.notify import Notify, first_items
from postroad_store.imap.spec import Spec
from postroad_store.imap.states import AUTH
from postroad_store.protocol.waiting import give_way

if TYPE_CHECKING:
    from collections.abc import Awaitable

    from postroad_store.imap.grammar.reader import Reader
    from postroad_store.imap.session import Session

MAX_GROUPS = 100
STEP = 200  # mailboxes whose STATUS is given at a time
TOO_MANY = b"NO [NOTIFICATIONOVERFLOW] Too many groups of events."
_EVENTS = {name.upper(): event for name, event in NAMES.items()}
_SELECTED = {b"SELECTED": False, b"SELECTED-DELAYED": True}
_FILTERS = FILTERS - {Filter.SUBTREE_ONE}


@value
class EventGroup:
    """A group of events as the client has written it."""

    filter: Filter | None  # None: the selected mailbox
    names: tuple[bytes, ...]
    events: Event
    items: ItemList | None = None  # of new messages
    delayed: bool = False


@value
class SetNotify(Command):
    """The client wants to be told of these events; of none, if there is no group."""

    groups: tuple[EventGroup, ...]
    status: bool = False


@value
class BadEvent(Command):
    """A NOTIFY with an event that there is not."""


class _NoSuchEvent(Exception):  # noqa: N818 - it is answered NO
    """RFC 5465 §3.1: "the server MUST refuse the command with a tagged NO response (not a BAD)"."""


def parse(tag: bytes, reader: Reader) -> Command:
    """Take NONE, or SET and the groups."""
    # notify = "NOTIFY" SP ("SET" [SP "STATUS"] SP event-groups / "NONE")
    reader.space()
    word = reader.keyword()
    if word == b"NONE":
        reader.end()
        return SetNotify(tag, ())
    if word != b"SET":
        raise SyntaxFault("Invalid argument")
    reader.space()
    status = reader.peek() != b"("
    if status:
        if reader.keyword() != b"STATUS":
            raise SyntaxFault("Invalid argument")
        reader.space()
    groups: list[EventGroup] = []
    try:
        while not groups or reader.skip(b" "):
            groups.append(_read_group(reader))
    except _NoSuchEvent:
        return BadEvent(tag)
    reader.end()
    if sum(group.filter is None for group in groups) > 1:  # RFC 5465 §6.1
        raise SyntaxFault("The selected mailbox is named twice")
    return SetNotify(tag, tuple(groups), status)


def _read_group(reader: Reader) -> EventGroup:
    # event-group = "(" filter-mailboxes SP events ")"
    reader.take(b"(")
    word = reader.keyword()
    delayed = _SELECTED.get(word)
    names: tuple[bytes, ...] = ()
    chosen: Filter | None = None
    if delayed is None:
        chosen, names = read_filter(reader, word, _FILTERS)
    reader.space()
    events, items = _read_events(reader)
    reader.take(b")")
    _check(chosen, events, items)
    return EventGroup(chosen, names, events, items, bool(delayed))


def _read_events(reader: Reader) -> tuple[Event, ItemList | None]:
    # events = ("(" event *(SP event) ")") / "NONE"
    # message-event = ("MessageNew" [SP "(" fetch-att *(SP fetch-att) ")"]) / "MessageExpunge" / ...
    if not reader.skip(b"("):
        if reader.keyword() != b"NONE":
            raise SyntaxFault("Invalid events")
        return Event.NONE, None
    events, items = Event.NONE, None
    while True:
        event = _EVENTS.get(reader.keyword())
        if event is None:
            raise _NoSuchEvent
        events |= event
        if reader.skip(b")"):
            return events, items
        reader.space()
        if event is Event.MESSAGE_NEW and reader.peek() == b"(":
            items = READER.read(reader)
            if reader.skip(b")"):
                return events, items
            reader.space()


def _check(chosen: Filter | None, events: Event, items: ItemList | None) -> None:
    # RFC 5465 §5: each of the two wants the other, and FlagChange wants both.
    if events & MESSAGE_EVENTS and events & MESSAGES != MESSAGES:
        raise SyntaxFault("MessageNew and MessageExpunge must be specified together")
    if chosen is None and events & ~MESSAGE_EVENTS:  # RFC 5465 §6.1
        raise SyntaxFault("Only message events can be specified with the selected mailbox")
    if chosen is not None and items is not None:  # RFC 5465 §8
        raise SyntaxFault("FETCH items can be specified with the selected mailbox alone")


def handle(session: Session, command: SetNotify) -> Awaitable[None] | None:
    """Follow what the client wants; what has happened in the selected mailbox is told at once (RFC 5465 §3.1)."""
    if len(command.groups) > MAX_GROUPS:
        session.engine.complete(command.tag, TOO_MANY)
        return None
    interests = _interests(session, command)
    notify = Notify(session, interests)
    session.follow(notify)
    if interests.all & METADATA_EVENTS:
        session.announcements = session.announcements or Announcements()
        session.shared.annotated.add(session)
    for name in notify.out_of_reach:
        session.engine.send(list_response(session, name, no_access=True))
    if command.status:
        return _give_status(session, command, notify)
    session.finish(command, b"OK NOTIFY completed.")
    return None


def _interests(session: Session, command: SetNotify) -> Interests:
    if not command.groups:
        return NOTHING
    groups = []
    selected = EventGroup(None, (), Event.NONE)  # RFC 5465 §3.1: the same as SELECTED NONE
    for group in command.groups:
        if group.filter is None:
            selected = group
        else:
            groups.append(Group(group.filter, group.events, names_of(session, group.names)))
    return Interests(selected.events, selected.delayed, selected.items, tuple(groups))


async def _give_status(session: Session, command: SetNotify, notify: Notify) -> None:
    """Give the figures of the mailboxes whose messages are followed (RFC 5465 §3.1)."""
    directory = session.directory
    modseq = session.offers(CONDSTORE)
    for count, name in enumerate([*session.current_account().names, *directory.shared()]):
        if count % STEP == STEP - 1:
            await give_way(session.connection)
        items = first_items(notify.of(name) & MESSAGE_EVENTS, modseq=modseq)
        entry = directory.listed(name) if items else None
        mailbox = directory.glance(name) if entry is not None and entry.selectable else None
        view = session.view
        if mailbox is None or (view is not None and view.mailbox is mailbox):
            continue
        session.engine.send(unasked_response(session, mailbox, session.written(name), items))
    session.finish(command, b"OK NOTIFY completed.")


def refuse(session: Session, command: BadEvent) -> None:
    """Name the events that there are."""
    session.engine.complete(command.tag, b"NO [BADEVENT (%b)] Unknown event." % b" ".join(NAMES))


SPECS = (
    Spec(
        b"NOTIFY",
        AUTH,
        SetNotify,
        parse,
        handle,
        "RFC 5465 §3.1",
        capability=NOTIFY,
        follow=MappingProxyType({BadEvent: refuse}),
    ),
)
