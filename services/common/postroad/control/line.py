"""One connection to a control door, and the client's side of HTTP on it.

An answer is read at once if it has the form that doors give it (`quick`), and else by h11 (`_Plain`).
"""

from __future__ import annotations

import asyncio
from typing import NamedTuple, cast

import h11

from postroad.control import quick

_BLOCK = 256 << 10  # octets of a body that go out together with the head


class Answer(NamedTuple):
    """What a door has answered; the names of the headers are in lower case."""

    status: int
    headers: dict[bytes, bytes]
    body: bytes


class Lost(Exception):  # noqa: N818 - an outcome, as the caller sees it
    """The connection was lost before anything of a response came."""


class Line(asyncio.Protocol):
    """A connection on which one exchange is made after the other."""

    def __init__(self) -> None:
        self.since = 0.0  # when it became idle
        self.reusable = False  # whether another request may follow
        self._transport: asyncio.Transport | None = None  # None: it is closed
        self._came = bytearray()  # of the answer, and not read yet
        self._begun: quick.Begun | None = None
        self._plain: _Plain | None = None
        self._answer: asyncio.Future[Answer] | None = None

    @property
    def open(self) -> bool:
        """Whether the other side has not closed it, as far as is known, and has said nothing unasked."""
        return self._transport is not None and not self._transport.is_closing() and not self._came

    def close(self) -> None:
        """Close at once."""
        if self._transport is not None:
            self._transport.abort()

    async def exchange(self, head: bytes, body: bytes, seconds: float) -> Answer:
        """Send a request and return the answer; raises `Lost` if nothing came back, else `h11.ProtocolError`.

        Raises `TimeoutError` if it is not whole within some seconds.
        """
        if self._transport is None:
            raise Lost("the door has closed the connection")
        self.reusable = False
        self._begun = self._plain = None
        loop = asyncio.get_running_loop()
        answer: asyncio.Future[Answer] = loop.create_future()
        self._answer = answer
        if len(body) < _BLOCK:
            self._transport.write(head + body)
        else:
            self._transport.write(head)
            self._transport.write(body)
        late = loop.call_later(seconds, _give_up, answer)
        try:
            return await answer
        finally:
            late.cancel()

    # From the transport

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Begin."""
        self._transport = cast("asyncio.Transport", transport)

    def data_received(self, data: bytes) -> None:
        """Take octets of the answer, which may come before the door has read the body."""
        self._came += data
        self._look()

    def connection_lost(self, exc: Exception | None) -> None:  # noqa: ARG002 - it makes no difference
        """End."""
        self._transport = None
        if self._came or self._plain is not None:
            self._look(ended=True)
        elif self._answer is not None and not self._answer.done():
            self._answer.set_exception(Lost("the door has closed the connection"))

    # The answer

    def _look(self, *, ended: bool = False) -> None:
        """Give the answer to who waits for it, if it is whole."""
        answer = self._answer
        if answer is None or answer.done():
            return
        try:
            whole = self._whole(ended=ended)
        except h11.ProtocolError as error:
            answer.set_exception(error)
        else:
            if whole is not None:
                answer.set_result(whole)

    def _whole(self, *, ended: bool) -> Answer | None:
        came = self._came
        if self._plain is None:
            begun = self._begun = self._begun or quick.begin_response(came)
            if begun is not None and not ended:
                end = begun.head + begun.length
                if len(came) < end:
                    return None
                body = bytes(came[begun.head : end])
                del came[:end]
                self.reusable = True
                return Answer(begun.status, begun.headers, body)
            self._plain = _Plain()
        whole = self._plain.take(bytes(came), ended=ended)
        came.clear()
        self.reusable = whole is not None and self._plain.reusable
        return whole


def _give_up(answer: asyncio.Future[Answer]) -> None:
    if not answer.done():
        answer.set_exception(TimeoutError())


class _Plain:
    """Reads one answer of whatever form HTTP/1.1 allows."""

    def __init__(self) -> None:
        self._http = h11.Connection(h11.CLIENT)
        # To none of a door's methods is the answer read differently (RFC 9112 §6.3), so this one stands for all.
        self._http.send(h11.Request(method="GET", target="/", headers=[("Host", "door")]))
        self._http.send(h11.EndOfMessage())
        self._head: h11.Response | None = None
        self._pieces: list[bytes] = []

    @property
    def reusable(self) -> bool:
        """Whether another request may follow on the connection."""
        return self._http.our_state is h11.DONE and self._http.their_state is h11.DONE

    def take(self, octets: bytes, *, ended: bool) -> Answer | None:
        """Take what has come, and return the answer once it is whole; raises `h11.ProtocolError`."""
        if octets:
            self._http.receive_data(octets)
        if ended:
            self._http.receive_data(b"")
        while (event := self._http.next_event()) is not h11.NEED_DATA:
            if isinstance(event, h11.Response):
                self._head = event
            elif isinstance(event, h11.Data):
                self._pieces.append(bytes(event.data))
            elif self._head is not None:
                return Answer(self._head.status_code, dict(self._head.headers), b"".join(self._pieces))
        return None
