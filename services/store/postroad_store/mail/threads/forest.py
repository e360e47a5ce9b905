"""Messages and what they reply to, as trees (RFC 5256 §3, REFERENCES, steps 1 to 3).

Nothing here recurses: a thread may be as deep as a mailbox is long. A message is a node; so is a Message ID that is
referred to and that no message has, a dummy.
"""

from __future__ import annotations

from itertools import pairwise
from typing import TYPE_CHECKING

from postroad_store.mail.model.errors import LimitReached

if TYPE_CHECKING:
    from collections.abc import Sequence

NOBODY = -1
# How many nodes are gone over to find loops. Only threads that are made to be slow need more than a few per message.
MAX_STEPS = 20_000_000


class Forest:
    """Trees of nodes. The nodes below `messages` are messages, in the order of the mailbox; the others are dummies."""

    def __init__(self, messages: int) -> None:
        self.messages = messages
        self.parents = [NOBODY] * messages
        self.children: dict[int, list[int]] = {}  # of the few nodes that have any, once `grow` has been called
        self.roots: list[int] = []
        self._busy = bytearray(messages)  # nodes that have had children
        self._steps = 0

    def is_dummy(self, node: int) -> bool:
        """Return True if there is no message."""
        return node >= self.messages

    def add_dummy(self) -> int:
        """Make a dummy."""
        self.parents.append(NOBODY)
        self._busy.append(0)
        return len(self.parents) - 1

    def _is_above(self, node: int, below: int) -> bool:
        """Return True if `node` is `below`, or one of those that it descends from."""
        parents = self.parents
        steps = 0
        while below not in {NOBODY, node}:
            below = parents[below]
            steps += 1
        self._steps += steps
        if self._steps > MAX_STEPS:
            raise LimitReached("The threads are too deep.")
        return below == node

    def _link(self, parent: int, child: int) -> None:
        """Make a node the child of another, if that makes no loop."""
        if (not self._busy[child] and child != parent) or not self._is_above(child, parent):  # nothing descends from it
            self.parents[child] = parent
            self._busy[parent] = 1

    def refer(self, ids: Sequence[tuple[bytes, ...]]) -> None:
        """Link messages by what they refer to; of each message its own Message ID, and those that it refers to."""
        nodes: dict[bytes, int] = {}
        for message, (own, *_) in enumerate(ids):
            if own:  # "If two or more messages have the same Message ID, then only use that Message ID in the first"
                nodes.setdefault(own, message)
        parents = self.parents
        for message, read in enumerate(ids):
            if len(read) == 1:  # most refer to nothing
                parents[message] = NOBODY
                continue
            ancestors: list[int] = []
            for reference in read[1:]:
                node = nodes.get(reference)
                if node is None:
                    node = nodes[reference] = self.add_dummy()
                ancestors.append(node)
            if len(ancestors) > 1:
                for parent, child in pairwise(ancestors):  # (1)(A): an existing link is not changed
                    if parents[child] == NOBODY:
                        self._link(parent, child)
            parents[message] = NOBODY  # (1)(B): but that of the message itself is
            self._link(ancestors[-1], message)

    def grow(self) -> None:
        """Gather the roots, and prune the dummies (steps 2 and 3)."""
        children = self.children
        for node, parent in enumerate(self.parents):
            if parent != NOBODY:
                children.setdefault(parent, []).append(node)
        roots = [node for node, parent in enumerate(self.parents) if parent == NOBODY]
        if len(self.parents) == self.messages:
            self.roots = roots
            return
        for node in reversed(self._downwards(roots)):
            if any(map(self.is_dummy, self.below(node))):
                children[node] = self._without_dummies(children[node])
        for root in roots:
            # "Do not promote the children if doing so would make them children of the root, unless there is only one"
            below = self.below(root)
            self.roots += below if self.is_dummy(root) and len(below) <= 1 else [root]

    def below(self, node: int) -> Sequence[int]:
        """Return the children of a node."""
        return self.children.get(node, ())

    def _downwards(self, nodes: list[int]) -> list[int]:
        """Return these nodes and all below them, parents before their children."""
        nodes_below = nodes.copy()
        for node in nodes_below:
            nodes_below += self.below(node)
        return nodes_below

    def _without_dummies(self, nodes: list[int]) -> list[int]:
        """Put the children of dummies, which have been pruned already, in their place."""
        kept: list[int] = []
        for node in nodes:
            kept += self.below(node) if self.is_dummy(node) else [node]
        return kept

    def sort(self, dates: Sequence[int]) -> None:
        """Sort all siblings by the dates of the messages, and what is equal by its place in the mailbox (step 6)."""
        for siblings in self.children.values():
            siblings.sort(key=lambda node: (dates[node], node))
        self._order_roots(dates)

    def sort_roots(self, dates: Sequence[int]) -> None:
        """Sort the top level alone, and the children of its dummies (step 4)."""
        for root in self.roots:
            if self.is_dummy(root):
                self.children[root].sort(key=lambda node: (dates[node], node))
        self._order_roots(dates)

    def _order_roots(self, dates: Sequence[int]) -> None:
        """Sort the roots; a dummy goes by its first child."""
        firsts = self.firsts()
        ordered = sorted(zip(map(dates.__getitem__, firsts), firsts, self.roots, strict=True))
        self.roots = [root for _, _, root in ordered]

    def newest(self, dates: Sequence[int]) -> list[tuple[int, int]]:
        """Return of each node the latest date in its tree, and the message that has it."""
        newest = [(date, node) for node, date in enumerate(dates)]
        newest += [(0, 0)] * (len(self.parents) - self.messages)
        for dummy in range(self.messages, len(self.parents)):
            if self.below(dummy):
                newest[dummy] = newest[self.children[dummy][0]]
        for node in reversed(self._downwards(self.roots)):
            for child in self.below(node):
                newest[node] = max(newest[node], newest[child])
        return newest

    def firsts(self) -> list[int]:
        """Return for each root its message, or the first child of a dummy."""
        messages, children = self.messages, self.children
        return [root if root < messages else children[root][0] for root in self.roots]
