"""The keywords of one mailbox (RFC 3501 §2.3.2), each with its bit in a message's flags.

A keyword has a number, which the database gives out, and the flag bit `1 << (FIRST_KEYWORD + number)`. A number that no
message has may be given back, and to another keyword later.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, TypeAlias

from postroad_store.mail.model.flags import FIRST_KEYWORD, SYSTEM_FLAGS

if TYPE_CHECKING:
    from collections.abc import Iterable

Naming: TypeAlias = "list[tuple[int, str | None]]"  # keywords by number; None: the number has been given back


class Keywords:
    """Keywords by number, and numbers by keyword; case is kept, and ignored."""

    __slots__ = ("_names", "_numbers", "version")

    def __init__(self, naming: Iterable[tuple[int, str]] = ()) -> None:
        self._names: dict[int, str] = {}
        self._numbers: dict[str, int] = {}  # by the keyword in lower case
        self.version = 0  # rises when the names change
        self.learn(naming)

    def __len__(self) -> int:
        """How many keywords there are."""
        return len(self._names)

    def learn(self, naming: Iterable[tuple[int, str | None]]) -> bool:
        """Learn the keywords of numbers; return True if any is new."""
        before = self.version
        for number, name in naming:
            old = self._names.get(number)
            if old == name:
                continue
            self.version = before + 1
            if old is not None:
                del self._names[number], self._numbers[old.lower()]
            if name is not None:
                self._names[number] = name
                self._numbers[name.lower()] = number
        return self.version != before

    def names(self) -> list[str]:
        """Return the keywords in the order of their numbers."""
        return [self._names[number] for number in sorted(self._names)] if self._names else []

    def names_in(self, flags: int) -> list[str]:
        """Return the keywords that are among these flags, in the order of their numbers."""
        names = []
        left = flags >> FIRST_KEYWORD
        while left:
            lowest = left & -left
            name = self._names.get(lowest.bit_length() - 1)
            if name is not None:
                names.append(name)
            left ^= lowest
        return names

    def flag_names(self, flags: int) -> list[str]:
        """Return the names of flags as FETCH lists them: the system flags, then the keywords."""
        return [name for name, bit in SYSTEM_FLAGS.items() if flags & bit] + self.names_in(flags)

    def bit(self, keyword: str) -> int:
        """Return the flag bit of a keyword in any case, 0 if the mailbox does not have it."""
        number = self._numbers.get(keyword.lower())
        return 0 if number is None else 1 << (FIRST_KEYWORD + number)
