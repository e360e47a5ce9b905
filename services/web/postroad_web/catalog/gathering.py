"""Says whether lines of the journals are worth a step now, or more of the same messages follow in a moment. Pure.

A message makes six lines within milliseconds: it is accepted, queued, resolved, attempted, stored and delivered. A step
for each two of them would cost three times what one costs, and nobody is told of a message before it is whole.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final

from postroad.journal.kinds import Kind

if TYPE_CHECKING:
    from collections.abc import Iterable

MOST: Final = 1000  # deliveries of which one journal has told and the other has not

_BEGINNINGS: Final = frozenset(
    kind.value.encode("ascii") for kind in (Kind.ACCEPTED, Kind.QUEUED, Kind.RESOLVED, Kind.ATTEMPTED)
)
# In a JSON string the quotes would be escaped. What the relay has delivered bears the store's queue ID in the reply.
_KIND = re.compile(rb'"kind":"([a-z]+)"')
_STORED: Final = re.compile(rb'"kind":"stored".*?"queue_id":"([0-9A-Za-z]+)"')
_DELIVERED: Final = re.compile(rb'"kind":"delivered".*?\bstored as ([0-9A-Za-z]+)')


class Gathering:
    """The deliveries that one of the two journals has told of so far."""

    def __init__(self) -> None:
        self._half: dict[bytes, None] = {}  # queue IDs of the store's, the oldest first

    def is_whole(self, lines: Iterable[bytes]) -> bool:
        """Take lines of a journal; return whether something is whole with them: a delivery, or what stands alone."""
        whole = False
        for line in lines:
            match = _STORED.search(line) or _DELIVERED.search(line)
            if match is not None:
                whole |= self._is_second(match[1])
            else:
                kind = _KIND.search(line)
                whole |= kind is None or kind[1] not in _BEGINNINGS
        return whole

    def _is_second(self, store_id: bytes) -> bool:
        if store_id in self._half:
            del self._half[store_id]
            return True
        self._half[store_id] = None
        if len(self._half) > MOST:
            del self._half[next(iter(self._half))]
        return False
