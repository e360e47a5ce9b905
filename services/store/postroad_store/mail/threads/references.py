"""The threading algorithms REFERENCES (RFC 5256 §3) and REFS (draft-ietf-morg-inthread, which Dovecot has too)."""

from __future__ import annotations

from typing import TYPE_CHECKING

from postroad_store.mail.threads.forest import Forest

if TYPE_CHECKING:
    from collections.abc import Sequence


def references(
    ids: Sequence[tuple[bytes, ...]], subjects: Sequence[tuple[bytes, bool]], dates: Sequence[int]
) -> Forest:
    """Return the threads of messages, which are in the order of the mailbox.

    Of each message: its Message ID and those that it refers to; its base subject, and whether it is a reply or was
    forwarded; its sent date.
    """
    forest = Forest(len(ids))
    forest.refer(ids)
    forest.grow()
    forest.sort_roots(dates)
    _Merge(forest, subjects).run()
    forest.sort(dates)
    return forest


def refs(ids: Sequence[tuple[bytes, ...]], dates: Sequence[int]) -> Forest:
    """Return the threads by references alone, those with the most recent message last."""
    forest = Forest(len(ids))
    forest.refer(ids)
    forest.grow()
    forest.sort(dates)
    newest = forest.newest(dates)
    forest.roots.sort(key=newest.__getitem__)
    return forest


class _Merge:
    """Step 5: threads of the same subject become one."""

    def __init__(self, forest: Forest, subjects: Sequence[tuple[bytes, bool]]) -> None:
        self._forest = forest
        self._subjects = subjects
        self._table: dict[bytes, int] = {}
        self._removed: set[int] = set()  # roots that have become children

    def run(self) -> None:
        """Build the subject table, then merge."""
        forest, table = self._forest, self._table
        # The thread subject; of a dummy, that of its first child (5)(B)(i)
        subjects = [self._subjects[message][0] for message in forest.firsts()]
        for subject, root in zip(subjects, forest.roots, strict=True):
            if subject and table.setdefault(subject, root) != root:
                self._note(subject, root)
        added: list[int] = []
        for subject, root in zip(subjects, forest.roots, strict=True):
            if subject and (other := table[subject]) != root:
                added += self._merge(subject, root, other)
        if self._removed:
            forest.roots = [root for root in (*forest.roots, *added) if root not in self._removed]

    def _is_reply(self, root: int) -> bool:
        return not self._forest.is_dummy(root) and self._subjects[root][1]

    def _note(self, subject: bytes, root: int) -> None:
        """Let a root take the place of another one in the subject table, if it should (5)(B)."""
        other = self._table[subject]
        is_dummy = self._forest.is_dummy
        if not is_dummy(other) and (is_dummy(root) or (self._is_reply(other) and not self._is_reply(root))):
            self._table[subject] = root

    def _merge(self, subject: bytes, root: int, other: int) -> list[int]:
        """Put a root under the one in the table, or both under a new dummy (5)(C); return the roots that are new."""
        children = self._forest.children
        is_dummy = self._forest.is_dummy
        self._removed.add(root)
        if is_dummy(other):
            children[other] += children[root] if is_dummy(root) else [root]
        elif self._is_reply(root) and not self._is_reply(other):
            children.setdefault(other, []).append(root)
        else:
            dummy = self._table[subject] = self._forest.add_dummy()
            children[dummy] = [root, other]
            self._removed.add(other)
            return [dummy]
        return []
