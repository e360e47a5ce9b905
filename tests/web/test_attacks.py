"""Rubbish and malice at the web service's port, on a whole stack: each is refused, and the log has no fault of ours."""

from __future__ import annotations

import socket
from typing import TYPE_CHECKING

import pytest

from tests.harness.stack import Port

if TYPE_CHECKING:
    from tests.harness.stack import Stack

HOST = b"Host: localhost\r\n"


def post(path: str, body: bytes, *lines: bytes) -> bytes:
    head = b"".join(line + b"\r\n" for line in lines)
    return b"POST %b HTTP/1.1\r\n%b%bContent-Length: %d\r\n\r\n%b" % (path.encode(), HOST, head, len(body), body)


REQUESTS: list[tuple[str, bytes, int | None]] = [
    ("two hosts", b"GET / HTTP/1.1\r\nHost: localhost\r\nHost: evil.example\r\n\r\n", 400),
    ("no host", b"GET / HTTP/1.1\r\n\r\n", 400),
    ("no host in HTTP/1.0", b"GET / HTTP/1.0\r\n\r\n", 421),
    ("a host of the Internet", b"GET /v1/messages HTTP/1.1\r\nHost: evil.example\r\n\r\n", 421),
    ("absolute form", b"GET http://evil.example/v1/queue HTTP/1.1\r\n" + HOST + b"\r\n", 421),
    ("absolute form of ours", b"GET http://localhost/livez HTTP/1.1\r\nHost: evil.example\r\n\r\n", 200),
    ("CONNECT", b"CONNECT evil.example:443 HTTP/1.1\r\nHost: evil.example:443\r\n\r\n", 421),
    ("TRACE", b"TRACE / HTTP/1.1\r\n" + HOST + b"\r\n", 405),
    ("a form of another page", post("/v1/purge", b"a=b", b"Origin: http://evil.example"), 403),
    ("a form of a file", post("/v1/purge", b"a=b", b"Origin: null"), 403),
    ("a form without origin", post("/v1/purge", b"a=b", b"Sec-Fetch-Site: cross-site"), 403),
    ("an image of another page", b"GET /v1/messages HTTP/1.1\r\nSec-Fetch-Site: cross-site\r\n" + HOST + b"\r\n", 403),
    ("negative length", b"POST /v1/wait HTTP/1.1\r\nContent-Length: -1\r\n" + HOST + b"\r\n", 400),
    ("huge length", b"POST /v1/wait HTTP/1.1\r\nContent-Length: 999999999\r\n" + HOST + b"\r\n", 413),
    ("bad chunk", b"POST /v1/wait HTTP/1.1\r\nTransfer-Encoding: chunked\r\n" + HOST + b"\r\nzz\r\n", 400),
    ("long head", b"GET / HTTP/1.1\r\n" + HOST + b"X: " + b"x" * 100_000 + b"\r\n\r\n", None),
    ("traversal", b"GET /static/../../../etc/passwd HTTP/1.1\r\n" + HOST + b"\r\n", 404),
    ("encoded traversal", b"GET /static/%2e%2e%2f%2e%2e%2fetc%2fpasswd HTTP/1.1\r\n" + HOST + b"\r\n", 404),
    ("NUL", b"GET /v1/messages/%00 HTTP/1.1\r\n" + HOST + b"\r\n", 404),
    ("no UTF-8", b"GET /v1/messages/%ff%fe HTTP/1.1\r\n" + HOST + b"\r\n", 404),
    ("no UTF-8 in a query", b"GET /v1/messages?query=%ff%fe HTTP/1.1\r\n" + HOST + b"\r\n", 200),
    ("a lone surrogate", post("/v1/wait", b'{"recipient": "\\ud800@x.test", "timeout": 0}'), 400),
    ("deep JSON", post("/v1/wait", b"[" * 100_000), 400),
    ("a wide number", post("/v1/wait", b'{"after": 99999999999999999999999, "timeout": 0}'), 422),
    ("a line end in an address", post("/v1/wait", b'{"recipient": "a\\r\\nb", "timeout": 0}'), 422),
    ("SQL", b"GET /v1/messages?query=%27%29%3BDROP%20TABLE%20records%3B-- HTTP/1.1\r\n" + HOST + b"\r\n", 422),
    ("FTS", b'GET /v1/messages?query="a%22%22%20OR%20NEAR(" HTTP/1.1\r\n' + HOST + b"\r\n", None),
    ("TLS", b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03", 400),
    ("SMTP", b"EHLO x\r\n\r\n", 400),
    ("h2", b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", 400),
    ("a body that breaks off", b"POST /v1/wait HTTP/1.1\r\nContent-Length: 100\r\n" + HOST + b'\r\n{"a', None),
    ("a wait that is left", post("/v1/wait", b'{"recipient": "x@y.test", "timeout": 9}'), None),
    ("a stream that is left", b"GET /v1/events HTTP/1.1\r\n" + HOST + b"\r\n", None),
]


@pytest.mark.parametrize(("request_", "status"), [row[1:] for row in REQUESTS], ids=[row[0] for row in REQUESTS])
def test_what_strangers_send(native: Stack, request_: bytes, status: int | None) -> None:
    endpoint = native.endpoint(Port.WEB)
    with socket.create_connection((endpoint.host, endpoint.port), timeout=30) as connection:
        connection.sendall(request_)
        if status is not None:
            answer = connection.recv(65536)
            assert answer.startswith(b"HTTP/1.1 %d " % status), answer[:200]
            assert b"Traceback" not in answer
    with socket.create_connection((endpoint.host, endpoint.port), timeout=30) as connection:
        connection.sendall(b"GET /livez HTTP/1.1\r\n" + HOST + b"\r\n")
        assert connection.recv(65536).startswith(b"HTTP/1.1 200 ")
