"""The query log, and how the control door shows it."""

from __future__ import annotations

import socket
from typing import TYPE_CHECKING, Any

import pytest

from postroad.control.messages import Refusal
from postroad.world.mark import Marks
from postroad_dns.batched import BatchedUdp
from postroad_dns.cache import Cache
from postroad_dns.exchanges import ADDRESS, Exchanges
from postroad_dns.querylog import QueryLog
from postroad_dns.responder import Responder
from postroad_dns.tally import Tally
from postroad_dns.tcp import Connection
from postroad_dns.udp import PlainUdp
from postroad_dns.wire import written
from postroad_relay.delivery.question import marked, question
from tests.dns.golden import query
from tests.dns.test_wire import packet
from tests.dns.world import golden_catalog

if TYPE_CHECKING:
    from collections.abc import Iterator

RESPONDER = Responder(golden_catalog())
MX = b"\0\1" + query("example. MX").to_wire()[2:]
NOBODY = b"\0\2" + query("nobody.example. A").to_wire()[2:]


def log(limit: int = 1000) -> Exchanges:
    return Exchanges(lambda: 5.0, limit=limit)


@pytest.fixture
def sockets() -> Iterator[tuple[socket.socket, socket.socket]]:
    server, client = (socket.socket(socket.AF_INET, socket.SOCK_DGRAM) for _ in range(2))
    with server, client:
        server.bind(("127.0.0.1", 0))
        server.setblocking(False)
        client.connect(server.getsockname())
        yield server, client


@pytest.mark.parametrize("kind", [PlainUdp, BatchedUdp])
def test_both_ways_note_the_same(kind: Any, sockets: tuple[socket.socket, socket.socket]) -> None:
    server, client = sockets
    exchanges = log()
    udp = kind(server, Cache(RESPONDER.udp), exchanges)
    for asked in (MX, b"x", MX, NOBODY):  # the second one gets no answer, the third one is in the cache
        client.send(asked)
    udp.drain()
    peer = "{}:{}".format(*client.getsockname())
    newest = list(exchanges.newest())
    assert [batch.peer(index) for batch, index in newest] == [peer] * 4
    assert [batch.pairs[index] for batch, index in newest] == [
        (NOBODY[2:], (RESPONDER.udp(NOBODY) or b"")[2:]),
        (MX[2:], (RESPONDER.udp(MX) or b"")[2:]),
        (b"", None),
        (MX[2:], (RESPONDER.udp(MX) or b"")[2:]),
    ]


def test_a_server_without_a_log_notes_nothing(sockets: tuple[socket.socket, socket.socket]) -> None:
    server, client = sockets
    for kind in (PlainUdp, BatchedUdp):
        udp = kind(server, Cache(RESPONDER.udp))
        client.send(MX)
        udp.drain()
        assert client.recv(4096) == RESPONDER.udp(MX)


def test_tcp() -> None:
    ours, theirs = socket.socketpair()
    with ours, theirs:
        exchanges = log()
        connection = Connection(ours, 0.0, peer="192.0.2.1:4000", log=exchanges)
        for asked in (MX, b"x"):
            theirs.send(len(asked).to_bytes(2, "big") + asked)
        connection.read(Cache(RESPONDER.tcp), Tally(), 0.0)
    (second, _), (first, _) = exchanges.newest()
    assert (first.transport, first.peer(0), first.pairs[0][0]) == ("tcp", "192.0.2.1:4000", MX[2:])
    assert second.pairs == [(b"", None)]


def test_an_address_of_ipv6() -> None:
    octets = socket.AF_INET6.to_bytes(2, "little") + (4000).to_bytes(2, "big") + bytes(4)
    octets += socket.inet_pton(socket.AF_INET6, "2001:db8::1") + bytes(4)
    exchanges = log()
    exchanges.add("udp", octets.ljust(ADDRESS, b"\0"), [(b"", None)])
    ((batch, index),) = exchanges.newest()
    assert batch.peer(index) == "2001:db8::1:4000"


def test_the_oldest_go() -> None:
    exchanges = log(limit=10)
    start = exchanges.number
    for _ in range(7):
        exchanges.add("tcp", "p:1", [(b"q", b"a")] * 3)
    assert len(list(exchanges.newest())) == 9
    assert exchanges.number == start + 21
    assert exchanges.find(start + 12) is None
    place = exchanges.find(start + 14)
    assert place is not None
    assert place[0].first + place[1] == start + 14
    exchanges.add("tcp", "p:1", [(b"q", b"a")] * 50)  # one batch is always kept
    assert len(list(exchanges.newest())) == 50


def test_who_waits_is_woken_once() -> None:
    exchanges = log()
    rung: list[int] = []
    exchanges.woken = lambda: rung.append(1)
    exchanges.add("tcp", "p:1", [(b"q", b"a")])
    exchanges.add("tcp", "p:1", [(b"q", b"a")])
    assert rung == [1]

    def closed() -> None:
        raise RuntimeError

    exchanges.woken = closed
    exchanges.add("tcp", "p:1", [(b"q", b"a")])
    assert exchanges.woken is None


