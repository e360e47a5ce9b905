"""STORE of X-GM-LABELS: copies that are made and removed in other mailboxes (decision 29)."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from postroad.journal import Kind
from postroad.value import value
from postroad_store.imap.commands.fetch import responses
from postroad_store.imap.commands.fetch.labels import LABELS
from postroad_store.imap.commands.fetch.plan import ItemList
from postroad_store.imap.events import Command
from postroad_store.imap.grammar import mailbox_name
from postroad_store.imap.grammar.mailbox_name import NameInvalid
from postroad_store.imap.grammar.reader import LimitExceeded, SyntaxFault
from postroad_store.imap.limits import message_limit, newest, told
from postroad_store.imap.selection import READ_ONLY, spans_of, uids_of
from postroad_store.mail.model.errors import NameNotAllowed, NoSuchMailbox, NotPermitted
from postroad_store.mail.model.flags import FLAGGED, Change, FlagSet
from postroad_store.mail.model.labels import IMPORTANT, IMPORTANT_KEYWORD, INBOX, STARRED, USES, label_of, system_label
from postroad_store.protocol.waiting import give_way

if TYPE_CHECKING:
    from collections.abc import Awaitable, Sequence

    from postroad_store.imap.grammar.reader import Reader
    from postroad_store.imap.grammar.sequence import SequenceSet
    from postroad_store.imap.session import Session
    from postroad_store.mail.model.mailbox import Mailbox
    from postroad_store.mail.model.message import UID

_SYSTEM = re.compile(rb"\\\\?[A-Za-z]+")
JUST_LABELS = ItemList((LABELS,))
MAX_LABELS = 100  # of one command: each may be a mailbox that is made


@value
class Store(Command):
    """Change the labels of messages."""

    uid: bool
    messages: SequenceSet
    change: Change
    silent: bool
    labels: tuple[str, ...]


def read_labels(reader: Reader) -> tuple[str, ...]:
    """Take `"(" [label *(SP label)] ")"`, or one label."""
    if not reader.skip(b"("):
        return (_read_label(reader),)
    labels: dict[str, None] = {}
    for _ in reader.items(may_be_none=True):
        labels[_read_label(reader)] = None
    if len(labels) > MAX_LABELS:
        raise LimitExceeded("Too many labels")
    return tuple(labels)


def _read_label(reader: Reader) -> str:
    octets = reader.match(_SYSTEM, "label") if reader.peek() == b"\\" else reader.astring()
    if octets.startswith(b"\\"):
        label = system_label(octets.decode("latin-1"))
        if label is None:
            raise SyntaxFault("Unknown system label")
        return label
    try:
        return mailbox_name.decode(octets)
    except NameInvalid:
        raise SyntaxFault("Invalid label") from None


def handle(session: Session, command: Store) -> Awaitable[None] | None:
    """Copy and remove, label by label; then say what the labels are."""
    view = session.selected_view()
    spans, lowest = newest(view, spans_of(view, command.messages, uid=command.uid), message_limit(session))
    if view.read_only:
        session.engine.complete(command.tag, READ_ONLY)
        return None
    if view.foreign:  # a label is a mailbox of the same account
        raise NotPermitted("labels are for your own mailboxes")
    return _store(session, command, spans, lowest)


async def _store(session: Session, command: Store, spans: list[range], lowest: UID | None) -> None:
    view, storage = session.selected_view(), session.storage
    uids = uids_of(view, spans)
    added = command.labels if command.change is not Change.REMOVE else ()
    removed = set(command.labels)
    if command.change is Change.ADD:
        removed = set()
    elif command.change is Change.REPLACE:
        removed = {label for uid in uids for label in storage.labels.of(view.mailbox, uid)} - removed
    for label in added:
        await _add(session, uids, label)
    for label in sorted(removed):
        await _remove(session, uids, label)
    if view.changed:  # the client must know new keywords before they are used; numbers must stay
        await session.tell_in_turns(view, expunges=False, uid=command.uid)
    if not command.silent:
        plan = JUST_LABELS.plan(uid=command.uid or session.rev2)
        for octets, _ in responses(storage, view, spans, plan):
            session.engine.send(octets)
            await give_way(session.connection)
    text = told(session, b"OK Store completed.", lowest)
    session.finish(command, text, expunges=command.uid, uid=command.uid)


async def _add(session: Session, uids: Sequence[UID], label: str) -> None:
    if label in _FLAGS:
        await _flag(session, uids, label, Change.ADD)
        return
    mailbox = _mailbox(session, label)
    if mailbox is None:
        if label in USES:
            raise NoSuchMailbox("there is no mailbox of this use")
        if session.directory.is_foreign(label):
            raise NameNotAllowed("other users make their own mailboxes")
        mailbox = await session.storage.create(session.current_account(), label)
    if mailbox is not session.selected_view().mailbox:
        login = session.current_account().login
        tell = session.shared.notes.put(Kind.COPIED, login, login)
        await session.storage.labels.add(session.selected_view().mailbox, uids, mailbox, tell)


async def _remove(session: Session, uids: Sequence[UID], label: str) -> None:
    if label in _FLAGS:
        await _flag(session, uids, label, Change.REMOVE)
        return
    mailbox = _mailbox(session, label)
    if mailbox is not None and mailbox is not session.selected_view().mailbox:
        tell = session.shared.notes.removed(session.current_account().login)
        await session.storage.labels.remove(session.selected_view().mailbox, uids, mailbox, tell)


async def _flag(session: Session, uids: Sequence[UID], label: str, change: Change) -> None:
    view = session.selected_view()
    await session.storage.store(view.mailbox, uids, change, _FLAGS[label], view=view)


_FLAGS = {STARRED: FlagSet(FLAGGED), IMPORTANT: FlagSet(0, (IMPORTANT_KEYWORD,))}


def _mailbox(session: Session, label: str) -> Mailbox | None:
    """Return the account's mailbox that is this label, None if there is none."""
    account = session.current_account()
    if label == INBOX:
        return account.inbox
    if label not in USES:
        mailbox = account.find(label)
        return mailbox if mailbox is not None and mailbox.selectable else None
    for name in account.names:
        listed = account.listed(name)
        if listed is not None and label_of(name, listed.special_use) == label:
            return account.find(name)
    return None
