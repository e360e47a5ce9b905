"""DNS over TCP (RFC 7766): a connection with many queries on it, pipelined, on a socket that does not block."""

from __future__ import annotations

from typing import TYPE_CHECKING

from postroad_dns.framing import Framing, framed

if TYPE_CHECKING:
    import socket

    from postroad_dns.cache import Cache
    from postroad_dns.exchanges import Exchanges
    from postroad_dns.tally import Tally

# Seconds that a connection may be idle: RFC 7766 §6.2.3 recommends the order of seconds.
IDLE = 10.0
_RECEIVE = 65536
# Octets of responses that a peer may leave unread before we stop reading its queries.
_BACKLOG = 262144


class Connection:
    """One client's connection. `deadline` is the time on the monotonic clock at which it has been idle too long."""

    def __init__(self, sock: socket.socket, now: float, *, peer: str = "", log: Exchanges | None = None) -> None:
        self.socket = sock
        self.deadline = now + IDLE
        self._framing = Framing()
        self._unsent = b""
        self._peer = peer
        self._log = log  # where exchanges are noted

    @property
    def wants_to_write(self) -> bool:
        """Whether responses wait for the peer to read."""
        return bool(self._unsent)

    @property
    def wants_to_read(self) -> bool:
        """Whether the peer has read enough of its responses to ask more."""
        return len(self._unsent) < _BACKLOG

    @property
    def is_amid(self) -> bool:
        """Whether a piece of a query has come, and nothing is to be sent."""
        return not self._unsent and self._framing.is_amid

    def read(self, cache: Cache, tally: Tally, now: float) -> bool:
        """Read the octets that have come and answer each query; False if the connection is over."""
        try:
            data = self.socket.recv(_RECEIVE)
        except BlockingIOError:
            return True
        except OSError:
            return False
        if not data:
            # RFC 7766 §6.2.4: the client has closed, so responses that it has not read are not sent.
            return False
        self._framing.receive_data(data)
        return self.write(cache, tally, now)

    def write(self, cache: Cache, tally: Tally, now: float) -> bool:
        """Answer queries and send as much as the peer takes; False if the connection is over."""
        while True:
            self._answer(cache, tally, now)
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

    def _answer(self, cache: Cache, tally: Tally, now: float) -> None:
        """Answer as many waiting queries as the backlog has room for."""
        responses: list[bytes] = []
        room = _BACKLOG - len(self._unsent)
        while room > 0 and (message := self._framing.next_message()) is not None:
            self.deadline = now + IDLE  # RFC 7766 §6.2.3: a whole message, not a piece of one
            response = cache.answer(message)
            tally.add_one(response)
            if self._log is not None:
                self._log.add("tcp", self._peer, [(message[2:], None if response is None else response[2:])])
            if response is not None:
                responses.append(framed(response))
                room -= len(response) + 2
        self._unsent += b"".join(responses)
