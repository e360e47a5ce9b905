"""The hot path beside the plain one: both drain a socket, and both say what the responder says."""

from __future__ import annotations

import contextlib
import logging
import socket
from typing import TYPE_CHECKING

import pytest

from postroad_dns import batched, udp
from postroad_dns.batched import BatchedUdp, open_udp
from postroad_dns.cache import Cache
from postroad_dns.responder import Responder
from postroad_dns.udp import PlainUdp, Udp
from tests.dns.golden import QUESTIONS, query
from tests.dns.test_wire import NAME, OPT, packet
from tests.dns.world import golden_catalog

if TYPE_CHECKING:
    from collections.abc import Iterator

RESPONDER = Responder(golden_catalog())
SILENT = [b"", b"x", packet(flags=0x8000), b"\0" * 11]
CASES = [
    *(query(question).to_wire() for question in QUESTIONS),
    packet(b""),
    packet(flags=0x2800),
    packet(NAME + b"\0\1\0\1" + OPT[:-1] + b"\6\0\x0a\0\2ab", counts=(1, 0, 0, 1)),
    packet() + b"x" * 5000,
]


@pytest.fixture
def sockets() -> Iterator[tuple[socket.socket, socket.socket]]:
    with contextlib.ExitStack() as stack:
        server, client = (stack.enter_context(socket.socket(socket.AF_INET, socket.SOCK_DGRAM)) for _ in range(2))
        server.bind(("127.0.0.1", 0))
        server.setblocking(False)
        client.connect(server.getsockname())
        client.settimeout(5)
        yield server, client


@pytest.fixture(params=[PlainUdp, BatchedUdp])
def kind(request: pytest.FixtureRequest) -> type[PlainUdp | BatchedUdp]:
    chosen: type[PlainUdp | BatchedUdp] = request.param
    return chosen


def test_every_case_twice(kind: type[PlainUdp | BatchedUdp], sockets: tuple[socket.socket, socket.socket]) -> None:
    server, client = sockets
    under_test: Udp = kind(server, Cache(RESPONDER.udp))
    for number, case in enumerate(CASES * 2):
        asked = number.to_bytes(2, "big") + case[2:]
        client.send(asked)
        under_test.drain()
        assert client.recv(4096) == RESPONDER.udp(asked[: udp.RECEIVE])


def test_a_burst_with_holes(kind: type[PlainUdp | BatchedUdp], sockets: tuple[socket.socket, socket.socket]) -> None:
    server, client = sockets
    under_test: Udp = kind(server, Cache(RESPONDER.udp))
    expected = []
    for number in range(200):
        asked = number.to_bytes(2, "big") + CASES[number % len(CASES)][2:]
        if number % 3 == 1:
            asked = SILENT[number % len(SILENT)]
        else:
            expected.append(RESPONDER.udp(asked[: udp.RECEIVE]))
        client.send(asked)
    under_test.drain()
    client.settimeout(0)
    assert [client.recv(4096) for _ in expected] == expected
    with pytest.raises(BlockingIOError):
        client.recv(4096)
    under_test.drain()


def test_no_more_than_a_burst_at_a_time(
    kind: type[PlainUdp | BatchedUdp],
    sockets: tuple[socket.socket, socket.socket],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    for module in (udp, batched):
        monkeypatch.setattr(module, "BURST", 64)
    server, client = sockets
    under_test: Udp = kind(server, Cache(RESPONDER.udp))
    for number in range(70):
        client.send(number.to_bytes(2, "big") + CASES[0][2:])
    client.settimeout(0)
    for count in (64, 6):
        under_test.drain()
        for _ in range(count):
            client.recv(4096)
        with pytest.raises(BlockingIOError):
            client.recv(4096)


def test_a_peer_that_can_t_be_answered_harms_nobody(
    kind: type[PlainUdp | BatchedUdp], sockets: tuple[socket.socket, socket.socket]
) -> None:
    server, client = sockets
    # A raw socket could send from port 0; what sendto says then is what it says to a response of this size.
    huge = Cache(lambda octets: octets[:3] + b"\1" + b"x" * 3000)
    under_test: Udp = kind(server, huge)
    server.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, 1)
    for _ in range(40):
        client.send(CASES[0])
    under_test.drain()
    server.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, 1 << 20)
    under_test.cache = Cache(RESPONDER.udp)
    under_test.drain()
    client.settimeout(0)
    with contextlib.suppress(BlockingIOError):
        while True:
            client.recv(4096)
    client.send(CASES[0])
    under_test.drain()
    assert client.recv(4096) == RESPONDER.udp(CASES[0])


def test_what_nobody_foresaw_is_servfail(
    kind: type[PlainUdp | BatchedUdp],
    sockets: tuple[socket.socket, socket.socket],
    caplog: pytest.LogCaptureFixture,
) -> None:
    def fail(_octets: bytes) -> bytes | None:
        raise RuntimeError("not foreseen")

    server, client = sockets
    under_test: Udp = kind(server, Cache(fail))
    client.send(packet())
    with caplog.at_level(logging.ERROR):
        under_test.drain()
    assert client.recv(4096) == packet(b"", flags=0x8102, counts=(0, 0, 0, 0))
    assert "not foreseen" in caplog.text


def test_the_system_s_best(sockets: tuple[socket.socket, socket.socket], monkeypatch: pytest.MonkeyPatch) -> None:
    server, _ = sockets
    cache = Cache(RESPONDER.udp)
    assert isinstance(open_udp(server, cache), BatchedUdp)

    class Bare:
        """A C library without recvmmsg."""

        def __init__(self, _name: None) -> None:
            pass

    monkeypatch.setattr("ctypes.CDLL", Bare)
    assert isinstance(open_udp(server, cache), PlainUdp)
