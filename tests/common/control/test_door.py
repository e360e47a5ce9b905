"""A control door and its client, over live sockets."""

from __future__ import annotations

import asyncio
import contextlib
import socket
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING

import pytest

from postroad.bucket import Bucket
from postroad.clock import Clock
from postroad.control import client as client_module
from postroad.control import connection, gate, quick
from postroad.control import door as module
from postroad.control.client import DoorAway, DoorClient, DoorRefused, quote_path
from postroad.control.door import BURST, STRANGERS, Door, Refusal, Request, Response, Route, answer

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable

TOKEN = "t" * 43


async def echo(request: Request) -> Response:
    return answer(
        {
            "method": request.method,
            "params": request.params,
            "query": request.query,
            "body": request.json() if request.body else None,
        }
    )


async def octets(request: Request) -> Response:
    return Response(body=request.body[::-1], content_type="application/octet-stream")


async def full(request: Request) -> Response:
    raise Refusal(507, f"no room for {request.whole('size', 0, most=10)} in {request.seconds('wait', 1.5, most=9)}")


async def broken(request: Request) -> Response:
    raise RuntimeError(request.path)


ROUTES = [
    Route("GET", "/echo/{name}/{other}", echo),
    Route("POST", "/echo/{name}/{other}", echo),
    Route("PUT", "/echo", echo),
    Route("DELETE", "/echo", echo),
    Route("POST", "/octets", octets),
    Route("GET", "/full", full),
    Route("GET", "/broken", broken),
]


@asynccontextmanager
async def opened(*routes: Route, clock: Clock | None = None) -> AsyncIterator[Door]:
    door = Door(routes or ROUTES, token=TOKEN, clock=clock or Clock())
    await door.start("127.0.0.1", 0)
    try:
        yield door
    finally:
        await door.close()


@asynccontextmanager
async def client_of(door: Door, token: str = TOKEN) -> AsyncIterator[DoorClient]:
    client = DoorClient("relay", *door.address, token)
    try:
        yield client
    finally:
        await client.close()


async def until(holds: Callable[[], bool]) -> None:
    """Wait until something holds that the loop is about to bring about."""
    async with asyncio.timeout(10):
        while not holds():  # noqa: ASYNC110 - nothing tells of it
            await asyncio.sleep(0)


async def raw(door: Door, sent: bytes) -> bytes:
    """Return all that comes back until the door closes."""
    reader, writer = await asyncio.open_connection(*door.address)
    writer.write(sent)
    try:
        return await reader.read()
    finally:
        writer.close()
        await writer.wait_closed()


async def test_every_method_goes_to_its_handler() -> None:
    async with opened() as door, client_of(door) as client:
        assert await client.get(quote_path("echo", "a/b", "é?#%"), x=1, none=None, yes=True, no=False, s="ü&=") == {
            "method": "GET",
            "params": {"name": "a/b", "other": "é?#%"},
            "query": {"x": "1", "yes": "yes", "no": "no", "s": "ü&="},
            "body": None,
        }
        assert (await client.post(quote_path("echo", "", ".."), {"a": [1]}))["body"] == {"a": [1]}
        assert (await client.put("/echo", 5))["body"] == 5
        assert (await client.delete("/echo", id="x"))["query"] == {"id": "x"}
        assert await client.post_for_octets("/octets", [1, 2]) == b"]2,1["
        assert len(door._friends) == 1  # it was one connection


async def test_large_bodies_go_both_ways() -> None:
    body = bytes(range(256)) * (5 << 12)
    async with opened() as door, client_of(door) as client:
        assert (await client._ask("POST", "/octets", {}, body)).body == body[::-1]


