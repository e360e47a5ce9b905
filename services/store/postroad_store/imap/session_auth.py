"""The commands of the authenticated state (RFC 3501 §6.3), but APPEND."""

from __future__ import annotations

from typing import TYPE_CHECKING

from postroad_store.imap import commands, listing, updates
from postroad_store.imap.grammar.mailbox_name import encode
from postroad_store.imap.grammar.responses import astring
from postroad_store.imap.names import known_name, new_name, no_such_mailbox
from postroad_store.imap.states import State

if TYPE_CHECKING:
    from collections.abc import Iterable

    from postroad_store.imap.session import Handler, Session
    from postroad_store.mail.model.account import Account
    from postroad_store.mail.model.mailbox import Mailbox
    from postroad_store.mail.model.view import View
    from postroad_store.protocol.contract import Event

CLOSED = b"* OK [CLOSED] Previous mailbox closed.\r\n"  # RFC 7162 §3.2.11


def select(session: Session, command: commands.Select) -> None:
    """SELECT and EXAMINE (RFC 3501 §6.3.1, §6.3.2)."""
    engine = session.engine
    if session.view is not None:
        # §6.3.1: the selected mailbox is given up before the new one is tried, whether or not that succeeds.
        session.close_view()
        engine.enter(State.AUTHENTICATED)
        engine.send(CLOSED)
    view = session.storage.view(session.find_mailbox(command.mailbox), read_only=command.read_only)
    session.view = view
    engine.enter(State.SELECTED)
    engine.send(_selected(view))
    if command.read_only:
        engine.complete(command.tag, b"OK [READ-ONLY] Examine completed.")
    else:
        engine.complete(command.tag, b"OK [READ-WRITE] Select completed.")


def _selected(view: View) -> bytes:
    mailbox = view.mailbox
    lines = [
        updates.flags_line(mailbox),
        updates.permanent_flags(view),
        b"* %d EXISTS\r\n* %d RECENT\r\n" % (len(view.uids), len(view.recent)),
    ]
    unseen = view.first_unseen()
    if unseen is not None:
        lines.append(b"* OK [UNSEEN %d] First unseen.\r\n" % unseen)
    lines.append(b"* OK [UIDVALIDITY %d] UIDs valid\r\n" % mailbox.uid_validity)
    lines.append(b"* OK [UIDNEXT %d] Predicted next UID\r\n" % mailbox.uid_next)
    return b"".join(lines)


async def create(session: Session, command: commands.Create) -> None:
    """CREATE (RFC 3501 §6.3.3)."""
    await session.storage.create(session.current_account(), new_name(command.mailbox))
    session.finish(command, b"OK Create completed.")


async def delete(session: Session, command: commands.Delete) -> None:
    """DELETE (RFC 3501 §6.3.4)."""
    account = session.current_account()
    name = known_name(command.mailbox)
    mailbox = account.find(name)
    if mailbox is None:
        raise no_such_mailbox(command.mailbox)
    await session.storage.delete(account, name)
    if session.view is not None and session.view.mailbox is mailbox:
        session.close_view()
        session.engine.enter(State.AUTHENTICATED)
        session.engine.send(CLOSED)
    session.finish(command, b"OK Delete completed.")


async def rename(session: Session, command: commands.Rename) -> None:
    """RENAME (RFC 3501 §6.3.5)."""
    account = session.current_account()
    name = known_name(command.mailbox)
    if account.find(name) is None:
        raise no_such_mailbox(command.mailbox)
    await session.storage.rename(account, name, new_name(command.new_name))
    session.finish(command, b"OK Rename completed.")


async def subscribe(session: Session, command: commands.Subscribe) -> None:
    """SUBSCRIBE (RFC 3501 §6.3.6, which lets the server ask that the mailbox exist)."""
    name = new_name(command.mailbox)
    if session.current_account().find(name) is None:
        raise no_such_mailbox(command.mailbox)
    await session.storage.subscribe(session.current_account(), name)
    session.finish(command, b"OK Subscribe completed.")


async def unsubscribe(session: Session, command: commands.Unsubscribe) -> None:
    """UNSUBSCRIBE (RFC 3501 §6.3.7)."""
    await session.storage.unsubscribe(session.current_account(), new_name(command.mailbox))
    session.finish(command, b"OK Unsubscribe completed.")


