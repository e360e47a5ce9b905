"""The plain meaning of a query's tree, on one record. What `sql` says must be the same."""

from __future__ import annotations

import operator
from typing import TYPE_CHECKING, Any, NamedTuple

from postroad_web.catalog.record import Origin
from postroad_web.catalog.rows import bcc_of
from postroad_web.catalog.searchable import searchable
from postroad_web.search.functions import ascii_lower, finds, finds_header, finds_text, has, has_header
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
    from collections.abc import Callable

    from postroad_web.catalog.record import Record
    from postroad_web.search.tree import Node

_OPERATORS = {"<": operator.lt, "<=": operator.le, ">": operator.gt, ">=": operator.ge}


class Subject(NamedTuple):
    """What is looked at: a record, its searchable text, and its header's fields, as the catalog keeps them."""

    record: Record
    text: str
    header: str


def matches(node: Node, subject: Subject) -> bool:
    """Return whether the record matches."""
    return _RULES[type(node)](node, subject)


def values_of(record: Record, name: Name) -> list[str]:
    """Return the texts of a field: of an address field all names and addresses."""
    if name is Name.MESSAGE_ID:
        return [record.message_id or ""]
    digest = record.digest
    if name is Name.SUBJECT:
        return [digest.subject if digest else ""]
    if digest is None:
        return []
    if name is Name.BCC:
        addresses = bcc_of(digest, (recipient.address for recipient in record.recipients))
    else:
        addresses = {
            Name.FROM: digest.from_,
            Name.TO: digest.to,
            Name.CC: digest.cc,
            Name.REPLY_TO: digest.reply_to,
        }[name]
    return [value for address in addresses for value in address]


def _in_field(node: InField, subject: Subject) -> bool:
    return any(has(value, node.text) for name in node.names for value in values_of(subject.record, name))


def _recipient(node: Recipient, subject: Subject) -> bool:
    addresses = [recipient.address.lower() for recipient in subject.record.recipients]
    return node.text in addresses if node.whole else any(node.text in address for address in addresses)


def _sender(node: Sender, subject: Subject) -> bool:
    sender = subject.record.sender
    if node.text is None:
        return sender is None
    wanted, lower = ascii_lower(node.text), ascii_lower(sender or "")
    return wanted == lower if node.whole else wanted in lower


def _tagged(node: Tagged, subject: Subject) -> bool:
    if node.tag is None:
        return bool(subject.record.tags)
    return ascii_lower(node.tag) in map(ascii_lower, subject.record.tags)


def _flag(node: Flag, subject: Subject) -> bool:
    record = subject.record
    match node.flag:
        case "read":
            return record.read
        case "report":
            return record.origin is Origin.REPORT
        case "attachment":
            return record.digest is not None and record.digest.attachments > 0
        case _:
            return record.digest is not None and record.digest.inline > 0


def _stored(node: Stored, subject: Subject) -> bool:
    copies = [copy for recipient in subject.record.recipients for copy in recipient.copies if not copy.removed]
    if node.account is not None:
        return not {node.account, node.account.lower()}.isdisjoint(copy.account for copy in copies)
    return node.mailbox in {copy.mailbox for copy in copies}


def _compare(node: Compare, subject: Subject) -> bool:
    value = subject.record.arrived if node.column == "arrived" else subject.record.size
    return bool(_OPERATORS[node.operator](value, node.value))


def _pattern(node: Pattern, subject: Subject) -> bool:
    if node.header is not None:
        return finds_header(subject.header, node.header, node.source)
    if node.names:
        return any(finds(value, node.source) for name in node.names for value in values_of(subject.record, name))
    return finds_text(subject.text, node.source)


_RULES: dict[type[Node], Callable[[Any, Subject], bool]] = {
    All: lambda _node, _subject: True,
    And: lambda node, subject: all(matches(inner, subject) for inner in node.nodes),
    Or: lambda node, subject: any(matches(inner, subject) for inner in node.nodes),
    Not: lambda node, subject: not matches(node.node, subject),
    Contains: lambda node, subject: searchable(node.text) in subject.text,
    InField: _in_field,
    InHeader: lambda node, subject: has_header(subject.header, node.name, node.text),
    Recipient: _recipient,
    Sender: _sender,
    Tagged: _tagged,
    Flag: _flag,
    InState: lambda node, subject: subject.record.state == node.state,
    Stored: _stored,
    Compare: _compare,
    Pattern: _pattern,
}
