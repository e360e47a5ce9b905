"""The query log: the last exchanges, as octets, for those who want to read them later.

The serving thread hands over what it has in its hands anyway: the octets of queries and responses, a batch at a time.
Nothing is decoded before somebody asks (`asked`). Every exchange is kept until there are more than `limit`; then the
oldest batch goes. The control door reads in a thread of its own: it takes a copy of the list of batches, and a batch
never changes.
"""

from __future__ import annotations

import socket
from collections import deque
from contextlib import suppress
from ipaddress import ip_address
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

LIMIT = 20_000  # exchanges
ADDRESS = 32  # octets kept for a socket address

Pair = tuple[bytes, bytes | None]  # the query without its ID, and the response without it; None: it got no answer


class Batch(NamedTuple):
    """Exchanges of one moment."""

    first: int  # the number of the first one
    at: float  # seconds since the epoch
    transport: str  # "udp" or "tcp"
    peers: bytes | str  # socket addresses, `ADDRESS` octets each; or one address:port for all
    pairs: list[Pair]

    def peer(self, index: int) -> str:
        """Return who has asked, as address:port."""
        if isinstance(self.peers, str):
            return self.peers
        octets = self.peers[index * ADDRESS : (index + 1) * ADDRESS]
        # struct sockaddr_in and sockaddr_in6: the family, the port, and for IPv6 the flow, before the address
        port = int.from_bytes(octets[2:4], "big")
        family = int.from_bytes(octets[:2], "little")
        address = octets[4:8] if family == socket.AF_INET else octets[8:24]
        return f"{ip_address(address)}:{port}"


class Exchanges:
    """The last exchanges. One thread adds, any may read."""

    def __init__(self, now: Callable[[], float], *, limit: int = LIMIT) -> None:
        self.woken: Callable[[], None] | None = None  # is called at the next exchange, and forgotten
        self._now = now
        self._limit = limit
        self._batches: deque[Batch] = deque()
        self._held = 0
        self.number = int(now() * 1_000_000)  # of the last exchange; it grows over restarts too

    def add(self, transport: str, peers: bytes | str, pairs: list[Pair]) -> None:
        """Add exchanges; the list is kept."""
        count = len(pairs)
        self._batches.append(Batch(self.number + 1, self._now(), transport, peers, pairs))
        self.number += count
        self._held += count
        while self._held > self._limit and len(self._batches) > 1:
            self._held -= len(self._batches.popleft().pairs)
        if self.woken is not None:
            woken, self.woken = self.woken, None
            with suppress(RuntimeError):  # the door's loop is closed
                woken()

    @property
    def oldest(self) -> int:
        """The number of the oldest exchange that is kept."""
        batches = list(self._batches)
        return batches[0].first if batches else self.number + 1

    def newest(self) -> Iterator[tuple[Batch, int]]:
        """Yield the exchanges, the last first, as a batch and an index."""
        for batch in reversed(list(self._batches)):
            for index in range(len(batch.pairs) - 1, -1, -1):
                yield batch, index

    def find(self, number: int) -> tuple[Batch, int] | None:
        """Return an exchange by its number."""
        for batch in list(self._batches):
            if batch.first <= number < batch.first + len(batch.pairs):
                return batch, number - batch.first
        return None
