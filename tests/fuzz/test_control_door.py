"""A control door takes any octets, cut anywhere: it answers in HTTP or closes, and never raises."""

from __future__ import annotations

import asyncio
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from postroad.clock import Clock
from postroad.control.connection import BODY, HEAD, Connection
from postroad.control.door import Door, Request, Response, Route, answer

TOKEN = "t" * 43
BEARER = b"Authorization: Bearer " + TOKEN.encode() + b"\r\n"

PIECES = st.one_of(
    st.sampled_from(
        [
            b"GET /echo/a HTTP/1.1\r\n", b"POST /echo/%c3%a9?x=1&x=%ff HTTP/1.1\r\n", b"PUT /echo/ HTTP/1.0\r\n",
            b"HEAD * HTTP/1.1\r\n", b"\xff /\xff HTTP/1.1\r\n", b"Host: x\r\n", BEARER,
            BEARER.replace(b"Bearer", b"bEARER  "),
            b"Authorization: Bearer x\r\n", b"Content-Length: 3\r\n", b"Content-Length: 0\r\n", b"abc",
            b"Content-Length: 99999999999999999999999\r\n", b"Content-Length: " + b"9" * 5000 + b"\r\n",
            b"Content-Length: -1\r\n", f"Content-Length: {BODY + 1}\r\n".encode(), b"Transfer-Encoding: chunked\r\n",
            b"Expect: 100-continue\r\n", b"Connection: close\r\n", b"Upgrade: websocket\r\nConnection: upgrade\r\n",
            b"3\r\nabc\r\n0\r\n\r\n", b"ffffffffffffffff\r\n", b"X: " + b"y" * HEAD, b"\r\n", b"\n", b"\r\n\r\n", b"\0",
            b"GET /echo/a HTTP/1.1\r\nHost: x\r\n" + BEARER + b"\r\n", b"EHLO x\r\n",
        ]
    ),
    st.binary(max_size=40),
)  # fmt: skip


class Wire(asyncio.Transport):
    """A transport that keeps what is sent."""

    def __init__(self) -> None:
        super().__init__()
        self.sent = b""
        self.closing = False

    def write(self, data: bytes | bytearray | memoryview[Any]) -> None:
        self.sent += bytes(data)

    def is_closing(self) -> bool:
        return self.closing

    def close(self) -> None:
        self.closing = True

    def abort(self) -> None:
        self.closing = True

    def pause_reading(self) -> None: ...

    def resume_reading(self) -> None: ...

    def get_extra_info(self, name: str, default: Any = None) -> Any:
        return ("127.0.0.1", 5) if name == "peername" else default


async def echo(request: Request) -> Response:
    return answer({"params": request.params, "query": request.query, "size": len(request.body)})


async def converse(pieces: list[bytes]) -> bytes:
    door = Door([Route(method, "/echo/{name}", echo) for method in ("GET", "POST", "PUT")], token=TOKEN, clock=Clock())
    connection, wire = Connection(door), Wire()
    connection.connection_made(wire)
    for piece in pieces:
        if wire.closing:
            break
        connection.data_received(piece)
        for _ in range(3):
            await asyncio.sleep(0)
    connection.connection_lost(None)
    await connection.leave()
    assert not door._strangers
    assert not door._friends
    return wire.sent


@given(st.lists(PIECES, max_size=12), st.booleans())
@settings(max_examples=300)
def test_any_octets_are_answered_in_http_or_not_at_all(pieces: list[bytes], whole: bool) -> None:
    sent = asyncio.run(converse([b"".join(pieces)] if whole else pieces))
    assert not sent or sent.startswith(b"HTTP/1.1 ")
    assert TOKEN.encode() not in sent
    if BEARER.split()[-1] not in b"".join(pieces):
        assert sent.count(b"\r\nDate: ") <= 1  # a stranger gets one answer
        assert not sent.startswith(b"HTTP/1.1 200")