async def test_refusals_come_with_their_sentence(caplog: pytest.LogCaptureFixture) -> None:
    async with opened() as door, client_of(door) as client:
        for path, query, status, sentence in (
            ("/full", {"size": 3}, 507, "no room for 3 in 1.5"),
            ("/full", {"size": 11}, 400, "size must be a whole number from 0 to 10"),
            ("/full", {"size": "-1"}, 400, "size must be a whole number from 0 to 10"),
            ("/full", {"wait": "nan"}, 400, "wait must be seconds from 0 to 9"),
            ("/full", {"wait": "soon"}, 400, "wait must be seconds from 0 to 9"),
            ("/nowhere", {}, 404, "there is no such resource"),
            ("/echo/a/%ff", {}, 404, "there is no such resource"),
            ("/octets", {}, 405, "this resource has the methods POST"),
            ("/broken", {}, 500, "something failed that nobody foresaw; the log has the details"),
        ):
            with pytest.raises(DoorRefused) as refused:
                await client.get(path, **query)
            assert (refused.value.status, str(refused.value)) == (status, sentence)
        assert len(door._friends) == 1
    assert "a request could not be answered" in caplog.text
    assert TOKEN not in caplog.text


@pytest.mark.parametrize("token", ["u" * 43, "t", TOKEN[:-1], f"{TOKEN}t"])
async def test_a_wrong_token_opens_nothing(token: str, caplog: pytest.LogCaptureFixture) -> None:
    async with opened() as door, client_of(door, token) as client:
        for _ in range(3):
            with pytest.raises(DoorRefused, match="the token is missing or wrong") as refused:
                await client.post("/octets", "x")
            assert refused.value.status == 401
        assert not door._friends
    assert caplog.text.count("without the right token") == 1
    assert len(token) == 1 or token not in caplog.text


@pytest.mark.parametrize(
    "sent",
    [
        b"GET /full HTTP/1.1\r\nHost: x\r\n\r\n",
        b"GET /full HTTP/1.1\r\nHost: x\r\nAuthorization: Basic dDp0\r\n\r\n",
        b"GET /full HTTP/1.1\nHost: x\nAuthorization: Bearer x\n\n",
        b"EHLO client.example\r\n\r\n",
        b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03" + bytes(200) + b"\r\n\r\n",
        b"POST /octets HTTP/1.1\r\nHost: x\r\nContent-Length: 1000000000\r\n\r\nabc",
        # The token is not where it belongs.
        f"GET /full HTTP/1.1\r\nHost: x\r\n\r\nAuthorization: Bearer {TOKEN}\r\n\r\n".encode(),
        f"GET /full HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {TOKEN}\r\nAuthorization: Bearer x\r\n\r\n".encode(),
    ],
)
@pytest.mark.parametrize("pause", [0, 4])
async def test_a_stranger_gets_one_answer_whatever_it_says(sent: bytes, pause: int) -> None:
    async with opened() as door:
        reader, writer = await asyncio.open_connection(*door.address)
        if pause and sent.startswith(b"\x16"):
            pause = 0  # what can't be HTTP is answered before it ends
        writer.write(sent[:pause])
        if pause:
            await until(lambda: bool(door._strangers))
        writer.write(sent[pause:])
        received = await reader.read()
        writer.close()
        assert received.startswith(b"HTTP/1.1 401 ")
        assert received.endswith(b'\r\n\r\n{"error":"the token is missing or wrong"}')
        for field in (b"\r\nconnection: close\r\n", b"\r\nwww-authenticate: bearer\r\n", b"\r\ndate: "):
            assert field in received.lower()


async def test_a_stranger_with_a_long_head_is_cut_off() -> None:
    async with opened() as door:
        for end in (b"", b"\r\n\r\n"):
            with contextlib.suppress(ConnectionResetError):  # while it was still sending
                received = await raw(door, b"GET / HTTP/1.1\r\nHost: x\r\nX: " + b"y" * 30_000 + end)
                assert received[:13] in {b"HTTP/1.1 401 ", b""}


async def test_a_long_head_with_the_token() -> None:
    async with opened() as door, client_of(door) as client:
        await client.put("/echo", 1)
        with pytest.raises(DoorRefused) as refused:
            await client.get("/full", x="y" * 20_000)
        assert refused.value.status == 431


async def test_a_body_that_is_too_long_is_refused_unread() -> None:
    head = f"POST /octets HTTP/1.1\r\nHost: x\r\nAuthorization: bearer {TOKEN}\r\n".encode()
    async with opened() as door:
        received = await raw(door, head + f"Content-Length: {connection.BODY + 1}\r\n\r\n".encode())
        assert received.startswith(b"HTTP/1.1 413")


