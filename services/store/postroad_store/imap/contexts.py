"""Searches whose results are kept up to date: RETURN (UPDATE) (RFC 5267 §4.3).

A context keeps what was found, by UID, and up to which mod-sequence it has looked. After a change only the messages
with a higher one are matched again when the change itself is reported, and what has come or gone is sent as ADDTO and
REMOVEFROM. Messages that are expunged leave before their EXPUNGE, as their numbers end with it.
"""

from __future__ import annotations

import asyncio
from bisect import bisect_left, bisect_right
from collections.abc import Callable
from typing import TYPE_CHECKING

from postroad_store.imap import newcomers
from postroad_store.imap.grammar.sequence import SequenceSet, format_ranges, ranges_of, runs_of
from postroad_store.mail.model.message import UID
from postroad_store.mail.search.keys import And, InSet
from postroad_store.mail.search.modseq import ModSeq

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from postroad_store.imap.commands.fetch import ItemList
    from postroad_store.imap.commands.search.found import Found
    from postroad_store.imap.session import Session
    from postroad_store.mail.model.view import Changes, View
    from postroad_store.mail.order.ordering import Order
    from postroad_store.mail.search.key import Key

MAX_CONTEXTS = 16  # of a session: RFC 5267 §4.3.1 wants more than one
MAX_RESULTS = 50_000  # messages of one context
STEP = 5_000  # messages that are looked for at a time (a few milliseconds)

NumberOf = Callable[[int], int]  # a message's number by its UID


class Context:
    """One search; with `orders` a SORT."""

    __slots__ = ("_uid", "correlators", "found", "items", "key", "modseq", "newest", "orders", "tag")

    def __init__(
        self, tag: bytes, key: Key, orders: Sequence[Order] | None, *, uid: bool, items: ItemList | None = None
    ) -> None:
        self.tag = tag
        self.key = key
        self.orders = orders
        self.items = items  # to send of new messages that are found
        self.correlators = b""  # after the tag, a space before each (RFC 7377 §2.1)
        self.newest = 0  # the last UID that is not new
        self.found: list[int] = []  # UIDs, in the order of the search
        self.modseq = 0  # up to here it has looked
        self._uid = uid  # UIDs are sent, not message numbers

    def remove(self, gone: Iterable[int], number_of: NumberOf) -> bytes:
        """Take UIDs out of the result that are in it; return the response, which their numbers are needed for."""
        if self.orders is None:
            leaving = sorted(set(gone).intersection(self.found))
            self.found = _without(self.found, leaving)
            # RFC 5267 §4.3.4: "the client removes the message numbers or UIDs in the result list wherever they occur"
            return self._response(b"REMOVEFROM", [(0, leaving)] if leaving else [], number_of)
        going = set(gone).intersection(self.found)
        blocks: list[tuple[int, list[int]]] = []
        kept: list[int] = []
        for uid in self.found:
            if uid not in going:
                kept.append(uid)
            elif blocks and blocks[-1][0] == len(kept) + 1:
                blocks[-1][1].append(uid)
            else:  # those before it have been removed when it is its turn
                blocks.append((len(kept) + 1, [uid]))
        self.found = kept
        return self._response(b"REMOVEFROM", blocks, number_of)

    def add(self, uids: list[int], number_of: NumberOf) -> bytes:
        """Take up a result that has all of the old one, in the same order, and more; return the response."""
        old = set(self.found)
        blocks: list[tuple[int, list[int]]] = []
        for place, uid in enumerate(uids, 1):
            if uid in old:
                continue
            if blocks and self.orders is None:  # RFC 5267 §4.3.3: 0, where the client keeps them in mailbox order
                blocks[0][1].append(uid)
            elif blocks and blocks[-1][0] + len(blocks[-1][1]) == place:
                blocks[-1][1].append(uid)
            else:
                blocks.append((0 if self.orders is None else place, [uid]))
        self.found = uids
        return self._response(b"ADDTO", blocks, number_of)

    def _response(self, word: bytes, blocks: list[tuple[int, list[int]]], number_of: NumberOf) -> bytes:
        if not blocks:
            return b""
        pairs = []
        for place, uids in blocks:
            numbers = uids if self._uid else [number_of(uid) for uid in uids]
            pairs.append(b"%d %b" % (place, format_ranges(runs_of(numbers))))
        uid = b" UID" if self._uid else b""
        start = b'* ESEARCH (TAG "%b"%b)%b ' % (self.tag, self.correlators, uid)
        return b"%b%b (%b)\r\n" % (start, word, b" ".join(pairs))


