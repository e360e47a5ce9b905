"""A control door: HTTP/1.1 (RFC 9110, RFC 9112) on the service's own event loop, built so that no stranger slows mail.

Any program on the private network can reach the door. A client is a stranger until its token was right, and costs
next to nothing before. `LOOKS` clients per second get a first look (`gate`); others wait in the kernel. A client that
does not show the token at once is answered 401 and closed, unless its request is still incomplete: `RATE` of those are
let in per second, and have `PATIENCE` seconds, `READS` reads and one request. The first of `STRANGERS` is closed for
the next. A stranger's body is not read. A client with the token may keep its connection.
"""

from __future__ import annotations

import asyncio
import logging
import socket
from typing import TYPE_CHECKING

from postroad.bucket import Bucket
from postroad.control.connection import Connection
from postroad.control.gate import Gate, first_octets, is_whole, turn_away
from postroad.control.messages import (
    Handler,
    Refusal,
    Request,
    Response,
    Route,
    Routes,
    answer,
)

if TYPE_CHECKING:
    from collections.abc import Sequence

    from postroad.clock import Clock, Timer

__all__ = ["Door", "Handler", "Refusal", "Request", "Response", "Route", "answer"]

_log = logging.getLogger(__name__)

LOOKS = 150.0  # first looks per second
RATE = 32.0  # strangers per second whose requests are incomplete
BURST = 64.0  # of each, at once
STRANGERS = 16  # open at a time
FRIENDS = 256  # connections with the token
FAREWELL = 5.0  # seconds in which handlers may end when the door closes
COMPLAINTS = 60.0  # seconds between two log lines about wrong tokens

_BACKLOG = 64
_REST = 8.0 / LOOKS  # seconds after which there are some looks again
# The kernel keeps connections on which nothing is sent to itself, for a second, where it can.
_DEFER = getattr(socket, "TCP_DEFER_ACCEPT", None)


class Door:
    """The control door of one service, with the routes that it has."""

    def __init__(self, routes: Sequence[Route], *, token: str, clock: Clock) -> None:
        self.clock = clock
        self.routes = Routes(routes)
        self.gate = Gate(token)
        self._listener: socket.socket | None = None
        self._address = ("", 0)
        self._looks = Bucket(clock, LOOKS, BURST)
        self._guests = Bucket(clock, RATE, BURST)
        self._resting: Timer | None = None
        self._opening: set[asyncio.Task[object]] = set()
        self._strangers: dict[Connection, None] = {}  # in the order in which they came
        self._friends: set[Connection] = set()
        self._refused = 0
        self._complained = -COMPLAINTS

    @property
    def address(self) -> tuple[str, int]:
        """Where the door listens, once it is started."""
        return self._address

    async def start(self, host: str, port: int) -> None:
        """Listen; raises `OSError` if the address can't be bound."""
        family = socket.AF_INET6 if ":" in host else socket.AF_INET
        self._listener = socket.create_server((host, port), family=family, backlog=_BACKLOG)
        self._listener.setblocking(False)
        if _DEFER is not None:
            self._listener.setsockopt(socket.IPPROTO_TCP, _DEFER, 1)
        self._address = self._listener.getsockname()[:2]
        asyncio.get_running_loop().add_reader(self._listener, self._accept)

    async def close(self) -> None:
        """Let no more clients in, let handlers end that change something, and close all connections."""
        if self._listener is not None:
            asyncio.get_running_loop().remove_reader(self._listener)
            self._listener.close()
            self._listener = None
        if self._resting is not None:
            self._resting.cancel()
        await asyncio.gather(*self._opening, return_exceptions=True)
        farewells = [connection.leave() for connection in self._connections()]
        if farewells:
            await asyncio.wait(farewells, timeout=FAREWELL)
        for connection in self._connections():
            connection.cut()

    def _connections(self) -> tuple[Connection, ...]:
        return (*self._strangers, *self._friends)

    def greet(self, connection: Connection) -> None:
        """Count a stranger in."""
        if len(self._strangers) >= STRANGERS:
            next(iter(self._strangers)).cut()
        self._strangers[connection] = None

    def befriend(self, connection: Connection) -> bool:
        """Note that a client had the token; False if there are too many."""
        if len(self._friends) >= FRIENDS:
            return False
        self._strangers.pop(connection, None)
        self._friends.add(connection)
        return True

    def part(self, connection: Connection) -> None:
        """Count a connection out."""
        self._strangers.pop(connection, None)
        self._friends.discard(connection)

    def complain(self, peer: str) -> None:
        """Log that a token was wrong, but not each time."""
        self._refused += 1
        now = self.clock.monotonic()
        if now >= self._complained + COMPLAINTS:
            self._complained = now
            _log.warning("requests without the right token: %d", self._refused, extra={"peer": peer})
            self._refused = 0

    def _accept(self) -> None:
        """Take a first look at the clients that wait, as far as the allowance goes."""
        listener = self._listener
        if listener is None:
            return
        while self._looks.take():
            try:
                sock, address = listener.accept()
            except BlockingIOError:
                self._looks.give_back()
                return
            except OSError as error:  # no descriptors are left, or the client has gone
                _log.warning("a connection could not be accepted: %s", error)
                break
            sock.setblocking(False)
            self._look(sock, address[0])
        asyncio.get_running_loop().remove_reader(listener)
        self._resting = self.clock.call_later(_REST, self._go_on)

    def _look(self, sock: socket.socket, peer: str) -> None:
        """Let a client in, or not."""
        first = first_octets(sock)
        if first is None:
            sock.close()
        elif self.gate.may_open_to(first):
            self._looks.give_back()
            self._let_in(sock, first)
        elif is_whole(first):
            turn_away(sock, self.clock.now())
            self.complain(peer)
        elif self._guests.take():
            self._let_in(sock, first)
        else:
            sock.close()

    def _let_in(self, sock: socket.socket, first: bytes) -> None:
        loop = asyncio.get_running_loop()
        opening = loop.create_task(loop.connect_accepted_socket(lambda: Connection(self, first), sock))
        self._opening.add(opening)
        opening.add_done_callback(self._opened)

    def _opened(self, opening: asyncio.Task[object]) -> None:
        self._opening.discard(opening)
        if not opening.cancelled():
            opening.exception()  # a client that has gone meanwhile is no error

    def _go_on(self) -> None:
        self._resting = None
        if self._listener is not None:
            asyncio.get_running_loop().add_reader(self._listener, self._accept)
            self._accept()
