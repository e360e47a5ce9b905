"""The collation i;unicode-casemap (RFC 5051), in which SORT and THREAD compare text (RFC 5256 §7, RFC 5255 §4.2)."""

from __future__ import annotations

import unicodedata
from functools import lru_cache


def casemap(text: str) -> bytes:
    """Return the octets that are compared: each character in title case, decomposed, in UTF-8 (RFC 5051 §2)."""
    if text.isascii():
        return text.upper().encode("ascii")
    return "".join(map(_prepared, text)).encode("utf-8", "replace")


@lru_cache(maxsize=4096)
def _prepared(character: str) -> str:
    """Return a character's title case, decomposed (RFC 5051 §2 (2))."""
    # UnicodeData.txt maps one character to one. Python also knows SpecialCasing.txt, which makes `Ss` of a sharp s.
    title = character.title()
    return unicodedata.normalize("NFKD", title if len(title) == 1 else character)
