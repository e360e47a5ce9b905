"""Requests and responses that are read at once: what they are is what h11 says, and whatever else comes is h11's."""

from __future__ import annotations

import h11
import pytest
from hypothesis import given
from hypothesis import strategies as st

from postroad.control import quick

HEAD = quick.request("PUT", "/worlds/a%20b?wait=1", "127.0.0.1:8026", "t" * 43, 5)
ANSWER = quick.response(200, 0.0, "application/x-ndjson", 3, [("Postroad-First", "7"), ("Postroad-Last", "9")])


def by_h11(role: type[h11.CLIENT | h11.SERVER], octets: bytes) -> tuple[h11.Event, bytes]:
    """Return the head of a message, and its body; raises `h11.ProtocolError`."""
    connection = h11.Connection(role)
    if role is h11.CLIENT:
        connection.send(h11.Request(method="GET", target="/", headers=[("Host", "x")]))
        connection.send(h11.EndOfMessage())
    connection.receive_data(octets)
    head, body = connection.next_event(), b""
    assert isinstance(head, h11.Request | h11.Response)
    while isinstance(event := connection.next_event(), h11.Data):
        body += bytes(event.data)
    assert isinstance(event, h11.EndOfMessage)
    return head, body


def test_a_request() -> None:
    whole = quick.read_request(HEAD + b"12345")
    assert whole == ("PUT", "/worlds/a%20b?wait=1", b"t" * 43, b"12345")
    head, body = by_h11(h11.SERVER, HEAD + b"12345")
    assert isinstance(head, h11.Request)
    assert (head.method, head.target, body) == (b"PUT", b"/worlds/a%20b?wait=1", b"12345")
    assert dict(head.headers)[b"authorization"] == b"Bearer " + b"t" * 43


def test_a_response() -> None:
    begun = quick.begin_response(ANSWER + b"ab")
    assert begun == (200, {b"postroad-first": b"7", b"postroad-last": b"9"}, len(ANSWER), 3)
    head, body = by_h11(h11.CLIENT, ANSWER + b"abc")
    assert isinstance(head, h11.Response)
    assert (head.status_code, body) == (200, b"abc")
    assert begun.headers.items() <= dict(head.headers).items()
    assert dict(head.headers)[b"date"] == b"Thu, 01 Jan 1970 00:00:00 GMT"


@pytest.mark.parametrize(
    "octets",
    [
        HEAD + b"1234",
        HEAD + b"123456",
        HEAD[:-1],
        b"\r\n" + HEAD + b"12345",
        HEAD.replace(b"HTTP/1.1", b"HTTP/1.0") + b"12345",
        HEAD.replace(b"PUT /worlds", b"PUT http://x/worlds") + b"12345",
        HEAD.replace(b"\r\n\r\n", b"\r\nConnection: close\r\n\r\n") + b"12345",
        HEAD.replace(b"\r\n\r\n", b"\r\nExpect: 100-continue\r\n\r\n") + b"12345",
        HEAD.replace(b"Content-Length: 5", b"Transfer-Encoding: chunked") + b"0\r\n\r\n",
        HEAD.replace(b"\r\n", b"\n") + b"12345",
        HEAD.replace(b"/worlds", b"/" + b"x" * 5000) + b"12345",
        b"",
    ],
)
def test_requests_for_h11(octets: bytes) -> None:
    assert quick.read_request(octets) is None


@pytest.mark.parametrize(
    "octets",
    [
        ANSWER[:-1],
        ANSWER.replace(b"200 ", b"200 OK"),
        ANSWER.replace(b"HTTP/1.1 200", b"HTTP/1.1 100"),
        ANSWER.replace(b"HTTP/1.1", b"HTTP/1.0"),
        quick.response(503, 0.0, "application/json", 2, [("Connection", "close")]),
        quick.response(405, 0.0, "application/json", 2, [("Allow", "GET")]),
        ANSWER.replace(b"Content-Length: 3", b"Transfer-Encoding: chunked"),
        b"HTTP/1.1 204 \r\n\r\n",
        b"",
    ],
)
def test_responses_for_h11(octets: bytes) -> None:
    assert quick.begin_response(octets) is None


@given(st.binary(max_size=40), st.integers(0, len(HEAD)), st.integers(0, 8))
def test_no_request_is_read_otherwise_than_by_h11(noise: bytes, at: int, without: int) -> None:
    octets = HEAD[:at] + noise + HEAD[at + without :] + b"12345"
    whole = quick.read_request(octets)
    if whole is not None:
        head, body = by_h11(h11.SERVER, octets)
        assert isinstance(head, h11.Request)
        assert (head.method.decode(), head.target.decode(), body) == (whole.method, whole.target, whole.body)
        assert dict(head.headers)[b"authorization"] == b"Bearer " + whole.token


@given(st.binary(max_size=40), st.integers(0, len(ANSWER)), st.integers(0, 8))
def test_no_response_is_read_otherwise_than_by_h11(noise: bytes, at: int, without: int) -> None:
    octets = ANSWER[:at] + noise + ANSWER[at + without :]
    begun = quick.begin_response(octets)
    if begun is not None:
        octets = (octets + bytes(begun.length))[: begun.head + begun.length]
        head, body = by_h11(h11.CLIENT, octets)
        assert isinstance(head, h11.Response)
        assert (head.status_code, len(body)) == (begun.status, begun.length)
        assert begun.headers.items() <= dict(head.headers).items()


def test_dates_are_of_their_second() -> None:
    assert quick.date(1764115200.9) == "Wed, 26 Nov 2025 00:00:00 GMT"
    assert quick.date(1764115201.0) == "Wed, 26 Nov 2025 00:00:01 GMT"
