"""Pages of records, counts, and what a query has to be for the catalog."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple, Protocol, TypedDict

if TYPE_CHECKING:
    from collections.abc import Sequence

    from postroad_web.catalog.record import Record


class Counts(NamedTuple):
    """How many records there are."""

    total: int
    unread: int


class Window(TypedDict, total=False):
    """Which of the records that match are wanted: those between two cursors, from an offset on, in which order."""

    before: int | None
    after: int | None
    limit: int  # below 0: no limit
    offset: int
    oldest_first: bool
    present: bool  # only what Mailpit's dialect shows
    counted: bool  # whether all matches are to be counted, which takes longer than to find a few


class Page(NamedTuple):
    """Some records that match a query, in order, and how many there are in all."""

    records: tuple[Record, ...]
    total: int  # matches of the query; without one all records; 0 if they were not to be counted
    unread: int  # among them
    next: int | None  # the cursor of the next page: `before`, or `after` where the oldest come first; None at the end


class SearchTooLong(Exception):  # noqa: N818 - an outcome, as the caller sees it
    """A search has taken too long; the text is a sentence."""


class Changed(NamedTuple):
    """A record that has changed after a cursor."""

    cursor: int  # of its last change
    record: Record
    is_new: bool  # it has arrived since


class Query(Protocol):
    """What records are looked for."""

    def where(self) -> tuple[str, Sequence[Any]]:
        """Return a condition on the table `records` (see `database`), and its parameters."""
