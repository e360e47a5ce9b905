"""The messages that a message names: itself and those that it answers (RFC 5322 §3.6.4), as numbers.

A store finds the threads of mail by them. A Message-ID may be long and there are many, so it is kept as a hash of 63
bits: among a million messages, the chance that two of them ever meet is one in ten million.
"""

from __future__ import annotations

import re
from hashlib import blake2b
from typing import TYPE_CHECKING

from postroad.value import value

if TYPE_CHECKING:
    from collections.abc import Iterable

MAX_REFERENCES = 50  # of a message, the nearest ones: with the root, they find any thread that a reader would see

# msg-id = [CFWS] "<" id-left "@" id-right ">" [CFWS]. The id may be anything between the brackets: what matters is
# whether two are the same. RFC 5322 §4.5.4: an old In-Reply-To may have phrases too.
_ID = re.compile(rb"<[ \t]*([^<>\s]+)[ \t]*>")
_NAMES = frozenset({b"message-id", b"references", b"in-reply-to"})
_SIGN = (1 << 63) - 1


@value
class Links:
    """The Message-IDs in a header section, as hashes."""

    own: int | None
    references: tuple[int, ...]  # the nearest first, each once; none of them is `own`


def links(fields: Iterable[tuple[bytes, bytes]]) -> Links:
    """Return the links in a header section's (lower-case name, unfolded value) pairs.

    RFC 5256 §3, THREAD=REFERENCES: References count, and without any the first id of In-Reply-To.
    """
    own: int | None = None
    references: list[bytes] = []
    replied: list[bytes] = []
    for name, text in fields:
        if name not in _NAMES:
            continue
        if name == b"message-id" and own is None:
            match = _ID.search(text)
            own = number_of(match[1]) if match else None
        elif name == b"references":
            references += _ID.findall(text)
        elif name == b"in-reply-to" and not replied:
            replied = _ID.findall(text)[:1]
    nearest = references[::-1] or replied
    if not nearest:  # as of most
        return Links(own, ())
    if len(nearest) > MAX_REFERENCES:
        nearest = [*nearest[: MAX_REFERENCES - 1], nearest[-1]]
    numbers = dict.fromkeys(map(number_of, nearest))
    return Links(own, tuple(number for number in numbers if number != own))


def number_of(message_id: bytes) -> int:
    """Return the hash of what is between the angle brackets."""
    return int.from_bytes(blake2b(message_id, digest_size=8).digest(), "big") & _SIGN
