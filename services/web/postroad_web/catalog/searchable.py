"""The form in which texts are kept and looked for. Pure."""

from __future__ import annotations

import re
import unicodedata
from typing import Final

# What Mailpit takes for white space when it searches, and what SQLite would take for the end of the text.
_SPACES: Final = '<>",;()\0\ufeff'
_ANY_SPACES = re.compile(f"[{_SPACES}]")
# The same for ASCII, octet by octet, and with what `str.split` takes for white space: a third of the time.
_ASCII: Final = bytes(
    ord(" ") if chr(octet) in _SPACES or chr(octet).isspace() else octet + 32 if 65 <= octet <= 90 else octet
    for octet in range(128)
) + bytes(128)


def searchable(text: str) -> str:
    """Return the text in lower case, composed (NFC), its words parted by single spaces, without brackets and commas."""
    if text.isascii():
        return b" ".join(text.encode("ascii").translate(_ASCII).split()).decode("ascii")
    text = " ".join(_ANY_SPACES.sub(" ", text.lower()).split())
    return unicodedata.normalize("NFC", text).encode("utf-8", "replace").decode("utf-8")
