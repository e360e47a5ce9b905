"""The octets of HTTP: requests, and answers that come in pieces."""

from __future__ import annotations

import pytest

from postroad_kit.http.call import Call, Place
from postroad_kit.http.wire import LONGEST_LINES, Answer, read_answer, request_of

CHUNKED = (
    b"HTTP/1.1 200 OK\r\nTransfer-Encoding: Chunked\r\n\r\n"
    b"5\r\nhello\r\nA; name=value\r\n, worlds!\n\r\n0\r\nX-Sum: 15\r\n\r\n"
)  # RFC 9112 §7.1


def read(octets: bytes, size: int = 65_536) -> Answer:
    """Read what comes in pieces of this size; nothing may be asked for behind the end."""
    pieces = iter([octets[at : at + size] for at in range(0, len(octets), size)] + [b""])
    return read_answer(lambda: next(pieces))


def test_a_request() -> None:
    call = Call("POST", "/v1/a", dict, {"b": 1}, query={"c": "d"})
    head, _, body = request_of(Place.of("http://localhost:8025/mail"), call, None, "1.0").partition(b"\r\n\r\n")
    assert head.startswith(b"POST /mail/v1/a?c=d HTTP/1.0\r\nHost: localhost:8025\r\n")
    assert head.endswith(b"\r\nContent-Length: 8")
    assert body == b'{"b": 1}'
    assert request_of(Place.of("http://localhost"), Call("GET", "/v1/a", dict), "w", "1.1") == (
        b"GET /v1/a HTTP/1.1\r\nHost: localhost:80\r\nAccept: application/json\r\nPostroad-World: w\r\n\r\n"
    )


@pytest.mark.parametrize("world", ["w\nX: y", "w\rX: y", "w\r\nX: y", "w\r\n"])
def test_a_field_is_one_line(world: str) -> None:
    with pytest.raises(ValueError, match="has a line end in it"):
        request_of(Place.of("http://localhost"), Call("GET", "/v1/a", dict), world, "1.1")


@pytest.mark.parametrize(
    ("octets", "expected"),
    [
        (b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok", Answer(200, b"ok", True)),
        (b"HTTP/1.1 200\r\ncontent-length:2\r\n\r\nok", Answer(200, b"ok", True)),
        (b"HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\n\r\n", Answer(404, b"", True)),
        (b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\nConnection: Close\r\n\r\nok", Answer(200, b"ok", False)),
        (b"HTTP/1.0 200 OK\r\nContent-Length: 2\r\n\r\nok", Answer(200, b"ok", False)),
        (b"HTTP/1.1 200 OK\r\n\r\nto the end", Answer(200, b"to the end", False)),
        (b"HTTP/1.1 200 OK\r\n\r\n", Answer(200, b"", False)),
        (b"HTTP/1.1 204 No Content\r\nContent-Length: 2\r\n\r\n", Answer(204, b"", True)),
        (b"HTTP/1.1 304 Not Modified\r\n\r\n", Answer(304, b"", True)),
        (b"HTTP/1.1 103 Early Hints\r\nLink: </>\r\n\r\n" + b"HTTP/1.1 204 -\r\n\r\n", Answer(204, b"", True)),
        (CHUNKED, Answer(200, b"hello, worlds!\n", True)),
    ],
)  # fmt: skip
@pytest.mark.parametrize("size", [1, 7, 65_536])
def test_an_answer(octets: bytes, expected: Answer, size: int) -> None:
    assert read(octets, size) == expected


def test_what_comes_behind_an_answer_is_none_of_it() -> None:
    assert read(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nokHTTP/1.1 400").body == b"ok"


@pytest.mark.parametrize(
    "octets",
    [
        b"",
        b"HTTP/1.1 200 OK\r\n",
        b"220 smtp\r\n\r\n",
        b"HTTP/1.1 20x OK\r\n\r\n",
        b"HTTP/1.1\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nContent-Length: -1\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\no",
        CHUNKED[:-2],
        CHUNKED[:-30],
        CHUNKED.replace(b"5\r\n", b"five\r\n"),
    ],
)
@pytest.mark.parametrize("size", [1, 65_536])
def test_what_is_no_whole_answer(octets: bytes, size: int) -> None:
    with pytest.raises(ValueError, match=r"the answer is (no HTTP|cut off)"):
        read(octets, size)


def test_lines_without_an_end_are_not_gathered_for_ever() -> None:
    asked = 0

    def receive() -> bytes:
        nonlocal asked
        asked += 1
        return b"x" * 8_192

    with pytest.raises(ValueError, match="its lines do not end"):
        read_answer(receive)
    assert asked == LONGEST_LINES // 8_192 + 1
