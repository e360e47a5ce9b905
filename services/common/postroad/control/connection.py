"""One connection to a control door: the server's side of HTTP/1.1 (RFC 9110, RFC 9112), on asyncio.

A request that comes in one piece and in the form that our own client gives it is read at once (`quick`), any other by
h11. Each is answered in the way in which it was read.
"""

from __future__ import annotations

import asyncio
import logging
from typing import TYPE_CHECKING, Protocol, cast
from urllib.parse import parse_qsl

import h11

from postroad.control import quick
from postroad.control.gate import UNAUTHORIZED
from postroad.control.messages import Refusal, Request, Response, Routes, answer
from postroad.shell.deadline import Deadline

if TYPE_CHECKING:
    from postroad.clock import Clock
    from postroad.control.gate import Gate

_log = logging.getLogger(__name__)

HEAD = 16 << 10  # octets of a request's line and fields
BODY = 64 << 20  # octets
AHEAD = 64 << 10  # octets that a client may send while it waits for a response

READS = 4  # pieces in which a stranger's request may come
PATIENCE = 5.0  # seconds for a stranger's request
IDLE = 120.0  # seconds between requests
STALLED = 30.0  # seconds in which nothing of a body has come, or nothing of a response was taken
WORK = 3600.0  # seconds for a handler; it has limits of its own

_SAFE = frozenset({"GET", "HEAD", "OPTIONS"})  # RFC 9110 §9.2.1: they change nothing


class Keeper(Protocol):
    """Keeps the connections of a door."""

    clock: Clock
    routes: Routes
    gate: Gate

    def greet(self, connection: Connection) -> None:
        """Count a stranger in."""
        ...

    def befriend(self, connection: Connection) -> bool:
        """Note that a client had the token; False if there are too many."""
        ...

    def part(self, connection: Connection) -> None:
        """Count a connection out."""
        ...

    def complain(self, peer: str) -> None:
        """Note that a token was wrong."""
        ...