async def test_a_client_that_waits_for_100_gets_it() -> None:
    head = f"POST /octets HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {TOKEN}\r\nExpect: 100-continue\r\n"
    async with opened() as door:
        reader, writer = await asyncio.open_connection(*door.address)
        writer.write(f"{head}Content-Length: 3\r\nConnection: close\r\n\r\n".encode())
        assert (await reader.readuntil(b"\r\n\r\n")).startswith(b"HTTP/1.1 100")
        writer.write(b"abc")
        assert (await reader.read()).endswith(b"\r\n\r\ncba")
        writer.close()
        await writer.wait_closed()


async def test_pipelined_requests_are_answered_in_their_order() -> None:
    head = f"Host: x\r\nAuthorization: Bearer {TOKEN}\r\n"
    requests = [f"GET /echo/{number}/x HTTP/1.1\r\n{head}\r\n" for number in range(20)]
    last = f"DELETE /echo HTTP/1.1\r\n{head}Connection: close\r\n\r\n"
    async with opened() as door:
        received = await raw(door, "".join((*requests, last)).encode())
        assert [received.index(f'"name":"{number}"'.encode()) for number in range(20)] == sorted(
            received.index(f'"name":"{number}"'.encode()) for number in range(20)
        )
        assert received.endswith(b'{"method":"DELETE","params":{},"query":{},"body":null}')


async def test_a_door_that_is_away() -> None:
    async with opened() as door:
        address = door.address
    client = DoorClient("dns", *address, TOKEN)
    with pytest.raises(DoorAway, match="the control door of dns is away") as away:
        await client.get("/figures")
    assert away.value.service == "dns"


async def test_a_client_outlives_a_restart_of_the_service() -> None:
    door = Door(ROUTES, token=TOKEN, clock=Clock())
    await door.start("127.0.0.1", 0)
    host, port = door.address
    client = DoorClient("relay", host, port, TOKEN)
    assert (await client.put("/echo", 1))["body"] == 1
    await door.close()
    door = Door(ROUTES, token=TOKEN, clock=Clock())
    await door.start(host, port)
    assert (await client.put("/echo", 2))["body"] == 2
    await client.close()
    await door.close()


async def test_a_stranger_makes_room_for_the_next() -> None:
    async with opened() as door, client_of(door) as client:
        writers = []
        for _ in range(STRANGERS + 3):
            reader, writer = await asyncio.open_connection(*door.address)
            writer.write(b"GET /ech")
            writers.append((reader, writer))
        assert (await client.put("/echo", 1))["body"] == 1
        assert len(door._strangers) <= STRANGERS
        assert await writers[0][0].read() == b""  # the first was cut off
        for _, writer in writers:
            writer.close()


async def test_a_slow_stranger_is_cut_off() -> None:
    clock = Clock()
    async with opened(clock=clock) as door:
        reader, writer = await asyncio.open_connection(*door.address)
        writer.write(b"G")
        await until(lambda: bool(door._strangers))
        clock.push(connection.PATIENCE)
        assert await reader.read() == b""
        writer.close()


async def test_closing_waits_for_what_changes_something_and_for_nothing_else() -> None:
    begun, go_on = asyncio.Event(), asyncio.Event()
    ended = []

    async def slow(request: Request) -> Response:
        begun.set()
        await go_on.wait()
        ended.append(request.method)
        return answer({})

    door = Door([Route("GET", "/slow", slow), Route("POST", "/slow", slow)], token=TOKEN, clock=Clock())
    await door.start("127.0.0.1", 0)
    client = DoorClient("relay", *door.address, TOKEN)
    asks = [asyncio.create_task(client.get("/slow")), asyncio.create_task(client.post("/slow"))]
    await begun.wait()
    await until(lambda: len(door._friends) == 2)
    closing = asyncio.create_task(door.close())
    with pytest.raises(DoorAway):
        await asks[0]
    go_on.set()
    assert await asks[1] == {}
    await closing
    await client.close()
    assert ended == ["POST"]


async def test_a_request_that_only_reads_ends_with_its_client() -> None:
    begun, ended = asyncio.Event(), asyncio.Event()

    async def slow(_request: Request) -> Response:
        begun.set()
        try:
            await asyncio.get_running_loop().create_future()
        finally:
            ended.set()
        raise AssertionError

    async with opened(Route("GET", "/slow", slow)) as door, client_of(door) as client:
        ask = asyncio.create_task(client.get("/slow"))
        await begun.wait()
        ask.cancel()
        await asyncio.wait_for(ended.wait(), 10)


