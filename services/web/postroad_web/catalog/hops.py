"""Measures the hops of messages by the times of their events: to the first attempt, and into the store. Pure.

A hop has two events, which may be read in either order and far apart. So the first is kept until the second comes; the
oldest are forgotten, since events that never meet their other half, such as an attempt's of long ago, would pile up.
"""

from __future__ import annotations

import re
from datetime import datetime
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Callable

KEPT: Final = 10_000  # events of a hop that wait for their other half

# Of a line of *attempted*, which is not parsed as a whole. The relay writes these fields in this order.
_FIRST_ATTEMPT: Final = re.compile(rb'"time":"([^"]{1,40})",.*"queue_id":"([0-9A-Za-z]{1,64})",.*"attempt":1[,}]')


class Hops:
    """Observes hops; `observe` gets the name of each and its seconds."""

    def __init__(self, observe: Callable[[str, float], None]) -> None:
        self._observe = observe
        self._accepted: dict[str, float] = {}  # by the relay's queue ID: seconds since the epoch, as below
        self._stored: dict[str, float] = {}  # by the store's queue ID
        self._delivered: dict[str, float] = {}  # by the store's queue ID: when the relay had accepted it

    def accepted(self, ident: str, when: float) -> None:
        """Take the time at which the relay accepted a message."""
        _keep(self._accepted, ident, when)

    def attempted(self, line: bytes) -> None:
        """Take a line that tells of an attempt."""
        match = _FIRST_ATTEMPT.search(line)
        accepted = self._accepted.pop(match[2].decode("ascii"), None) if match is not None else None
        if match is None or accepted is None:
            return
        try:
            when = datetime.fromisoformat(match[1].decode("ascii")).timestamp()
        except ValueError:
            return
        self._observe("attempt", when - accepted)

    def delivered(self, store_id: str, accepted: float) -> None:
        """Take the store's ID of a delivery, and when the relay had accepted the message."""
        stored = self._stored.pop(store_id, None)
        if stored is None:
            _keep(self._delivered, store_id, accepted)
        else:
            self._observe("store", stored - accepted)

    def stored(self, store_id: str, when: float) -> None:
        """Take the time at which the store had the message on disk."""
        accepted = self._delivered.pop(store_id, None)
        if accepted is None:
            _keep(self._stored, store_id, when)
        else:
            self._observe("store", when - accepted)


def _keep(events: dict[str, float], ident: str, when: float) -> None:
    if len(events) >= KEPT:
        del events[next(iter(events))]
    events.setdefault(ident, when)
