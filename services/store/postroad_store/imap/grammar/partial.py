"""The range of PARTIAL (RFC 9394 §4): a page of a list of messages, counted from its begin or from its end."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from postroad.value import value
from postroad_store.imap.grammar.reader import MAX_NUMBER, SyntaxFault

if TYPE_CHECKING:
    from postroad_store.imap.grammar.reader import Reader

# partial-range-first = nz-number ":" nz-number; partial-range-last = MINUS nz-number ":" MINUS nz-number
_RANGE = re.compile(rb"(-?)([1-9]\d{0,9}):\1([1-9]\d{0,9})(?![\d:])")


@value
class Page:
    """Two places in a list, both included, as the client wrote them; `from_end`: counted from the last entry."""

    first: int  # from 1
    last: int
    from_end: bool

    def of(self, count: int) -> range:
        """Return the indexes, ascending and from 0, that the page has in a list of `count` entries."""
        # RFC 9394 §3.1: 500:400 is the same as 400:500.
        low, high = min(self.first, self.last) - 1, max(self.first, self.last)
        low, high = min(low, count), min(high, count)
        return range(count - high, count - low) if self.from_end else range(low, high)

    def __bytes__(self) -> bytes:
        """Give the range as the client wrote it: the response names it so."""
        sign = b"-" if self.from_end else b""
        return b"%b%d:%b%d" % (sign, self.first, sign, self.last)


def read_page(reader: Reader) -> Page:
    """Take a partial-range."""
    match = reader.find(_RANGE, "partial range")
    first, last = int(match[2]), int(match[3])
    if max(first, last) > MAX_NUMBER:
        raise SyntaxFault("Invalid partial range")
    return Page(first, last, bool(match[1]))