async def test_bytes_that_dribble_are_few() -> None:
    """A stranger that sends octet by octet would make the loop turn for each of them."""
    async with opened() as door:
        _, writer = await asyncio.open_connection(*door.address)
        await until(lambda: bool(door._strangers))
        (stranger,) = door._strangers
        for sent in range(1, connection.READS + 1):
            writer.write(b"G")
            await until(lambda sent=sent: stranger._reads == sent)  # type: ignore[misc] # a default
        assert door._strangers
        writer.write(b"G")
        await until(lambda: not door._strangers)
        writer.close()


async def test_looks_are_few() -> None:
    clock = Clock(steady=lambda: 1000.0)
    async with opened(clock=clock) as door:
        for _ in range(int(BURST)):
            assert (await raw(door, b"rubbish\r\n\r\n")).startswith(b"HTTP/1.1 401")
        reader, writer = await asyncio.open_connection(*door.address)  # into the kernel's hands
        writer.write(b"rubbish\r\n\r\n")
        await until(lambda: door._resting is not None)
        clock.push(1.0)
        assert (await reader.read()).startswith(b"HTTP/1.1 401")
        writer.close()


async def test_strangers_with_incomplete_requests_are_fewer(monkeypatch: pytest.MonkeyPatch) -> None:
    clock = Clock()
    async with opened(clock=clock) as door:
        monkeypatch.setattr(door, "_guests", Bucket(Clock(steady=lambda: 1000.0), 1.0, BURST))
        for number in range(int(BURST) + 1):
            reader, writer = await asyncio.open_connection(*door.address)
            writer.write(b"GET ")
            if number == BURST:
                with contextlib.suppress(ConnectionResetError):
                    assert await reader.read() == b""
            else:
                await until(lambda: bool(door._strangers))
                writer.write(b"rubbish\r\n\r\n")
                assert (await reader.read()).startswith(b"HTTP/1.1 401")
                await until(lambda: not door._strangers)
            writer.close()


async def test_a_client_that_has_gone_before_it_was_looked_at() -> None:
    async with opened() as door, client_of(door) as client:
        _, writer = await asyncio.open_connection(*door.address)
        writer.close()
        await client.put("/echo", 1)
        await until(lambda: not door._strangers)


def test_a_look_at_a_broken_socket() -> None:
    with socket.socket() as sock:
        assert gate.first_octets(sock) is None
        gate.turn_away(sock, 0.0)


async def test_clients_with_the_token_are_not_counted_against_the_rate() -> None:
    async with opened(clock=Clock(steady=lambda: 1000.0)) as door:
        for _ in range(int(BURST) + 20):
            async with client_of(door) as client:
                await client.put("/echo", 1)


async def test_too_many_clients_with_the_token(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "FRIENDS", 2)
    async with opened() as door, client_of(door) as first, client_of(door) as second, client_of(door) as third:
        await first.put("/echo", 1)
        await second.put("/echo", 1)
        with pytest.raises(DoorRefused, match="too many connections"):
            await third.put("/echo", 1)


