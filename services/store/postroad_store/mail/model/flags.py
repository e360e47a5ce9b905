r"""Flags of messages (RFC 3501 §2.3.2): bits of one integer of any length.

The five system flags have the lowest bits; keywords have the bits above, given out by each mailbox for itself
(`keywords`). \Recent is no bit: it belongs to a session, not to a message (`View.recent`).
"""

from __future__ import annotations

from enum import Enum

from postroad.value import value

SEEN = 1
ANSWERED = 2
FLAGGED = 4
DELETED = 8
DRAFT = 16
SYSTEM = SEEN | ANSWERED | FLAGGED | DELETED | DRAFT

# In the order that FLAGS and PERMANENTFLAGS list them.
SYSTEM_FLAGS = {
    "\\Answered": ANSWERED,
    "\\Flagged": FLAGGED,
    "\\Deleted": DELETED,
    "\\Seen": SEEN,
    "\\Draft": DRAFT,
}

FIRST_KEYWORD = 5  # the bit number of a mailbox's first keyword
MAX_KEYWORDS = 10_000  # per mailbox, of those that messages have: no message's flags need more bits than that
MAX_KEYWORD = 200  # octets of one keyword


class Change(Enum):
    """The three ways in which STORE changes flags (RFC 3501 §6.4.6)."""

    ADD = "+FLAGS"
    REMOVE = "-FLAGS"
    REPLACE = "FLAGS"

    __hash__ = object.__hash__  # an Enum's own is a function in Python

    def apply(self, flags: int, bits: int) -> int:
        """Return the new flags of a message."""
        match self:
            case Change.ADD:
                return flags | bits
            case Change.REMOVE:
                return flags & ~bits
            case _:
                return bits


@value
class FlagSet:
    """Flags as a client names them: system flags as bits, keywords as it wrote them (case is kept, but ignored)."""

    system: int = 0
    keywords: tuple[str, ...] = ()


NO_FLAGS = FlagSet()
