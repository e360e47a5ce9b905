"""DNS over UDP: answers the datagrams that wait on a socket, from the cache.

`PlainUdp` works everywhere. `batched` is faster where the system has recvmmsg and sendmmsg; both answer the same
(tests/dns/test_udp.py).
"""

from __future__ import annotations

import contextlib
from typing import TYPE_CHECKING, Protocol

from postroad_dns.tally import Tally

if TYPE_CHECKING:
    import socket

    from postroad_dns.cache import Cache
    from postroad_dns.exchanges import Exchanges

RECEIVE = 4096  # octets that are read per datagram; a longer query is malformed then
BURST = 1024  # datagrams that are answered before the loop looks at its other sockets


class Udp(Protocol):
    """Answers the datagrams that wait on one socket."""

    cache: Cache  # may be exchanged at any time, by another thread too
    tally: Tally
    log: Exchanges | None  # where exchanges are noted

    def drain(self) -> None:
        """Answer at most `BURST` datagrams that wait; never blocks and never raises `OSError`."""


class PlainUdp:
    """One recvfrom and one sendto per query, on a socket that does not block."""

    def __init__(self, sock: socket.socket, cache: Cache, log: Exchanges | None = None) -> None:
        self.cache = cache
        self.log = log
        self.tally = Tally()
        self._receive = sock.recvfrom
        self._send = sock.sendto

    def drain(self) -> None:
        """See `Udp`."""
        receive, send, cache = self._receive, self._send, self.cache
        # BlockingIOError: no datagram waits. Other errors: an address that can't be answered, such as port 0.
        with contextlib.suppress(OSError):
            for _ in range(BURST):
                packet, peer = receive(RECEIVE)
                response = cache.answer(packet)
                self.tally.add_one(response)
                if self.log is not None:
                    pair = packet[2:], None if response is None else response[2:]
                    self.log.add("udp", f"{peer[0]}:{peer[1]}", [pair])
                if response is not None:
                    send(response, peer)
