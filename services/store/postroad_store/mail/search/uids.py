"""The search keys UIDAFTER and UIDBEFORE: the messages above a UID, or below it (RFC 9738 §3.2)."""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from typing import TYPE_CHECKING

from postroad.value import value
from postroad_store.mail.search.key import Argument, Leaf, Word

if TYPE_CHECKING:
    from postroad_store.mail.search.evaluate import Evaluation
    from postroad_store.mail.search.key import Numbers


@value
class UidAfter(Leaf):
    """Messages with a higher UID; unlike `UID n:*`, none where there is none."""

    uid: int

    @staticmethod
    def words() -> tuple[Word, ...]:
        """UIDAFTER."""
        return (Word("UIDAFTER", (Argument.UID,), UidAfter, "MESSAGELIMIT"),)

    async def among(self, numbers: Numbers, search: Evaluation) -> Numbers:
        """Cut the others off."""
        return numbers[bisect_right(numbers, bisect_right(search.view.uids, self.uid)) :]


@value
class UidBefore(Leaf):
    """Messages with a lower UID."""

    uid: int

    @staticmethod
    def words() -> tuple[Word, ...]:
        """UIDBEFORE."""
        return (Word("UIDBEFORE", (Argument.UID,), UidBefore, "MESSAGELIMIT"),)

    async def among(self, numbers: Numbers, search: Evaluation) -> Numbers:
        """Cut the others off."""
        return numbers[: bisect_right(numbers, bisect_left(search.view.uids, self.uid))]
