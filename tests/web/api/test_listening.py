"""The server's patience: heads that never end, clients that never read, heads that are too long."""

from __future__ import annotations

import asyncio
import contextlib
import socket
import time
from typing import TYPE_CHECKING

import pytest
import pytest_asyncio

from postroad_web.api import listening
from postroad_web.api.listening import Listening

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from starlette.types import Receive, Scope, Send

    Streams = tuple[asyncio.StreamReader, asyncio.StreamWriter]

MANY = b"x" * (64 << 20)


async def app(scope: Scope, receive: Receive, send: Send) -> None:
    if scope["type"] == "websocket":
        await receive()
        await send({"type": "websocket.accept"})
        await send({"type": "websocket.send", "text": "hello"})
        await receive()
        return
    octets = 0
    if scope["path"] == "/read":
        while (piece := await receive()).get("more_body"):
            octets += len(piece["body"])
        octets += len(piece["body"])
    await send({"type": "http.response.start", "status": 200, "headers": []})
    if scope["path"] == "/held":
        await send({"type": "http.response.body", "body": b"", "more_body": True})
        await asyncio.Event().wait()
    if scope["path"] == "/target":
        octets = len(scope["raw_path"] + scope["query_string"])
    if octets:
        await send({"type": "http.response.body", "body": b"%d octets" % octets})
        return
    await send({"type": "http.response.body", "body": MANY if scope["path"] == "/many" else b"hello"})


@pytest_asyncio.fixture
async def server(monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Listening]:
    monkeypatch.setattr(listening, "HEAD_WITHIN", 0.2)
    monkeypatch.setattr(listening, "READ_WITHIN", 0.2)
    served = Listening(app, connections=10)
    assert served.port == 0
    served.bind("127.0.0.1", 0)
    await served.start()
    yield served
    await served.close()


async def connect(server: Listening) -> Streams:
    return await asyncio.open_connection("127.0.0.1", server.port)


REQUEST = b"GET / HTTP/1.1\r\nHost: localhost\r\n\r\n"
UPGRADE = (
    b"GET / HTTP/1.1\r\nHost: localhost\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n"
    b"Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n"
)
PING = b"\x89\xfd\0\0\0\0" + b"x" * 125


async def test_a_head_that_never_ends_is_cut_off(server: Listening) -> None:
    reader, writer = await connect(server)
    writer.write(b"GET / HTTP/1.1\r\nHo")
    async with asyncio.timeout(5):
        assert await reader.read() == b""
    writer.close()


async def test_a_connection_that_says_nothing_is_cut_off(server: Listening) -> None:
    reader, writer = await connect(server)
    async with asyncio.timeout(5):
        assert await reader.read() == b""
    writer.close()


async def test_a_second_head_that_never_ends_is_cut_off_too(server: Listening) -> None:
    reader, writer = await connect(server)
    writer.write(REQUEST)
    assert b"200" in await reader.readuntil(b"hello")
    writer.write(b"GET / HT")
    async with asyncio.timeout(5):
        assert await reader.read() in {b"", b"0\r\n\r\n", b"\r\n0\r\n\r\n"}
    writer.close()


async def test_a_client_that_does_not_read_is_cut_off(server: Listening) -> None:
    reader, writer = await connect(server)
    writer.write(REQUEST.replace(b"GET /", b"GET /many"))
    lost = asyncio.get_running_loop().create_future()
    reader._transport.pause_reading()  # type: ignore[attr-defined]
    served = next(iter(server._server.server_state.connections))
    original = served.connection_lost

    def seen(error: Exception | None) -> None:
        original(error)
        lost.set_result(None)

    served.connection_lost = seen  # type: ignore[assignment, method-assign]
    async with asyncio.timeout(5):
        await lost
    writer.close()


@pytest.mark.parametrize("cut", [10, 50])
async def test_a_client_that_sends_a_request_in_pieces_is_not_kept_waiting(server: Listening, cut: int) -> None:
    """Nagle's algorithm holds a piece until the last one is acknowledged, which the kernel does after 40 ms."""
    request = b"POST /read HTTP/1.1\r\nHost: localhost\r\nContent-Length: 5\r\n\r\nhello"
    took = []
    reader, writer = await connect(server)
    writer.get_extra_info("socket").setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 0)
    for _ in range(20):
        begun = time.monotonic()
        writer.write(request[:cut])
        writer.write(request[cut:])
        async with asyncio.timeout(5):
            assert b"5 octets" in await reader.readuntil(b"0\r\n\r\n")
        took.append(time.monotonic() - begun)
    writer.close()
    assert min(took[5:]) < 0.03  # the kernel acknowledges the first ones of a connection at once


