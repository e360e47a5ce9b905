"""The collation i;unicode-casemap (RFC 5051).

SORT and THREAD compare text by it (RFC 5256 §7, RFC 5255 §4.2), and scripts may (RFC 5228 §2.7.3).
"""

from __future__ import annotations

import unicodedata
from functools import lru_cache


def casemap(text: str) -> bytes:
    """Return the octets that are compared: the prepared text in UTF-8 (RFC 5051 §2 (3))."""
    return prepared(text).encode("utf-8", "replace")


def prepared(text: str) -> str:
    """Return the text with each character in title case, decomposed by itself (RFC 5051 §2 (2))."""
    return text.upper() if text.isascii() else "".join(map(_prepared, text))


@lru_cache(maxsize=4096)
def _prepared(character: str) -> str:
    """Return a character's title case, decomposed (RFC 5051 §2 (2))."""
    # UnicodeData.txt maps one character to one. Python also knows SpecialCasing.txt, which makes `Ss` of a sharp s.
    title = character.title()
    return unicodedata.normalize("NFKD", title if len(title) == 1 else character)
