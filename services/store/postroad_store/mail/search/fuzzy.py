"""The search key FUZZY: what nearly matches, too (RFC 6203)."""

from __future__ import annotations

from dataclasses import field
from typing import TYPE_CHECKING

from postroad.value import value
from postroad_store.mail.search.key import Argument, Combination, Word

if TYPE_CHECKING:
    from postroad_store.mail.search.key import Key


@value
class Fuzzy(Combination):
    """Messages that match the key, or nearly: each of its leaves says what that means (`Leaf.near`)."""

    key: Key
    cost: int = field(init=False, repr=False, compare=False)
    fuzzy = True

    def __post_init__(self) -> None:
        """Rank it once."""
        object.__setattr__(self, "cost", self.key.cost)

    @staticmethod
    def words() -> tuple[Word, ...]:
        """FUZZY with a key."""
        return (Word("FUZZY", (Argument.KEY,), Fuzzy, "SEARCH=FUZZY"),)

    @property
    def parts(self) -> tuple[Key, ...]:
        """Return the key."""
        return (self.key,)


class Scores:
    """How relevant messages are to a fuzzy search, by their numbers: as near as they come to each of its keys."""

    __slots__ = ("_nearness",)

    def __init__(self) -> None:
        self._nearness: dict[int, float] = {}  # of those that do not match exactly: between 0 and 1

    def note(self, number: int, nearness: float) -> None:
        """Note how near a message comes to one key."""
        self._nearness[number] = self._nearness.get(number, 1.0) * nearness

    def of(self, number: int) -> int:
        """Return the relevancy score of a message that has been found."""
        # RFC 6203 §4: "Relevancy scores are given in the range 1-100, where 100 is the highest relevancy."
        return max(round(100 * self._nearness.get(number, 1.0)), 1)
