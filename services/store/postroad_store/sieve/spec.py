"""What an extension declares: commands, tests, tagged arguments, ways to match. All else is derived from it.

A file in `extensions/` makes one `Extension`. `registry` collects them; `compiler` checks scripts against them.
"""

from __future__ import annotations

from dataclasses import field
from enum import Enum
from typing import TYPE_CHECKING, Any, Protocol

from postroad.value import value

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Mapping

    from postroad_store.sieve.comparators import Comparator
    from postroad_store.sieve.program import Step
    from postroad_store.sieve.run import Run


class Kind(Enum):
    """The form of an argument (RFC 5228 §2.4)."""

    NUMBER = "a number"
    STRING = "a string"
    STRINGS = "a list of strings"
    CONSTANT = "a constant string"
    CONSTANTS = "a list of constant strings"


class Tests(Enum):
    """How many tests a word takes (RFC 5228 §2.5)."""

    NONE = 0
    ONE = 1
    LIST = 2


class Context(Protocol):
    """What a check may ask of the compiler."""

    def refuse(self, sentence: str) -> None:
        """Note a fault of the command or test; raises `ScriptError`."""
        ...

    def warn(self, sentence: str) -> None:
        """Note what is legal, and probably not meant."""
        ...

    def has(self, capability: str) -> bool:
        """Whether the script has required a capability."""
        ...

    def enable(self, capabilities: tuple[str, ...], *, never: Collection[str]) -> bool:
        """Require capabilities if there are all of them, and none is one of `never` (RFC 5463 §4)."""
        ...


@value
class Tagged:
    """A tag, with the form of its argument if it takes one. Of those of one `group` a command takes one.

    `effect` is for a tag of another extension's word: what it changes, by names that the word's author knows, such as
    the fields of an action. It gets the tag's value. `with_tag` is the tag without which this one is an error.
    """

    name: str
    kind: Kind | None = None
    group: str = ""
    effect: Callable[[Run, Any], Mapping[str, Any]] | None = None
    with_tag: str = ""
    least: int = 0  # of its number
    check: Callable[[Context, str], None] | None = None  # of its string, where that is constant


@value
class Word:
    """A command or a test.

    `run` carries a command out; `test` gives the value of a test. `check` looks at constant arguments when the script
    is compiled; what it returns is kept in `Step.prepared`. `optional` is an argument that may be left out: in front of
    the others, or behind them.
    """

    name: str
    arguments: tuple[Kind, ...] = ()
    tagged: tuple[Tagged, ...] = ()
    run: Callable[[Run, Step], None] | None = None
    test: Callable[[Run, Step], bool] | None = None
    check: Callable[[Context, Step], Any] | None = None
    optional: Kind | None = None
    optional_last: bool = False
    tests: Tests = Tests.NONE
    block: bool = False
    matches: bool = False  # takes a match type and a comparator
    parts: bool = False  # takes an address part


@value
class MatchType:
    """A way to match a value against a key (RFC 5228 §2.7.1).

    `find` returns the match variables, None if the value does not match, and () if the type sets none.
    """

    name: str
    find: Callable[[Run, Comparator, str, str], tuple[str, ...] | None] | None = None
    relational: bool = False  # takes a relation (RFC 5231 §3)
    counts: bool = False  # compares how many values there are (RFC 5231 §4.2)
    substrings: bool = True  # needs a comparator that has them
    check: Callable[[Context, str], None] | None = None  # of constant keys
    expressions: bool = False  # a space in a key is a part of an expression, and never separates flags


@value
class AddressPart:
    """A part of an address (RFC 5228 §2.7.4); `of` gives it for a local-part and a domain, None if there is none.

    An address that is not valid is given as a local-part alone, without a domain (None).
    """

    name: str
    of: Callable[[str, str | None], str | None]


def _none() -> Mapping[str, Any]:
    return {}


@value
class Extension:
    """An extension: what it adds to the language. `capability` is empty for what every script has.

    `tagged` adds tags to words of other extensions. `implies` are capabilities that come with this one.
    `variables` reads variables in a namespace of that name (RFC 5229 §3).
    """

    capability: str
    words: tuple[Word, ...] = ()
    tagged: Mapping[str, tuple[Tagged, ...]] = field(default_factory=_none)
    match_types: tuple[MatchType, ...] = ()
    comparators: tuple[Comparator, ...] = ()
    parts: tuple[AddressPart, ...] = ()
    implies: tuple[str, ...] = ()
    namespace: str = ""
    variable: Callable[[Run, str], str] | None = None
