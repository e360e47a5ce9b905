"""Comparators (RFC 4790): what makes two strings equal, and which comes first.

A comparator maps a string to another text that is compared, searched and ordered character by character. UTF-8 keeps
the order of code points, so that needs no octets.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from postroad.mime.collation import prepared
from postroad.value import value

if TYPE_CHECKING:
    from collections.abc import Callable

_ASCII_UPPER = {code: code - 32 for code in range(ord("a"), ord("z") + 1)}


@value
class Comparator:
    """A comparator; `number` is for one that orders numbers, and has no substrings (RFC 4790 §9.1).

    `key` keeps each character in its place if `folds` says so, so that what was found can be shown as it was written.
    """

    name: str
    key: Callable[[str], str]
    folds: bool = True
    number: Callable[[str], float] | None = None

    def equal(self, text: str, other: str) -> bool:
        """Whether the strings are equal (RFC 4790 §4.2.2)."""
        if self.number is not None:
            return self.number(text) == self.number(other)
        return self.key(text) == self.key(other)

    def order(self, text: str, other: str) -> int:
        """Return -1, 0 or 1 as the first string comes before the other, is equal, or comes after (RFC 4790 §4.2.4)."""
        if self.number is not None:
            left, right = self.number(text), self.number(other)
            return (left > right) - (left < right)
        first, second = self.key(text), self.key(other)
        return (first > second) - (first < second)


def ascii_casemap(text: str) -> str:
    """Return the text with capitals for the letters a to z (RFC 4790 §9.2.1)."""
    return text.translate(_ASCII_UPPER) if not text.isascii() else text.upper()


def ascii_number(text: str) -> float:
    """Return the number of the digits in front; infinity for a text that begins otherwise (RFC 4790 §9.1.1)."""
    digits = 0
    while digits < len(text) and "0" <= text[digits] <= "9":
        digits += 1
    return int(text[:digits]) if 0 < digits <= 300 else float("inf")


OCTET = Comparator("i;octet", str)
ASCII_CASEMAP = Comparator("i;ascii-casemap", ascii_casemap)
ASCII_NUMERIC = Comparator("i;ascii-numeric", str, number=ascii_number)
UNICODE_CASEMAP = Comparator("i;unicode-casemap", prepared, folds=False)
