"""Which names a LIST returns (RFC 5258 §3.3, §3.5)."""

from __future__ import annotations

from bisect import bisect_left
from itertools import islice
from typing import TYPE_CHECKING

from postroad_store.imap.patterns import levels_above
from postroad_store.mail.model.account import INBOX

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

    from postroad_store.imap.patterns import Patterns

STEP = 200  # names, after which others may have waited long enough


class Selector:
    """Chooses names; `encode` spells them as the client does.

    `unsatisfied` are names that do not satisfy the selection, and are here for what is below them; `child_info` are
    those below which there is a name that satisfies it.
    """

    def __init__(self, patterns: Patterns, encode: Callable[[str], bytes]) -> None:
        self._patterns = patterns
        self._encode = encode
        self._found: list[tuple[bytes, str]] = []
        self.unsatisfied: set[str] = set()
        self.child_info: set[str] = set()

    def plain(self, names: Iterable[str]) -> Iterator[None]:
        """Find the names that match."""
        encode, match, whole = self._encode, self._patterns.match, self._patterns.everything
        left = iter(names)
        while block := list(islice(left, STEP)):
            pairs = zip(map(encode, block), block, strict=True)
            self._found += pairs if whole else [pair for pair in pairs if match(pair[0])]
            yield

    def above(self, names: Iterable[str], exists: Callable[[str], bool]) -> None:
        """Find the levels of hierarchy above names that no mailbox has.

        RFC 3501 §6.3.8: "If the "%" wildcard is the last character of a mailbox name argument, matching levels of
        hierarchy are also returned."
        """
        levels = {level for name in names for level in levels_above(name) if not exists(level)}
        for level in levels:
            wire = self._encode(level)
            if self._patterns.match_level(wire):
                self._found.append((wire, level))

    def recursive(self, names: Iterable[str]) -> Iterator[None]:
        """Find the names that match, and those that match and have names below them that do not match.

        RFC 5258 §3.3 (2 B), RFC 5258 §3.5: a name that does not satisfy the selection is only returned if a name
        below it satisfies it and is not returned itself.
        """
        encode, match = self._encode, self._patterns.match
        matched: set[str] = set()
        lacking: set[str] = set()  # names below which not all that satisfies the selection is returned
        for count, name in enumerate(names, 1):
            wire = encode(name)
            matches = match(wire)
            if matches:
                matched.add(name)
                self._found.append((wire, name))
            for level in levels_above(name):
                self.child_info.add(level)
                if not matches:
                    lacking.add(level)
            if count % STEP == 0:
                yield
        for name in lacking - matched:
            wire = encode(name)
            if match(wire):
                self._found.append((wire, name))
                self.unsatisfied.add(name)

    def found(self) -> list[tuple[bytes, str]]:
        """Return the names that were found, spelled and plain, in order: INBOX first."""
        names = sorted(self._found)
        inbox = (self._encode(INBOX), INBOX)
        at = bisect_left(names, inbox)
        if names[at : at + 1] == [inbox]:
            names.insert(0, names.pop(at))
        return names
