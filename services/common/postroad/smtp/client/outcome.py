"""The outcome of an attempt for one recipient: Delivered, Deferred or Failed (RFC 5321 §4.2.1, RFC 5321 §4.5.4.1)."""

from __future__ import annotations

from typing import TypeAlias

from postroad.mail.reply import EnhancedStatus, Reply
from postroad.value import value


@value
class Delivered:
    """The host has taken responsibility for the message (RFC 5321 §4.2.5)."""

    host: str  # name[address]
    reply: Reply


@value
class Deferred:
    """It may succeed later: a 4yz reply, a network failure, a name server that does not answer.

    `host` is None if no server was reached, and `reply` is None if the server said nothing; `command` is the command
    that the reply answered, such as "RCPT TO".
    """

    status: EnhancedStatus  # class 4
    reason: str
    host: str | None = None
    reply: Reply | None = None
    command: str | None = None


@value
class Failed:
    """It will never succeed: a 5yz reply, a domain that does not exist. The fields are those of `Deferred`."""

    status: EnhancedStatus  # class 5
    reason: str
    host: str | None = None
    reply: Reply | None = None
    command: str | None = None


Outcome: TypeAlias = Delivered | Deferred | Failed


def from_reply(reply: Reply, *, host: str, command: str) -> Deferred | Failed:
    """Return the outcome of a 4yz or 5yz reply; one without an enhanced status gets X.0.0 (RFC 3463 §3.1)."""
    klass = 4 if reply.is_transient else 5
    status = reply.status if reply.status is not None and reply.status.klass == klass else EnhancedStatus(klass, 0, 0)
    reason = f"host {host} said: {reply} (in reply to {command})"
    kind = Deferred if klass == 4 else Failed
    return kind(status, reason, host, reply, command)


def deferred(status: str, reason: str, host: str | None = None) -> Deferred:
    """Make a Deferred without a reply: `deferred("4.4.1", "connection refused")`."""
    return Deferred(_status(status), reason, host)


def failed(status: str, reason: str, host: str | None = None) -> Failed:
    """Make a Failed without a reply: `failed("5.1.2", "the domain does not exist")`."""
    return Failed(_status(status), reason, host)


def _status(text: str) -> EnhancedStatus:
    return EnhancedStatus(*(int(part) for part in text.split(".")))
