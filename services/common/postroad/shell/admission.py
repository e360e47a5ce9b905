"""Which connections are admitted, and which are closed if there are too many.

A connection is a stranger until it has proved itself: by a login or, on a port without logins, by a mail transaction.
When the limit is reached, a new connection evicts the stranger that came first, if that has had `GRACE` seconds. So a
client that opens 500 sockets and says nothing shuts nobody out, though all clients may seem to have one address, as
they do behind Docker's gateway. And clients that come all at once don't evict each other before they could log in. If
one address has far more strangers than the newcomer's address has connections, one of them goes at once.
"""

from __future__ import annotations

import logging
from collections import Counter
from typing import TYPE_CHECKING, Generic, Protocol, TypeVar

if TYPE_CHECKING:
    from collections.abc import Iterator

    from postroad.clock import Clock

log = logging.getLogger(__name__)

GRACE = 5.0  # seconds in which a stranger is safe, unless its address has more than its share
SHARE = 2  # times the connections of a newcomer's address, with it: more strangers of one address are too many


class Evictable(Protocol):
    """A connection that can be evicted."""

    def evict(self) -> None:
        """Say goodbye and close, for another client's sake."""
        ...


Connection = TypeVar("Connection", bound=Evictable)


class Admission(Generic[Connection]):
    """The connections of one service.

    `most` of them at a time, and `most_per_address` of one client address; `name` is the service's, for the log.
    """

    def __init__(self, name: str, clock: Clock, most: int, most_per_address: int) -> None:
        self._name = name
        self._clock = clock
        self._most = most
        self._most_per_address = most_per_address
        self._addresses: dict[Connection, str] = {}
        self._per_address: dict[str, int] = {}
        self._strangers: dict[Connection, float] = {}  # when they came, in seconds of `Clock.monotonic`

    def __len__(self) -> int:
        """How many there are."""
        return len(self._addresses)

    def __iter__(self) -> Iterator[Connection]:
        """Give all of them, as they are at this moment."""
        return iter(list(self._addresses))

    def admit(self, connection: Connection, address: str) -> bool:
        """Count a connection in if there is room or a stranger can be evicted; False if it must be turned away."""
        crowded = len(self._addresses) >= self._most
        full = crowded or self._per_address.get(address, 0) >= self._most_per_address
        if full and not self._make_room(address, crowded):
            log.warning("%s: too many connections, one is turned away", self._name, extra={"peer": address})
            return False
        self._addresses[connection] = address
        self._per_address[address] = self._per_address.get(address, 0) + 1
        self._strangers[connection] = self._clock.monotonic()
        return True

    def prove(self, connection: Connection) -> None:
        """Note that a connection has proved itself."""
        self._strangers.pop(connection, None)

    def doubt(self, connection: Connection) -> None:
        """Make a connection a stranger again, which has just come."""
        self._strangers[connection] = self._clock.monotonic()

    def leave(self, connection: Connection) -> None:
        """Count a connection out, if it was in."""
        address = self._addresses.pop(connection, None)
        if address is None:
            return
        self._strangers.pop(connection, None)
        left = self._per_address[address] - 1
        if left:
            self._per_address[address] = left
        else:
            del self._per_address[address]

    def _make_room(self, address: str, crowded: bool) -> bool:
        """Evict a stranger for a newcomer of this address; False if no stranger can be evicted."""
        stranger = self._over_its_share(address) if crowded else None
        if stranger is None:
            stranger = self._first(None if crowded else address)
            if stranger is None or self._strangers[stranger] > self._clock.monotonic() - GRACE:
                return False
        log.info(
            "%s: too many connections, one that has not logged in is closed",
            self._name,
            extra={"peer": self._addresses[stranger]},
        )
        self.leave(stranger)
        stranger.evict()
        return True

    def _over_its_share(self, newcomer: str) -> Connection | None:
        """Return the first stranger of the address that has most of them, if that is too many for this newcomer."""
        strangers = Counter(map(self._addresses.__getitem__, self._strangers))
        for address, count in strangers.most_common(1):
            if count > SHARE * (self._per_address.get(newcomer, 0) + 1):
                return self._first(address)
        return None

    def _first(self, address: str | None) -> Connection | None:
        """Return the stranger that came first, of one address or of all."""
        for stranger in self._strangers:
            if address is None or self._addresses[stranger] == address:
                return stranger
        return None
