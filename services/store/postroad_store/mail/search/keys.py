"""Search keys (RFC 3501 §6.4.4): for each its words on the wire, and which messages match it.

A search is a tree of keys. The leaves match messages; `And`, `Or` and `Not` combine other keys. A key receives the
ascending sequence numbers that are still in question and returns those that match.

A new key is one class (`key.py` says what it needs) and one entry in `KEYS`: the grammar of the wire
(`imap/commands/search/grammar.py`) and the evaluation (`evaluate.py`) go by these two alone.
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from enum import Enum
from functools import partial
from typing import TYPE_CHECKING, Protocol

from postroad.mime.text import fold
from postroad_store.mail.model import flags
from postroad_store.mail.search.filter import Filter
from postroad_store.mail.search.key import HEADER, IN_MEMORY, ONE_NUMBER, TEXT, Argument, Combination, Leaf, Word
from postroad_store.mail.search.modseq import ModSeq
from postroad_store.mail.search.within import Within

if TYPE_CHECKING:
    from collections.abc import Iterable

    from postroad_store.mail.search.evaluate import Evaluation
    from postroad_store.mail.search.key import Key, Numbers

_DAY = 86400  # seconds
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


# -- keys that combine others ---------------------------------------------------------------------------------


def _highest(*keys: Key) -> int:
    return max([key.cost for key in keys], default=IN_MEMORY)


@dataclass(frozen=True, slots=True)
class And(Combination):
    """Messages that match all the keys; with no keys, all messages."""

    keys: tuple[Key, ...]
    cost: int = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        """Rank it once: a tree may be thousands deep."""
        object.__setattr__(self, "cost", _highest(*self.keys))

    @staticmethod
    def words() -> tuple[Word, ...]:
        """ALL; a list in parentheses has no word."""
        return (Word("ALL", (), partial(And, ())),)

    @property
    def parts(self) -> tuple[Key, ...]:
        """Return the keys, the cheap ones first."""
        return tuple(sorted(self.keys, key=lambda key: key.cost))


@dataclass(frozen=True, slots=True)
class Or(Combination):
    """Messages that match either key: the parts exclude their matches, and the result is inverted."""

    left: Key
    right: Key
    cost: int = field(init=False, repr=False, compare=False)
    excludes = True
    inverted = True

    def __post_init__(self) -> None:
        """Rank it once."""
        object.__setattr__(self, "cost", _highest(self.left, self.right))

    @staticmethod
    def words() -> tuple[Word, ...]:
        """OR with two keys."""
        return (Word("OR", (Argument.KEY, Argument.KEY), Or),)

    @property
    def parts(self) -> tuple[Key, ...]:
        """Return the two keys, the cheap one first."""
        return (self.left, self.right) if self.left.cost <= self.right.cost else (self.right, self.left)


@dataclass(frozen=True, slots=True)
class Not(Combination):
    """Messages that do not match the key."""

    key: Key
    cost: int = field(init=False, repr=False, compare=False)
    excludes = True

    def __post_init__(self) -> None:
        """Rank it once."""
        object.__setattr__(self, "cost", self.key.cost)

    @staticmethod
    def words() -> tuple[Word, ...]:
        """NOT with a key."""
        return (Word("NOT", (Argument.KEY,), Not),)

    @property
    def parts(self) -> tuple[Key, ...]:
        """Return the key."""
        return (self.key,)


# -- keys that need no reading --------------------------------------------------------------------------------


class NumberSet(Protocol):
    """A sequence set of the wire (`imap.grammar.sequence.SequenceSet`)."""

    @property
    def saved(self) -> bool:
        """Whether this is the result of an earlier search, which the view has (RFC 5182)."""
        ...

    def resolve(self, largest: int) -> tuple[tuple[int, int], ...]:
        """Return the ranges ascending and disjoint, `*` being `largest`."""
        ...


@dataclass(frozen=True, slots=True)
class InSet(Leaf):
    """Messages whose sequence number, or UID, is in the set."""

    uid: bool
    messages: NumberSet

    @staticmethod
    def words() -> tuple[Word, ...]:
        """UID; a set of sequence numbers has no word."""
        return (Word("UID", (Argument.SET,), partial(InSet, True)),)

    async def among(self, numbers: Numbers, search: Evaluation) -> Numbers:
        """Cut the ranges out of the numbers."""
        uids = search.view.uids
        ranges: Iterable[tuple[int, int]]
        if self.messages.saved:
            by_uid, ranges = True, zip(search.view.saved[::2], search.view.saved[1::2], strict=True)
        else:
            # Numbers beyond the last message match nothing: a client that miscounts must not lose its search.
            by_uid, ranges = self.uid, self.messages.resolve(uids[-1] if self.uid else len(uids))
        matched: list[int] = []
        for low, high in ranges:
            first, last = (bisect_left(uids, low) + 1, bisect_right(uids, high)) if by_uid else (low, high)
            matched += numbers[bisect_left(numbers, first) : bisect_right(numbers, last)]
            await search.pace()
        return matched


@dataclass(frozen=True, slots=True)
class Flag(Leaf):
    """Messages with this system flag (one of the bits of `flags`)."""

    bit: int

    @staticmethod
    def words() -> tuple[Word, ...]:
        """ANSWERED and UNANSWERED, and so for the other system flags."""
        bits = {
            "ANSWERED": flags.ANSWERED,
            "DELETED": flags.DELETED,
            "DRAFT": flags.DRAFT,
            "FLAGGED": flags.FLAGGED,
            "SEEN": flags.SEEN,
        }
        return tuple(
            word
            for name, bit in bits.items()
            for word in (Word(name, (), partial(Flag, bit)), Word("UN" + name, (), partial(Not, Flag(bit))))
        )

    async def among(self, numbers: Numbers, search: Evaluation) -> Numbers:
        """Look at the bit."""
        return await search.with_bit(numbers, self.bit)

    async def outside(self, numbers: Numbers, search: Evaluation) -> Numbers:
        """Look at the bit."""
        return await search.with_bit(numbers, self.bit, wanted=False)


@dataclass(frozen=True, slots=True)
class Keyword(Leaf):
    """Messages with this keyword, in any case."""

    keyword: str

    @staticmethod
    def words() -> tuple[Word, ...]:
        """KEYWORD and UNKEYWORD."""
        return (
            Word("KEYWORD", (Argument.ATOM,), Keyword),
            Word("UNKEYWORD", (Argument.ATOM,), lambda keyword: Not(Keyword(keyword))),
        )

    async def among(self, numbers: Numbers, search: Evaluation) -> Numbers:
        """Look at the keyword's bit, if the mailbox has given it one."""
        bit = search.view.mailbox.keyword_bit(self.keyword)
        return await search.with_bit(numbers, bit) if bit else []


