"""How values are matched against keys (RFC 5228 §2.7)."""

from __future__ import annotations

from typing import TYPE_CHECKING

from postroad_store.sieve.spec import MatchType

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

    from postroad_store.sieve.comparators import Comparator
    from postroad_store.sieve.program import Matching
    from postroad_store.sieve.run import Run

_RELATIONS: dict[str, Callable[[int], bool]] = {
    "gt": lambda order: order > 0,
    "ge": lambda order: order >= 0,
    "lt": lambda order: order < 0,
    "le": lambda order: order <= 0,
    "eq": lambda order: order == 0,
    "ne": lambda order: order != 0,
}
RELATIONS = tuple(_RELATIONS)  # RFC 5231 §3


def any_match(run: Run, matching: Matching, values: Iterable[str], keys: Sequence[str]) -> bool:
    """Return whether any value matches any key (RFC 5228 §2.7); set the match variables of the first that does."""
    kind = matching.type
    if kind.counts:
        return counted(run, matching, sum(1 for _ in values), keys)
    for value in values:
        for key in keys:
            run.charge(500 + len(value) + len(key))
            if kind.relational:
                if _RELATIONS[matching.relation](matching.comparator.order(value, key)):
                    return True
            elif (texts := _find(run, matching, value, key)) is not None:
                if texts:
                    run.scope.matched = texts
                return True
    return False


def counted(run: Run, matching: Matching, count: int, keys: Sequence[str]) -> bool:
    """Return whether a number of values has the relation to any key (RFC 5231 §4.2)."""
    run.charge(500 * (1 + len(keys)))
    holds = _RELATIONS[matching.relation]
    return any(holds(matching.comparator.order(str(count), key)) for key in keys)


def _find(run: Run, matching: Matching, value: str, key: str) -> tuple[str, ...] | None:
    find = matching.type.find
    assert find is not None  # noqa: S101 - only relational types have none
    return find(run, matching.comparator, value, key)


def _is(_run: Run, comparator: Comparator, value: str, key: str) -> tuple[str, ...] | None:
    return () if comparator.equal(value, key) else None


def _contains(_run: Run, comparator: Comparator, value: str, key: str) -> tuple[str, ...] | None:
    return () if comparator.key(key) in comparator.key(value) else None


def _matches(run: Run, comparator: Comparator, value: str, key: str) -> tuple[str, ...] | None:
    # A comparator that does not keep characters in their places shows what was found as it was compared.
    shown = value if comparator.folds else comparator.key(value)
    spans = wildcard(run, comparator.key(value), _pieces(comparator, key))
    return None if spans is None else (shown, *[shown[start:end] for start, end in spans])


IS = MatchType(":is", _is, substrings=False)
CONTAINS = MatchType(":contains", _contains)
MATCHES = MatchType(":matches", _matches)
VALUE = MatchType(":value", relational=True, substrings=False)
COUNT = MatchType(":count", relational=True, counts=True, substrings=False)


def _pieces(comparator: Comparator, pattern: str) -> list[str | None]:
    """Return the pattern as text, "*" and "?"; each wildcard is None followed by it (RFC 5228 §2.7.1)."""
    pieces: list[str | None] = []
    text = ""
    position = 0
    while position < len(pattern):
        character = pattern[position]
        if character in "*?":
            pieces += [comparator.key(text), None, character]
            text = ""
        else:
            if character == "\\" and position + 1 < len(pattern):  # RFC 5228 §2.7.1: "\\?" and "\\*" are themselves
                position += 1
                character = pattern[position]
            text += character
        position += 1
    return [*pieces, comparator.key(text)]


def wildcard(run: Run, value: str, pieces: list[str | None]) -> list[tuple[int, int]] | None:
    """Match a whole value; return what each wildcard stands for, as little as possible (RFC 5229 §3.2), or None.

    Between two "*" there are texts and "?", a segment. Each segment takes the first place where it fits, the last one
    the end. An earlier place never makes a later segment impossible, so nothing is tried twice.
    """
    segments: list[list[str]] = [[]]  # of each segment its texts; a "?" between each two
    for index in range(0, len(pieces) - 1, 3):
        segments[-1].append(pieces[index] or "")
        if pieces[index + 2] == "*":
            segments.append([])
    segments[-1].append(pieces[-1] or "")
    first = _at(value, 0, segments[0])
    if first is None:
        return None
    if len(segments) == 1:
        return first if _length(segments[0]) == len(value) else None
    spans, position = first, _length(segments[0])
    for segment in segments[1:-1]:
        place = _search(run, value, position, segment)
        if place is None:
            return None
        at, inner = place
        spans += [(position, at), *inner]
        position = at + _length(segment)
    at = len(value) - _length(segments[-1])
    last = _at(value, at, segments[-1]) if at >= position else None
    return None if last is None else [*spans, (position, at), *last]


def _length(segment: list[str]) -> int:
    return sum(map(len, segment)) + len(segment) - 1


def _at(value: str, position: int, segment: list[str]) -> list[tuple[int, int]] | None:
    """Return what the "?" of a segment stand for if it fits at a position."""
    spans = []
    for number, text in enumerate(segment):
        if number:
            spans.append((position, position + 1))
            position += 1
        if not value.startswith(text, position):
            return None
        position += len(text)
    return spans


def _search(run: Run, value: str, position: int, segment: list[str]) -> tuple[int, list[tuple[int, int]]] | None:
    """Return the first place where a segment fits, from `position` on."""
    if len(segment) == 1:
        at = value.find(segment[0], position)
        return None if at < 0 else (at, [])
    for at in range(position, len(value) - _length(segment) + 1):
        run.charge(200 * len(segment))
        if (spans := _at(value, at, segment)) is not None:
            return at, spans
    return None