async def test_a_head_that_is_too_long_is_refused(server: Listening) -> None:
    reader, writer = await connect(server)
    writer.write(b"GET / HTTP/1.1\r\nHost: localhost\r\nX: " + b"x" * (40 << 10))
    async with asyncio.timeout(5):
        assert (await reader.readline()).startswith(b"HTTP/1.1 400")
    writer.close()


async def test_a_websocket_outlives_the_time_for_a_head(server: Listening) -> None:
    reader, writer = await connect(server)
    writer.write(UPGRADE + b"\r\n")
    await reader.readuntil(b"hello")
    with pytest.raises(TimeoutError):
        async with asyncio.timeout(0.4):
            await reader.read(1)
    writer.close()


async def test_the_server_does_not_say_what_it_is(server: Listening) -> None:
    reader, writer = await connect(server)
    writer.write(REQUEST)
    head = await reader.readuntil(b"hello")
    assert b"uvicorn" not in head.lower()
    writer.close()


@pytest.fixture
def long_heads(server: Listening, monkeypatch: pytest.MonkeyPatch) -> None:
    """Leave connections that say nothing alone: only what makes room may close them."""
    monkeypatch.setattr(listening, "HEAD_WITHIN", 30.0)


@pytest.mark.usefixtures("long_heads")
async def test_idle_connections_keep_nobody_out(server: Listening) -> None:
    crowd = [await connect(server) for _ in range(30)]
    reader, writer = await connect(server)
    writer.write(REQUEST)
    assert b" 200 " in await reader.readuntil(b"hello")
    kept = []
    for held, _ in crowd[-9:]:
        kept.append(not held.at_eof())
    assert any(kept)
    for _, other in [*crowd, (reader, writer)]:
        other.close()


def test_a_port_that_is_taken_is_an_error(server: Listening) -> None:
    with pytest.raises(OSError, match="in use"):
        Listening(app, connections=1).bind("127.0.0.1", server.port)


async def test_a_port_is_given_back_that_was_never_served() -> None:
    listening = Listening(app, connections=1)
    listening.bind("127.0.0.1", 0)
    port = listening.port
    await listening.close()
    again = Listening(app, connections=1)
    again.bind("127.0.0.1", port)
    await again.close()


async def test_requests_that_are_held_are_cut_off_at_the_end(server: Listening) -> None:
    reader, writer = await connect(server)
    writer.write(REQUEST.replace(b"GET /", b"GET /held"))
    assert b"200" in await reader.readline()
    async with asyncio.timeout(2):
        await server.close()
        await reader.read()
    writer.close()


@pytest.mark.usefixtures("long_heads")
async def test_idle_connections_make_room(server: Listening) -> None:
    idle = [await connect(server) for _ in range(10)]
    reader, writer = await connect(server)
    writer.write(REQUEST)
    async with asyncio.timeout(5):  # before the time for a head is over
        assert b"200" in await reader.readuntil(b"hello")
        done, _ = await asyncio.wait(
            {asyncio.ensure_future(other.read()) for other, _ in idle}, return_when=asyncio.FIRST_COMPLETED
        )
    assert done
    for _, other in (*idle, (reader, writer)):
        other.close()


@pytest.mark.usefixtures("long_heads")
@pytest.mark.parametrize(("path", "form"), [(b"/", b"10 connections are in use"), (b"/v1/x", b'"status":503')])
async def test_too_many_requests_that_are_held(server: Listening, path: bytes, form: bytes) -> None:
    held = [await connect(server) for _ in range(10)]
    for reader, writer in held:
        writer.write(REQUEST.replace(b"GET /", b"GET /held"))
        assert b"200" in await reader.readline()
    reader, writer = await connect(server)
    writer.write(REQUEST.replace(b"/ ", path + b" "))
    async with asyncio.timeout(5):
        answer = await reader.read()
    assert answer.startswith(b"HTTP/1.1 503")
    assert form in answer
    for _, other in (*held, (reader, writer)):
        other.close()


