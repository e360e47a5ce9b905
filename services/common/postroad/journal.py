"""The journal: one JSON line for each thing that happened to a message, one file and one writer a service.

Writing never delays mail and never fails it: `record` puts the event in a bounded queue and a thread of its own
writes it; an event that cannot be written is counted and dropped. `trace` reads the files of all services.
"""

from __future__ import annotations

from enum import StrEnum


class Kind(StrEnum):
    """What happened (design §3)."""

    ACCEPTED = "accepted"
    QUEUED = "queued"
    RESOLVED = "resolved"
    ATTEMPTED = "attempted"
    DELIVERED = "delivered"
    DEFERRED = "deferred"
    FAILED = "failed"
    EXPIRED = "expired"
    REPORTED = "reported"
    STORED = "stored"
    RETRIEVED = "retrieved"
    REMOVED = "removed"
