"""The client for asyncio."""

from __future__ import annotations

import asyncio
import socket

import pytest

from postroad_kit.errors import Away
from postroad_kit.http.aio import AsyncClient, answer_of, request_of
from postroad_kit.http.call import Call, Place
from tests.kit.http.scripted import Scripted, ok

A: Call[object] = Call("GET", "/v1/a", lambda answer: answer)


async def test_questions_side_by_side(server: Scripted) -> None:
    server.answers = [[ok(b"1")] for _ in range(5)]
    client = AsyncClient(server.url)
    assert await asyncio.gather(*(client.ask(A, world="checkout") for _ in range(5))) == [1] * 5
    assert server.requests[0].startswith(b"GET /v1/a HTTP/1.0\r\n")
    assert b"Postroad-World: checkout\r\n" in server.requests[0]


def test_a_request() -> None:
    call = Call("POST", "/v1/a", dict, {"b": 1}, query={"c": "d"})
    head, _, body = request_of(Place.of("http://localhost:8025/mail"), call, None).partition(b"\r\n\r\n")
    assert head.startswith(b"POST /mail/v1/a?c=d HTTP/1.0\r\nHost: localhost:8025\r\n")
    assert body == b'{"b": 1}'


async def test_what_would_be_more_than_one_line_of_a_request(server: Scripted) -> None:
    with pytest.raises(Away, match="a line end in it"):
        await AsyncClient(server.url).ask(A, world="checkout\r\nX: y")
    assert not server.requests


@pytest.mark.parametrize("octets", [b"", b"HTTP/1.1 200 OK\r\n", b"220 smtp\r\n\r\n", ok(b"12")[:-1]])
def test_what_is_no_whole_answer(octets: bytes) -> None:
    with pytest.raises(ValueError, match=r"no HTTP|cut off"):
        answer_of(octets)


async def test_an_answer_that_is_cut_off(server: Scripted) -> None:
    server.answers = [[ok(b"12")[:-1]]]
    with pytest.raises(Away, match="cut off: 1 octets of 2"):
        await AsyncClient(server.url).ask(A)


async def test_nobody_is_there() -> None:
    with socket.create_server(("127.0.0.1", 0)) as nobody:
        url = f"http://127.0.0.1:{nobody.getsockname()[1]}"
    with pytest.raises(Away, match="can't be reached"):
        await AsyncClient(url).ask(A)
