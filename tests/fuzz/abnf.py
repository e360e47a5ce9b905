"""Sentences of a grammar in ABNF (RFC 5234, RFC 7405), chosen by dice: a parser has to take every one of them.

Each rule is compiled to a function once, so that a sentence takes some microseconds. Where a sentence grows too deep,
only the alternatives that end soonest are left. A repetition has few turns: long ones find nothing new.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import random
    from collections.abc import Callable

    Generate = Callable[[random.Random, int], bytes]

DEEP = 12  # levels of rules, below which the shortest way out is taken
TURNS = 3  # of a repetition, beyond the fewest

_TOKEN = re.compile(
    r"\s*(?:;[^\n]*\n?|(?P<repeat>\d*\*\d*|\d+)(?=[A-Za-z(\"%\[])|(?P<name>[A-Za-z][A-Za-z0-9-]*)"
    r"|(?P<exact>%s)?\"(?P<text>[^\"]*)\"|%x(?P<number>[0-9A-Fa-f]+(?:-[0-9A-Fa-f]+|(?:\.[0-9A-Fa-f]+)*))|(?P<mark>[()\[\]/]))\s*"
)
_RULE = re.compile(r"^([A-Za-z][A-Za-z0-9-]*)\s*=\s*", re.MULTILINE)
_END = 99


class Grammar:
    """The rules of a text; names are compared without regard to case."""

    def __init__(self, text: str) -> None:
        """Compile the rules; raises ValueError if one can't be read, or is missing."""
        self._generators: dict[str, Generate] = {}
        self._least: dict[str, int] = {}  # how deep the shortest sentence of a rule is
        starts = list(_RULE.finditer(text))
        ends = [start.start() for start in starts[1:]] + [len(text)]
        trees = {
            start[1].lower(): _Reader(text[start.end() : end], start[1]).tree()
            for start, end in zip(starts, ends, strict=True)
        }
        missing = {name for tree in trees.values() for name in tree.names()} - trees.keys()
        if missing:
            raise ValueError(f"no rule for {', '.join(sorted(missing))}")
        self._measure(trees)
        for name, tree in trees.items():
            self._generators[name] = tree.compiled(self._generators, self._least)

    def __contains__(self, name: str) -> bool:
        return name.lower() in self._generators

    def sentence(self, name: str, dice: random.Random) -> bytes:
        """Return a sentence of a rule."""
        return self._generators[name.lower()](dice, 0)

    def _measure(self, trees: dict[str, _Tree]) -> None:
        self._least.update(dict.fromkeys(trees, _END))
        changed = True
        while changed:
            changed = False
            for name, tree in trees.items():
                least = 1 + tree.least(self._least)
                if least < self._least[name]:
                    self._least[name], changed = least, True


class _Tree:
    """A piece of a rule."""

    def names(self) -> set[str]:
        """Return the rules that it names."""
        return set()

    def least(self, known: dict[str, int]) -> int:
        """Return how many levels of rules it needs."""
        return 0

    def compiled(self, generators: dict[str, Generate], least: dict[str, int]) -> Generate:
        """Return the function that makes a sentence of it."""
        raise NotImplementedError


class _Literal(_Tree):
    """A text, in any case of its letters, or octets."""

    def __init__(self, octets: bytes, *, any_case: bool) -> None:
        self._spellings = [octets, octets, octets.lower(), octets.upper(), octets.swapcase()] if any_case else [octets]

    def compiled(self, generators: dict[str, Generate], least: dict[str, int]) -> Generate:
        spellings = self._spellings
        if len(set(spellings)) == 1:
            octets = spellings[0]
            return lambda _dice, _depth: octets
        return lambda dice, _depth: spellings[int(dice.random() * 5)]


class _Range(_Tree):
    def __init__(self, low: int, high: int) -> None:
        self._octets = [bytes([octet]) for octet in range(low, high + 1)]

    def compiled(self, generators: dict[str, Generate], least: dict[str, int]) -> Generate:
        octets, count = self._octets, len(self._octets)
        return lambda dice, _depth: octets[int(dice.random() * count)]


