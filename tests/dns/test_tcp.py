from __future__ import annotations

import contextlib
import socket
from typing import TYPE_CHECKING

import pytest

from postroad_dns import tcp
from postroad_dns.cache import Cache
from postroad_dns.framing import Framing, framed
from postroad_dns.responder import Responder
from postroad_dns.tally import Tally
from postroad_dns.tcp import IDLE, Connection
from tests.dns.golden import query
from tests.dns.test_wire import packet
from tests.dns.world import golden_catalog

if TYPE_CHECKING:
    from collections.abc import Iterator

RESPONDER = Responder(golden_catalog())
CACHE = Cache(RESPONDER.tcp)
ASKED = query("example. SOA").to_wire()
SAID = framed(RESPONDER.tcp(ASKED) or b"")


def messages(framing: Framing) -> list[bytes]:
    complete = []
    while (message := framing.next_message()) is not None:
        complete.append(message)
    return complete


@pytest.mark.parametrize("size", [1, 2, 3, 7, 1000])
def test_framing_in_pieces(size: int) -> None:
    stream = framed(b"one") + framed(b"") + framed(b"x" * 300)
    framing, received = Framing(), []
    for start in range(0, len(stream), size):
        framing.receive_data(stream[start : start + size])
        received += messages(framing)
    assert received == [b"one", b"", b"x" * 300]


@pytest.fixture
def pair() -> Iterator[tuple[Connection, socket.socket]]:
    ours, theirs = socket.socketpair()
    with ours, theirs:
        ours.setblocking(False)
        theirs.settimeout(5)
        yield Connection(ours, 100.0), theirs


def test_a_query_in_pieces(pair: tuple[Connection, socket.socket]) -> None:
    connection, peer = pair
    for octet in framed(ASKED)[:-1]:
        peer.send(bytes((octet,)))
        assert connection.read(CACHE, Tally(), 105.0)
        # RFC 7766 §6.2.3: a piece does not keep the connection alive
        assert connection.deadline == 100.0 + IDLE
        assert connection.is_amid
    peer.send(framed(ASKED)[-1:])
    assert connection.read(CACHE, Tally(), 105.0)
    assert connection.deadline == 105.0 + IDLE
    assert not connection.is_amid
    assert peer.recv(65536) == SAID


def test_pipelined_queries_are_answered_in_one_write(pair: tuple[Connection, socket.socket]) -> None:
    connection, peer = pair
    peer.send(framed(ASKED) * 3 + framed(packet(flags=0x8000)) + framed(ASKED))
    assert connection.read(CACHE, Tally(), 100.0)
    assert peer.recv(65536) == SAID * 4


def test_a_response_alone_gets_nothing(pair: tuple[Connection, socket.socket]) -> None:
    connection, peer = pair
    peer.send(framed(packet(flags=0x8000)))
    assert connection.read(CACHE, Tally(), 100.0)
    assert not connection.wants_to_write
    assert connection.read(CACHE, Tally(), 100.0)  # nothing there


def test_the_end(pair: tuple[Connection, socket.socket]) -> None:
    connection, peer = pair
    peer.close()
    assert not connection.read(CACHE, Tally(), 100.0)


def test_a_peer_that_has_gone(pair: tuple[Connection, socket.socket]) -> None:
    connection, peer = pair
    peer.send(framed(ASKED))
    peer.close()
    assert not connection.read(CACHE, Tally(), 100.0)  # the response can't be sent
    connection.socket.close()
    assert not connection.read(CACHE, Tally(), 100.0)


def test_a_peer_that_does_not_read_is_not_read(
    pair: tuple[Connection, socket.socket], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(tcp, "_BACKLOG", 20000)
    connection, peer = pair
    connection.socket.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, 4096)
    count = 2000
    asked = framed(ASKED) * count
    peer.settimeout(0)
    sent = 0
    readable = True
    while readable:
        with contextlib.suppress(BlockingIOError):
            sent += peer.send(asked[sent:])
        assert connection.read(CACHE, Tally(), 100.0)
        readable = connection.wants_to_read
    assert connection.wants_to_write
    assert len(connection._unsent) < 20000 + len(SAID)
    # It reads at last, and gets all that it has asked so far, though none of it is asked anew.
    received = b""
    expected = SAID * (sent // len(framed(ASKED)))
    while len(received) < len(expected):
        assert connection.write(CACHE, Tally(), 100.0)
        with contextlib.suppress(BlockingIOError):
            received += peer.recv(65536)
    assert received == expected
    assert not connection.wants_to_write
