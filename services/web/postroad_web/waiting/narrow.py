"""What SQL can tell of a wait's criteria, so that not every message of a large catalog has to be judged."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from postroad_web.catalog.database import PENDING, candidates
from postroad_web.catalog.searchable import searchable

if TYPE_CHECKING:
    from collections.abc import Sequence

    from postroad_web.catalog.page import Query
    from postroad_web.waiting.criteria import Criteria


class Narrow:
    """A query that finds all records that may meet the criteria, and others: the wait judges them."""

    def __init__(self, criteria: Criteria, query: Query | None = None) -> None:
        conditions: list[str] = ["1"]
        values: list[Any] = []
        if not criteria.reports:
            conditions.append("origin <> 'report'")
        if criteria.id is not None:
            conditions.append("id = ?")
            values.append(criteria.id)
        if _plain(criteria.recipient):
            recipient = str(criteria.recipient).lower()
            narrow, few = candidates(searchable(recipient))
            conditions += [narrow, "instr(recipients, char(10) || ? || char(10))"]
            values += [*few, recipient]
        if _plain(criteria.sender):
            conditions.append("lower(coalesce(sender, '')) = ?")
            values.append(str(criteria.sender).lower())
        for columns, wanted in (("to_ || cc", criteria.to), ("from_", criteria.from_)):
            if _plain(wanted):
                conditions.append(f"instr(lower({columns}), ?)")
                values.append(str(wanted).lower())
        if criteria.subject is not None and criteria.subject.isascii():
            conditions.append("instr(lower(subject), ?)")
            values.append(criteria.subject.lower())
        if query is not None:
            condition, further = query.where()
            conditions.append(f"({condition})")
            values += further
        self._where = " AND ".join(conditions), values

    def where(self) -> tuple[str, Sequence[Any]]:
        """Return the condition on the table `records`, and its parameters."""
        return self._where


class Only:
    """A query, asked of one record alone."""

    def __init__(self, query: Query, number: int) -> None:
        self._query = query
        self._number = number

    def where(self) -> tuple[str, Sequence[Any]]:
        """Return the condition on the table `records`, and its parameters."""
        condition, values = self._query.where()
        return f"number = ? AND ({condition})", [self._number, *values]


class UnderWay:
    """A query that finds the records of messages that are not settled yet."""

    def where(self) -> tuple[str, Sequence[Any]]:
        """Return the condition on the table `records`, and its parameters."""
        return PENDING, ()


def _plain(text: str | None) -> bool:
    """Whether SQLite compares the text as Python does: its `lower` knows ASCII only; JSON escapes quotes."""
    return text is not None and text.isascii() and not set(text) & {"*", '"', "\\"}
