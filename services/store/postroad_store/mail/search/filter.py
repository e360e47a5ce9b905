"""The search key FILTER: a search that has been kept under a name (RFC 5466 §3.1)."""

from __future__ import annotations

from typing import TYPE_CHECKING

from postroad_store.mail.search.key import TEXT, Argument, Combination, Word

if TYPE_CHECKING:
    from postroad_store.mail.search.key import Key


class Filter(Combination):
    """Messages that match the key that the name stands for; somebody has to look that up before the search."""

    __slots__ = ("meaning", "name")
    cost = TEXT  # it is not known yet

    def __init__(self, name: str) -> None:
        self.name = name
        self.meaning: Key | None = None

    @staticmethod
    def words() -> tuple[Word, ...]:
        """FILTER."""
        return (Word("FILTER", (Argument.FILTER,), Filter, "FILTERS"),)

    @property
    def parts(self) -> tuple[Key, ...]:
        """Return the key."""
        assert self.meaning is not None  # noqa: S101 - it has been looked up
        return (self.meaning,)
