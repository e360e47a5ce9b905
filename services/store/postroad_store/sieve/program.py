"""A compiled script: what the parser has found, with its words resolved and its arguments in their places."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, TypeAlias

from postroad.value import value

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence

    from postroad_store.sieve.comparators import Comparator
    from postroad_store.sieve.run import Run
    from postroad_store.sieve.spec import AddressPart, MatchType, Word


@value
class Reference:
    """A variable within a string: a name in lower case, or the number of a match variable (RFC 5229 §3).

    `read` is for a variable in a namespace, whose extension knows its value.
    """

    name: str | int
    read: Callable[[Run, str], str] | None = None


@value
class Template:
    """A string that is not constant: text and variables by turns."""

    parts: tuple[str | Reference, ...]


Text: TypeAlias = str | Template


def constants(texts: Sequence[Text]) -> Iterator[str]:
    """Yield those of the strings that are constant."""
    return (text for text in texts if isinstance(text, str))


@value
class Matching:
    """How a test compares: match type, comparator, and the relation for those types that take one (RFC 5231 §3)."""

    type: MatchType
    comparator: Comparator
    relation: str = ""


@dataclass(slots=True)
class Step:
    """A command or a test, ready to be run. `run` raises nothing but `RunError` and what ends a script early.

    Positional arguments are numbers, `Text`s and tuples of `Text`; the optional one in front is None if it is absent.
    """

    word: Word
    line: int
    arguments: tuple[Any, ...] = ()
    tags: dict[str, Any] = field(default_factory=dict)  # by name; None for one without a value
    effects: Sequence[tuple[Callable[[Run, Any], Mapping[str, Any]], Any]] = ()  # of tags, with their values
    matching: Matching | None = None
    part: AddressPart | None = None
    tests: tuple[Step, ...] = ()
    block: tuple[Step, ...] = ()
    otherwise: Step | None = None  # `elsif` or `else` behind an `if`
    prepared: Any = None  # what the word's check has made of constant arguments

    def options(self, run: Run) -> dict[str, Any]:
        """Return what tags of other extensions change, by the names that they and this word's author know."""
        options: dict[str, Any] = {}
        for effect, given in self.effects:
            options |= effect(run, given)
        return options


@value
class Program:
    """A script that may be run."""

    steps: tuple[Step, ...]
    required: frozenset[str]
    warnings: tuple[str, ...] = ()
