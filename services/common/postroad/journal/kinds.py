"""The events of the journal."""

from __future__ import annotations

import re
from dataclasses import field
from enum import StrEnum
from typing import TYPE_CHECKING, Any

from postroad.value import value

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import datetime

SUFFIX = ".jsonl"  # of a service's file; a rotated one has a dot and its age behind it


class Kind(StrEnum):
    """What happened to a message. The comment names the service that records it."""

    ACCEPTED = "accepted"  # relay: a client's transaction has ended with 250
    REFUSED = "refused"  # relay, store: a command, a login, a content or a TLS handshake; see below
    QUEUED = "queued"  # relay: it is in the spool
    RESOLVED = "resolved"  # relay: the MX hosts of a domain, or why it has none
    ATTEMPTED = "attempted"  # relay: a transaction with a server has begun
    DELIVERED = "delivered"  # relay: the server took it for this recipient
    DEFERRED = "deferred"  # relay: not now for this recipient; `next` is the time of the next attempt
    FAILED = "failed"  # relay: never for this recipient
    EXPIRED = "expired"  # relay: deferred for too long
    REPORTED = "reported"  # relay: a notification (DSN) about it is queued
    HELD = "held"  # relay: an administrator has stopped the attempts
    RELEASED = "released"  # relay: ... and lets them go on
    DROPPED = "dropped"  # relay: an administrator has taken it out of the queue
    STORED = "stored"  # store: it is in a mailbox
    FILTERED = "filtered"  # store: a Sieve script has decided; `actions` it took, or the `error` that ended it
    RETRIEVED = "retrieved"  # store: a client has read it whole
    REMOVED = "removed"  # store: a client has expunged or deleted it
    MOVED = "moved"  # store: it is in another mailbox now, under another UID
    COPIED = "copied"  # store: it is in another mailbox too
    RENAMED = "renamed"  # store: the mailbox that it is in has another name
    KEPT = "kept"  # store: a snapshot has what an account had at this moment
    RESTORED = "restored"  # store: an account has what a snapshot had kept, and nothing else
    LOST = "lost"  # relay, store: so many events (`count`) were not written, as the disk or the queue was full


# What follows within milliseconds, most often, is what came of it.
BEGINNINGS = frozenset({Kind.ACCEPTED, Kind.QUEUED, Kind.RESOLVED, Kind.ATTEMPTED})
_BEGINNING = re.compile(rb'"kind":"(?:%b)"' % b"|".join(kind.value.encode("ascii") for kind in sorted(BEGINNINGS)))


def only_begins(lines: bytes) -> bool:
    """Whether these lines of a journal say that something has begun, and of nothing what came of it."""
    return len(_BEGINNING.findall(lines)) == lines.count(b"\n")


# The details of REFUSED, all optional: `command` (MAIL, RCPT, AUTH, TLS, content, connection), `peer` (its IP address),
# `client` (the name it gave in EHLO), `port` (the listener), `session` (any name that the events of one session share;
# ACCEPTED may have it too), `sender`, `recipient`, `recipients` (a list, of a content), `argument` (of a MAIL or RCPT
# that the receiver itself refused), `login`, `mechanism` (by which it was tried), `identity` (as whom the client wanted
# to act), `reply`, `reason`, `not_noted` (how many refusals of this peer before it were left out). Any kind may have
# `further_message_ids`, a list.


@value
class Entry:
    """One event of the journal."""

    time: datetime  # aware, UTC
    service: str
    kind: Kind
    queue_id: str | None = None
    message_id: str | None = None  # with its angle brackets, as in the message
    detail: Mapping[str, Any] = field(default_factory=dict)
    number: int | None = None  # None in a line of before events were numbered
