from __future__ import annotations

import contextlib
import socket
import threading
import time
from typing import TYPE_CHECKING

import dns.message
import dns.query
import pytest

from postroad_dns import server as module
from postroad_dns import tcp
from postroad_dns.framing import framed
from postroad_dns.server import Server
from tests.dns.golden import query
from tests.dns.test_tcp import ASKED, SAID
from tests.dns.world import golden_catalog, zone

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

from postroad.dns.zone import Catalog

SMALL = Catalog.of((zone("$ORIGIN small.\n@ SOA ns a 1 2 3 4 5\n@ NS ns\nns A 192.0.2.1\n", "small."),))


def bound(address: str, connections: int) -> Server:
    """Return a server on a port that the system chose for TCP; another process may have it for UDP, so try again."""
    for _ in range(20):
        with contextlib.suppress(OSError):
            return Server(address, 0, golden_catalog(), connections=connections)
    return Server(address, 0, golden_catalog(), connections=connections)


@pytest.fixture
def serve() -> Iterator[Callable[..., Server]]:
    running: list[tuple[Server, threading.Thread]] = []

    def start(connections: int = 10, address: str = "127.0.0.1") -> Server:
        server = bound(address, connections)
        thread = threading.Thread(target=server.serve)
        thread.start()
        running.append((server, thread))
        return server

    yield start
    for server, thread in running:
        server.stop()
        thread.join(5)
        assert not thread.is_alive()


def receive(sock: socket.socket, length: int) -> bytes:
    octets = b""
    while len(octets) < length and (data := sock.recv(length - len(octets))):
        octets += data
    return octets


def test_udp_and_tcp(serve: Callable[..., Server]) -> None:
    host, port = serve().address
    for ask in (dns.query.udp, dns.query.tcp):
        response = ask(query("example. SOA"), host, 5, port)
        assert response.answer


def test_many_queries_on_one_connection(serve: Callable[..., Server]) -> None:
    with socket.create_connection(serve().address, 5) as sock:
        for _ in range(3):
            sock.sendall(framed(ASKED) * 100)
            assert receive(sock, len(SAID) * 100) == SAID * 100


def test_a_client_that_sends_the_length_apart_is_not_kept_waiting(serve: Callable[..., Server]) -> None:
    """Nagle's algorithm holds the query back until the length is acknowledged, which the kernel does after 40 ms."""
    took = []
    with socket.create_connection(serve().address, 5) as sock:
        for _ in range(20):
            begun = time.monotonic()
            sock.sendall(framed(ASKED)[:2])
            sock.sendall(ASKED)
            assert receive(sock, len(SAID)) == SAID
            took.append(time.monotonic() - begun)
    assert min(took[5:]) < 0.03  # the kernel acknowledges the first ones of a connection at once


def test_a_new_catalog_is_answered_from_at_once(serve: Callable[..., Server]) -> None:
    server = serve()
    host, port = server.address
    asked = query("small. SOA")
    for ask in (dns.query.udp, dns.query.tcp):
        assert not ask(asked, host, 5, port).answer
    server.replace(SMALL)
    for ask in (dns.query.udp, dns.query.tcp):
        assert ask(asked, host, 5, port).answer


def test_who_rests_longest_makes_room(serve: Callable[..., Server]) -> None:
    address = serve(connections=2).address
    with (
        socket.create_connection(address, 5) as first,
        socket.create_connection(address, 5) as second,
    ):
        for sock in (second, first):
            sock.sendall(framed(ASKED))
            assert receive(sock, len(SAID)) == SAID
        with socket.create_connection(address, 5) as third:
            third.sendall(framed(ASKED))
            assert receive(third, len(SAID)) == SAID
            assert second.recv(1) == b""
            first.sendall(framed(ASKED))
            assert receive(first, len(SAID)) == SAID


def test_a_client_that_goes_leaves_nothing(serve: Callable[..., Server]) -> None:
    server = serve()
    with socket.create_connection(server.address, 5) as stays:
        with socket.create_connection(server.address, 5) as goes:
            goes.sendall(framed(ASKED))
            assert receive(goes, len(SAID)) == SAID
        for _ in range(2):
            stays.sendall(framed(ASKED))
            assert receive(stays, len(SAID)) == SAID
        assert len(server._connections) == 1


def test_a_connection_that_rests_too_long_is_closed(
    serve: Callable[..., Server], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(tcp, "IDLE", 0.01)
    monkeypatch.setattr(module, "_SWEEP", 0.02)
    with socket.create_connection(serve().address, 5) as sock:
        sock.sendall(framed(ASKED)[:10])
        assert sock.recv(1) == b""


def test_a_peer_that_reads_late(serve: Callable[..., Server], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tcp, "_BACKLOG", 5000)
    count = 5000
    with socket.socket() as sock:
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        sock.settimeout(10)
        sock.connect(serve().address)
        sender = threading.Thread(target=sock.sendall, args=(framed(ASKED) * count,))
        sender.start()
        assert receive(sock, len(SAID) * count) == SAID * count
        sender.join()


def test_no_descriptors_left(serve: Callable[..., Server], monkeypatch: pytest.MonkeyPatch) -> None:
    address = serve().address
    with socket.create_connection(address, 5) as first:
        first.sendall(framed(ASKED))
        assert receive(first, len(SAID)) == SAID
        accept = socket.socket.accept
        failures = [OSError(24, "Too many open files"), BlockingIOError()]

        def scarce(sock: socket.socket) -> tuple[socket.socket, object]:
            if failures:
                raise failures.pop(0)
            return accept(sock)

        monkeypatch.setattr(socket.socket, "accept", scarce)
        with socket.create_connection(address, 5) as second:
            assert first.recv(1) == b""
            second.sendall(framed(ASKED))
            assert receive(second, len(SAID)) == SAID


def test_ipv6(serve: Callable[..., Server]) -> None:
    try:
        server = serve(address="::1")
    except OSError as error:
        pytest.skip(f"this machine has no IPv6 loopback: {error}")
    host, port = server.address
    for ask in (dns.query.udp, dns.query.tcp):
        assert ask(query("example. SOA"), host, 5, port).answer


def test_an_address_in_use(serve: Callable[..., Server]) -> None:
    with pytest.raises(OSError, match="in use"):
        Server(*serve().address, golden_catalog(), connections=1)