async def test_a_chunked_body(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(connection, "BODY", 10)
    head = f"POST /octets HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {TOKEN}\r\nTransfer-Encoding: chunked\r\n"
    async with opened() as door:
        received = await raw(door, f"{head}Connection: close\r\n\r\n3\r\nabc\r\n2\r\nde\r\n0\r\n\r\n".encode())
        assert received.endswith(b"\r\n\r\nedcba")
        received = await raw(door, f"{head}\r\nb\r\n01234567890\r\n0\r\n\r\n".encode())
        assert received.startswith(b"HTTP/1.1 413")


async def test_rubbish_behind_a_request(monkeypatch: pytest.MonkeyPatch) -> None:
    head = f"PUT /echo HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {TOKEN}\r\nContent-Length: 0\r\n\r\n"
    async with opened() as door:
        received = await raw(door, f"{head}rubbish\r\n\r\n".encode())
        assert received.count(b"HTTP/1.1 200") == 1
        assert received.count(b"HTTP/1.1 400") == 1


async def test_a_client_that_sends_ahead_is_held_back() -> None:
    go_on = asyncio.Event()

    async def slow(_request: Request) -> Response:
        await go_on.wait()
        return answer({})

    head = f"Host: x\r\nAuthorization: Bearer {TOKEN}\r\n"
    async with opened(Route("POST", "/slow", slow)) as door:
        reader, writer = await asyncio.open_connection(*door.address)
        writer.write(f"POST /slow HTTP/1.1\r\n{head}Content-Length: 0\r\n\r\n".encode())
        size = 8 << 20
        writer.write(f"POST /slow HTTP/1.1\r\n{head}Content-Length: {size}\r\nConnection: close\r\n\r\n".encode())
        writer.write(b"x" * size)
        await until(lambda: any(not friend._reading for friend in door._friends))
        assert writer.transport.get_write_buffer_size() > 0
        go_on.set()
        assert (await reader.read()).count(b"HTTP/1.1 200") == 2
        writer.close()


async def test_a_client_that_does_not_read_is_cut_off() -> None:
    clock = Clock()

    async def large(_request: Request) -> Response:
        return Response(body=b"x" * (32 << 20))

    async with opened(Route("GET", "/large", large), clock=clock) as door:
        reader, writer = await asyncio.open_connection(*door.address, limit=1024)
        request = f"GET /large HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {TOKEN}\r\n\r\n".encode()
        writer.write(request * 2)
        await until(lambda: any(friend._congested for friend in door._friends))
        clock.push(connection.STALLED)
        await until(lambda: not door._friends)
        writer.transport.abort()
        assert reader is not None


async def test_a_client_that_reads_late_gets_all() -> None:
    async def large(_request: Request) -> Response:
        return Response(body=b"x" * (8 << 20))

    async with opened(Route("GET", "/large", large)) as door:
        reader, writer = await asyncio.open_connection(*door.address, limit=1024)
        request = f"GET /large HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {TOKEN}\r\n"
        writer.write(f"{request}\r\n{request}Connection: close\r\n\r\n".encode())
        await until(lambda: any(friend._congested for friend in door._friends))
        assert len(await reader.read()) > 16 << 20
        writer.close()


async def test_a_door_that_closes_cuts_no_answer_in_two() -> None:
    async def large(_request: Request) -> Response:
        return Response(body=b"x" * (8 << 20))

    door = Door([Route("GET", "/large", large)], token=TOKEN, clock=Clock())
    await door.start("127.0.0.1", 0)
    client = DoorClient("relay", *door.address, TOKEN)
    await client.octets("/large")
    ask = asyncio.create_task(client.octets("/large"))
    await until(lambda: any(friend._congested for friend in door._friends))
    closing = asyncio.create_task(door.close())
    assert len(await ask) == 8 << 20
    await closing
    await client.close()


async def test_a_door_that_was_never_opened_can_be_closed() -> None:
    door = Door([], token=TOKEN, clock=Clock())
    await door.close()
    door = Door([], token=TOKEN, clock=Clock())
    await door.start("::1", 0)
    client = DoorClient("relay", *door.address, TOKEN)
    with pytest.raises(DoorRefused):
        await client.get("/")
    await client.close()
    await door.close()
    await door.close()


async def test_no_descriptors_are_left(monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture) -> None:
    async with opened() as door:
        listener = door._listener

        class Full:
            def fileno(self) -> int:
                return listener.fileno() if listener is not None else -1

            def accept(self) -> None:
                door._listener = listener
                raise OSError(24, "Too many open files")

        monkeypatch.setattr(door, "_listener", Full())
        async with client_of(door) as client:
            assert (await client.put("/echo", 1))["body"] == 1
    assert "could not be accepted: [Errno 24]" in caplog.text


async def test_a_client_whose_answer_does_not_come(monkeypatch: pytest.MonkeyPatch) -> None:
    async def never(_request: Request) -> Response:
        await asyncio.get_running_loop().create_future()
        raise AssertionError

    monkeypatch.setattr(client_module, "ANSWER", 0.05)
    async with opened(Route("GET", "/never", never)) as door, client_of(door) as client:
        with pytest.raises(DoorAway, match=r"no answer in 0\.05 s"):
            await client.get("/never")


async def test_what_no_door_says() -> None:
    """The client meets servers of another kind."""
    answers: list[bytes] = []

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(answers.pop(0))
        writer.close()

    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    host, port = server.sockets[0].getsockname()
    client = DoorClient("relay", host, port, TOKEN)
    for said, error in (
        (b"220 mx.example ESMTP\r\n", DoorAway),
        (b"", DoorAway),
        (b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nab", DoorAway),
        (b"HTTP/1.1 502 Bad Gateway\r\nContent-Length: 2\r\n\r\nno", DoorRefused),
    ):
        answers.append(said)
        with pytest.raises(error):
            await client.get("/")
    server.close()
    await client.close()


@pytest.mark.parametrize(
    ("pieces", "kept"),
    [
        ([b"HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\n1234"], True),
        ([b"HTTP/1.1 200 OK\r\nContent-Le", b"ngth: 4\r\n\r\n12", b"34"], True),
        ([b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\n12\r\n", b"2\r\n34\r\n0\r\n\r\n"], True),
        ([b"HTTP/1.1 200 OK\r\nContent-Length: 4\r\nConnection: close\r\n\r\n1234"], False),
        ([b"HTTP/1.0 200 OK\r\n\r\n12", b"34"], False),
        ([quick.response(200, 0.0, "application/json", 4, ()) + b"12", b"34"], True),
        ([quick.response(200, 0.0, "application/json", 4, ()) + b"1234unasked"], False),
    ],
)
async def test_answers_of_every_form(pieces: list[bytes], kept: bool) -> None:
    """They are the same to who asks; a connection is used again if it is open and nothing unasked has come."""
    served: list[asyncio.Task[None] | None] = []

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        served.append(asyncio.current_task())
        with contextlib.suppress(asyncio.IncompleteReadError, OSError):  # the client goes
            while await reader.readuntil(b"\r\n\r\n"):
                for piece in pieces:
                    writer.write(piece)
                    await writer.drain()
                if b"HTTP/1.0" in pieces[0]:
                    break
        writer.close()

    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    host, port = server.sockets[0].getsockname()
    client = DoorClient("relay", host, port, TOKEN)
    assert [await client.get("/") for _ in range(3)] == [1234] * 3
    assert len(served) == (1 if kept else 3)
    await client.close()
    await asyncio.gather(*filter(None, served))
    server.close()


async def test_connections_that_were_idle_for_long_are_not_used_again() -> None:
    now = 0.0
    async with opened() as door:
        client = DoorClient("relay", *door.address, TOKEN, steady=lambda: now)
        await client.put("/echo", 1)
        now = client_module.LINGER + 1
        before = set(door._friends)
        await client.put("/echo", 1)
        assert not before & door._friends
        ask = asyncio.create_task(client.put("/echo", 1))
        await asyncio.sleep(0)
        await client.close()
        assert (await ask)["body"] == 1
        assert not client._idle


async def test_a_connection_that_is_lost_under_a_request() -> None:
    """A request that may be sent twice is; one that might be carried out twice is not."""
    asked: list[str] = []

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with contextlib.suppress(asyncio.IncompleteReadError):
            asked.append((await reader.readuntil(b"\r\n\r\n")).decode().split()[0])
            writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 1\r\n\r\n1")
            asked.append((await reader.readuntil(b"\r\n\r\n")).decode().split()[0])
        writer.close()  # without an answer to the second one

    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    host, port = server.sockets[0].getsockname()
    client = DoorClient("relay", host, port, TOKEN)
    assert await client.get("/") == 1
    assert await client.get("/") == 1
    with pytest.raises(DoorAway):
        await client.post_octets("/", b"")
    assert asked == ["GET", "GET", "GET", "POST"]
    await client.close()
    server.close()


async def test_a_door_that_takes_nobody(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(client_module, "CONNECT", 0.05)
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        listener.listen(0)
        with contextlib.ExitStack() as waiting:
            for _ in range(3):  # the kernel's queue is full
                sock = waiting.enter_context(socket.socket())
                sock.setblocking(False)
                sock.connect_ex(listener.getsockname())
            host, port = listener.getsockname()
            client = DoorClient("store", host, port, TOKEN)
            with pytest.raises(DoorAway, match=r"no connection in 0\.05 s"):
                await client.get("/")