class Contexts:
    """The contexts of one session and its selected mailbox, by their tags."""

    def __init__(self, view: View) -> None:
        self._view = view
        self._contexts: dict[bytes, Context] = {}

    def __contains__(self, tag: object) -> bool:
        """Return True if a context has the tag."""
        return tag in self._contexts

    def keep(self, context: Context, result: Found, modseq: int) -> bool:
        """Follow a search that has found this, all up to a mod-sequence; return False if it is too much."""
        if len(self._contexts) >= MAX_CONTEXTS or len(result.numbers) > MAX_RESULTS:
            return False
        context.found, context.modseq = list(result.uids(result.numbers)), modseq
        context.newest = result.view.uids[-1] if result.view.uids else 0
        self._contexts[context.tag] = context
        return True

    def cancel(self, tag: bytes) -> bool:
        """Follow a search no longer; return False if none has the tag."""
        return self._contexts.pop(tag, None) is not None

    @property
    def stale(self) -> bool:
        """Whether the mailbox has changed since the contexts were looked at."""
        modseq = known(self._view)
        return any(context.modseq < modseq for context in self._contexts.values())

    def leaving(self, news: Changes) -> bytes:
        """Return the responses that must come before the EXPUNGEs of some news."""
        if not news.expunged:
            return b""
        numbers = {
            uid: number for number, uid in news.expunged
        }  # the last goes first, so they hold before the EXPUNGEs
        return b"".join([context.remove(numbers, lambda uid: numbers[UID(uid)]) for context in self._contexts.values()])

    async def update(self, session: Session) -> None:
        """Match what has changed, and send what has come and gone."""
        for context in list(self._contexts.values()):
            modseq = known(self._view)
            if context.modseq < modseq:
                await self._update(session, context, modseq)

    async def _update(self, session: Session, context: Context, modseq: int) -> None:
        view, finder = self._view, session.storage.finder
        newest = view.uids[-1] if view.uids else 0
        since = ModSeq(context.modseq + 1)
        pause = session.connection.wait_writable
        changed = {view.uids[number - 1] for number in await finder.search(view, since, between=pause)}
        matched = await finder.search(view, And((since, context.key)), between=pause)
        matching = {view.uids[number - 1] for number in matched}
        gone = await self._gone(context)
        session.engine.send(context.remove((changed - matching) | gone, self._number_of))
        new = sorted(matching - gone - set(context.found))
        if context.items is not None:
            await self._introduce(session, context, context.items, new)
        if not new:
            uids = context.found
        elif context.orders is None:
            uids = sorted([*context.found, *new])
        elif len(new) + len(context.found) > MAX_RESULTS:
            self.cancel(context.tag)
            session.engine.send(refusal(context.tag))
            return
        else:
            both = InSet(uid=True, messages=SequenceSet(ranges_of(sorted([*context.found, *new]))))
            numbers = await finder.sort(view, both, context.orders, between=pause)
            uids = [view.uids[number - 1] for number in numbers]
        session.engine.send(context.add(uids, self._number_of))
        context.modseq, context.newest = modseq, max(context.newest, newest)

    async def _introduce(self, session: Session, context: Context, items: ItemList, uids: Sequence[int]) -> None:
        """Tell items of those that are new to the mailbox, not of those whose flags have changed (RFC 5465 §7)."""
        new = uids[bisect_right(uids, context.newest) :]
        for start in range(0, len(new), newcomers.MAX_TOLD):
            await session.connection.wait_writable()
            some = new[start : start + newcomers.MAX_TOLD]
            wanted = items if session.notify is None else session.notify.joined(items, some)
            # RFC 5465 §7: EXISTS comes before FETCH, and both before ESEARCH
            session.engine.send(newcomers.told(session, self._view, wanted, some))
            context.newest = some[-1]
            session.connection.flush()
            await asyncio.sleep(0)

    async def _gone(self, context: Context) -> set[int]:
        """Return those of a result that have been expunged, though their EXPUNGE has not been sent."""
        view = self._view
        gone: set[int] = set()
        if view.has_lost(1, len(view.uids)):
            for start in range(0, len(context.found), STEP):
                some = context.found[start : start + STEP]
                gone.update([uid for uid in some if view.mailbox.index(uid) is None])
                await asyncio.sleep(0)
        return gone

    def _number_of(self, uid: int) -> int:
        return bisect_left(self._view.uids, uid) + 1


def known(view: View) -> int:
    """Return the mod-sequence up to which a view has all messages of its mailbox."""
    mailbox = view.mailbox
    first = bisect_right(mailbox.uids, view.uids[-1] if view.uids else 0)
    return min([*mailbox.modseqs[first:], mailbox.modseq + 1]) - 1 if first < len(mailbox.uids) else mailbox.modseq


def refusal(tag: bytes) -> bytes:
    """Return what says that a search is not followed (RFC 5267 §4.3.1)."""
    return b'* NO [NOUPDATE "%b"] Too many contexts.\r\n' % tag


def _without(uids: list[int], leaving: Sequence[int]) -> list[int]:
    gone = set(leaving)
    return [uid for uid in uids if uid not in gone] if gone else uids
