"""The collation i;unicode-casemap (RFC 5051), which is all that I18NLEVEL=1 asks for (RFC 5255 §4).

SEARCH, SORT and THREAD compare text by it, and scripts may (RFC 5228 §2.7.3). Strings are prepared, and then compared
octet by octet: for equality, order and substrings alike. Every character is prepared by itself.
"""

from __future__ import annotations

import re
import unicodedata
from functools import lru_cache

# Characters that `str.upper` and one normalization of the whole text prepare as RFC 5051 does, of those that were met.
# That takes a third to a tenth of the time. Combining marks are not among them: normalization would reorder these.
_ordinary: set[str] = set()


def casemap(text: str) -> bytes:
    """Return the octets that are compared: the prepared text in UTF-8 (RFC 5051 §2 (3))."""
    return prepared(text).encode("utf-8", "replace")


def prepared(text: str) -> str:
    """Return the text with each character in title case, decomposed by itself (RFC 5051 §2 (2))."""
    if text.isascii():
        return text.upper()
    special = {character for character in set(text).difference(_ordinary) if not _is_ordinary(character)}
    if not special:
        return unicodedata.normalize("NFKD", text.upper())
    pieces = _between("".join(sorted(special))).split(text)
    pieces[::2] = [unicodedata.normalize("NFKD", piece.upper()) for piece in pieces[::2]]
    pieces[1::2] = ["".join(map(_prepared, piece)) for piece in pieces[1::2]]
    return "".join(pieces)


@lru_cache(maxsize=64)
def _between(special: str) -> re.Pattern[str]:
    return re.compile(f"([{re.escape(special)}]+)")


def _is_ordinary(character: str) -> bool:
    """Return True, and remember it, if a character is prepared by `str.upper` and normalization."""
    if unicodedata.combining(character) or unicodedata.normalize("NFKD", character.upper()) != _prepared(character):
        return False
    _ordinary.add(character)
    return True


@lru_cache(maxsize=4096)
def _prepared(character: str) -> str:
    """Return a character's title case, decomposed (RFC 5051 §2 (2))."""
    # UnicodeData.txt maps one character to one. Python also knows SpecialCasing.txt, which makes `Ss` of a sharp s.
    title = character.title()
    return unicodedata.normalize("NFKD", title if len(title) == 1 else character)