def list_(session: Session, command: commands.List) -> None:
    """LIST (RFC 3501 §6.3.8), with CHILDREN (RFC 3348) and SPECIAL-USE (RFC 6154), extended by its options."""
    if not command.pattern and not command.extended:  # RFC 5258 §3: with options "" is a name as any other
        root = astring(listing.root_of(command.reference))
        session.engine.send(b'* LIST (\\Noselect) "/" %b\r\n' % root)
    elif _pattern_fits(session, command):
        account = session.current_account()
        names = {encode(name): mailbox for name, mailbox in account.mailboxes.items()}
        found = listing.matching(command.reference, command.pattern, names)
        if command.special_use:
            found = {name: True for name in found if name in names and names[name].special_use is not None}
        session.engine.send(b"".join(_list_line(account, name, names.get(name)) for name in found))
    else:
        return
    session.finish(command, b"OK List completed.")


def _list_line(account: Account, name: bytes, mailbox: Mailbox | None) -> bytes:
    attributes = []
    if mailbox is None or not mailbox.selectable:
        attributes.append("\\Noselect")
    if mailbox is None or account.has_inferiors(mailbox):
        attributes.append("\\HasChildren")
    else:
        attributes.append("\\HasNoChildren")
    if mailbox is not None and mailbox.special_use is not None:
        attributes.append(mailbox.special_use)
    return b'* LIST (%b) "/" %b\r\n' % (" ".join(attributes).encode("ascii"), astring(name))


def lsub(session: Session, command: commands.Lsub) -> None:
    """LSUB (RFC 3501 §6.3.9)."""
    if not _pattern_fits(session, command):
        return
    account = session.current_account()
    found = listing.matching(command.reference, command.pattern, map(encode, account.subscriptions))
    session.engine.send(b"".join(_lsub_lines(found.items())))
    session.finish(command, b"OK Lsub completed.")


def _lsub_lines(found: Iterable[tuple[bytes, bool]]) -> Iterable[bytes]:
    for name, subscribed in found:
        yield b'* LSUB (%b) "/" %b\r\n' % (b"" if subscribed else b"\\Noselect", astring(name))


def _pattern_fits(session: Session, command: commands.List | commands.Lsub) -> bool:
    if len(command.reference) + len(command.pattern) <= listing.MAX_PATTERN:
        return True
    session.engine.complete(command.tag, b"BAD Mailbox pattern too long")
    return False


def namespace(session: Session, command: commands.Namespace) -> None:
    """NAMESPACE (RFC 2342): one personal namespace, no others."""
    session.engine.send(b'* NAMESPACE (("" "/")) NIL NIL\r\n')
    session.finish(command, b"OK Namespace completed.")


def status(session: Session, command: commands.Status) -> None:
    """STATUS (RFC 3501 §6.3.10)."""
    mailbox = session.find_mailbox(command.mailbox)
    view = session.view
    selected = view is not None and view.mailbox is mailbox
    if view is not None and selected and view.changed:
        session.tell(view, expunges=True)  # so that the counts agree with what the client has been told
    counts = session.storage.status(mailbox)
    values = {
        b"MESSAGES": counts.messages,
        b"RECENT": len(view.recent) if view is not None and selected else counts.recent,
        b"UIDNEXT": counts.uid_next,
        b"UIDVALIDITY": counts.uid_validity,
        b"UNSEEN": counts.unseen,
    }
    items = b" ".join(b"%b %d" % pair for pair in values.items() if pair[0] in command.items)
    session.engine.send(b"* STATUS %b (%b)\r\n" % (astring(encode(mailbox.name)), items))
    if selected:  # RFC 3501 §6.3.10: SHOULD NOT be used on the currently selected mailbox
        session.finish(command, b"OK [CLIENTBUG] Status on selected mailbox completed.")
    else:
        session.finish(command, b"OK Status completed.")


HANDLERS: dict[type[Event], Handler] = {
    commands.Select: select,
    commands.Create: create,
    commands.Delete: delete,
    commands.Rename: rename,
    commands.Subscribe: subscribe,
    commands.Unsubscribe: unsubscribe,
    commands.List: list_,
    commands.Lsub: lsub,
    commands.Namespace: namespace,
    commands.Status: status,
}
