"""FETCH responses about new messages that no FETCH has asked for: of MessageNew and of UPDATE (RFC 5465 §5.2, §7)."""

from __future__ import annotations

from typing import TYPE_CHECKING

from postroad_store.imap.commands.fetch import ItemList, responses
from postroad_store.imap.commands.fetch.item import Gone, Message, Refused
from postroad_store.imap.commands.fetch.plain import Lost
from postroad_store.imap.commands.fetch.values import UID

if TYPE_CHECKING:
    from collections.abc import Iterable

    from postroad_store.imap.commands.fetch.item import Item
    from postroad_store.imap.commands.fetch.plan import Plan
    from postroad_store.imap.session import Session
    from postroad_store.mail.model.view import View
    from postroad_store.mail.storage import Storage

MAX_TOLD = 50  # messages whose items are sent at a time (some 2 ms)
MAX_OCTETS = 256 * 1024  # of a text that is sent: the client has to ask for longer ones


def told(session: Session, view: View, items: ItemList, uids: Iterable[int]) -> bytes:
    """Return the responses about some messages, as far as they are there and the items can be given."""
    manner = session.manner
    uid = manner.modseq or manner.rev2
    plan = items.plan(uid=uid, modseq=manner.modseq, uid_only=manner.uid_only)
    if plan.modseq:
        session.highest.fetched_any()
    answers: list[bytes] = []
    for number in [number for each in uids if (number := view.number(each)) is not None]:
        own = plan
        if plan.alone or (plan.reads and view.pick(view.mailbox.sizes, number, number)[0] > MAX_OCTETS):
            given = _given(session.storage, view, number, items)
            if given is not items:
                own = given.plan(uid=True, modseq=manner.modseq, uid_only=manner.uid_only)
        answers.append(_response(session, view, number, own))
    return b"".join(answers)


def _given(storage: Storage, view: View, number: int, items: ItemList) -> ItemList:
    """Return the items that can be given of a message; its UID, if there are none."""
    try:
        message = Message(storage, view, view.uids[number - 1])
        kept = tuple(item for item in items.items if _can_be_given(item, message))
    except Gone:
        return items
    return items if kept == items.items else ItemList(kept or (UID,))


def _can_be_given(item: Item, message: Message) -> bool:
    if item.weight(message.root) > MAX_OCTETS:
        return False
    try:
        item.check(message)
    except Refused:  # there is no command that could be answered NO
        return False
    return True


def _response(session: Session, view: View, number: int, plan: Plan) -> bytes:
    span = range(number, number + 1)
    try:
        return b"".join([octets for octets, _ in responses(session.storage, view, [span], plan)])
    except Lost:
        return b""
