"""A search key, as the grammar of the wire and the evaluation know it."""

from __future__ import annotations

from abc import ABC, abstractmethod
from enum import Enum, auto
from typing import TYPE_CHECKING, ClassVar, TypeAlias

from postroad.value import value

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from postroad_store.mail.search.evaluate import Evaluation

Numbers: TypeAlias = "Sequence[int]"  # sequence numbers, ascending

# The cost of matching a key, per message.
IN_MEMORY, ONE_NUMBER, HEADER, TEXT = range(4)


class Argument(Enum):
    """An argument after the word of a key on the wire (RFC 3501 §9 search-key)."""

    KEY = auto()  # another key
    STRING = auto()  # an astring in the charset of the search
    NAME = auto()  # header-fld-name, an astring
    ATOM = auto()  # flag-keyword
    NUMBER = auto()  # 32 bits
    DATE = auto()
    SET = auto()  # a sequence set
    OBJECT_ID = auto()  # objectid
    LABEL = auto()  # of Gmail: a string, or a word after a backslash
    FILTER = auto()  # the name of a filter
    UID = auto()  # one UID
    INTERVAL = auto()  # 32 bits, not 0
    MODSEQ = auto()  # a mod-sequence, which may have the name of a flag before it


@value
class Word:
    """A word of the wire, in upper case, its arguments, and how a key is made of their values.

    `extension` names the capability of IMAP that has it; empty for the base protocol.
    """

    name: str
    arguments: tuple[Argument, ...]
    make: Callable[..., Key]
    extension: str = ""


class Key(ABC):
    """One search key, a `Leaf` or a `Combination`. `cost` is its rank: the cheap keys of an AND are matched first."""

    __slots__ = ()
    cost: int = IN_MEMORY

    @staticmethod
    @abstractmethod
    def words() -> tuple[Word, ...]:
        """Return the words of the wire that make such a key."""


class Leaf(Key):
    """A key that messages are matched against."""

    __slots__ = ()

    @abstractmethod
    async def among(self, numbers: Numbers, search: Evaluation) -> Numbers:
        """Return those of `numbers` (ascending, at least one) that match."""

    async def outside(self, numbers: Numbers, search: Evaluation) -> Numbers:
        """Return those that do not match."""
        return await search.without(numbers, await self.among(numbers, search))

    async def near(self, numbers: Numbers, search: Evaluation) -> Numbers:
        """Return those that match or nearly match, and note how near they come (RFC 6203 §5).

        For most keys, such as flags and sets, there is no such thing.
        """
        return await self.among(numbers, search)


class Combination(Key):
    """A key made of other keys.

    The evaluation matches the `parts` one after another, each among the messages that are left, so that trees of any
    depth need no recursion. `excludes`: messages that match a part are left out. `inverted`: the result is the messages
    that are not left. `fuzzy`: its parts are matched fuzzily, or not; None: as it is itself.
    """

    __slots__ = ()
    excludes: ClassVar[bool] = False
    inverted: ClassVar[bool] = False
    fuzzy: ClassVar[bool | None] = None

    @property
    @abstractmethod
    def parts(self) -> tuple[Key, ...]:
        """Return the keys that are combined."""
