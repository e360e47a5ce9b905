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
    (idle,) = client._idle
    assert select.select([idle], [], [], 10)[0]  # the end of the first connection has come here
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


def test_what_would_be_more_than_one_line_of_a_request(server: Scripted) -> None:
    with pytest.raises(Away, match="a line end in it"):
        Client(server.url).ask(A, world="checkout\r\nX: y")
    assert not server.requests


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
    assert client._take() is None
    assert kept.fileno() != -1
    kept.close()
