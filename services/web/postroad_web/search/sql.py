"""A query's tree as a condition on the catalog's table `records` (`catalog.database`), all values bound as parameters.

Conditions are never NULL, so that NOT means what it says. What SQL can't say is said by the functions of `functions`.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

import orjson

from postroad_web.catalog.database import IN_MAILBOX, TAGGED, candidates, containing
from postroad_web.catalog.record import Origin
from postroad_web.catalog.searchable import searchable
from postroad_web.search.pattern import literal_of
from postroad_web.search.tree import (
    All,
    And,
    Compare,
    Contains,
    Flag,
    InField,
    InHeader,
    InState,
    Name,
    Not,
    Or,
    Pattern,
    Recipient,
    Sender,
    Stored,
    Tagged,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from postroad_web.search.tree import Node

Condition = tuple[str, list[Any]]

_COLUMNS = {
    Name.FROM: "records.from_",
    Name.TO: "records.to_",
    Name.CC: "records.cc",
    Name.BCC: "records.bcc",
    Name.REPLY_TO: "records.reply_to",
    Name.SUBJECT: "records.subject",
    Name.MESSAGE_ID: "coalesce(records.message_id, '')",
}
TEXTS = frozenset({Name.SUBJECT, Name.MESSAGE_ID})  # the other columns are JSON
_FLAGS = {
    "read": "records.read",
    "report": f"records.origin = '{Origin.REPORT.value}'",
    "attachment": "records.attachments > 0",
    "inline": "records.inline > 0",
}
_WORD = re.compile(r'[^\s<>",;()\x00-\x1f\x7f]+')
_WILD = re.compile(r"[\\%_]")
_IN = "EXISTS (SELECT 1 FROM {0} WHERE {0}.number = records.number AND {1})"
_OF_ACCOUNT = (
    "records.number IN (SELECT copies.number FROM copies WHERE copies.account IN (?, ?) AND NOT copies.removed"
    " AND copies.number IS NOT NULL)"
)


def condition(node: Node) -> Condition:
    """Return a condition on `records`, and its parameters."""
    return _WRITERS[type(node)](node)


def _all(_: All) -> Condition:
    return "1", []


def _joined(operator: str, conditions: Sequence[Condition]) -> Condition:
    text = operator.join(f"({sql})" for sql, _ in conditions)
    return text, [value for _, values in conditions for value in values]


def _not(node: Not) -> Condition:
    sql, values = condition(node.node)
    return f"NOT ({sql})", values


def _contains(node: Contains) -> Condition:
    return containing(node.text)


def _in_field(node: InField) -> Condition:
    sql, values = _joined(" OR ", [_one_field(name, node.text) for name in node.names])
    if Name.MESSAGE_ID in node.names:
        return sql, values
    # The fields are in the searchable text, too, so the index can name candidates.
    if node.text.isascii():
        # Words are there as in the field, except for the last letter: a mark behind it may be composed with it.
        longest = max(_WORD.findall(node.text), key=len, default="")
        narrow, few = candidates(longest[:-1].lower())
    else:
        narrow, few = candidates(searchable(node.text))
    return f"{narrow} AND ({sql})", [*few, *values]


def _one_field(name: Name, text: str) -> Condition:
    """Return the condition on one field: ASCII letters match in either case by LIKE, others by our own function."""
    column = _COLUMNS[name]
    if name in TEXTS:
        if text.isascii():
            return f"{column} LIKE ? ESCAPE '\\'", [_like(text)]
        return f"instr(searchable({column}), ?) > 0", [searchable(text)]
    if text.isascii():
        # The first condition is quick, and true also for what only looks like the text in JSON.
        escaped = orjson.dumps(text).decode("ascii")[1:-1]
        return f"{column} LIKE ? ESCAPE '\\' AND has_address({column}, ?)", [_like(escaped), text]
    return f"has_address({column}, ?)", [text]


def _like(text: str) -> str:
    return "%" + _WILD.sub(r"\\\g<0>", text) + "%"


def _in_header(node: InHeader) -> Condition:
    sql = "instr(headers.text, ?) AND has_header(headers.text, ?, ?)"
    return _IN.format("headers", sql), [f"\n{node.name}: ", node.name, node.text]


def _recipient(node: Recipient) -> Condition:
    if "\n" in node.text:  # they are parted by line feeds
        return "0", []
    if not node.whole:
        return "instr(records.recipients, ?) > 0", [node.text]
    narrow, few = candidates(searchable(node.text))  # the recipients are in the searchable text, too
    return f"{narrow} AND instr(records.recipients, ?) > 0", [*few, f"\n{node.text}\n"]


def _sender(node: Sender) -> Condition:
    if node.text is None:
        return "records.sender IS NULL", []
    if node.whole:
        return "coalesce(records.sender, '') = ? COLLATE NOCASE", [node.text]
    return "coalesce(records.sender, '') LIKE ? ESCAPE '\\'", [_like(node.text)]


def _tagged(node: Tagged) -> Condition:
    if node.tag is None:
        return "records.tagged <> '[]'", []
    return TAGGED, [node.tag]


def _flag(node: Flag) -> Condition:
    return _FLAGS[node.flag], []


def _in_state(node: InState) -> Condition:
    return "records.state = ?", [node.state]


def _stored(node: Stored) -> Condition:
    if node.account is not None:
        return _OF_ACCOUNT, [node.account, node.account.lower()]
    return IN_MAILBOX, [node.mailbox]


def _compare(node: Compare) -> Condition:
    return f"records.{node.column} {node.operator} ?", [node.value]


def _pattern(node: Pattern) -> Condition:
    if node.header is not None:
        sql = "instr(headers.text, ?) AND finds_header(headers.text, ?, ?)"
        return _IN.format("headers", sql), [f"\n{node.header}: ", node.header, node.source]
    if node.names:
        conditions = [
            f"finds({_COLUMNS[name]}, ?)" if name in TEXTS else f"finds_address({_COLUMNS[name]}, ?)"
            for name in node.names
        ]
        return " OR ".join(conditions), [node.source] * len(conditions)
    narrow, few = candidates(literal_of(node.source))
    sql = _IN.format("bodies", "finds_text(bodies.text, ?)")
    return f"{narrow} AND {sql}", [*few, node.source]


_WRITERS: dict[type[Node], Callable[[Any], Condition]] = {
    All: _all,
    And: lambda node: _joined(" AND ", [condition(inner) for inner in node.nodes]),
    Or: lambda node: _joined(" OR ", [condition(inner) for inner in node.nodes]),
    Not: _not,
    Contains: _contains,
    InField: _in_field,
    InHeader: _in_header,
    Recipient: _recipient,
    Sender: _sender,
    Tagged: _tagged,
    Flag: _flag,
    InState: _in_state,
    Stored: _stored,
    Compare: _compare,
    Pattern: _pattern,
}
