"""DNS over TCP (RFC 1035 §4.2.2, RFC 7766): length-prefixed messages, many a connection, pipelined at will.

`Framing` is the pure part; `Connection` puts it on a socket that does not block.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from postroad_dns.udp import answer

if TYPE_CHECKING:
    import socket

    from postroad_dns.cache import Cache

# Seconds that a connection may rest: RFC 7766 §6.2.3 wants the order of seconds.
IDLE = 10.0
_RECEIVE = 65536
# Octets of responses that a peer may leave unread before its queries are no longer read.
_BACKLOG = 262144


class Framing:
    """Cuts a stream of octets into messages; each has its length in front (RFC 1035 §4.2.2)."""

    def __init__(self) -> None:
        self._octets = bytearray()

    def receive_data(self, data: bytes) -> None:
        """Take octets, in pieces of any size."""
        self._octets += data

    def next_message(self) -> bytes | None:
        """Return the next message that is whole, or None."""
        octets = self._octets
        end = 2 + int.from_bytes(octets[:2], "big")
        if len(octets) < max(end, 2):
            return None
        message = bytes(octets[2:end])
        del octets[:end]
        return message


def framed(message: bytes) -> bytes:
    """Return the message with its length in front."""
    return len(message).to_bytes(2, "big") + message


class Connection:
    """One client's connection. `deadline` is the time at which it has rested too long."""

    def __init__(self, sock: socket.socket, now: float) -> None:
        self.socket = sock
        self.deadline = now + IDLE
        self._framing = Framing()
        self._unsent = b""

    @property
    def wants_to_write(self) -> bool:
        """Whether responses wait for the peer to read."""
        return bool(self._unsent)

    @property
    def wants_to_read(self) -> bool:
        """Whether the peer has read enough of its responses to ask on."""
        return len(self._unsent) < _BACKLOG

    def read(self, cache: Cache, now: float) -> bool:
        """Read what is there and answer each query; False where the connection is over."""
        try:
            data = self.socket.recv(_RECEIVE)
        except BlockingIOError:
            return True
        except OSError:
            return False
        if not data:
            # RFC 7766 §6.2.4: the client has closed, so what it has not read is not sent.
            return False
        self._framing.receive_data(data)
        return self.write(cache, now)

    def write(self, cache: Cache, now: float) -> bool:
        """Answer queries and send what the peer takes; False where the connection is over."""
        while True:
            self._answer(cache, now)
            if not self._unsent:
                return True
            try:
                sent = self.socket.send(self._unsent)
            except BlockingIOError:
                return True
            except OSError:
                return False
            self._unsent = self._unsent[sent:]
            if self._unsent:
                return True

    def _answer(self, cache: Cache, now: float) -> None:
        """Answer as many of the queries that wait as the backlog has room for."""
        responses: list[bytes] = []
        room = _BACKLOG - len(self._unsent)
        while room > 0 and (message := self._framing.next_message()) is not None:
            self.deadline = now + IDLE  # RFC 7766 §6.2.3: a whole message, not a piece of one
            response = answer(cache, message)
            if response is not None:
                responses.append(framed(response))
                room -= len(response) + 2
        self._unsent += b"".join(responses)
