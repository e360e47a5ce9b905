"""The last changes of a mailbox, in their order: what a client that comes back has missed is found without a search.

They are kept beside the column of mod-sequences, which knows all changes, but has to be looked through from one end to
the other (RFC 7162 §3.1.4.1).
"""

from __future__ import annotations

from array import array
from bisect import bisect_right
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

KEPT = 500  # messages: 12 octets each, twice as many at most


class RecentChanges:
    """Which messages have changed or come after a modseq, while that is not too long ago."""

    __slots__ = ("_kept", "_modseqs", "_since", "_uids")

    def __init__(self, since: int, kept: int = KEPT) -> None:
        """Know of all changes after this modseq; at least the last `kept` are remembered, at most twice as many."""
        self._since = since
        self._kept = kept
        self._modseqs = array("Q")  # ascending
        self._uids = array("I")  # parallel to them; a message that has changed twice is there twice

    def note(self, modseq: int, uids: Sequence[int]) -> None:
        """Note that messages have this modseq now, which is above all others or the last one once more."""
        kept = self._kept
        if len(uids) > kept:
            self._modseqs, self._uids, self._since = array("Q"), array("I"), modseq
            return
        self._uids.extend(uids)
        self._modseqs.extend([modseq] * len(uids))
        if len(self._uids) > 2 * kept:
            self._since = self._modseqs[-kept - 1]
            del self._uids[:-kept], self._modseqs[:-kept]

    def after(self, modseq: int) -> list[int] | None:
        """Return the UIDs, ascending, of what has changed after this modseq; None if that is not known any more."""
        if modseq < self._since:
            return None
        return sorted(set(self._uids[bisect_right(self._modseqs, modseq) :]))
