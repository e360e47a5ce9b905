r"""The native language of queries: Mailpit's with `or`, brackets, regular expressions, and more fields.

    query  = all *("or" all)
    all    = 1*(["and"] term)
    term   = ["-" / "!" / "not"] (bracket / atom)
    bracket = "(" query ")"
    atom   = [keyword ":"] (value / regex)
    value  = word / quoted            ; a quoted one has no escapes
    regex  = "/" pattern "/"          ; \/ is a slash

Unlike in Mailpit's, quotes keep their inside from meaning anything, and a value that makes no sense is an error.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, NamedTuple

from postroad_web.catalog.record import State
from postroad_web.catalog.searchable import searchable
from postroad_web.search.dates import read_date, read_size
from postroad_web.search.pattern import PatternError, searcher
from postroad_web.search.tree import (
    ADDRESSES,
    MAX_DEPTH,
    MAX_TERMS,
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
    QueryError,
    Recipient,
    Sender,
    Stored,
    Tagged,
)

if TYPE_CHECKING:
    from datetime import tzinfo

    from postroad_web.search.tree import Node

_SPACE = re.compile(r"\s*")
_KEYWORD = re.compile(r"[a-z-]+(?=:)", re.IGNORECASE)
_REGEX = re.compile(r"/((?:[^/\\\n]|\\.)+)/(?=[\s)]|\Z)")
_HEADER = re.compile(r"([!-9;<>-~]{1,100})(=?)")  # RFC 5322 §3.6.8: ftext, here without "="

_FIELDS = {name.value: (name,) for name in Name} | {"addressed": ADDRESSES}
_IS: dict[str, Node] = {
    "read": Flag("read"),
    "unread": Not(Flag("read")),
    "tagged": Tagged(None),
    "report": Flag("report"),
    "captured": InState(State.CAPTURED),
}
_HAS: dict[str, Node] = {
    **dict.fromkeys(("attachment", "attachments"), Flag("attachment")),
    **dict.fromkeys(("inline", "inlines"), Flag("inline")),
}
_STATE: dict[str, Node] = {state.value: InState(state) for state in State}
_WORDS = {"is": _IS, "has": _HAS, "state": _STATE}
KEYWORDS = frozenset(
    {*_FIELDS, *_WORDS, "rcpt", "sender", "header", "tag", "account", "mailbox", "after", "before", "larger", "smaller"}
)


class _Value(NamedTuple):
    """The value of an atom: text, or the source of a regular expression."""

    text: str
    is_regex: bool
    column: int


def read_native(text: str, zone: tzinfo) -> Node:
    """Return the tree of a query; raises `QueryError`."""
    return _Reader(text, zone).run()


class _Reader:
    """Reads by recursive descent; brackets are as deep as `MAX_DEPTH` at most."""

    def __init__(self, text: str, zone: tzinfo) -> None:
        self.text = text
        self.zone = zone
        self.at = 0
        self.depth = 0
        self.terms = 0

    def run(self) -> Node:
        self.space()
        if self.at == len(self.text):
            return All()
        node = self.query()
        if self.at < len(self.text):  # only a bracket ends a query early
            raise self.error("there is no opening bracket for this one")
        return node

    def error(self, sentence: str, at: int | None = None) -> QueryError:
        return QueryError(sentence, (self.at if at is None else at) + 1)

    def space(self) -> None:
        match = _SPACE.match(self.text, self.at)
        if match is not None:  # pragma: no branch - it matches anything
            self.at = match.end()

    def word(self, word: str) -> bool:
        """Take this word, if it comes next, and the space after it."""
        end = self.at + len(word)
        if self.text[self.at : end].lower() != word or (self.text[end : end + 1] or " ") not in " \t\r\n()":
            return False
        self.at = end
        self.space()
        return True

    def query(self) -> Node:
        nodes = [self.all()]
        while self.word("or"):
            nodes.append(self.all())
        return nodes[0] if len(nodes) == 1 else Or(tuple(nodes))

    def all(self) -> Node:
        nodes: list[Node] = []
        while self.at < len(self.text) and self.text[self.at] != ")":
            start = self.at
            if nodes and self.word("or"):
                self.at = start
                break
            if nodes:
                self.word("and")
            nodes.append(self.term())
        if not nodes:
            raise self.error("a term is missing here")
        return nodes[0] if len(nodes) == 1 else And(tuple(nodes))

    def term(self) -> Node:
        negated = False
        if self.text[self.at : self.at + 1] in {"-", "!"} and self.text[self.at + 1 : self.at + 2].strip():
            negated = True
            self.at += 1
        elif self.word("not"):
            negated = True
        if self.at == len(self.text):
            raise self.error("a term is missing here")
        node = self.bracket() if self.text[self.at] == "(" else self.atom()
        self.space()
        return Not(node) if negated else node

    def bracket(self) -> Node:
        start = self.at
        if self.depth == MAX_DEPTH:
            raise self.error(f"brackets are nested at most {MAX_DEPTH} deep")
        self.depth += 1
        self.at += 1
        self.space()
        node = self.query()
        if self.at == len(self.text):
            raise self.error("this bracket is not closed", start)
        self.at += 1
        self.depth -= 1
        return node

    def atom(self) -> Node:
        self.terms += 1
        if self.terms > MAX_TERMS:
            raise self.error(f"a query has at most {MAX_TERMS} terms")
        start = self.at
        match = _KEYWORD.match(self.text, start)
        keyword = match[0].lower() if match else ""
        if match is None or keyword not in KEYWORDS:
            value = self.value()
            if value.is_regex:
                return self.pattern(value)
            if not searchable(value.text):
                raise self.error("there is nothing here to look for", start)
            return Contains(value.text)
        self.at = match.end() + 1
        if keyword == "header":
            return self.header()
        value = self.value()
        if value.is_regex:
            if keyword not in _FIELDS:
                raise QueryError(f"{keyword}: takes no regular expression", value.column)
            return self.pattern(value, names=_FIELDS[keyword])
        if not value.text.strip():
            raise QueryError(f"{keyword}: needs a value", value.column)
        return self.keyword(keyword, value.text, value.column)

    def value(self) -> _Value:
        """Take a word, a quoted value or a regular expression."""
        start = self.at
        text = self.text
        if text[start : start + 1] == '"':
            end = text.find('"', start + 1)
            if end < 0:
                raise self.error("this quote is not closed", start)
            self.at = end + 1
            return _Value(text[start + 1 : end], is_regex=False, column=start + 1)
        if match := _REGEX.match(text, start):
            self.at = match.end()
            return _Value(match[1].replace("\\/", "/"), is_regex=True, column=start + 1)
        opened = 0
        while self.at < len(text) and not text[self.at].isspace():
            opened += text[self.at] == "("
            opened -= text[self.at] == ")"
            if opened < 0:
                break  # it closes a bracket of the query
            self.at += 1
        return _Value(text[start : self.at], is_regex=False, column=start + 1)

    def header(self) -> Node:
        """Take the rest of `header:name` or `header:name=value`."""
        match = _HEADER.match(self.text, self.at)
        if match is None:
            raise self.error("header: needs the name of a field, as in header:x-mailer=lua")
        self.at = match.end()
        name = match[1].lower()
        if not match[2]:
            name = name.rstrip(")") if self.depth else name
            self.at = match.start() + len(name)
            return InHeader(name, "")
        value = self.value()
        return self.pattern(value, header=name) if value.is_regex else InHeader(name, value.text)

    def pattern(self, value: _Value, *, names: tuple[Name, ...] = (), header: str | None = None) -> Node:
        """Return the node of a regular expression that can be read."""
        try:
            searcher(value.text)
        except PatternError as error:
            raise QueryError(str(error), value.column) from None
        return Pattern(value.text, names, header)

    def keyword(self, keyword: str, value: str, column: int) -> Node:
        """Return the node of a keyword with a value that is no regular expression."""
        if keyword in _FIELDS:
            return InField(_FIELDS[keyword], value.strip("<>") if keyword == Name.MESSAGE_ID else value)
        if keyword in _WORDS:
            known = _WORDS[keyword]
            if value.lower() not in known:
                raise QueryError(f"{keyword}: takes one of {', '.join(known)}", column)
            return known[value.lower()]
        if keyword in {"after", "before"}:
            moment = read_date(value, self.zone)
            if moment is None:
                raise QueryError(f"{keyword}: takes a date or a time, such as 2026-11-23 or 2026-11-23T12:00Z", column)
            return Compare("arrived", ">=" if keyword == "after" else "<=", moment)
        if keyword in {"larger", "smaller"}:
            size = read_size(value)
            if size is None:
                raise QueryError(f"{keyword}: takes a number of octets, such as 500, 20K or 1.5M", column)
            return Compare("size", ">" if keyword == "larger" else "<", size)
        if keyword == "rcpt":
            return Recipient(value.lower(), whole=_is_whole(value))
        if keyword == "sender":
            return Sender(None, whole=True) if value == "<>" else Sender(value, whole=_is_whole(value))
        if keyword == "tag":
            return Tagged(value)
        if keyword == "account":
            return Stored(account=value)
        return Stored(mailbox="INBOX" if value.upper() == "INBOX" else value)  # RFC 3501 §5.1: in any case


def _is_whole(value: str) -> bool:
    """Return whether the value is a whole address, which must then be equal: a@x.test is not ba@x.test."""
    local_part, _, domain = value.rpartition("@")
    return bool(local_part and domain)
