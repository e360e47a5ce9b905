"""The client for asyncio."""

from __future__ import annotations

import asyncio
import socket

import pytest

from postroad_kit.errors import Away, PostroadError
from postroad_kit.http.aio import AsyncClient
from postroad_kit.http.call import Call
from tests.kit.http.scripted import Scripted, ok

A: Call[object] = Call("GET", "/v1/a", lambda answer: answer)


async def test_questions_side_by_side(server: Scripted) -> None:
    server.answers = [[ok(b"1")] for _ in range(5)]
    client = AsyncClient(server.url)
    assert await asyncio.gather(*(client.ask(A, world="checkout") for _ in range(5))) == [1] * 5
    assert server.requests[0].startswith(b"GET /v1/a HTTP/1.0\r\n")
    assert b"Postroad-World: checkout\r\n" in server.requests[0]


async def test_what_would_be_more_than_one_line_of_a_request(server: Scripted) -> None:
    with pytest.raises(Away, match="a line end in it"):
        await AsyncClient(server.url).ask(A, world="checkout\r\nX: y")
    assert not server.requests


async def test_an_answer_that_is_cut_off(server: Scripted) -> None:
    server.answers = [[ok(b"12")[:-1]]]
    with pytest.raises(Away, match="cut off: 1 octets of 2"):
        await AsyncClient(server.url).ask(A)


async def test_nobody_is_there() -> None:
    with socket.create_server(("127.0.0.1", 0)) as nobody:
        url = f"http://127.0.0.1:{nobody.getsockname()[1]}"
    with pytest.raises(Away, match="can't be reached"):
        await AsyncClient(url).ask(A)


def test_another_loop_than_asyncios() -> None:
    """As anyio runs tests on trio too, unless it is told."""
    with pytest.raises(PostroadError, match="needs asyncio, which does not run here"):
        AsyncClient("http://127.0.0.1:1").ask(A).send(None)
