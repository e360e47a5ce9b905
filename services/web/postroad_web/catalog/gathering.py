"""Says whether lines of the journals are worth a step now, or the other half of a delivery follows in a moment. Pure.

The store says that a message is in a mailbox, and the relay that it is delivered. Nobody is told of a message before
both are known, and a step for each would cost twice what one costs. (What has only begun, the doors themselves hold.)
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Iterable

MOST: Final = 1000  # deliveries that one journal has and the other lacks

# In a JSON string the quotes would be escaped. What the relay has delivered bears the store's queue ID in the reply.
_STORED: Final = re.compile(rb'"kind":"stored".*?"queue_id":"([0-9A-Za-z]+)"')
_DELIVERED: Final = re.compile(rb'"kind":"delivered".*?\bstored as ([0-9A-Za-z]+)')


class Gathering:
    """The deliveries that only one of the two journals has so far."""

    def __init__(self) -> None:
        self._half: dict[bytes, None] = {}  # queue IDs of the store's, the oldest first

    def is_whole(self, lines: Iterable[bytes]) -> bool:
        """Take lines of a journal; return whether a delivery is whole with them, or they tell of none."""
        told = [match[1] for line in lines if (match := _STORED.search(line) or _DELIVERED.search(line)) is not None]
        whole = [store_id for store_id in told if self._is_second(store_id)]
        return bool(whole) or not told

    def _is_second(self, store_id: bytes) -> bool:
        if store_id in self._half:
            del self._half[store_id]
            return True
        self._half[store_id] = None
        if len(self._half) > MOST:
            del self._half[next(iter(self._half))]
        return False