class _Name(_Tree):
    def __init__(self, name: str) -> None:
        self._name = name.lower()

    def names(self) -> set[str]:
        return {self._name}

    def least(self, known: dict[str, int]) -> int:
        return known.get(self._name, _END)

    def compiled(self, generators: dict[str, Generate], least: dict[str, int]) -> Generate:
        name = self._name
        return lambda dice, depth: generators[name](dice, depth + 1)


class _Sequence(_Tree):
    def __init__(self, parts: list[_Tree]) -> None:
        self._parts = parts

    def names(self) -> set[str]:
        return {name for part in self._parts for name in part.names()}

    def least(self, known: dict[str, int]) -> int:
        return max(part.least(known) for part in self._parts)

    def compiled(self, generators: dict[str, Generate], least: dict[str, int]) -> Generate:
        parts = [part.compiled(generators, least) for part in self._parts]
        if len(parts) == 1:
            return parts[0]
        return lambda dice, depth: b"".join([part(dice, depth) for part in parts])


class _Choice(_Tree):
    def __init__(self, ways: list[_Tree]) -> None:
        self._ways = ways

    def names(self) -> set[str]:
        return {name for way in self._ways for name in way.names()}

    def least(self, known: dict[str, int]) -> int:
        return min(way.least(known) for way in self._ways)

    def compiled(self, generators: dict[str, Generate], least: dict[str, int]) -> Generate:
        ways = [way.compiled(generators, least) for way in self._ways]
        shortest = ways[min(range(len(ways)), key=lambda at: self._ways[at].least(least))]
        count = len(ways)
        if count == 1:
            return ways[0]

        def choose(dice: random.Random, depth: int) -> bytes:
            return (shortest if depth > DEEP else ways[int(dice.random() * count)])(dice, depth)

        return choose


class _Repeat(_Tree):
    def __init__(self, part: _Tree, low: int, high: int | None) -> None:
        self._part = part
        self._low = low
        self._high = low + TURNS if high is None else min(high, low + TURNS)

    def names(self) -> set[str]:
        return self._part.names()

    def least(self, known: dict[str, int]) -> int:
        return self._part.least(known) if self._low else 0

    def compiled(self, generators: dict[str, Generate], least: dict[str, int]) -> Generate:
        part, low, spread = self._part.compiled(generators, least), self._low, self._high - self._low + 1

        def repeat(dice: random.Random, depth: int) -> bytes:
            turns = low if depth > DEEP else low + int(dice.random() * spread)
            return b"".join([part(dice, depth) for _ in range(turns)])

        return repeat


class _Reader:
    """Reads one rule."""

    def __init__(self, text: str, name: str) -> None:
        self._tokens: list[re.Match[str]] = []
        at = 0
        while at < len(text):
            match = _TOKEN.match(text, at)
            if match is None or match.end() == at:
                raise ValueError(f"the rule {name} can't be read at {text[at : at + 20]!r}")
            at = match.end()
            if match.lastgroup is not None:
                self._tokens.append(match)
        self._at = 0

    def tree(self) -> _Tree:
        """Return alternatives up to the end, or a closing bracket."""
        ways: list[_Tree] = []
        parts: list[_Tree] = []
        while (token := self._next()) is not None:
            mark = token["mark"]
            if mark in {")", "]"}:
                break
            if mark == "/":
                ways.append(_Sequence(parts))
                parts = []
                continue
            parts.append(self._element(token))
        return _Choice([*ways, _Sequence(parts)])

    def _next(self) -> re.Match[str] | None:
        self._at += 1
        return self._tokens[self._at - 1] if self._at <= len(self._tokens) else None

    def _element(self, token: re.Match[str]) -> _Tree:
        if token["repeat"] is not None:
            low, star, high = token["repeat"].partition("*")
            following = self._next()
            assert following is not None
            least = int(low or 0)
            return _Repeat(self._element(following), least, (int(high) if high else None) if star else least)
        if token["mark"] == "(":
            return self.tree()
        if token["mark"] == "[":
            return _Repeat(self.tree(), 0, 1)
        if token["name"] is not None:
            return _Name(token["name"])
        if token["text"] is not None:
            return _Literal(token["text"].encode("ascii"), any_case=token["exact"] is None)
        low, dash, high = token["number"].partition("-")
        if dash:
            return _Range(int(low, 16), int(high, 16))
        return _Literal(bytes(int(number, 16) for number in low.split(".")), any_case=False)
