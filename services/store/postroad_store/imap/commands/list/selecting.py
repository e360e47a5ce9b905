"""Which names a LIST returns (RFC 5258 §3.3, §3.5)."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from postroad_store.imap.patterns import in_order, levels_above

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

    from postroad_store.imap.patterns import Patterns

Encode = "Callable[[str], bytes]"
STEP = 200  # names, after which others may have waited long enough


class Selected(NamedTuple):
    """A name that is returned."""

    wire: bytes  # as the client spells it, not yet an astring
    name: str
    satisfies: bool  # the selection; otherwise it is here for what is below it
    child_info: bool  # a name below it satisfies the selection


class Selector:
    """Chooses names. `names` are those that satisfy the selection; `exists` says whether a mailbox has a name."""

    def __init__(self, patterns: Patterns, encode: Callable[[str], bytes], exists: Callable[[str], bool]) -> None:
        self._patterns = patterns
        self._encode = encode
        self._exists = exists
        self._found: list[Selected] = []

    def plain(self, names: Iterable[str], *, levels: bool) -> Iterator[None]:
        """Find the names that match; with `levels` those of the hierarchy above them too, if no mailbox has them.

        RFC 3501 §6.3.8: "If the "%" wildcard is the last character of a mailbox name argument, matching levels of
        hierarchy are also returned."
        """
        encode, match, found = self._encode, self._patterns.match, self._found
        above: dict[bytes, str] = {}
        for count, name in enumerate(names, 1):
            wire = encode(name)
            if match(wire):
                found.append(Selected(wire, name, True, False))
            if levels:
                for level in self._patterns.levels(wire):
                    if level not in above:
                        above[level] = name[: _characters(name, level.count(b"/") + 1)]
            if count % STEP == 0:
                yield
        found += [Selected(wire, name, True, False) for wire, name in above.items() if not self._exists(name)]

    def recursive(self, names: Iterable[str]) -> Iterator[None]:
        """Find the names that match, and those that match and have names below them that do not match.

        RFC 5258 §3.3 (2 B), RFC 5258 §3.5: a name that does not satisfy the selection is only returned if a name
        below it satisfies it and is not returned itself.
        """
        matched: dict[str, bytes] = {}
        parents: set[str] = set()  # of names that satisfy the selection
        lacking: set[str] = set()  # those of them of which a name below is not returned
        for count, name in enumerate(names, 1):
            wire = self._encode(name)
            matches = self._patterns.match(wire)
            if matches:
                matched[name] = wire
            for level in levels_above(name.encode("utf-8", "surrogatepass")):
                parent = level.decode("utf-8", "surrogatepass")
                parents.add(parent)
                if not matches:
                    lacking.add(parent)
            if count % STEP == 0:
                yield
        self._found += [Selected(wire, name, True, name in parents) for name, wire in matched.items()]
        for name in lacking - matched.keys():
            wire = self._encode(name)
            if self._patterns.match(wire):
                self._found.append(Selected(wire, name, False, True))

    def found(self) -> list[Selected]:
        """Return what was found, in order."""
        return sorted(self._found, key=lambda each: in_order(each.wire))


def _characters(name: str, levels: int) -> int:
    """Return how many characters the first levels of a name have."""
    at = -1
    for _ in range(levels):
        at = name.index("/", at + 1)
    return at