@dataclass(frozen=True, slots=True)
class Recent(Leaf):
    r"""Messages that are \Recent in this session."""

    @staticmethod
    def words() -> tuple[Word, ...]:
        """RECENT; NEW and OLD are defined by it."""
        return (
            Word("RECENT", (), Recent),
            Word("NEW", (), lambda: And((Recent(), Not(Flag(flags.SEEN))))),
            Word("OLD", (), lambda: Not(Recent())),
        )

    async def among(self, numbers: Numbers, search: Evaluation) -> Numbers:
        """Ask the view."""
        return await search.with_uids(numbers, search.view.recent)


class When(Enum):
    """How a date is compared, without time and zone."""

    BEFORE = "BEFORE"  # earlier than the date
    ON = "ON"
    SINCE = "SINCE"  # on the date or later

    def bounds(self, start: int, end: int) -> tuple[float, float]:
        """Return the first value that matches and the first that no longer does, of a day from `start` to `end`."""
        if self is When.BEFORE:
            return float("-inf"), start
        return start, end if self is When.ON else float("inf")


@dataclass(frozen=True, slots=True)
class InternalDate(Leaf):
    """Messages whose internal date, in UTC, is on the right side of the date: BEFORE, ON, SINCE."""

    when: When
    date: date

    @staticmethod
    def words() -> tuple[Word, ...]:
        """BEFORE, ON, SINCE."""
        return tuple(Word(when.value, (Argument.DATE,), partial(InternalDate, when)) for when in When)

    async def among(self, numbers: Numbers, search: Evaluation) -> Numbers:
        """Compare seconds."""
        midnight = datetime(self.date.year, self.date.month, self.date.day, tzinfo=UTC)
        start = (midnight - _EPOCH) // timedelta(seconds=1)
        low, high = self.when.bounds(start, start + _DAY)
        return await search.within(numbers, search.view.mailbox.internal_dates, low, high)


