"""The tape of a session of SMTP or LMTP, which is cut by mail transactions.

Relay and store speak thousands of them in one session. What came before a transaction is packed as it begins; so the
oldest transactions go pack by pack, and none of it has to be read back.
"""

from __future__ import annotations

from itertools import pairwise
from typing import TYPE_CHECKING

from postroad.tap import Carried
from postroad.transcript.cutting import ENTRY, begins_transaction, ends_transaction, starts, transactions
from postroad.transcript.packing import GAP, packed, unpacked
from postroad.transcript.tape import Tape

if TYPE_CHECKING:
    from postroad.tap import Fact
    from postroad.transcript.cutting import Block
    from postroad.transcript.packing import Pack

PROTOCOLS = frozenset({"smtp", "lmtp"})
FEW = 8  # blocks that are not worth a pack: those of a message or two


class MailTape(Tape):
    """The listener of one session of SMTP or LMTP."""

    __slots__ = ()

    # -- the hot path

    def received(self, octets: bytes, at: float, *, tls: bool) -> None:
        """See `Listener`. What `Tape.received` does is here again, since a call would cost as much as it does."""
        items, inbound = self._items, self._inbound
        if len(items) >= FEW and inbound and begins_transaction(octets):
            self._pack_transactions()
        items.append((inbound, octets, at, tls))
        self.held = held = self.held + len(octets) + ENTRY
        if held > self._due:
            self._grown()

    def noted(self, fact: Fact) -> None:
        """See `Listener`. Outbound, a message is named before its transaction begins."""
        if not self._inbound and len(self._items) >= FEW and type(fact) is Carried:
            self._pack_transactions()
        super().noted(fact)

    def _pack_much(self) -> None:
        """Pack nothing: it waits for the next transaction."""

    def _pack_transactions(self) -> None:
        """Pack the items, behind which a transaction begins."""
        ends = self._ends_transaction()
        self._pack()
        self._begins = ends

    def _ends_transaction(self) -> bool:
        """Whether the last octets are the server's, and end a transaction."""
        for item in reversed(self._items):
            if item is not None and len(item) == 4:
                from_client, octets, _, _ = item
                return not from_client and ends_transaction(
                    octets if isinstance(octets, bytes) else self._large[octets]
                )
        return False

    # -- cutting

    def _drop_dialogues(self, limit: int) -> None:
        """Drop the oldest mail transactions; what is behind them stays packed, where possible."""
        room = self.held - limit // 2
        if not self._drop_packs(room):
            blocks = self._unread()
            self._drop(blocks, *transactions(blocks, room, inbound=self._inbound))
            self._packs = self._apart(blocks)

    def _apart(self, blocks: list[Block]) -> list[Pack]:
        """Return a pack for each transaction, and one for what is before the first."""
        places = [0, *starts(blocks, inbound=self._inbound), len(blocks)]
        pieces = [blocks[begin:end] for begin, end in pairwise(places)]
        return [packed(piece, begins=index > 0) for index, piece in enumerate(pieces) if piece]

    def _unread(self) -> list[Block]:
        self._begins = False
        return super()._unread()

    def _drop_packs(self, room: int) -> bool:
        """Drop packs in which there are whole transactions, of so many octets; return False if these are too few."""
        packs = self._packs
        before = next((index for index, pack in enumerate(packs) if pack.begins), len(packs))
        if any(pack.carried for pack in packs[:before]):  # a transaction is packed with the beginning of the session
            packs[:before] = self._apart(unpacked(packs[:before]))
        begun = [index for index, pack in enumerate(packs) if pack.begins]
        if self._begins:
            begun.append(len(packs))
        gone = 0
        for first, last in pairwise(begun):
            gone += sum([pack.weight for pack in packs[first:last]])
            if gone >= room:
                break
        else:
            return False
        first = begun[0]
        for pack in packs[first:last]:
            for queue_id in pack.carried:
                self.messages.pop(queue_id, None)
        packs[first:last] = [] if first and packs[first - 1] is GAP else [GAP]
        self.omitted += gone
        self._weigh(self.held - gone)
        return True
