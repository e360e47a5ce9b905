"""MailHog's three searches as conditions on the catalog. Pure.

MailHog looks at what was sent, in its transfer encoding; here it is the decoded text that is looked through, and the
fields as people read them. So a word is found whatever encoding it was sent in.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from postroad_web.catalog.searchable import searchable
from postroad_web.search.sql import condition
from postroad_web.search.tree import MAX_QUERY, Contains, InHeader, Or, Recipient, Sender

if TYPE_CHECKING:
    from collections.abc import Callable

    from postroad_web.search.tree import Node

    Condition = tuple[str, list[Any]]

_HEADER = "EXISTS (SELECT 1 FROM headers WHERE headers.number = records.number AND instr(searchable(headers.text), ?))"


class Search:
    """The messages from or to somebody, or containing something; the case of letters does not count."""

    def __init__(self, kind: str, text: str) -> None:
        self._kind = kind
        self._text = text

    def where(self) -> Condition:
        """Return the condition and its parameters."""
        return _KINDS[self._kind](self._text)


def search(kind: str, query: str) -> Search | None:
    """Return the search; None if there is no such kind, or nothing is asked."""
    octets = query.replace("\0", " ").encode("utf-8", "replace")  # what SQLite can take
    if kind not in _KINDS or not octets or len(octets) > MAX_QUERY:
        return None
    return Search(kind, octets.decode("utf-8"))


def _from(text: str) -> Condition:
    return _either(Sender(text, whole=False), InHeader("from", text))


def _to(text: str) -> Condition:
    return _either(Recipient(text.lower(), whole=False), InHeader("to", text))


def _containing(text: str) -> Condition:
    sql, values = condition(Contains(text))
    return f"(({sql}) OR {_HEADER})", [*values, searchable(text)]


def _either(*nodes: Node) -> Condition:
    return condition(Or(nodes))


_KINDS: dict[str, Callable[[str], Condition]] = {"from": _from, "to": _to, "containing": _containing}
