"""A port of implicit TLS (RFC 8314 §3): from the accepted socket to the session inside TLS.

The loop's own servers report a connection after its handshake, and do not report a handshake that fails. So the sockets
are accepted here: each is counted before its handshake, has a time limit for it, and leaves a trace where it fails.
"""

from __future__ import annotations

import asyncio
import logging
import socket
from typing import TYPE_CHECKING

from postroad.shell import HANDSHAKE, handshake

if TYPE_CHECKING:
    import ssl
    from collections.abc import Callable

    from postroad.clock import Clock
    from postroad.shell.admission import Admission
    from postroad.smtp.server.connection import Connection

logger = logging.getLogger("postroad.smtp.server")

PAUSE = 1.0  # seconds without accepting, where the process has no file descriptors left


class TlsPort:
    """Listens on one address and port, and has a `Connection` made for each connection that shakes hands.

    `failed` is called with the client's address and port, the reason and our port where a handshake fails. Raises
    `OSError` where the port cannot be bound.
    """

    def __init__(
        self,
        host: str,
        port: int,
        *,
        make: Callable[[], Connection],
        connections: Admission[Connection],
        tls: ssl.SSLContext,
        clock: Clock,
        failed: Callable[[tuple[str, int], str, int], None],
        backlog: int,
    ) -> None:
        family = socket.AF_INET6 if ":" in host else socket.AF_INET
        self._listening = socket.create_server((host, port), family=family, backlog=backlog)
        self._listening.setblocking(False)
        self.port: int = self._listening.getsockname()[1]
        self._backlog = backlog
        self._make = make
        self._connections = connections
        self._tls = tls
        self._clock = clock
        self._failed = failed
        self._loop = asyncio.get_running_loop()
        self._listen()

    def close(self) -> None:
        """Accept no more; handshakes that are under way end with their connections (`Connection.leave`)."""
        if self._listening.fileno() >= 0:
            self._loop.remove_reader(self._listening)
            self._listening.close()

    def _listen(self) -> None:
        if self._listening.fileno() >= 0:
            self._loop.add_reader(self._listening, self._accept)

    def _accept(self) -> None:
        for _ in range(self._backlog):
            try:
                accepted, address = self._listening.accept()
            except (BlockingIOError, InterruptedError, ConnectionAbortedError):
                return
            except OSError as error:
                logger.error("no connection can be accepted: %s", error, extra={"port": self.port})  # noqa: TRY400 - said all
                self._loop.remove_reader(self._listening)
                self._clock.call_later(PAUSE, self._listen)
                return
            connection = self._make()
            # A handshake costs too much in a flood: a client that is turned away here gets no reply.
            if not self._connections.admit(connection, address[0]):
                accepted.close()
                continue
            accepted.setblocking(False)
            accepted.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            connection.handshake = self._loop.create_task(self._shake_hands(connection, accepted, address[:2]))

    async def _shake_hands(self, connection: Connection, accepted: socket.socket, address: tuple[str, int]) -> None:
        late = False

        def give_up() -> None:
            nonlocal late
            late = True
            if connection.handshake is not None:
                connection.handshake.cancel()

        timer = self._clock.call_later(HANDSHAKE, give_up)
        failure: str | None = None
        try:
            await self._loop.connect_accepted_socket(lambda: connection, accepted, ssl=self._tls)
        except OSError as error:  # as ssl.SSLError is
            failure = handshake.reason(error)
        except asyncio.CancelledError:
            failure = handshake.TOO_SLOW if late else None
            if not late:
                raise
        finally:
            timer.cancel()
            began = connection.handshake is not None and connection.transport is not None
            connection.handshake = None
            if not began:
                self._connections.leave(connection)
            if failure is not None:
                self._failed(address, failure, self.port)
