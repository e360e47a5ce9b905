"""A record of the catalog: one mail transaction that came in from outside, and where each copy is now.

A record is found by the relay's queue ID, which the client's 250 named. A notification (DSN) that the relay wrote has
a record too; its `origin` is `report`, and `about` names the record that it reports on.
"""

from __future__ import annotations

from dataclasses import KW_ONLY  # noqa: TC003 - a class is read by it
from enum import StrEnum
from typing import NamedTuple

from postroad.value import value
from postroad.world.world import DEFAULT_WORLD


class Origin(StrEnum):
    """The door through which a message came, by the relay's name of it; REPORT: the relay wrote it."""

    APP = "app"
    SUBMISSION = "submission"
    SUBMISSIONS = "submissions"
    TRANSFER = "smtp"
    REPORT = "report"


class State(StrEnum):
    """How far a recipient has got; a record has the state of its slowest recipient."""

    QUEUED = "queued"  # no attempt has ended yet
    DEFERRED = "deferred"  # an attempt has failed for now; `due` is when the next one is made
    HELD = "held"  # an administrator has stopped the attempts
    FAILED = "failed"  # refused for good, or expired: bounced
    DROPPED = "dropped"  # an administrator has taken it out of the queue
    CAPTURED = "captured"  # delivered to the capture account: the world does not know the domain
    DELIVERED = "delivered"  # in a mailbox


class Address(NamedTuple):
    """A mailbox of an address field of the header (RFC 5322 §3.4), decoded."""

    name: str
    address: str


@value
class Copy:
    """A message in a mailbox of the store."""

    account: str
    mailbox: str
    uid_validity: int
    uid: int
    removed: bool = False  # a client has expunged it


@value
class RecipientState:
    """One recipient of the envelope."""

    address: str
    state: State = State.QUEUED
    reason: str = ""  # the peer's reply, or ours
    host: str = ""  # the server that answered last
    due: float | None = None  # of the next attempt, seconds since the epoch
    attempts: int = 0
    copies: tuple[Copy, ...] = ()


@value
class Digest:
    """What the content says, as far as lists, searches and waits need it. All texts are decoded."""

    subject: str = ""
    from_: tuple[Address, ...] = ()
    to: tuple[Address, ...] = ()
    cc: tuple[Address, ...] = ()
    bcc: tuple[Address, ...] = ()
    reply_to: tuple[Address, ...] = ()
    date: float | None = None  # the Date field, seconds since the epoch
    snippet: str = ""
    attachments: int = 0
    inline: int = 0
    tags: tuple[str, ...] = ()  # from X-Tags and from subaddresses

    @property
    def named(self) -> frozenset[str]:
        """The addresses of To, Cc and Bcc, in lower case. Recipients of the envelope that are not here are blind."""
        return frozenset(address.address.lower() for field in (self.to, self.cc, self.bcc) for address in field)


@value
class Record:
    """One message. `number` grows with each arrival, so that it is a cursor."""

    _: KW_ONLY
    id: str
    number: int
    world: str = DEFAULT_WORLD
    origin: Origin = Origin.APP
    arrived: float = 0.0  # seconds since the epoch
    sender: str | None = None  # None: the null reverse-path
    recipients: tuple[RecipientState, ...] = ()
    message_id: str | None = None  # with its angle brackets
    size: int = 0  # octets
    login: str | None = None
    peer: str = ""
    client: str = ""
    protocol: str = ""
    tls: str | None = None
    digest: Digest | None = None  # None until the content has been read
    gone: bool = False  # it was removed before it could be read
    read: bool = False
    tags: tuple[str, ...] = ()
    about: str | None = None
    reports: tuple[str, ...] = ()
    state: State = State.QUEUED
