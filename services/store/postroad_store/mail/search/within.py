"""The search keys OLDER and YOUNGER: how long ago a message came (RFC 5032)."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

from postroad.value import value
from postroad_store.mail.search.key import Argument, Leaf, Word

if TYPE_CHECKING:
    from postroad_store.mail.search.evaluate import Evaluation
    from postroad_store.mail.search.key import Numbers


@value
class Within(Leaf):
    """Messages whose internal date is so many seconds ago, or longer; with `younger`, or less long."""

    younger: bool
    seconds: int

    @staticmethod
    def words() -> tuple[Word, ...]:
        """OLDER and YOUNGER."""
        return tuple(
            Word(name, (Argument.INTERVAL,), partial(Within, younger), "WITHIN")
            for name, younger in (("OLDER", False), ("YOUNGER", True))
        )

    async def among(self, numbers: Numbers, search: Evaluation) -> Numbers:
        """Compare seconds."""
        # RFC 5032 §2: the internal date is compared with the time and not with the day, and both match at the limit.
        moment = int(search.now) - self.seconds
        low, high = (moment, float("inf")) if self.younger else (float("-inf"), moment + 1)
        return await search.within(numbers, search.view.mailbox.internal_dates, low, high)