def noted(*asked: bytes) -> QueryLog:
    exchanges = log()
    for octets in asked:
        response = RESPONDER.udp(octets)
        exchanges.add("udp", "192.0.2.1:4000", [(octets[2:], None if response is None else response[2:])])
    worlds = {"example": "shop"}
    return QueryLog(exchanges, "127.0.0.53:53", lambda name: worlds.get(name, "default"))


def test_an_exchange_is_a_session() -> None:
    record = noted(MX)
    (asked,) = record.matching({}, "shop")
    whole = asked.whole("shop")
    lines = whole.pop("lines")
    assert [(line["n"], line["from"], line["text"]) for line in lines] == [
        (1, "client", "example. IN MX"),
        (2, "server", "NOERROR aa"),
        *((number, "server", text) for number, text in enumerate(written(RESPONDER.udp(MX) or b"")[2:], 3)),
    ]
    assert any(" IN MX 10 " in line["text"] for line in lines)
    assert whole == asked.summary(None) | {"omitted": 0, "facts": []}
    assert whole["question"] == "example. IN MX"
    assert (whole["peer"], whole["local"], whole["world"]) == ("192.0.2.1:4000", "127.0.0.53:53", "shop")
    session = record.find(whole["id"], "shop")
    assert session is not None
    assert session.changed == asked.changed == record.number
    assert record.find(whole["id"], "default") is None
    assert record.find("dns0", None) is record.find("x", None) is None


def test_what_is_asked_for() -> None:
    record = noted(MX, NOBODY, b"\0\0x", b"\0\0" + MX[2:].replace(b"example", b"EXAMPLE"))

    def listed(world: str | None = None, **query: str) -> list[str]:
        return [asked.summary(world)["question"] for asked in record.matching(query, world)]

    assert listed() == ["EXAMPLE. IN MX", "a malformed query", "nobody.example. IN A", "example. IN MX"]
    assert listed(name="Example") == ["EXAMPLE. IN MX", "example. IN MX"]
    assert listed("default") == ["a malformed query"]
    assert listed("shop") == ["EXAMPLE. IN MX", "nobody.example. IN A", "example. IN MX"]
    assert listed(protocol="dns", peer="192.0.2.1", name="nobody.example.") == ["nobody.example. IN A"]
    assert listed(peer="192.0.2.1:4000") == listed()
    assert listed(peer="192.0.2.2") == listed(protocol="imap") == listed(account="bob") == listed(message="Q1") == []
    with pytest.raises(Refusal):
        listed(name="a..b")
    assert QueryLog(log(), "x").woken is None


def test_a_world_that_was_dropped_leaves_no_exchanges() -> None:
    record = noted(MX, NOBODY, query("other.test A").to_wire())
    (asked,) = record.matching({"name": "example"}, None)
    record.forget(["example"], "shop")
    assert [entry.summary(None)["question"] for entry in record.matching({}, None)] == ["other.test. IN A"]
    assert record.find(asked.place[1], None) is None
    record._exchanges.add("udp", "192.0.2.1:4000", [(MX[2:], None)] * 2000)  # the world is back
    assert len(list(record.matching({}, "shop"))) == 2000
    record.forget(["more.test"], "more")
    assert list(record._forgotten) == ["more.test"]  # nothing is left of what the other was about
    assert Exchanges(lambda: 5.0).oldest == 5_000_001


def test_a_question_is_the_world_s_whose_mail_has_asked() -> None:
    """Whoever has the name: only the relay can make the mark."""
    marks = Marks(b"key")
    plain = question(1, "example", "MX") or b""
    octets = [marked(plain, mark) for mark in (marks.mark_of("a"), marks.mark_of("b"), "b.forged")]
    record = noted(*octets)
    record._marked = marks.world_of

    def count(world: str) -> int:
        return len(list(record.matching({"name": "example"}, world)))

    assert [count(world) for world in ("a", "b", "shop", "default")] == [1, 1, 1, 0]
    record.forget(["a.test"], "a")
    record.forget(["b"], "c")
    assert [count(world) for world in ("a", "b", "shop", "default")] == [0, 1, 1, 0]
    assert RESPONDER.udp(octets[0]) is not None
    record._exchanges.add("udp", "192.0.2.1:4000", [(octets[0][2:], None)] * 2000)
    record.forget([], "b")
    assert (count("a"), list(record._ended)) == (2000, ["b"])  # it came again; what is over is forgotten


def test_who_waits_for_the_log() -> None:
    record = noted(MX)
    rung: list[int] = []
    record.woken = lambda: rung.append(1)
    assert record.woken is not None
    record.woken()
    assert rung == [1]
    (asked,) = QueryLog(record._exchanges, "x").matching({}, None)
    assert asked.world == "default"


@pytest.mark.parametrize(
    ("octets", "lines"),
    [
        (b"", ["a malformed query", "malformed"]),
        (packet(b"", counts=(0, 0, 0, 0)), ["no question", "NOERROR"]),
        (MX[:20], ["a malformed query", "malformed"]),
    ],
)
def test_messages_that_cannot_be_read(octets: bytes, lines: list[str]) -> None:
    assert [line.removesuffix(" rd") for line in written(octets)] == lines
