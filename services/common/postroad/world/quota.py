"""How much mail an account may have (RFC 9208), and what happens to more.

As settings and the world file write it: `100M`, `100M 1000 messages`, `1000 messages reject`, or `none`. A size is in
octets, or with K, M or G in as many times 1024 of them.
"""

from __future__ import annotations

import re

from postroad.measures import size
from postroad.value import value

_COUNT = re.compile(r"[0-9]{1,12}")


@value
class Quota:
    """The limits of an account; None: there is none."""

    storage: int | None = None  # octets
    messages: int | None = None
    permanent: bool = False  # mail for a full mailbox is returned at once (552 5.2.2), not tried again (452 4.2.2)


UNLIMITED = Quota()


def parse_quota(text: str) -> Quota:
    """Return the quota that a text means; raises `ValueError`."""
    words = text.split()
    if words in ([], ["none"]):
        return UNLIMITED
    permanent = words[-1] == "reject"
    if words[-1] in {"reject", "defer"}:
        words.pop()
    messages = storage = None
    if words[1:] and words[-1] in {"message", "messages"} and _COUNT.fullmatch(words[-2]):
        messages = int(words[-2])
        del words[-2:]
    for word in words:
        if storage is not None:
            raise ValueError(_SENTENCE)
        storage = _storage(word)
    if storage is None and messages is None:
        raise ValueError(_SENTENCE)
    return Quota(storage, messages, permanent)


_SENTENCE = "must be a size, a number of messages, or both, such as 100M 1000 messages, or none"


def _storage(text: str) -> int:
    try:
        return 0 if text == "0" else size(text)
    except ValueError:
        raise ValueError(_SENTENCE) from None
