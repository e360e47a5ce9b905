"""The form in which texts are kept and looked for. Pure."""

from __future__ import annotations

import unicodedata
from typing import Final

# What Mailpit takes for white space when it searches, and what SQLite would take for the end of the text.
_SPACES: Final = str.maketrans(dict.fromkeys('<>",;()\0\ufeff', " "))


def searchable(text: str) -> str:
    """Return the text in lower case, composed (NFC), its words parted by single spaces, without brackets and commas."""
    text = " ".join(text.lower().translate(_SPACES).split())
    if text.isascii():
        return text
    return unicodedata.normalize("NFC", text).encode("utf-8", "replace").decode("utf-8")
