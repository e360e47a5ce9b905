"""Bounds on the work of the queue."""

from __future__ import annotations

from postroad.value import value


@value
class Capacity:
    """Bounds on messages, memory and workers."""

    active: int = 5000  # messages under way; each of the others costs memory for a few numbers
    held: int = 16 << 20  # octets of content in memory; further content is read back when its turn comes
    workers: int = 100
    lane: int = 20  # workers per domain
    lookups: int = 20  # DNS look-ups ahead of messages that are about to come
    refill: int = 500  # messages made active before other work of the event loop has its turn
    rest: float = 1.0  # seconds; the longest pause before servers that could not be reached are tried again
    retry_write: float = 1.0  # seconds until a failed write to the spool is tried again
