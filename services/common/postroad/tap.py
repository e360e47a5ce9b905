"""The tap: its listeners see every octet in and out of every session.

A shell (`postroad.shell`) asks `Tap.opened` once per session and then calls the returned `Listener`, if any: a session
without a listener costs one test for None per block. A listener gets the octets of the protocol: after TLS is removed,
before it is added. It also gets what the wire does not say in plain words (`Fact`): who the client is, and which
messages it sends and reads.
"""

from __future__ import annotations

from typing import NamedTuple, Protocol, TypeAlias


class Opened(NamedTuple):  # a tuple, as the facts are: one is made per session or per message
    """A session as it begins."""

    protocol: str  # "smtp", "lmtp", "imap", "pop3", "managesieve"
    session: str  # the ID that the log and the journal give it
    peer: str  # "address:port"
    local: str  # "address:port"
    outbound: bool  # True where we are the client
    at: float  # seconds since the epoch, by `Clock.now`
    world: str | None = None  # whose it is from the start, by the port; None: nobody has said yet


class LoggedIn(NamedTuple):
    """The client has proved who it is, or is taken at its word."""

    login: str
    world: str


class Carried(NamedTuple):
    """A mail transaction carries a message: outbound the next one, else the one whose content has just ended."""

    queue_id: str
    world: str


class Read(NamedTuple):
    """The client has read messages whole."""

    account: str
    mailbox: str
    uid_validity: int
    uids: str  # a uid-set (RFC 4315 §4)
    world: str


Fact: TypeAlias = LoggedIn | Carried | Read


class Listener(Protocol):
    """Hears one session. It is called on the event loop, must not block and must not raise."""

    def received(self, octets: bytes, at: float, *, tls: bool) -> None:
        """Take octets that came from the peer."""
        ...

    def sent(self, octets: bytes, at: float, *, tls: bool) -> None:
        """Take octets that go to the peer."""
        ...

    def noted(self, fact: Fact) -> None:
        """Take what the service knows of the session at this point of it."""
        ...

    def closed(self, at: float) -> None:
        """Note that the session has ended; called once."""
        ...


class Tap(Protocol):
    """Chooses which sessions are heard."""

    def opened(self, session: Opened) -> Listener | None:
        """Return the listener of the session, or None."""
        ...
