"""The blocking client: connections are kept, and one that has died is replaced."""

from __future__ import annotations

import os
import select
import socket

import pytest

from postroad_kit.errors import Away
from postroad_kit.http.call import Call
from postroad_kit.http.plain import Client
from tests.kit.http.scripted import Scripted, ok

A: Call[object] = Call("GET", "/v1/a", lambda answer: answer)


def test_connections_are_kept(server: Scripted) -> None:
    server.answers = [[ok(b"1"), ok(b"2"), ok(b"3", "Connection: close")], [ok(b"4")]]
    client = Client(server.url)
    assert [client.ask(A) for _ in range(4)] == [1, 2, 3, 4]
    client.close()
    assert len(server.requests) == 4


def test_the_world_is_named(server: Scripted) -> None:
    server.answers = [[ok(b"{}")]]
    client = Client(server.url)
    client.ask(Call("POST", "/v1/a", dict, {"b": 1}), world="checkout")
    client.close()
    assert b"Postroad-World: checkout\r\n" in server.requests[0]
    assert server.requests[0].endswith(b'{"b": 1}')


def test_an_idle_connection_that_was_closed_is_not_used(server: Scripted) -> None:
    server.answers = [[ok(b"1")], [ok(b"2")]]
    client = Client(server.url)
    assert client.ask(A) == 1
    (first,) = client._idle
    select.select([first.socket], [], [])  # until its end has come here
    assert client.ask(A) == 2
    client.close()


def test_a_system_without_poll(server: Scripted, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delattr(select, "poll")
    server.answers = [[ok(b"1"), ok(b"2")]]
    client = Client(server.url)
    assert [client.ask(A), client.ask(A)] == [1, 2]
    client.close()


def test_an_answer_that_does_not_come(server: Scripted) -> None:
    server.answers = [[ok(b"1"), b""], [ok(b"2")], [b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\n1"]]
    client = Client(server.url)
    assert client.ask(A) == 1
    assert client.ask(A) == 2  # it is asked again, on a new connection
    with pytest.raises(Away, match="cut off: 1 octets of 9"):
        client.ask(A)
    client.close()


@pytest.mark.parametrize(
    "answer",
    [
        ok(b"[1]"),
        b"HTTP/1.1 200 OK\nContent-Length: 3\n\n[1]",
        b"HTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\n" + ok(b"[1]"),
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: Chunked\r\n\r\n2;a=b\r\n[1\r\n1\r\n]\r\n0\r\nX: y\r\n\r\n",
    ],
)
def test_answers_of_every_form(server: Scripted, answer: bytes) -> None:
    server.answers = [[answer, ok(b"2")]]
    client = Client(server.url)
    assert client.ask(A) == [1]
    assert client.ask(A) == 2
    client.close()


@pytest.mark.parametrize("answer", [b"HTTP/1.0 200 OK\r\n\r\n[1]", b"HTTP/1.1 200\r\n\r\n[1]"])
def test_an_answer_that_ends_with_its_connection(server: Scripted, answer: bytes) -> None:
    server.answers = [[answer], [ok(b"2")]]
    client = Client(server.url)
    assert client.ask(A) == [1]
    assert client.ask(A) == 2
    client.close()


def test_an_answer_without_a_body(server: Scripted) -> None:
    server.answers = [[b"HTTP/1.1 204 No Content\r\n\r\n", ok(b"2")]]
    client = Client(server.url)
    assert client.ask(A) is None
    assert client.ask(A) == 2
    client.close()


@pytest.mark.parametrize(
    ("answer", "why"),
    [
        (b"", "the answer is cut off"),
        (b"220 smtp.example ESMTP\r\n", "no HTTP"),
        (b"HTTP/1.1 OK\r\n\r\n", "no HTTP"),
        (b"HTTP/1.1 200 OK\r\nContent-Le", "the answer is cut off"),
        (b"HTTP/1.1 200 OK\r\nContent-Length: x\r\n\r\n", "does not say how long"),
        (b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n", "does not say how long"),
        (b"HTTP/1.1 200 OK\r\n" + b"a: b\r\n" * 201 + b"\r\n", "no end"),
        (b"HTTP/1.1 200 OK\r\nA: " + b"b" * (65 << 10) + b"\r\n\r\n", "cut off"),
    ],
    ids=["nothing", "smtp", "status", "head", "length", "chunk", "fields", "line"],
)
def test_what_is_no_answer(server: Scripted, answer: bytes, why: str) -> None:
    server.answers = [[answer]]
    client = Client(server.url)
    with pytest.raises(Away, match=why):
        client.ask(A)
    client.close()


def test_nobody_is_there() -> None:
    with socket.create_server(("127.0.0.1", 0)) as nobody:
        url = f"http://127.0.0.1:{nobody.getsockname()[1]}"
    with pytest.raises(Away, match=rf"Postroad at {url} can't be reached: .*refused.*Does the stack run\?"):
        Client(url).ask(A)


def test_a_fork_leaves_its_parents_connections_alone(server: Scripted, monkeypatch: pytest.MonkeyPatch) -> None:
    server.answers = [[ok(b"1"), ok(b"3")], [ok(b"2")]]
    client = Client(server.url)
    assert client.ask(A) == 1
    (kept,) = client._idle
    monkeypatch.setattr(os, "getpid", lambda: -1)
    assert client._idle_one() is None
    assert kept.socket.fileno() >= 0
    kept.close()