async def test_tiny_pieces_of_a_body_leave_others_their_turn(
    server: Listening, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(listening, "TURN", 0.0)
    reader, writer = await connect(server)
    writer.write(b"POST /read HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: chunked\r\n\r\n")
    writer.write(b"1\r\na\r\n" * 30_000 + b"0\r\n\r\n")
    async with asyncio.timeout(10):
        assert b"\r\n30000 octets" in await reader.readuntil(b"octets")
        writer.write(REQUEST)
        assert b"200" in await reader.readuntil(b"hello")
    writer.close()


async def test_websockets_do_not_inflate(server: Listening) -> None:
    reader, writer = await connect(server)
    writer.write(UPGRADE + b"Sec-WebSocket-Extensions: permessage-deflate\r\n\r\n")
    assert b"extensions" not in (await reader.readuntil(b"hello")).lower()
    writer.close()


async def test_pings_are_answered_only_as_fast_as_the_client_reads(
    server: Listening, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(listening, "TURN", 0.0)
    reader, writer = await connect(server)
    writer.write(UPGRADE + b"\r\n")
    await reader.readuntil(b"hello")
    (served,) = server._server.server_state.connections
    pong = b"\x8a\x7d" + b"x" * 125
    monkeypatch.setattr(listening, "READ_WITHIN", 30)
    reader._transport.pause_reading()  # type: ignore[attr-defined]
    count = 80_000
    writer.write(PING * count)
    for _ in range(200):
        await asyncio.sleep(0.005)
        assert served.transport.get_write_buffer_size() < 1 << 20
    reader._transport.resume_reading()  # type: ignore[attr-defined]
    async with asyncio.timeout(60):
        await reader.readexactly(len(pong) * count)
    writer.close()


async def test_a_websocket_that_is_not_read_from_is_cut_off(server: Listening) -> None:
    reader, writer = await connect(server)
    writer.write(UPGRADE + b"\r\n")
    await reader.readuntil(b"hello")
    reader._transport.pause_reading()  # type: ignore[attr-defined]
    writer.write(PING * 80_000)
    async with asyncio.timeout(10):
        while server._server.server_state.connections:  # noqa: ASYNC110 - uvicorn has no event for it
            await asyncio.sleep(0.02)
    writer.close()


CHUNKED = b"POST /read HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: chunked\r\n\r\n"
# What two readers could take for different requests, or for none (RFC 9112 §§2.2, 3.2, 5.1, 5.2, 6.1-6.3, 7.1).
AMBIGUOUS = {
    "no host": b"GET / HTTP/1.1\r\n\r\n",
    "two hosts": b"GET / HTTP/1.1\r\nHost: localhost\r\nhost: localhost\r\n\r\n",
    "HTTP/0.9": b"GET / HTTP/0.9\r\n\r\n",
    "HTTP/3": b"GET / HTTP/3.0\r\nHost: localhost\r\n\r\n",
    "length and chunks": CHUNKED.replace(b"\r\n\r\n", b"\r\nContent-Length: 3\r\n\r\n") + b"0\r\n\r\n",
    "chunks and length": REQUEST.replace(b"\r\n\r\n", b"\r\nContent-Length: 3\r\nTransfer-Encoding: chunked\r\n\r\n"),
    "two lengths": REQUEST.replace(b"\r\n\r\n", b"\r\nContent-Length: 3\r\nContent-Length: 4\r\n\r\nabc"),
    "a list of lengths": REQUEST.replace(b"\r\n\r\n", b"\r\nContent-Length: 3, 3\r\n\r\nabc"),
    "a length with a sign": REQUEST.replace(b"\r\n\r\n", b"\r\nContent-Length: +3\r\n\r\nabc"),
    "a coding before chunks": CHUNKED.replace(b"chunked", b"gzip, chunked") + b"0\r\n\r\n",
    "a coding after chunks": CHUNKED.replace(b"chunked", b"chunked, gzip") + b"0\r\n\r\n",
    "nearly chunks": CHUNKED.replace(b"chunked", b"xchunked") + b"0\r\n\r\n",
    "chunks in HTTP/1.0": CHUNKED.replace(b"HTTP/1.1", b"HTTP/1.0") + b"0\r\n\r\n",
    "a chunk's size with a sign": CHUNKED + b"+1\r\na\r\n0\r\n\r\n",
    "a chunk's size in LF": CHUNKED + b"1\na\r\n0\r\n\r\n",
    "a chunk that is too long": CHUNKED + b"1\r\nab\r\n0\r\n\r\n",
    "space before a colon": REQUEST.replace(b"Host:", b"Host :"),
    "a folded field": REQUEST.replace(b"\r\n\r\n", b"\r\nX: a\r\n b\r\n\r\n"),
    "a bare CR": REQUEST.replace(b"\r\n\r\n", b"\r\nX: a\rb\r\n\r\n"),
    "a bare LF": REQUEST.replace(b"\r\n\r\n", b"\r\nX: a\nContent-Length: 3\r\n\r\nabc"),
    "a NUL": REQUEST.replace(b"\r\n\r\n", b"\r\nX: \0\r\n\r\n"),
    "octets above 127 in the target": b"GET /\xc3\xa4 HTTP/1.1\r\nHost: localhost\r\n\r\n",
    "a target in two": b"GET /a /b HTTP/1.1\r\nHost: localhost\r\n\r\n",
}


@pytest.mark.parametrize("octets", AMBIGUOUS.values(), ids=AMBIGUOUS)
async def test_what_could_be_read_in_two_ways_is_refused(server: Listening, octets: bytes) -> None:
    reader, writer = await connect(server)
    writer.write(octets + REQUEST)
    async with asyncio.timeout(5):
        answer = await reader.read()
    assert answer.startswith(b"HTTP/1.1 400 ")
    assert answer.count(b"HTTP/1.1 ") == 1, "nothing that follows is read as a request"
    writer.close()


async def test_a_target_comes_as_it_was_written(server: Listening) -> None:
    reader, writer = await connect(server)
    writer.write(b"GET /target?a=%20b&c HTTP/1.1\r\nHost: localhost\r\n\r\n")
    assert b"\r\n15 octets" in await reader.readuntil(b"octets")
    writer.close()


async def test_requests_that_come_together_are_answered_in_turn(server: Listening) -> None:
    reader, writer = await connect(server)
    writer.write((CHUNKED + b"3\r\nabc\r\n0\r\n\r\n" + REQUEST) * 10)
    async with asyncio.timeout(5):
        for _ in range(10):
            assert b"\r\n3 octets" in await reader.readuntil(b"octets")
            assert b"hello" in await reader.readuntil(b"hello")
    writer.close()


async def test_many_requests_that_come_together_are_bounded(server: Listening) -> None:
    reader, writer = await connect(server)
    writer.write(REQUEST * (10 * listening.BEHIND))
    async with asyncio.timeout(5):
        answers = await reader.read()
    assert answers.count(b"HTTP/1.1 200 ") == answers.count(b"hello") == listening.BEHIND + 1
    assert b"400" not in answers
    assert answers.count(b"connection: close") == 1
    writer.close()


async def test_rubbish_after_a_request_does_not_spoil_its_answer(server: Listening) -> None:
    reader, writer = await connect(server)
    writer.write(REQUEST + b"\x16\x03\x01")
    async with asyncio.timeout(5):
        answer = await reader.read()
    assert answer.startswith(b"HTTP/1.1 200 ")
    assert b"hello" in answer
    assert b"400" not in answer
    writer.close()


async def test_rubbish_in_a_body_ends_an_answer_that_has_begun(server: Listening) -> None:
    reader, writer = await connect(server)
    writer.write(CHUNKED.replace(b"/read", b"/held"))
    assert b"200" in await reader.readline()
    writer.write(b"zz\r\n")
    async with asyncio.timeout(5):
        assert b"400" not in await reader.read()
    writer.close()


@pytest.mark.parametrize("endless", [b"1;a=", b"1\r\na\r\n0\r\nX: "], ids=["of a chunk", "after a body"])
async def test_fields_without_end_are_refused(server: Listening, endless: bytes) -> None:
    reader, writer = await connect(server)
    writer.write(CHUNKED + endless + b"x" * (1 << 20))
    answer = b""
    async with asyncio.timeout(5):
        with contextlib.suppress(ConnectionResetError):  # what it has sent is not read any more
            answer = await reader.read()
    assert answer[:13] in {b"", b"HTTP/1.1 400 "}
    assert not server._server.server_state.connections
    writer.close()


async def test_a_head_without_end_behind_a_request_that_is_held_ends_both(server: Listening) -> None:
    reader, writer = await connect(server)
    writer.write(REQUEST.replace(b"GET /", b"GET /held"))
    assert b"200" in await reader.readline()
    writer.write(b"GET / HTTP/1.1\r\nX: " + b"x" * (1 << 20))
    async with asyncio.timeout(5):
        with contextlib.suppress(ConnectionResetError):
            assert b"400" not in await reader.read()
    assert not server._server.server_state.connections
    writer.close()


OFFER = b"\r\nConnection: Upgrade, HTTP2-Settings\r\nHTTP2-Settings: AAEAAEAA\r\nUpgrade: h2c\r\n"


@pytest.mark.parametrize("size", [1, 7, 10_000])
async def test_an_offer_of_another_protocol_is_ignored(server: Listening, size: int) -> None:
    """RFC 9110 §7.8: a server may ignore the field. Java's client sends it with its first request, body or not."""
    reader, writer = await connect(server)
    offer = REQUEST.replace(b"\r\n\r\n", OFFER + b"\r\n")
    posts = offer.replace(b"GET / ", b"POST /read ")
    sized = posts.replace(b"\r\nHost", b"\r\nContent-Length: 5\r\nHost") + b"hello"
    chunked = posts.replace(b"\r\nHost", b"\r\nTransfer-Encoding: chunked\r\nHost") + b"3\r\nabc\r\n0\r\n\r\n"
    octets = offer + sized + offer + chunked + REQUEST.replace(b"\r\n\r\n", b"\r\nConnection: close\r\n\r\n")
    for start in range(0, len(octets), size):
        writer.write(octets[start : start + size])
        await writer.drain()
    async with asyncio.timeout(5):
        answers = await reader.read()
    bodies = [answer.partition(b"\r\n\r\n")[2] for answer in answers.split(b"HTTP/1.1 200 OK\r\n")[1:]]
    assert [body.split(b"\r\n")[1] for body in bodies] == [b"hello", b"5 octets", b"hello", b"3 octets", b"hello"]
    writer.close()


@pytest.mark.parametrize("wrong", [b"Host: localhost", b"Transfer-Encoding: gzip"])
async def test_an_offer_does_not_hide_what_is_wrong_with_a_request(server: Listening, wrong: bytes) -> None:
    reader, writer = await connect(server)
    writer.write(REQUEST.replace(b"\r\n\r\n", OFFER + wrong + b"\r\n\r\n"))
    async with asyncio.timeout(5):
        assert (await reader.read()).startswith(b"HTTP/1.1 400 ")
    writer.close()


async def test_an_offer_may_come_with_the_last_request(server: Listening) -> None:
    reader, writer = await connect(server)
    writer.write(REQUEST.replace(b"\r\n\r\n", OFFER.replace(b"Upgrade,", b"close, Upgrade,") + b"\r\n"))
    async with asyncio.timeout(5):
        assert (await reader.read()).startswith(b"HTTP/1.1 200 ")
    writer.close()


async def test_http_1_0_has_no_websockets(server: Listening) -> None:
    """RFC 9110 §7.8: a server must ignore an Upgrade field of HTTP/1.0."""
    reader, writer = await connect(server)
    writer.write(UPGRADE.replace(b"HTTP/1.1", b"HTTP/1.0") + b"\r\n")
    async with asyncio.timeout(5):
        assert (await reader.read()).startswith(b"HTTP/1.1 200 ")
    writer.close()


async def test_what_follows_connect_is_not_read(server: Listening) -> None:
    reader, writer = await connect(server)
    writer.write(REQUEST.replace(b"GET / ", b"CONNECT localhost:25 ") + REQUEST)
    async with asyncio.timeout(5):
        answer = await reader.read()
    assert answer.count(b"HTTP/1.1 ") == 1
    assert b"connection: close" in answer
    writer.close()


@pytest.mark.parametrize(
    "octets",
    [
        b"FOO / HTTP/1.1\r\nHost: localhost\r\n\r\n",
        b"GETS / HTTP/1.1\r\n",
        b"X",
        b"X-Y~1 /a",
        b"get / HTTP/1.1\r\n",
        b"\r\nFOO ",
        b"FOO / HTTP/1.1\n\n",
    ],
)
async def test_a_method_that_is_not_known_is_not_implemented(server: Listening, octets: bytes) -> None:
    """RFC 9110 §9.1 and §15.6.2."""
    reader, writer = await connect(server)
    writer.write(octets)
    async with asyncio.timeout(5):
        answer = await reader.read()
    head, _, body = answer.partition(b"\r\n\r\n")
    assert head.startswith(b"HTTP/1.1 501 Not Implemented\r\n")
    assert b"content-length: %d\r\n" % len(body) in head + b"\r\n"
    writer.close()


@pytest.mark.parametrize("octets", [b"\x16\x03\x01\x02\0", b"hello\r\n", b"FOO /\r\n", b"F\0", b"FOO / SMTP/1.0\r\n"])
async def test_rubbish_is_no_method(server: Listening, octets: bytes) -> None:
    reader, writer = await connect(server)
    writer.write(octets)
    async with asyncio.timeout(5):
        assert (await reader.read()).startswith(b"HTTP/1.1 400 ")
    writer.close()


async def test_a_method_that_is_not_known_behind_a_request_ends_the_connection(server: Listening) -> None:
    reader, writer = await connect(server)
    writer.write(REQUEST + REQUEST.replace(b"GET", b"FOO"))
    async with asyncio.timeout(5):
        answer = await reader.read()
    assert answer.startswith(b"HTTP/1.1 200 ")
    assert answer.count(b"HTTP/1.1 ") == 1
    writer.close()
