"""Mailpit's language of queries, with its quirks.

Terms are parted by spaces outside of quotes, and all must match. Quotes are then dropped, so they do not hinder a minus
sign or a keyword. What can't be read as a value of its keyword is ignored or taken as text; a query of which nothing is
left matches everything.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from postroad_web.catalog.searchable import searchable
from postroad_web.search.dates import read_date, read_size
from postroad_web.search.tree import (
    ADDRESSES,
    MAX_TERMS,
    All,
    And,
    Compare,
    Contains,
    Flag,
    InField,
    Name,
    Not,
    QueryError,
    Tagged,
)

if TYPE_CHECKING:
    from datetime import tzinfo

    from postroad_web.search.tree import Node

_DROPPED = re.compile(r'[\r\n\t<>",;() ]+')
_FIELDS = {
    **{f"{name}:": (name,) for name in (Name.TO, Name.FROM, Name.CC, Name.BCC, Name.REPLY_TO, Name.MESSAGE_ID)},
    "addressed:": ADDRESSES,
}
_FLAGS: dict[str, Node] = {
    "is:read": Flag("read"),
    "is:unread": Not(Flag("read")),
    "is:tagged": Tagged(None),
    "has:inline": Flag("inline"),
    "has:inlines": Flag("inline"),
    "has:attachment": Flag("attachment"),
    "has:attachments": Flag("attachment"),
}


def read_mailpit(text: str, zone: tzinfo) -> Node:
    """Return the tree of a query; raises `QueryError` only for one with too many terms."""
    nodes: list[Node] = []
    for start, word in _words(text):
        node = _term(word.replace('"', ""), zone)
        if node is None:
            continue
        if len(nodes) == MAX_TERMS:
            raise QueryError(f"a query has at most {MAX_TERMS} terms", start + 1)
        nodes.append(node)
    if not nodes:
        return All()
    return nodes[0] if len(nodes) == 1 else And(tuple(nodes))


def _words(text: str) -> list[tuple[int, str]]:
    words: list[tuple[int, str]] = []
    start, quoted = 0, False
    for place, character in enumerate(f"{text} "):
        if character == '"':
            quoted = not quoted
        elif character == " " and (not quoted or place == len(text)):
            words.append((start, text[start:place]))
            start = place + 1
    return words


def _clean(value: str) -> str:
    return _DROPPED.sub(" ", value.lower()).strip()


def _term(word: str, zone: tzinfo) -> Node | None:
    negated = len(word) > 1 and word[0] in "-!"
    if negated:
        word = word[1:]
    lower = word.lower()
    keyword, colon, value = word.partition(":")
    keyword = keyword.lower() + colon
    if keyword in {"after:", "before:"}:
        return _moment(keyword, value, zone, negated=negated)
    node: Node | None
    if keyword in _FIELDS:
        cleaned = _clean(value)
        node = InField(_FIELDS[keyword], cleaned) if cleaned else None
    elif keyword == "subject:":
        node = InField((Name.SUBJECT,), value) if _clean(value) else None
    elif keyword == "tag:":
        cleaned = _clean(value)
        node = Tagged(cleaned) if cleaned else None
    elif lower in _FLAGS:
        node = _FLAGS[lower]
    elif keyword in {"larger:", "smaller:"} and (size := read_size(value)) is not None:
        node = Compare("size", ">" if keyword == "larger:" else "<", size)
    else:
        cleaned = _clean(word)
        node = Contains(cleaned) if searchable(cleaned) else None
    return Not(node) if negated and node is not None else node


def _moment(keyword: str, value: str, zone: tzinfo, *, negated: bool) -> Node | None:
    """Return a comparison: both are inclusive, also where they are negated."""
    moment = read_date(_clean(value), zone)
    if moment is None:
        return None
    return Compare("arrived", ">=" if (keyword == "after:") is not negated else "<=", moment)
