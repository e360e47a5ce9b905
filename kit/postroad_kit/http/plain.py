"""The client that blocks: any thread may use it, and connections are kept for the next request."""

from __future__ import annotations

import http.client
import os
import select
from collections import deque
from typing import TYPE_CHECKING, TypeVar

from postroad_kit.errors import Away
from postroad_kit.http.call import Place

if TYPE_CHECKING:
    import socket

    from postroad_kit.http.call import Call

T = TypeVar("T")

KEPT = 8  # idle connections


class Client:
    """Asks the API at a URL."""

    def __init__(self, url: str) -> None:
        self.place = Place.of(url)
        self._idle: deque[http.client.HTTPConnection] = deque()
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
        body, _ = call.body()
        headers = self.place.headers(world, call)
        while True:
            connection = self._take()
            fresh = connection.sock is None
            connection.timeout = call.timeout
            if connection.sock is not None:
                connection.sock.settimeout(call.timeout)
            try:
                connection.request(call.method, self.place.prefix + call.target, body, headers)
                with connection.getresponse() as answer:
                    status, octets = answer.status, answer.read()
                    kept = not answer.will_close
            except (OSError, http.client.HTTPException) as error:
                connection.close()
                # The server may close an idle connection just when it is used again (RFC 9112 §9.3.1).
                if fresh or not call.again or isinstance(error, TimeoutError):
                    raise Away(self.place.url, error or type(error).__name__) from error
                continue
            except BaseException:
                connection.close()
                raise
            if kept and len(self._idle) < KEPT:
                self._idle.append(connection)
            else:
                connection.close()
            return status, octets

    def _take(self) -> http.client.HTTPConnection:
        """Return a connection that is idle and still open, or a new one."""
        if self._pid != os.getpid():  # forked: the connections are the parent's
            self._idle, self._pid = deque(), os.getpid()
        while True:
            try:
                connection = self._idle.pop()
            except IndexError:
                break
            if connection.sock is not None and not _has_news(connection.sock):
                return connection
            connection.close()
        kind = http.client.HTTPSConnection if self.place.scheme == "https" else http.client.HTTPConnection
        return kind(self.place.host, self.place.port)


def _has_news(idle: socket.socket) -> bool:
    """Whether something has come on an idle connection: its end, most often."""
    if not hasattr(select, "poll"):  # as on Windows; `select` can't take descriptors above 1023 elsewhere
        return bool(select.select([idle], [], [], 0)[0])
    poll = select.poll()
    poll.register(idle, select.POLLIN)
    return bool(poll.poll(0))
