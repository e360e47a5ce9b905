"""The health check against servers that answer as told."""

from __future__ import annotations

import socket
import threading
from contextlib import contextmanager
from typing import TYPE_CHECKING

import pytest

from postroad_stack import health

if TYPE_CHECKING:
    from collections.abc import Iterator

WELL = {
    "smtp": (b"220 relay ESMTP\r\n", b"QUIT\r\n", b"221 2.0.0 Bye\r\n"),
    "pop3": (b"+OK ready\r\n", b"QUIT\r\n", b"+OK\r\n"),
    "imap": (b"* OK [CAPABILITY IMAP4rev1] ready\r\n", b"a LOGOUT\r\n", b"* BYE\r\na OK\r\n"),
}


@contextmanager
def talking(greeting: bytes, answer: bytes) -> Iterator[int]:
    """Serve one connection; yield the port."""
    with socket.create_server((health.HOST, 0)) as listener:

        def serve() -> None:
            connection, _ = listener.accept()
            with connection:
                connection.sendall(greeting)
                if connection.recv(100):
                    connection.sendall(answer)

        thread = threading.Thread(target=serve)
        thread.start()
        yield listener.getsockname()[1]
        thread.join()


@pytest.mark.parametrize(
    ("answer", "status"), [(b"HTTP/1.1 200 OK\r\n\r\n", 0), (b"HTTP/1.1 503 Service Unavailable\r\n\r\n", 1), (b"", 1)]
)
def test_http(answer: bytes, status: int) -> None:
    with talking(b"", answer) as port:
        assert health.main([f"http:{port}"]) == status


@contextmanager
def answering(udp_response: bytes, tcp_response: bytes) -> Iterator[int]:
    """Serve one DNS query over UDP and, where that one is answered well, one over TCP; yield the port."""
    with socket.create_server((health.HOST, 0)) as listener, socket.socket(type=socket.SOCK_DGRAM) as udp:
        udp.bind(listener.getsockname())

        def serve() -> None:
            query, peer = udp.recvfrom(512)
            assert len(query) == 17
            udp.sendto(udp_response, peer)
            if tcp_response:
                connection, _ = listener.accept()
                with connection:
                    assert connection.recv(512) == b"\x00\x11" + query
                    connection.sendall(tcp_response)

        thread = threading.Thread(target=serve)
        thread.start()
        yield udp.getsockname()[1]
        thread.join()


@pytest.mark.parametrize("protocol", WELL)
def test_well(protocol: str, capsys: pytest.CaptureFixture[str]) -> None:
    greeting, _, answer = WELL[protocol]
    with talking(greeting, answer) as port:
        assert health.main([f"{protocol}:{port}"]) == 0
    assert capsys.readouterr().out == ""


@pytest.mark.parametrize(
    ("protocol", "greeting", "answer", "said"),
    [
        ("smtp", b"421 4.3.2 Too many\r\n", b"", "said b'421 4.3.2 Too many"),
        ("smtp", b"220 relay\r\n", b"", "said b'', not b'221 '"),
        ("imap", b"* BYE\r\n", b"", "said b'* BYE"),
        ("pop3", b"+OK\r\n", b"-ERR\r\n", "said b'-ERR"),
    ],
)
def test_not_well(protocol: str, greeting: bytes, answer: bytes, said: str, capsys: pytest.CaptureFixture[str]) -> None:
    with talking(greeting, answer) as port:
        assert health.main([f"{protocol}:{port}"]) == 1
    assert capsys.readouterr().out.startswith(f"{protocol}:{port}: {said}")


REST = b"\x00\x01" + bytes(6)


@pytest.mark.parametrize(
    ("udp", "tcp", "status"),
    [
        (b"he\x84\x00" + REST, b"\x00\x0che\x84\x00" + REST, 0),
        (b"he\x80\x05" + REST, b"\x00\x0che\x80\x05" + REST, 0),  # REFUSED
        (b"he\x80\x02" + REST, b"", 1),  # SERVFAIL
        (b"no\x84\x00" + REST, b"", 1),
        (b"he\x04\x00" + REST, b"", 1),  # no response
        (b"he", b"", 1),
        (b"he\x84\x00" + REST, b"\x00\x0che\x80\x02" + REST, 1),
        (b"he\x84\x00" + REST, b"\x00", 1),
    ],
)
def test_dns(udp: bytes, tcp: bytes, status: int) -> None:
    with answering(udp, tcp) as port:
        assert health.main([f"dns:{port}"]) == status


def test_nobody_there(capsys: pytest.CaptureFixture[str]) -> None:
    with socket.create_server((health.HOST, 0)) as listener:
        port = listener.getsockname()[1]
    assert health.main([f"smtp:{port}"]) == 1
    assert "refused" in capsys.readouterr().out
    assert health.main([f"dns:{port}"]) == 1


def test_a_service_on_another_address(capsys: pytest.CaptureFixture[str]) -> None:
    greeting, _, answer = WELL["imap"]
    with talking(greeting, answer) as port:
        assert health.main([f"imap:{health.HOST}:{port}"]) == 0
        assert health.main([f"imap:127.0.0.2:{port}"]) == 1
    assert capsys.readouterr().out.startswith(f"imap:127.0.0.2:{port}: ")


@pytest.mark.parametrize(
    ("arguments", "status"),
    [
        *(
            (["--help"], 0),
            (["-h"], 0),
            ([], 2),
            (["gopher:70"], 2),
            (["smtp"], 2),
            (["smtp:x"], 2),
            (["--verbose"], 2),
        ),
        *((["smtp:65536"], 2), (["smtp:127.0.0.1:"], 2), (["smtp:²"], 2)),
    ],
)
def test_usage(arguments: list[str], status: int, capsys: pytest.CaptureFixture[str]) -> None:
    assert health.main(arguments) == status
    printed = capsys.readouterr()
    assert (printed.err if status else printed.out) == health.USAGE
