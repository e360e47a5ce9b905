"""The tap: its listeners see every octet in and out of every session.

A shell (`postroad.shell`) asks `Tap.opened` once per session and then calls the returned `Listener`, if any: a session
without a listener costs one test for None per block. A listener gets the octets of the protocol: after TLS is removed,
before it is added.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol


@dataclass(frozen=True, slots=True)
class Opened:
    """A session as it begins."""

    protocol: str  # "smtp", "imap", "pop3"
    session: str  # the ID that the log and the journal give it
    peer: str  # "address:port"
    local: str  # "address:port"
    outbound: bool  # True where we are the client
    at: float  # seconds since the epoch, by `Clock.now`


class Listener(Protocol):
    """Hears one session. It is called on the event loop, must not block and must not raise."""

    def received(self, octets: bytes, at: float, *, tls: bool) -> None:
        """Take octets that came from the peer."""
        ...

    def sent(self, octets: bytes, at: float, *, tls: bool) -> None:
        """Take octets that go to the peer."""
        ...

    def closed(self, at: float) -> None:
        """Note that the session has ended; called once."""
        ...


class Tap(Protocol):
    """Chooses which sessions are heard."""

    def opened(self, session: Opened) -> Listener | None:
        """Return the listener of the session, or None."""
        ...
