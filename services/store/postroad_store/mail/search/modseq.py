"""The search key MODSEQ: what has changed at a mod-sequence or later (RFC 7162 §3.1.5)."""

from __future__ import annotations

from typing import TYPE_CHECKING

from postroad.value import value
from postroad_store.mail.search.key import Argument, Leaf, Word

if TYPE_CHECKING:
    from postroad_store.mail.search.evaluate import Evaluation
    from postroad_store.mail.search.key import Numbers


@value
class ModSeq(Leaf):
    """Messages with this mod-sequence or a higher one."""

    least: int

    @staticmethod
    def words() -> tuple[Word, ...]:
        """MODSEQ."""
        return (Word("MODSEQ", (Argument.MODSEQ,), ModSeq, "CONDSTORE"),)

    async def among(self, numbers: Numbers, search: Evaluation) -> Numbers:
        """Look at the mod-sequences."""
        return await search.within(numbers, search.view.mailbox.modseqs, self.least, float("inf"))
