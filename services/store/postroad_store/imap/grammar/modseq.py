"""Mod-sequences in commands (RFC 7162 §7): unsigned integers of 63 bits."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from postroad_store.imap.grammar.reader import SyntaxFault

if TYPE_CHECKING:
    from postroad_store.imap.grammar.reader import Reader

MAX_MODSEQ = (1 << 63) - 1
# Leading zeros are not forbidden; so many digits hold every value.
_DIGITS = re.compile(rb"\d{1,19}(?!\d)")


def read_modseq(reader: Reader, *, zero: bool = False) -> int:
    """Take a mod-sequence-value (1 <= n), or with `zero` a mod-sequence-valzer (0 <= n)."""
    value = int(reader.match(_DIGITS, "modseq"))
    if value > MAX_MODSEQ or not (value or zero):
        raise SyntaxFault("Invalid modseq")
    return value