@dataclass(frozen=True, slots=True)
class Larger(Leaf):
    """Messages of more octets."""

    octets: int

    @staticmethod
    def words() -> tuple[Word, ...]:
        """LARGER."""
        return (Word("LARGER", (Argument.NUMBER,), Larger),)

    async def among(self, numbers: Numbers, search: Evaluation) -> Numbers:
        """Compare sizes."""
        return await search.within(numbers, search.view.mailbox.sizes, self.octets + 1, float("inf"))


@dataclass(frozen=True, slots=True)
class Smaller(Leaf):
    """Messages of fewer octets."""

    octets: int

    @staticmethod
    def words() -> tuple[Word, ...]:
        """SMALLER."""
        return (Word("SMALLER", (Argument.NUMBER,), Smaller),)

    async def among(self, numbers: Numbers, search: Evaluation) -> Numbers:
        """Compare sizes."""
        return await search.within(numbers, search.view.mailbox.sizes, 0, self.octets)


# -- keys that read the messages ------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class SentDate(Leaf):
    """Messages whose Date field, in its own zone, is on the right side of the date: SENTBEFORE, SENTON, SENTSINCE.

    A message without a readable Date field never matches.
    """

    when: When
    date: date
    cost = ONE_NUMBER

    @staticmethod
    def words() -> tuple[Word, ...]:
        """SENTBEFORE, SENTON, SENTSINCE."""
        return tuple(Word("SENT" + when.value, (Argument.DATE,), partial(SentDate, when)) for when in When)

    async def among(self, numbers: Numbers, search: Evaluation) -> Numbers:
        """Compare days."""
        day = self.date.toordinal()
        return await search.sent(numbers, *self.when.bounds(day, day + 1))


@dataclass(frozen=True, slots=True)
class Addresses(Leaf):
    """Messages whose ENVELOPE has the value in an address of this field (RFC 3501 §6.4.4: the envelope structure's).

    An empty value: messages whose ENVELOPE has an address there.
    """

    name: str
    value: str
    cost = HEADER

    @staticmethod
    def words() -> tuple[Word, ...]:
        """BCC, CC, FROM, TO."""
        names = ("BCC", "CC", "FROM", "TO")
        return tuple(Word(name, (Argument.STRING,), partial(Addresses, name)) for name in names)

    async def among(self, numbers: Numbers, search: Evaluation) -> Numbers:
        """Search the addresses of all messages at once."""
        return await search.addresses(numbers, self.name.lower().encode("ascii"), fold(self.value))


@dataclass(frozen=True, slots=True)
class Header(Leaf):
    """Messages with this header field, whose decoded text has the value in it; an empty value: any text."""

    name: str
    value: str
    cost = HEADER

    @staticmethod
    def words() -> tuple[Word, ...]:
        """HEADER with a field's name, and SUBJECT."""
        return (
            Word("HEADER", (Argument.NAME, Argument.STRING), Header),
            Word("SUBJECT", (Argument.STRING,), partial(Header, "SUBJECT")),
        )

    async def among(self, numbers: Numbers, search: Evaluation) -> Numbers:
        """Search the field of all messages at once."""
        return await search.header(numbers, fold(self.name).strip(), fold(self.value))


@dataclass(frozen=True, slots=True)
class Body(Leaf):
    """Messages with the string in the decoded text of their body."""

    value: str
    cost = TEXT

    @staticmethod
    def words() -> tuple[Word, ...]:
        """BODY."""
        return (Word("BODY", (Argument.STRING,), Body),)

    async def among(self, numbers: Numbers, search: Evaluation) -> Numbers:
        """Read every body."""
        return await search.texts(numbers, fold(self.value), headers=False)


@dataclass(frozen=True, slots=True)
class Text(Leaf):
    """Messages with the string in their header or their body, decoded."""

    value: str
    cost = TEXT

    @staticmethod
    def words() -> tuple[Word, ...]:
        """TEXT."""
        return (Word("TEXT", (Argument.STRING,), Text),)

    async def among(self, numbers: Numbers, search: Evaluation) -> Numbers:
        """Read every message."""
        return await search.texts(numbers, fold(self.value), headers=True)


KEYS: tuple[type[Key], ...] = (
    *(And, Or, Not, Filter),
    *(InSet, Flag, Keyword, Recent, InternalDate, Within, Larger, Smaller, ModSeq),
    *(SentDate, Addresses, Header, Body, Text),
)
