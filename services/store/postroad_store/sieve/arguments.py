"""The arguments of one command or test, put into the places that its word declares (RFC 5228 §2.6)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from postroad_store.sieve.errors import ScriptError
from postroad_store.sieve.matching import RELATIONS
from postroad_store.sieve.spec import Kind
from postroad_store.sieve.syntax import Argument, Number, Strings, Tag

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from postroad_store.sieve.comparators import Comparator
    from postroad_store.sieve.compiler import Compiler
    from postroad_store.sieve.registry import Registry
    from postroad_store.sieve.run import Run
    from postroad_store.sieve.spec import AddressPart, MatchType, Tagged, Word
    from postroad_store.sieve.syntax import Call

_LISTS = frozenset({Kind.STRINGS, Kind.CONSTANTS})
_CONSTANT = frozenset({Kind.CONSTANT, Kind.CONSTANTS})


class Reading:
    """Reads the arguments. RFC 5228 §2.6.2: tags come in front of the positional arguments, in any order."""

    def __init__(self, compiler: Compiler, call: Call, word: Word, registry: Registry) -> None:
        self._compiler = compiler
        self._word = word
        self._registry = registry
        self._known = registry.tagged(word)
        self._groups: dict[str, str] = {}
        self._arguments: list[Argument] = list(call.arguments)
        self.tags: dict[str, Any] = {}
        self.effects: list[tuple[Callable[[Run, Any], Mapping[str, Any]], Any]] = []
        self.part: AddressPart | None = None
        self.match_type: MatchType | None = None
        self.relation = ""
        self.comparator: Comparator | None = None

    def arguments(self) -> tuple[Any, ...]:
        """Return the positional arguments; tags and ways to match are in the attributes then."""
        while self._arguments and isinstance(self._arguments[0], Tag):
            tag = self._arguments.pop(0)
            assert isinstance(tag, Tag)  # noqa: S101 - it has just been looked at
            self._tag(tag)
        for name in self.tags:
            needed = self._known[name][0].with_tag
            if needed and needed not in self.tags:
                self._compiler.refuse(f"{name} needs {needed}")
        return self._positional()

    # Tags

    def _tag(self, tag: Tag) -> None:
        word, compiler = self._word, self._compiler
        if word.matches and tag.name == ":comparator":
            self._once("comparator", tag)
            self._comparator(tag)
        elif word.matches and (kind := compiler.match_type_named(tag.name, tag.at)) is not None:
            self._once("a match type", tag)
            self.match_type = kind
            if kind.relational:
                self.relation = self._relation(tag)
        elif word.parts and (part := compiler.part_named(tag.name, tag.at)) is not None:
            self._once("an address part", tag)
            self.part = part
        elif tag.name in self._known:
            tagged, capability = self._known[tag.name]
            if not compiler.has(capability):
                raise ScriptError(f'{tag.name} needs require "{capability}"', tag.at)
            self._once(tagged.group or tagged.name, tag)
            value = self.tags[tag.name] = None if tagged.kind is None else self._next(tagged, tag)
            if tagged.effect is not None:
                self.effects.append((tagged.effect, value))
        else:
            raise ScriptError(f"{word.name} has no {tag.name}", tag.at)

    def _once(self, group: str, tag: Tag) -> None:
        # RFC 5228 §2.6.2: "it is an error to give the same tagged argument twice", and two of one group
        if group in self._groups:
            raise ScriptError(f"{tag.name} and {self._groups[group]} do not go together", tag.at)
        self._groups[group] = tag.name

    def _next(self, tagged: Tagged, tag: Tag) -> Any:
        if not self._arguments or tagged.kind is None:
            raise ScriptError(f"{tag.name} takes {tagged.kind.value if tagged.kind else 'nothing'}", tag.at)
        value = self._value(self._arguments.pop(0), tagged.kind, tag.name)
        if tagged.kind is Kind.NUMBER and value < tagged.least:
            raise ScriptError(f"{tag.name} is at least {tagged.least}", tag.at)
        if tagged.check is not None and isinstance(value, str):
            tagged.check(self._compiler, value)
        return value

    def _constant(self, tag: Tag, what: str) -> str:
        if not self._arguments:
            raise ScriptError(f"{tag.name} takes {what}", tag.at)
        value: str = self._value(self._arguments.pop(0), Kind.CONSTANT, tag.name)
        return value

    def _comparator(self, tag: Tag) -> None:
        name = self._constant(tag, "the name of a comparator")
        comparator = self._registry.comparators.get(name)
        if comparator is None:
            raise ScriptError(f"there is no comparator {name[:60]!r} here", tag.at)
        # RFC 5228 §2.7.3: comparators other than the two that all have are required
        if not self._compiler.has(f"comparator-{name}"):
            raise ScriptError(f'{name} needs require "comparator-{name}"', tag.at)
        self.comparator = comparator

    def _relation(self, tag: Tag) -> str:
        relation = self._constant(tag, "a relation").lower()
        if relation not in RELATIONS:
            raise ScriptError(f"{relation[:20]!r} is no relation: {', '.join(RELATIONS)}", tag.at)
        return relation

    # Positional arguments

    def _positional(self) -> tuple[Any, ...]:
        word = self._word
        kinds = word.arguments
        given = self._arguments
        for argument in given:
            if isinstance(argument, Tag):
                said = f"{argument.name} must be in front of the other arguments of {word.name}"
                raise ScriptError(said, argument.at)
        extra: list[Any] = []
        if word.optional is not None:
            extra = [None]
            if len(given) > len(kinds):
                extra = [self._value(given.pop(-1 if word.optional_last else 0), word.optional, word.name)]
        if len(given) != len(kinds):
            expected = ", ".join(kind.value for kind in kinds) or "no arguments"
            count = "more" if len(given) > len(kinds) else "fewer"
            self._compiler.refuse(f"{word.name} takes {expected}; there are {count}")
        values = [self._value(argument, kind, word.name) for argument, kind in zip(given, kinds, strict=True)]
        return (*values, *extra) if word.optional_last else (*extra, *values)

    def _value(self, argument: Argument, kind: Kind, name: str) -> Any:
        match argument:
            case Number() if kind is Kind.NUMBER:
                return argument.value
            case Strings() if kind in _LISTS or (kind is not Kind.NUMBER and not argument.is_list):
                texts = [
                    self._compiler.text(value, argument.at, constant=kind in _CONSTANT) for value in argument.values
                ]
                return tuple(texts) if kind in _LISTS else texts[0]
        raise ScriptError(f"{name} takes {kind.value} here", argument.at)
