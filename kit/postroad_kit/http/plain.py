"""The client that blocks: any thread may use it, and connections are kept for the next request."""

from __future__ import annotations

import os
import select
from collections import deque
from typing import TYPE_CHECKING, TypeVar

from postroad_kit.errors import Away
from postroad_kit.http.call import Place, request_of
from postroad_kit.http.connection import BadAnswer, Connection

if TYPE_CHECKING:
    import socket

    from postroad_kit.http.call import Call

T = TypeVar("T")

KEPT = 8  # idle connections


class Client:
    """Asks the API at a URL."""

    def __init__(self, url: str) -> None:
        self.place = Place.of(url)
        self._idle: deque[Connection] = deque()
        self._pid = os.getpid()

    def ask(self, call: Call[T], *, world: str | None = None) -> T:
        """Return what the API answers; raises `Away`, `Refused` or a `MailError`."""
        __tracebackhide__ = True
        status, octets = self._exchange(call, world)
        return call.result(status, octets)

    def close(self) -> None:
        """Close all idle connections; the next request opens a new one."""
        while self._idle:
            self._idle.pop().close()

    def _exchange(self, call: Call[T], world: str | None) -> tuple[int, bytes]:
        request = request_of(self.place, call, world)
        while True:
            connection = self._idle_one()
            fresh = connection is None
            try:
                connection = connection or Connection(self.place, call.timeout)
                try:
                    status, octets, kept = connection.exchange(request, call.timeout)
                except BaseException:
                    connection.close()
                    raise
            except (OSError, BadAnswer) as error:
                # The server may close an idle connection just when it is used again (RFC 9112 §9.3.1).
                if fresh or not call.again or isinstance(error, TimeoutError):
                    raise Away(self.place.url, error or type(error).__name__) from error
                continue
            if kept and len(self._idle) < KEPT:
                self._idle.append(connection)
            else:
                connection.close()
            return status, octets

    def _idle_one(self) -> Connection | None:
        """Return a connection that is idle and still open."""
        if self._pid != os.getpid():  # forked: the connections are the parent's
            self._idle, self._pid = deque(), os.getpid()
        while True:
            try:
                connection = self._idle.pop()
            except IndexError:
                return None
            if not _has_news(connection.socket):
                return connection
            connection.close()


def _has_news(idle: socket.socket) -> bool:
    """Whether something has come on an idle connection: its end, most often."""
    if not hasattr(select, "poll"):  # as on Windows; `select` can't take descriptors above 1023 elsewhere
        return bool(select.select([idle], [], [], 0)[0])
    poll = select.poll()
    poll.register(idle, select.POLLIN)
    return bool(poll.poll(0))
