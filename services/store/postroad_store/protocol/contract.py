"""The contract between an engine, a session and a connection of the store.

An *engine* is a protocol without I/O (POP3's, IMAP's): octets in, events and octets out. A *session* carries
out the events against the mail. A *connection* is the transport as a session sees it. The
adapter (`connection.py`) is the only part that knows a socket, so engines are tested octet by octet, and
sessions without a network.

One turn of the wheel, for each block of octets that arrives:

    engine.receive_data(block)
    while (event := engine.next_event()) is not None:
        session.handle(event)          # answers through the engine, at once or once a commit is durable
        write(engine.data_to_send())

The engine keeps the order of answers: after an event that wants an answer it pauses. `next_event` then returns
None though input is waiting, and pipelined commands stay in the buffer until the answer is given.
"""

from __future__ import annotations

from enum import Enum, auto
from typing import TYPE_CHECKING, Protocol

from postroad.value import value

if TYPE_CHECKING:
    from collections.abc import Awaitable

    from postroad.sasl.channel import Channel
    from postroad.tap import Fact


class Event:
    """A command, or another thing that has happened; each engine has its own events, all frozen and slotted."""

    __slots__ = ()


@value
class StartTls(Event):
    """Begin the TLS handshake; the octets that agree to it are in `data_to_send`.

    The engine has forgotten all plaintext that came after the command (RFC 3207 §6, RFC 2595 §2.1), and
    gives no further event before `Session.tls_started`.
    """


@value
class Compress(Event):
    """Compress from here on, both ways (RFC 4978); the octets that agree to it are in `data_to_send`.

    `behind` are octets that have come behind the command already: they are compressed.
    """

    behind: bytes


@value
class Decompressed(Event):
    """End the compression behind what is in `data_to_send` (RFC 8437 §4.1)."""


@value
class Close(Event):
    """Write the rest of `data_to_send` and close the connection."""


class Farewell(Enum):
    """Why the server ends a session of its own accord."""

    IDLE = auto()  # the client has been silent for too long
    SHUTDOWN = auto()  # the service stops
    GARBLED = auto()  # what the client sends is not compressed, as it said it would be
    CROWDED = auto()  # there are too many connections, and this one has not logged in
    REMOVED = auto()  # the account has been removed
    RESTORED = auto()  # the account has what a snapshot had kept


class ConnectionLost(Exception):  # noqa: N818 - an event of the network, and no fault
    """The client has gone while a session waited to write to it."""


class Engine(Protocol):
    """A protocol's state machine: pure, with no clock, socket or file."""

    def receive_data(self, data: bytes) -> None:
        """Take octets from the client; a bounded number, since the adapter stops reading while the engine is paused."""
        ...

    def next_event(self) -> Event | None:
        """Return the next event, or None: more input is needed, or the last event awaits its answer."""
        ...

    def data_to_send(self) -> bytes:
        """Return the octets for the client, and forget them."""
        ...


class Connection(Protocol):
    """The transport, as a session sees it."""

    @property
    def peer(self) -> str:
        """The client's IP address."""
        ...

    @property
    def session_id(self) -> str:
        """The ID of this connection in journal and transcripts."""
        ...

    @property
    def secure(self) -> bool:
        """Whether TLS is in use."""
        ...

    @property
    def channel(self) -> Channel:
        """What SASL may know of the TLS."""
        ...

    @property
    def compressed(self) -> bool:
        """Whether octets are compressed."""
        ...

    def rest(self) -> None:
        """Note that the client waits: what can be made again need not be kept."""
        ...

    def flush(self) -> None:
        """Write `engine.data_to_send()` now: for answers outside `handle`, or during a long one."""
        ...

    def note(self, fact: Fact) -> None:
        """Tell the tap, if there is one, what the session knows."""
        ...

    def logged_in(self, login: str) -> None:
        """Note that the client has logged in, as this account: it may be silent for longer, and is not evicted."""
        ...

    def logged_out(self) -> None:
        """Note that the client is a stranger again."""
        ...

    def can_write(self) -> bool:
        """Whether the client keeps up; if not, wait (`wait_writable`) before producing more."""
        ...

    async def wait_writable(self) -> None:
        """Wait until the client has read what was written; raises `ConnectionLost` if it has gone."""
        ...

    def close(self) -> None:
        """Write `engine.data_to_send()` and close the connection."""
        ...


class Session(Protocol):
    """Carries out the commands of one connection."""

    @property
    def engine(self) -> Engine:
        """The engine of this connection."""
        ...

    def begin(self, connection: Connection) -> None:
        """Greet: the adapter writes `data_to_send` afterwards."""
        ...

    def handle(self, event: Event) -> Awaitable[None] | None:
        """Carry out an event and answer it through the engine.

        None means that it is done (the hot path). Otherwise the adapter carries the result out (`errand`) and asks
        for no further event before; the work goes on to its end even when the client goes away.
        `ConnectionLost` may be let through. Never await the client's next input here: waiting for it (IDLE's
        DONE) is a state of the engine.
        """
        ...

    def failed(self, event: Event) -> None:
        """Answer an event whose handling has crashed, so that the engine goes on (`NO [SERVERBUG]`, `-ERR`).

        The adapter has logged the traceback; the answer must not show any of it.
        """
        ...

    def tls_started(self) -> None:
        """Note that the handshake after `StartTls` is over: `Connection.secure` is True, `channel` is known."""
        ...

    def farewell(self, reason: Farewell) -> None:
        """Say goodbye if the protocol has a way to; the connection is closed afterwards."""
        ...

    def end(self) -> None:
        """Release locks and views: the connection has gone, and no handling is under way. Called once."""
        ...
