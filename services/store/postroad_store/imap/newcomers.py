"""FETCH responses about new messages that no FETCH has asked for: of MessageNew and of UPDATE (RFC 5465 §5.2, §7)."""

from __future__ import annotations

from typing import TYPE_CHECKING

from postroad_store.imap.commands.fetch import responses
from postroad_store.imap.commands.fetch.item import Refused
from postroad_store.imap.commands.fetch.plain import Lost

if TYPE_CHECKING:
    from collections.abc import Iterable

    from postroad_store.imap.commands.fetch import ItemList
    from postroad_store.imap.commands.fetch.plan import Plan
    from postroad_store.imap.session import Session
    from postroad_store.mail.model.view import View

MAX_TOLD = 50  # messages whose items are sent at a time (some 2 ms)
MAX_OCTETS = 256 * 1024  # of a message whose texts are sent: the client has to ask for larger ones


def told(session: Session, view: View, items: ItemList, uids: Iterable[int]) -> bytes:
    """Return the responses about some messages, as far as they are there and the items can be given."""
    manner = session.manner
    uid = manner.modseq or manner.rev2
    plan = items.plan(uid=uid, modseq=manner.modseq, uid_only=manner.uid_only)
    if plan.modseq:
        session.highest.fetched_any()
    numbers = [number for each in uids if (number := view.number(each)) is not None]
    if plan.reads or plan.alone:
        numbers = [each for each in numbers if view.pick(view.mailbox.sizes, each, each)[0] <= MAX_OCTETS]
    return b"".join([_response(session, view, number, plan) for number in numbers])


def _response(session: Session, view: View, number: int, plan: Plan) -> bytes:
    span = range(number, number + 1)
    try:
        return b"".join([octets for octets, _ in responses(session.storage, view, [span], plan)])
    except (Refused, Lost):  # there is no command that could be answered NO
        return b""
