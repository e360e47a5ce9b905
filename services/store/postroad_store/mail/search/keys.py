"""Search keys (RFC 3501 §6.4.4): for each its words on the wire, and which messages match it.

A search is a tree of keys. The leaves match messages; `And`, `Or` and `Not` combine other keys. A key receives the
ascending sequence numbers that are still in question and returns those that match.

A new key is one class (`key.py` says what it needs) and one entry in `KEYS`: the grammar of the wire
(`imap/commands/search/grammar.py`) and the evaluation (`evaluate.py`) go by these two alone.
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from dataclasses import field
from functools import partial
from typing import TYPE_CHECKING, Protocol

from postroad.value import value
from postroad_store.mail.model import flags
from postroad_store.mail.search.dates import InternalDate, SentDate
from postroad_store.mail.search.filter import Filter
from postroad_store.mail.search.fuzzy import Fuzzy
from postroad_store.mail.search.key import IN_MEMORY, Argument, Combination, Leaf, Word
from postroad_store.mail.search.modseq import ModSeq
from postroad_store.mail.search.near import near_size
from postroad_store.mail.search.strings import Addresses, Body, Header, Text
from postroad_store.mail.search.uids import UidAfter, UidBefore
from postroad_store.mail.search.within import Within

if TYPE_CHECKING:
    from collections.abc import Iterable

    from postroad_store.mail.search.evaluate import Evaluation
    from postroad_store.mail.search.key import Key, Numbers

# -- keys that combine others ---------------------------------------------------------------------------------


def _highest(*keys: Key) -> int:
    return max([key.cost for key in keys], default=IN_MEMORY)


@value
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


@value
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


@value
class Not(Combination):
    """Messages that do not match the key."""

    key: Key
    cost: int = field(init=False, repr=False, compare=False)
    excludes = True
    fuzzy = False  # what resembles something must not be kept out, within FUZZY either

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


@value
class InSet(Leaf):
    """Messages whose sequence number, or UID, is in the set."""

    uid: bool
    messages: NumberSet

    @staticmethod
    def words() -> tuple[Word, ...]:
        """UID, whose argument is read as the key; a set of sequence numbers has no word."""
        return (Word("UID", (Argument.SET,), lambda key: key),)

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


@value
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


@value
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


@value
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


@value
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

    async def near(self, numbers: Numbers, search: Evaluation) -> Numbers:
        """Return those whose sizes are nearly so, too."""
        return await near_size(search, numbers, self.octets + 1, float("inf"), self.octets)


@value
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

    async def near(self, numbers: Numbers, search: Evaluation) -> Numbers:
        """Return those whose sizes are nearly so, too."""
        return await near_size(search, numbers, 0, self.octets, self.octets)


KEYS: tuple[type[Key], ...] = (
    *(And, Or, Not, Fuzzy, Filter),
    *(InSet, Flag, Keyword, Recent, InternalDate, Within, Larger, Smaller, ModSeq, UidAfter, UidBefore),
    *(SentDate, Addresses, Header, Body, Text),
)
