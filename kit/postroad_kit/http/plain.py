"""The client that blocks: any thread may use it, and connections are kept for the next request."""

from __future__ import annotations

import os
import select
import socket
import ssl
from collections import deque
from functools import cached_property, partial
from typing import TYPE_CHECKING, TypeVar

from postroad_kit.errors import Away
from postroad_kit.http.call import Place
from postroad_kit.http.wire import Answer, read_answer, request_of

if TYPE_CHECKING:
    from postroad_kit.http.call import Call

T = TypeVar("T")

KEPT = 8  # idle connections
PIECE = 65_536  # octets that are asked of a socket at a time


class Client:
    """Asks the API at a URL."""

    def __init__(self, url: str) -> None:
        self.place = Place.of(url)
        self._idle: deque[socket.socket] = deque()
        self._pid = os.getpid()

    def ask(self, call: Call[T], *, world: str | None = None) -> T:
        """Return what the API answers; raises `Away`, `Refused` or a `MailError`."""
        __tracebackhide__ = True
        answer = self._exchange(call, world)
        return call.result(answer.status, answer.body)

    def close(self) -> None:
        """Close all idle connections; the next request opens a new one."""
        while self._idle:
            self._idle.pop().close()

    def _exchange(self, call: Call[T], world: str | None) -> Answer:
        __tracebackhide__ = True
        try:
            request = request_of(self.place, call, world, "1.1")
        except ValueError as error:
            raise Away(self.place.url, error) from error
        while True:
            connection = self._take()
            fresh = connection is None
            try:
                if connection is None:
                    connection = self._connect(call.timeout)
                connection.settimeout(call.timeout)
                connection.sendall(request)
                answer = read_answer(partial(connection.recv, PIECE))
            except (OSError, ValueError) as error:
                if connection is not None:
                    connection.close()
                # The server may close an idle connection just when it is used again (RFC 9112 §9.3.1).
                if fresh or not call.again or isinstance(error, TimeoutError):
                    raise Away(self.place.url, error or type(error).__name__) from error
                continue
            except BaseException:
                if connection is not None:
                    connection.close()
                raise
            if answer.kept and len(self._idle) < KEPT:
                self._idle.append(connection)
            else:
                connection.close()
            return answer

    def _take(self) -> socket.socket | None:
        """Return a connection that is idle and still open."""
        if self._pid != os.getpid():  # forked: the connections are the parent's
            self._idle, self._pid = deque(), os.getpid()
        while True:
            try:
                connection = self._idle.pop()
            except IndexError:
                return None
            if not _has_news(connection):
                return connection
            connection.close()

    def _connect(self, timeout: float) -> socket.socket:
        connection = socket.create_connection((self.place.host, self.place.port), timeout)
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        if self.place.scheme == "http":
            return connection
        return self._tls.wrap_socket(connection, server_hostname=self.place.host)

    @cached_property
    def _tls(self) -> ssl.SSLContext:
        return ssl.create_default_context()


def _has_news(idle: socket.socket) -> bool:
    """Whether something has come on an idle connection: its end, most often."""
    if not hasattr(select, "poll"):  # as on Windows; `select` can't take descriptors above 1023 elsewhere
        return bool(select.select([idle], [], [], 0)[0])
    poll = select.poll()
    poll.register(idle, select.POLLIN)
    return bool(poll.poll(0))
