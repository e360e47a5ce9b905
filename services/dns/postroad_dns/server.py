"""The server: one thread, one selector, a UDP socket and a TCP listener at one address.

It needs no event loop: a query is answered as soon as it is read. Only `serve` runs on that thread; `replace`,
`change` and `stop` may be called from any other thread, `stop` from a signal handler too.
"""

from __future__ import annotations

import contextlib
import logging
import selectors
import socket
import time
from collections import Counter, deque
from typing import TYPE_CHECKING, Any

from postroad.shell.acknowledge import acknowledge
from postroad_dns.batched import open_udp
from postroad_dns.cache import Cache
from postroad_dns.live import LiveCatalog
from postroad_dns.responder import Responder
from postroad_dns.tally import Tally
from postroad_dns.tcp import Connection

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from postroad.dns.name import Key
    from postroad.dns.zone import Catalog
    from postroad_dns.exchanges import Exchanges
    from postroad_dns.udp import Udp

_log = logging.getLogger(__name__)

_SWEEP = 1.0  # seconds between searches for idle connections
_UDP_BUFFER = 4 << 20  # octets; a burst waits here instead of being lost
_BACKLOG = 128
_WAKES = 4096  # octets, one for each change, that are read at a time


class Server:
    """Answers at one address over UDP and TCP. Raises `OSError` if the address can't be bound.

    With port 0 the system chooses one port for both; `address` has it. `connections` is the number of TCP
    connections that may be open at a time; one more closes the one that has been idle longest. Exchanges are noted in
    `log`.
    """

    def __init__(
        self, address: str, port: int, catalog: Catalog, *, connections: int, log: Exchanges | None = None
    ) -> None:
        self._limit = connections
        self._log = log
        self._connections: set[Connection] = set()
        self._stopping = False
        family = socket.AF_INET6 if ":" in address else socket.AF_INET
        with contextlib.ExitStack() as stack:
            self._tcp = stack.enter_context(socket.create_server((address, port), family=family, backlog=_BACKLOG))
            self._tcp.setblocking(False)
            self.address: tuple[str, int] = self._tcp.getsockname()[:2]
            self._udp_socket = stack.enter_context(socket.socket(family, socket.SOCK_DGRAM))
            self._udp_socket.setblocking(False)
            self._udp_socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, _UDP_BUFFER)
            self._udp_socket.bind(self.address)
            self._woken, self._wake = map(stack.enter_context, socket.socketpair())
            self._wake.setblocking(False)
            self._selector = stack.enter_context(selectors.DefaultSelector())
            self._open = stack.pop_all()
        responder = Responder(catalog)
        self.catalog = catalog
        self._udp: Udp = open_udp(self._udp_socket, _cache(responder.udp, catalog), log)
        self._tcp_cache = _cache(responder.tcp, catalog)
        self._changes: deque[Callable[[], None]] = deque()
        self._tcp_tally = Tally()
        self._misses = 0  # of caches that were replaced
        for sock in (self._udp_socket, self._tcp, self._woken):
            self._selector.register(sock, selectors.EVENT_READ)

    def replace(self, catalog: Catalog) -> None:
        """Answer from another catalog from now on, with empty caches."""
        responder = Responder(catalog)
        self.catalog = catalog
        self._misses += self._udp.cache.misses + self._tcp_cache.misses
        self._udp.cache = _cache(responder.udp, catalog)
        self._tcp_cache = _cache(responder.tcp, catalog)

    def change(self, change: Callable[[], Iterable[Key]], done: Callable[[Exception | None], None]) -> None:
        """Have the thread that serves make a change of zones, whose keys it returns; `done` is called there."""

        def make() -> None:
            try:
                zones = list(change())
                self._udp.cache.forget(zones)
                self._tcp_cache.forget(zones)
            except Exception as error:  # noqa: BLE001 - it is the caller's
                done(error)
            else:
                done(None)

        self._changes.append(make)
        self._wake.send(b"\0")

    def figures(self) -> dict[str, Any]:
        """Return how many queries there were, how they were answered, and whether from the cache."""
        udp, udp_answers = self._udp.tally.figures()
        tcp, tcp_answers = self._tcp_tally.figures()
        misses = self._misses + self._udp.cache.misses + self._tcp_cache.misses
        return {
            "queries": {"udp": udp, "tcp": tcp},
            "answers": dict(Counter(udp_answers) + Counter(tcp_answers)),
            "cache": {"hits": max(0, udp + tcp - misses), "misses": misses},
            "zones": len(self.catalog.zones),
        }

    def stop(self) -> None:
        """Let `serve` end."""
        self._changes.append(self._stop)
        self._wake.send(b"\0")

    def _stop(self) -> None:
        self._stopping = True

    def serve(self) -> None:
        """Answer until `stop` is called, then close everything."""
        swept = time.monotonic()
        while not self._stopping:
            for key, events in self._selector.select(_SWEEP):
                if key.fileobj is self._udp_socket:
                    self._udp.drain()
                elif key.fileobj is self._tcp:
                    self._accept()
                elif key.fileobj is self._woken:
                    self._woken.recv(_WAKES)
                    while self._changes:
                        self._changes.popleft()()
                elif key.data in self._connections:  # not if it was closed a moment ago to make room
                    self._serve_connection(key.data, events)
            now = time.monotonic()
            if now - swept >= _SWEEP:
                swept = now
                for connection in tuple(self._connections):
                    if connection.deadline <= now:
                        self._close(connection)
        for connection in tuple(self._connections):
            self._close(connection)
        self.close()

    def close(self) -> None:
        """Close the sockets; `serve` has done so itself."""
        self._open.close()

    def _accept(self) -> None:
        try:
            sock, peer = self._tcp.accept()
        except BlockingIOError:
            return
        except OSError as error:
            # No descriptors are left, or the client has gone. The connection that has been idle longest makes room.
            _log.warning("a connection could not be accepted: %s", error)
            self._make_room(0)
            return
        self._make_room(self._limit - 1)
        sock.setblocking(False)
        sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        connection = Connection(sock, time.monotonic(), peer=f"{peer[0]}:{peer[1]}", log=self._log)
        self._connections.add(connection)
        self._selector.register(sock, selectors.EVENT_READ, connection)

    def _make_room(self, allowed: int) -> None:
        """Close the connection that has been idle longest if there are more than `allowed`."""
        if len(self._connections) > allowed and self._connections:
            self._close(min(self._connections, key=lambda connection: connection.deadline))

    def _serve_connection(self, connection: Connection, events: int) -> None:
        serve = connection.read if events & selectors.EVENT_READ else connection.write
        if not serve(self._tcp_cache, self._tcp_tally, time.monotonic()):
            self._close(connection)
            return
        # Some clients send the length alone, and then wait to be heard (`postroad.shell`: pieces).
        if connection.is_amid:
            acknowledge(connection.socket)
        wanted = (connection.wants_to_read and selectors.EVENT_READ) | (
            connection.wants_to_write and selectors.EVENT_WRITE
        )
        if wanted != self._selector.get_key(connection.socket).events:
            self._selector.modify(connection.socket, wanted, connection)

    def _close(self, connection: Connection) -> None:
        self._connections.remove(connection)
        self._selector.unregister(connection.socket)
        connection.socket.close()


def _cache(respond: Callable[[bytes], bytes | None], catalog: Catalog) -> Cache:
    return Cache(respond, touched=catalog.touched if isinstance(catalog, LiveCatalog) else None)
