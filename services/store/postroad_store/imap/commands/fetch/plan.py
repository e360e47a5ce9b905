"""The plan of a list of FETCH items: which columns are read, and how a response is written."""

from __future__ import annotations

from typing import TYPE_CHECKING

from postroad.value import value
from postroad_store.imap.commands.fetch.values import FLAGS, MODSEQ, UID
from postroad_store.mail.model.message import BODIES

if TYPE_CHECKING:
    from postroad_store.imap.commands.fetch.item import Item
    from postroad_store.imap.spec import Capability
    from postroad_store.mail.model.message import Column


@value
class Plan:
    """An item list, made ready."""

    # Items of few octets come first, in the order asked, then texts, as Dovecot sends them: clients that stop at the
    # first literal find everything else before it.
    items: tuple[Item, ...]
    texts: int  # how many of the items are texts
    reads: tuple[Column, ...]  # columns to read from the storage
    bodies: bool  # bodies of messages are among them
    alone: bool  # an item can only be written message by message: the plain way
    sets_seen: bool
    template: bytes  # of one response of the fast way
    uid_only: bool  # the response is UIDFETCH, and begins with the UID (RFC 9586 §3.3)
    modseq: bool  # the responses have mod-sequences


class ItemList:
    """The items of one FETCH, macros replaced and duplicates dropped; it keeps its plans."""

    __slots__ = ("_plans", "items", "needs", "whole")

    def __init__(self, items: tuple[Item, ...], needs: tuple[tuple[Capability, bytes], ...] = ()) -> None:
        self.items = items
        self.whole = any(item.whole for item in items)  # the client gets whole messages
        self.needs = needs  # capabilities that must be offered, each with the name of an item that needs it
        self._plans: dict[tuple[bool, bool, bool, bool], Plan] = {}

    def plan(self, *, uid: bool, flags: bool = False, modseq: bool = False, uid_only: bool = False) -> Plan:
        r"""Return the plan; `uid`, `flags` and `modseq` add those in front.

        RFC 3501 §6.4.8; §6.4.5: \Seen has been set; RFC 7162 §3.1.4.1. With `uid_only`, the UID is in front already.
        """
        key = uid, flags, modseq, uid_only
        plan = self._plans.get(key)
        if plan is None:
            front = (*(UID,) * (uid and not uid_only), *(MODSEQ,) * modseq, *(FLAGS,) * flags)
            plan = self._plans[key] = _plan((*front, *self.items), uid_only=uid_only)
        return plan

    def __eq__(self, other: object) -> bool:
        """Compare the items."""
        return isinstance(other, ItemList) and self.items == other.items

    def __hash__(self) -> int:
        """Go by the items."""
        return hash(self.items)

    def __repr__(self) -> str:
        """Show the items."""
        return f"ItemList({self.items!r})"


def _plan(items: tuple[Item, ...], *, uid_only: bool) -> Plan:
    values = tuple(dict.fromkeys(item for item in items if not item.is_text))
    texts = tuple(item for item in items if item.is_text)
    ordered = values + texts
    reads = tuple(dict.fromkeys(stored for item in ordered for stored in item.reads))
    return Plan(
        ordered,
        len(texts),
        reads,
        not BODIES.isdisjoint(reads),
        any(item.alone for item in ordered),
        any(item.sets_seen for item in ordered),
        (b"* %d UIDFETCH (" if uid_only else b"* %d FETCH (")
        + b" ".join([item.template for item in ordered])
        + b")\r\n",
        uid_only,
        MODSEQ in values,
    )


JUST_FLAGS = ItemList((FLAGS,))  # the answer of STORE
FLAGS_AND_MODSEQ = ItemList((FLAGS, MODSEQ))  # what a client that comes back has missed
JUST_MODSEQ = ItemList(())  # the answer of STORE that is silent: what the plan adds