class Connection(asyncio.Protocol):
    """One client."""

    def __init__(self, door: Keeper, first: bytes = b"") -> None:
        self._door = door
        self._first = first  # octets that were received before
        self._http = h11.Connection(h11.SERVER, max_incomplete_event_size=HEAD)
        self._deadline = Deadline(door.clock, self, soonest=PATIENCE)
        self._transport: asyncio.Transport | None = None
        self._reads: int | None = 0  # of a stranger; None for a friend
        self._ahead = 0  # octets that came while a response was due
        self._reading = True
        self._congested = False
        self._leaving = False
        self._method, self._target = "", ""
        self._quick = False  # whether h11 knows nothing of the request under way
        self._body: list[bytes] = []
        self._length = 0
        self._task: asyncio.Task[None] | None = None
        self._gone: asyncio.Future[None] = asyncio.get_running_loop().create_future()

    # From the transport

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Begin."""
        self._transport = cast("asyncio.Transport", transport)
        self._door.greet(self)
        self._deadline.set(PATIENCE)
        if self._first:
            self.data_received(self._first)
            self._first = b""

    def connection_lost(self, exc: Exception | None) -> None:  # noqa: ARG002 - it makes no difference
        """End. A handler that changes something goes on; the response of any other one is not needed."""
        self._transport = None
        self._door.part(self)
        self._deadline.end()
        if self._task is None:
            self._gone.set_result(None)
        elif self._is_safe:
            self._task.cancel()

    def data_received(self, data: bytes) -> None:
        """Take octets, and answer what is whole."""
        if self._reads is not None:
            self._reads += 1
            if self._reads > READS:
                self.cut()
                return
        if self._task is None and not self._congested:
            if not self._taken_at_once(data):
                self._http.receive_data(data)
                self._advance()
            return
        self._http.receive_data(data)
        self._ahead += len(data)
        if self._ahead > AHEAD and self._reading and self._transport is not None:
            self._reading = False
            self._transport.pause_reading()

    def pause_writing(self) -> None:
        """Wait until the client has read more of the response."""
        self._congested = True

    def resume_writing(self) -> None:
        """Go on with the next request."""
        self._congested = False
        if self._task is None:
            self._next()

    def expired(self) -> None:
        """End the connection (for `Deadline`)."""
        self.cut()

    # From the door

    def leave(self) -> asyncio.Future[None]:
        """Close as soon as the request under way is answered; the future ends when the last octet is sent."""
        self._leaving = True
        if self._task is None:
            if self._transport is not None:
                self._transport.close()
        elif self._is_safe:
            self._task.cancel()
        return self._gone

    def cut(self) -> None:
        """Close at once."""
        self._door.part(self)
        if self._transport is not None:
            self._transport.abort()

    # Requests

    @property
    def _is_safe(self) -> bool:
        """Whether the request under way changes nothing."""
        return self._method in _SAFE

    def _taken_at_once(self, data: bytes) -> bool:
        """Carry out the request that these octets are, unless there is anything about it for h11 to say."""
        if self._http.their_state is not h11.IDLE or self._http.trailing_data[0]:
            return False
        whole = quick.read_request(data)
        if whole is None or not self._door.gate.is_token(whole.token):
            return False
        if self._reads is not None:
            if not self._door.befriend(self):
                return False
            self._reads = None
        self._quick = True
        self._method, self._target = whole.method, whole.target
        self._carry_out(whole.body)
        return True

    def _advance(self) -> None:
        """Take events of HTTP until more octets are needed or a handler runs."""
        try:
            while self._task is None and self._transport is not None and not self._transport.is_closing():
                event = self._http.next_event()
                if isinstance(event, h11.Request):
                    self._begin(event)
                elif isinstance(event, h11.Data):
                    self._take(event.data)
                elif isinstance(event, h11.EndOfMessage):
                    body, self._body = b"".join(self._body), []
                    self._carry_out(body)
                else:
                    if isinstance(event, h11.ConnectionClosed):
                        self._transport.close()
                    return
        except h11.RemoteProtocolError as error:
            self._refuse(error.error_status_hint, "this is not HTTP/1.1 as this door takes it")
        except Refusal as refusal:
            self._refuse(refusal.status, refusal.sentence)

    def _begin(self, head: h11.Request) -> None:
        """Check the head of a request; raises `Refusal`, upon which the connection is closed."""
        fields = list(head.headers)
        if not self._door.gate.opens_to(fields):
            raise Refusal(401, UNAUTHORIZED)
        if self._reads is not None:
            self._reads = None
            if not self._door.befriend(self):
                raise Refusal(503, "there are too many connections")
        if len(head.target) + sum(len(name) + len(value) + 4 for name, value in fields) > HEAD:
            raise Refusal(431, "the head of the request is too long")
        length = next((int(value) for name, value in fields if name == b"content-length"), 0)
        if length > BODY:
            raise Refusal(413, f"a body may have {BODY} octets")
        self._method, self._target = head.method.decode("ascii"), head.target.decode("ascii", "replace")
        self._body, self._length = [], 0
        self._deadline.set(STALLED)
        if self._http.they_are_waiting_for_100_continue:  # RFC 9110 §10.1.1
            self._write(self._http.send(h11.InformationalResponse(status_code=100, headers=[])) or b"")

    def _take(self, data: bytes | bytearray | memoryview) -> None:
        """Add a piece of the body; raises `Refusal` if it is too long, as a chunked one may be."""
        self._length += len(data)
        if self._length > BODY:
            raise Refusal(413, f"a body may have {BODY} octets")
        self._body.append(bytes(data))
        self._deadline.set(STALLED)

    def _carry_out(self, body: bytes) -> None:
        """Start the handler of a whole request."""
        self._deadline.set(WORK)
        self._task = asyncio.get_running_loop().create_task(self._answer(self._method, self._target, body))

    async def _answer(self, method: str, target: str, body: bytes) -> None:
        path, _, query = target.partition("?")
        try:
            handler, params = self._door.routes.find(method, path)
            wanted = dict(parse_qsl(query, keep_blank_values=True))
            response = await handler(Request(method, path, params, wanted, body))
        except Refusal as refusal:
            response = _refusal(refusal)
        except asyncio.CancelledError:  # the client or the service is gone
            self._end()
            raise
        except Exception:  # noqa: BLE001 - logged, and answered by 500
            _log.exception("a request could not be answered", extra={"path": path})
            response = answer({"error": "something failed that nobody foresaw; the log has the details"}, 500)
        if self._transport is None:
            self._end()
            return
        self._task = None
        if not self._transport.is_closing():
            self._respond(response, closing=self._leaving)

    def _end(self) -> None:
        """End after a handler whose response can't be sent any more."""
        self._task = None
        if self._transport is None:
            self._gone.set_result(None)
        else:
            self.cut()

    def _refuse(self, status: int, sentence: str) -> None:
        """Answer and close: what follows on the connection can't be read, or need not be.

        A stranger learns of nothing else that may be wrong: its token is.
        """
        if self._reads is not None or status == 401:
            status, sentence = 401, UNAUTHORIZED
            self._door.complain(self._peer())
        if self._http.our_state in {h11.IDLE, h11.SEND_RESPONSE}:
            # RFC 9110 §15.5.2: the response says how to authenticate.
            headers = (("WWW-Authenticate", "Bearer"),) if status == 401 else ()
            self._respond(_refusal(Refusal(status, sentence, headers=headers)), closing=True)
        else:
            self.cut()

    def _respond(self, response: Response, *, closing: bool) -> None:
        self._deadline.set(STALLED)
        head = self._quick_head(response, closing) if self._quick else self._plain_head(response, closing)
        if len(response.body) < AHEAD:
            self._write(head + response.body)
        else:
            self._write(head)
            self._write(response.body)
        if closing or self._http.our_state is h11.MUST_CLOSE:
            if self._transport is not None:
                self._transport.close()
        elif not self._congested:
            self._next()

    def _quick_head(self, response: Response, closing: bool) -> bytes:
        headers = (*response.headers, ("Connection", "close")) if closing else response.headers
        return quick.response(
            response.status, self._door.clock.now(), response.content_type, len(response.body), headers
        )

    def _plain_head(self, response: Response, closing: bool) -> bytes:
        """Return the head of a response to a request that h11 has read."""
        fields = [
            ("Date", quick.date(self._door.clock.now())),  # RFC 9110 §6.6.1
            ("Content-Type", response.content_type),
            ("Content-Length", str(len(response.body))),
            *response.headers,
        ]
        if closing:
            fields.append(("Connection", "close"))
        head = self._http.send(h11.Response(status_code=response.status, headers=fields)) or b""
        self._http.send(h11.Data(response.body))
        self._http.send(h11.EndOfMessage())
        return head

    def _next(self) -> None:
        """Take the next request of this connection."""
        if self._transport is None or self._transport.is_closing():
            return
        if self._quick:
            self._quick = False
            if not self._ahead:
                self._deadline.set(IDLE)
                return
        elif self._http.our_state is h11.DONE:
            self._http.start_next_cycle()
        else:
            return
        self._deadline.set(IDLE)
        self._ahead = 0
        if not self._reading:
            self._reading = True
            self._transport.resume_reading()
        self._advance()

    def _write(self, data: bytes) -> None:
        if self._transport is not None:
            self._transport.write(data)

    def _peer(self) -> str:
        address = self._transport.get_extra_info("peername") if self._transport is not None else None
        return str(address[0]) if address else ""


def _refusal(refusal: Refusal) -> Response:
    response = answer({"error": refusal.sentence}, refusal.status)
    return Response(response.status, response.body, headers=refusal.headers)
