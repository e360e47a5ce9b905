"""A query, ready to be asked."""

from __future__ import annotations

from datetime import UTC
from typing import TYPE_CHECKING, Any, Literal, TypeAlias
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from postroad.value import value
from postroad_web.search.grammar import read_native
from postroad_web.search.mailpit import read_mailpit
from postroad_web.search.match import Subject, matches
from postroad_web.search.sql import condition
from postroad_web.search.tree import MAX_QUERY, QueryError

if TYPE_CHECKING:
    from datetime import tzinfo

    from postroad_web.catalog.record import Record
    from postroad_web.search.tree import Node

Dialect: TypeAlias = Literal["native", "mailpit"]


@value
class Query:
    """What is looked for, by SQL on the catalog, or one record at a time."""

    node: Node

    def where(self) -> tuple[str, list[Any]]:
        """Return a condition on the table `records`, and its parameters."""
        return condition(self.node)

    def matches(self, record: Record, text: str, header: str) -> bool:
        """Return whether a record matches; `text` and `header` are as the catalog keeps them."""
        return matches(self.node, Subject(record, text, header))


def parse(text: str, *, dialect: Dialect = "native", tz: str = "UTC") -> Query:
    """Return the query that the text asks; dates without a zone are in the IANA time zone `tz`.

    Raises `QueryError`; in Mailpit's dialect only for a query that is too long.
    """
    octets = text.replace("\0", " ").encode("utf-8", "replace")  # what SQLite can take
    zone = _zone(tz)
    if zone is None and dialect == "native":
        raise QueryError(f"{tz[:100]!r} is not a time zone such as Europe/Berlin", 1)
    if len(octets) > MAX_QUERY:
        raise QueryError(f"a query has at most {MAX_QUERY} octets", MAX_QUERY)
    read = read_mailpit if dialect == "mailpit" else read_native
    return Query(read(octets.decode("utf-8"), zone or UTC))


def _zone(name: str) -> tzinfo | None:
    if name.upper() == "UTC":
        return UTC
    try:
        return ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError):  # no such zone; a path; a folder of them
        return None
