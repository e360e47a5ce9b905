"""Gmail's search keys (X-GM-MSGID, X-GM-THRID, X-GM-LABELS) and a subset of its language (X-GM-RAW); decision 29.

    from:bob subject:(a OR b) -in:trash has:attachment older_than:1y "a phrase" word

Words stand side by side for AND; OR binds the two beside it; ( ) and { } group, { } with OR; - excludes. What is no
word of the language is text, as for Gmail: no search is refused.
"""

from __future__ import annotations

import re
from datetime import date
from typing import TYPE_CHECKING

from postroad.mime.text import fold
from postroad.value import value
from postroad_store.mail.database.labels import with_label
from postroad_store.mail.model.flags import FLAGGED, SEEN
from postroad_store.mail.model.labels import IMPORTANT, IMPORTANT_KEYWORD, INBOX, STARRED, system_label
from postroad_store.mail.model.message import Column
from postroad_store.mail.search.dates import InternalDate, When
from postroad_store.mail.search.key import HEADER, ONE_NUMBER, Argument, Leaf, Word
from postroad_store.mail.search.keys import (
    And,
    Flag,
    Keyword,
    Larger,
    Not,
    Or,
    Smaller,
)
from postroad_store.mail.search.objectids import EmailId, ThreadId
from postroad_store.mail.search.strings import Addresses, Header, Text
from postroad_store.mail.search.within import Within

if TYPE_CHECKING:
    from collections.abc import Callable

    from postroad_store.mail.search.evaluate import Evaluation
    from postroad_store.mail.search.key import Key, Numbers

_EXTENSION = "X-GM-EXT-1"


_MOST = 18  # digits: no id has more, and the database's numbers have 63 bits


def _decimal(given: str) -> int:
    return int(given) if given.isdecimal() and len(given) <= _MOST else 0


@value
class GmailId(Leaf):
    """Only the words of Gmail's ids: the keys are those of OBJECTID."""

    @staticmethod
    def words() -> tuple[Word, ...]:
        """X-GM-MSGID and X-GM-THRID."""
        return (
            Word("X-GM-MSGID", (Argument.OBJECT_ID,), lambda given: EmailId(_decimal(given)), _EXTENSION),
            Word("X-GM-THRID", (Argument.OBJECT_ID,), lambda given: ThreadId(_decimal(given)), _EXTENSION),
        )

    async def among(self, numbers: Numbers, search: Evaluation) -> Numbers:
        """Never called: no word makes it."""
        raise NotImplementedError


@value
class Label(Leaf):
    """Messages with this label; that of the mailbox itself is on all of them."""

    label: str
    cost = ONE_NUMBER

    @staticmethod
    def words() -> tuple[Word, ...]:
        """X-GM-LABELS, and X-GM-RAW whose language has labels too."""
        return (
            Word("X-GM-LABELS", (Argument.LABEL,), label_key, _EXTENSION),
            Word("X-GM-RAW", (Argument.STRING,), query_key, _EXTENSION),
        )

    async def among(self, numbers: Numbers, search: Evaluation) -> Numbers:
        """Look at what the mailbox of this label has."""
        if search.view.foreign:  # its account's other mailboxes are no business of this one
            return []
        uids = with_label(search.reader, search.view.mailbox, self.label)
        return numbers if uids is None else await search.with_uids(numbers, frozenset(uids))


@value
class Structure(Leaf):
    """Messages whose BODYSTRUCTURE has these octets, in any case of ASCII letters."""

    needle: bytes
    cost = HEADER

    @staticmethod
    def words() -> tuple[Word, ...]:
        """No word: X-GM-RAW alone makes it."""
        return ()

    async def among(self, numbers: Numbers, search: Evaluation) -> Numbers:
        """Read the structures."""
        needle = self.needle.lower()
        return await search.matching(numbers, Column.BODYSTRUCTURE, lambda structure: needle in structure.lower())


KEYS: tuple[type[Leaf], ...] = (GmailId, Label)


def label_key(text: str) -> Key:
    """Return the key for a label."""
    label = system_label(text) if text.startswith("\\") else text
    if label == STARRED:
        return Flag(FLAGGED)
    if label == IMPORTANT:
        return Keyword(IMPORTANT_KEYWORD)
    return Label(label or text)


# -- the language ---------------------------------------------------------------------------------------------

