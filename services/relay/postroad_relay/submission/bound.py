"""A bound on the queue: beyond it, clients are asked to try again later."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sized

log = logging.getLogger(__name__)

_SLACK = 20  # a full queue takes messages again once it has shrunk by one 20th


class Bound:
    """Whether the queue is full; each change is logged once.

    `most` is in messages. Notifications (DSNs) are not refused, and messages that are accepted at the same moment may
    exceed it by as many as there are connections.
    """

    def __init__(self, queue: Sized, most: int) -> None:
        self._queue = queue
        self._most = most
        self._low = most - most // _SLACK
        self._full = False

    def is_reached(self) -> bool:
        """Whether no further message may be accepted now."""
        length = len(self._queue)
        if self._full:
            if length >= self._low:
                return True
            self._full = False
            log.info("the queue takes messages again: it has %d", length)
        elif length >= self._most:
            self._full = True
            log.warning("the queue is full: it has %d messages, and POSTROAD_QUEUE is %d", length, self._most)
        return self._full
