"""The plan of a list of FETCH items: which columns are read, and how a response is written."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from postroad_store.imap.commands.fetch.values import FLAGS, UID

if TYPE_CHECKING:
    from postroad_store.imap.commands.fetch.item import Item
    from postroad_store.imap.spec import Capability
    from postroad_store.mail.model.message import Column


@dataclass(frozen=True, slots=True)
class Plan:
    """An item list, made ready."""

    # Items of few octets come first, in the order asked, then texts, as Dovecot sends them: clients that stop at the
    # first literal find everything else before it.
    items: tuple[Item, ...]
    texts: int  # how many of the items are texts
    reads: tuple[Column, ...]  # columns to read from the storage
    alone: bool  # an item can only be written message by message: the plain way
    sets_seen: bool
    whole: bool  # the client gets whole messages
    template: bytes  # of one response of the fast way


class ItemList:
    """The items of one FETCH, macros replaced and duplicates dropped; it keeps its plans."""

    __slots__ = ("_plans", "items", "needs")

    def __init__(self, items: tuple[Item, ...], needs: tuple[tuple[Capability, bytes], ...] = ()) -> None:
        self.items = items
        self.needs = needs  # capabilities that must be offered, each with the name of an item that needs it
        self._plans: dict[tuple[bool, bool], Plan] = {}

    def plan(self, *, uid: bool, flags: bool = False) -> Plan:
        r"""Return the plan; `uid` and `flags` add those in front (RFC 3501 §6.4.8; §6.4.5: \Seen has been set)."""
        plan = self._plans.get((uid, flags))
        if plan is None:
            plan = self._plans[uid, flags] = _plan((*(UID,) * uid, *(FLAGS,) * flags, *self.items))
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


def _plan(items: tuple[Item, ...]) -> Plan:
    values = tuple(dict.fromkeys(item for item in items if not item.is_text))
    texts = tuple(item for item in items if item.is_text)
    ordered = values + texts
    return Plan(
        ordered,
        len(texts),
        tuple(dict.fromkeys(stored for item in ordered for stored in item.reads)),
        any(item.alone for item in ordered),
        any(item.sets_seen for item in ordered),
        any(item.whole for item in ordered),
        b"* %d FETCH (" + b" ".join([item.template for item in ordered]) + b")\r\n",
    )


JUST_FLAGS = ItemList((FLAGS,))  # the answer of STORE