_TOKEN = re.compile(r'\s*(?:([(){}])|(-?)(?:([A-Za-z_][A-Za-z0-9_]*):)?(?:"([^"]*)"?|([^\s(){}"]+))?)')
_SIZE = re.compile(r"(\d{1,12})([kmg]?)b?\Z", re.IGNORECASE)
_UNITS = {"": 1, "k": 1 << 10, "m": 1 << 20, "g": 1 << 30}
_DAY = re.compile(r"(\d{4})[/-](\d{1,2})[/-](\d{1,2})\Z")
_AGE = re.compile(r"(\d{1,4})([dmy])\Z", re.IGNORECASE)
_DAYS = {"d": 1, "m": 30, "y": 365}  # in an age
_PLACES = {"inbox": INBOX, **{name: "\\" + name.capitalize() for name in ("sent", "trash", "spam", "drafts")}}
_IS: dict[str, Callable[[], Key]] = {
    "unread": lambda: Not(Flag(SEEN)),
    "read": lambda: Flag(SEEN),
    "starred": lambda: Flag(FLAGGED),
    "important": lambda: Keyword(IMPORTANT_KEYWORD),
}


class _Group:
    """A list of keys that is being read."""

    __slots__ = ("any", "excluded", "keys", "operator", "or_next")

    def __init__(self, operator: str, *, any_of: bool, excluded: bool) -> None:
        self.operator = operator  # which the group is a value of, as in subject:(a b)
        self.any = any_of
        self.excluded = excluded
        self.keys: list[Key] = []
        self.or_next = False

    def add(self, key: Key) -> None:
        if self.or_next and self.keys:
            self.keys[-1] = Or(self.keys[-1], key)
        else:
            self.keys.append(key)
        self.or_next = False

    def key(self) -> Key:
        group: Key = And(tuple(self.keys))
        if self.any and self.keys:
            group = self.keys[0]
            for key in self.keys[1:]:
                group = Or(group, key)
        return Not(group) if self.excluded else group


def query_key(query: str) -> Key:
    """Return the key for a query."""
    groups = [_Group("", any_of=False, excluded=False)]
    at = 0
    while at < len(query):
        match = _TOKEN.match(query, at)
        if match is None or match.end() == at:  # pragma: no branch - it takes at least the white space
            at += 1
            continue
        at = match.end()
        bracket, minus, operator, phrase, word = match.groups()
        if bracket is not None and bracket in "({":
            groups.append(_Group(groups[-1].operator, any_of=bracket == "{", excluded=False))
        elif bracket is not None:
            _close(groups)
        elif phrase is None and word is None:
            if operator is not None and query[at : at + 1] in {"(", "{"}:
                groups.append(_Group(operator.lower(), any_of=query[at] == "{", excluded=bool(minus)))
                at += 1
            elif minus and query[at : at + 1] in {"(", "{"}:
                groups.append(_Group(groups[-1].operator, any_of=query[at] == "{", excluded=True))
                at += 1
        elif operator is None and word == "OR" and not minus:
            groups[-1].or_next = True
        elif not (operator is None and word == "AND" and not minus):
            key = _key((operator or groups[-1].operator).lower(), phrase if word is None else word, operator)
            groups[-1].add(Not(key) if minus else key)
    while len(groups) > 1:
        _close(groups)
    return groups[0].key()


def _close(groups: list[_Group]) -> None:
    if len(groups) > 1:
        group = groups.pop()
        if group.keys:
            groups[-1].add(group.key())


def _key(operator: str, value: str, spelled: str | None) -> Key:
    """Return the key for one word, `operator:value`."""
    key = _of(operator, value) if operator else None
    if key is not None:
        return key
    return Text(f"{spelled}:{value}" if spelled else value)


def _of(operator: str, value: str) -> Key | None:
    lower = value.lower()
    if operator in {"from", "to", "cc", "bcc"}:
        return Addresses(operator.upper(), value)
    if operator == "subject":
        return Header("SUBJECT", value)
    if operator == "rfc822msgid":
        return Header("MESSAGE-ID", value)
    if operator in {"label", "in"}:
        if lower == "anywhere":
            return And(())
        return Label(system_label(_PLACES[lower]) or INBOX) if lower in _PLACES else label_key(value)
    if operator == "is":
        return _IS[lower]() if lower in _IS else None
    if operator == "has":
        return Structure(b'("attachment"') if lower == "attachment" else None
    if operator == "filename":
        return Structure(fold(value))
    return _measure(operator, value)


def _measure(operator: str, value: str) -> Key | None:
    """Return the key for a size, a day or an age."""
    size, day, age = _SIZE.match(value), _DAY.match(value), _AGE.match(value)
    if operator in {"larger", "size", "smaller"} and size is not None:
        octets = int(size[1]) * _UNITS[size[2].lower()]
        return Smaller(octets) if operator == "smaller" else Larger(octets)
    if operator in {"after", "newer", "before", "older"} and day is not None:
        try:
            when = date(int(day[1]), int(day[2]), int(day[3]))
        except ValueError:
            return None
        return InternalDate(When.SINCE if operator in {"after", "newer"} else When.BEFORE, when)
    if operator in {"older_than", "newer_than"} and age is not None:
        return Within(operator == "newer_than", int(age[1]) * _DAYS[age[2].lower()] * 86400)
    return None
