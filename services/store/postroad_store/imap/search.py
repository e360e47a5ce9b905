"""SEARCH: from the command's keys to the mail's own (RFC 3501 §6.4.4)."""

from __future__ import annotations

from typing import TYPE_CHECKING

from postroad_store.imap.old_keys import And, Key, Not, Numbers, Or
from postroad_store.mail.search import keys as search

if TYPE_CHECKING:
    from collections.abc import Sequence

    from postroad_store.mail.model.message import UID


def key_for(key: Key, uids: Sequence[UID]) -> search.SearchKey:
    """Return the key with its numbers turned into UIDs, as the view with these UIDs has them."""
    if isinstance(key, And):
        return search.And(tuple(key_for(one, uids) for one in key.keys))
    if isinstance(key, Or):
        return search.Or(key_for(key.left, uids), key_for(key.right, uids))
    if isinstance(key, Not):
        return search.Not(key_for(key.key, uids))
    if isinstance(key, Numbers):
        return search.Uids(_ranges(key, uids))
    return key


def _ranges(key: Numbers, uids: Sequence[UID]) -> tuple[tuple[int, int], ...]:
    if not uids:
        return ()
    if key.uid:
        return key.messages.resolve(uids[-1])
    # Numbers beyond the last message match none; a client whose count is behind must not lose its search.
    count = len(uids)
    ranges = key.messages.resolve(count)
    return tuple((uids[low - 1], uids[min(high, count) - 1]) for low, high in ranges if low <= count)
