from __future__ import annotations

import asyncio
from ipaddress import IPv4Address
from typing import TYPE_CHECKING

import dns.flags
import dns.message
import pytest

from postroad.dns.mark import CODE
from postroad.world.world import MX
from postroad_relay.delivery import resolver as module
from postroad_relay.delivery.resolver import CACHE_TIME, MAX_CNAMES, read
from postroad_relay.delivery.routing import Answer, NoData, NoSuchDomain, Records, Trouble
from tests.relay.nameserver import NameServer
from tests.relay.resolvers import SCRIPT, make, still

if TYPE_CHECKING:
    from tests.relay.nameserver import Script

ONE, TWO = IPv4Address("127.0.0.1"), IPv4Address("127.0.0.2")
MX_OF_BETA = Records(mx=(MX(10, "a.test"), MX(20, "b.test")))


@pytest.mark.parametrize("truncate", [False, True], ids=["udp", "tcp"])
@pytest.mark.parametrize(
    ("name", "rdtype", "expected"),
    [
        ("beta.test", "MX", MX_OF_BETA),
        ("a.test", "A", Records(addresses=(ONE,))),
        ("b.test", "A", Records(addresses=(TWO, ONE))),
        ("null.test", "MX", Records(mx=(MX(0, "."),))),
        ("none.test", "MX", NoData()),
        ("gone.test", "MX", NoSuchDomain()),
        ("refused.test", "MX", Trouble("name server answered REFUSED")),
        ("broken.test", "MX", Trouble("name server answered SERVFAIL")),
        ("www.test", "A", Records(addresses=(ONE,))),
        ("far.test", "MX", MX_OF_BETA),
        ("astray.test", "A", NoSuchDomain()),
        ("ping.test", "A", Trouble(f"more than {MAX_CNAMES} CNAMEs in a row")),
    ],
)
async def test_answers(name: str, rdtype: str, expected: Answer, truncate: bool) -> None:
    async with NameServer(SCRIPT) as server:
        server.truncate = truncate
        answer = await make(server).ask(name, rdtype)
    if isinstance(answer, Records):
        assert isinstance(expected, Records)
        assert sorted(answer.mx, key=lambda mx: mx.preference) == list(expected.mx)
        assert set(answer.addresses) == set(expected.addresses)
    else:
        assert answer == expected


@pytest.mark.parametrize("truncate", [False, True], ids=["udp", "tcp"])
async def test_a_question_says_for_which_world_it_is(truncate: bool) -> None:
    async with NameServer(SCRIPT) as server:
        server.truncate = truncate
        resolver = make(server)
        resolver.mark_of = lambda world, name: f"{world}.{name}" if world == "shop" else None
        assert await resolver.ask("a.test", "A") == Records(addresses=(ONE,))
        assert [*map(marks_of, server.queries)] == [[]] * (1 + truncate)
        server.queries.clear()
        assert await resolver.ask("www.test", "A", "shop") == Records(addresses=(ONE,))
        asked = [mark for query in server.queries for mark in marks_of(query)]
        assert asked[0] == b"shop.www.test"
        assert len(asked) == len(server.queries)
        server.queries.clear()
        await resolver.ask("www.test", "A", "other")  # it is known
        assert server.queries == []


def marks_of(query: dns.message.Message) -> list[bytes]:
    return [option.to_wire() for option in query.options if option.otype == CODE]


async def test_a_loop_of_cnames_in_one_answer_is_trouble() -> None:
    async with NameServer(SCRIPT) as server:
        assert isinstance(await make(server).ask("loop.test", "A"), Trouble)


async def test_silence_is_trouble_after_some_tries() -> None:
    async with NameServer(SCRIPT) as server:
        answer = await make(server, patience=0.05).ask("silent.test", "MX")
        assert server.asked == [("silent.test", "MX")] * 2
    assert answer == Trouble("timeout: the name server does not answer")


@pytest.mark.parametrize("odd", ["an ID", "a question", "no answer", "noise"])
async def test_what_answers_another_question_is_passed_over(odd: str) -> None:
    class Forger(NameServer):
        def datagram_received(self, data: bytes, addr: tuple[str, int]) -> None:
            query = dns.message.from_wire(data)
            match odd:
                case "an ID":
                    forged = dns.message.make_response(query)
                    forged.id ^= 1
                    octets = forged.to_wire()
                case "a question":
                    octets = dns.message.make_response(dns.message.make_query("evil.test", "A", id=query.id)).to_wire()
                case "no answer":
                    octets = data
                case _:
                    octets = b"\xff" * 9
            self._udp.sendto(octets, addr)
            super().datagram_received(data, addr)

    async with Forger(SCRIPT) as server:
        assert await make(server).ask("beta.test", "MX") == MX_OF_BETA


async def test_nobody_listening_is_trouble() -> None:
    async with NameServer(SCRIPT) as server:
        resolver = make(server, patience=0.05)
    answer = await resolver.ask("beta.test", "MX")
    assert isinstance(answer, Trouble)


async def test_a_name_server_that_hangs_up_is_trouble() -> None:
    script = dict(SCRIPT)
    async with NameServer(script) as server:
        server.truncate = True
        serve = server._serve

        async def hang_up(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            await reader.read(10)
            writer.close()

        server._tcp.close()
        await server._tcp.wait_closed()
        server._tcp = await asyncio.start_server(hang_up, "127.0.0.1", server.port)
        assert serve is not None
        answer = await make(server).ask("beta.test", "MX")
    assert answer == Trouble("the name server closed the connection")


async def test_answers_are_kept_for_half_a_second() -> None:
    clock = still()
    async with NameServer(SCRIPT) as server:
        resolver = make(server, clock)
        first = await resolver.ask("a.test", "A")
        assert await resolver.ask("a.test", "A") is first
        assert resolver.cached("a.test", "A") is first
        assert len(server.asked) == 1
        clock.push(CACHE_TIME)
        assert resolver.cached("a.test", "A") is None
        await resolver.ask("a.test", "A")
        assert len(server.asked) == 2


async def test_answers_are_not_kept_longer_than_their_ttl_nor_are_failures() -> None:
    async with NameServer(SCRIPT) as server:
        resolver = make(server)
        for name, rdtype in (("brief.test", "A"), ("broken.test", "MX")):
            await resolver.ask(name, rdtype)
            assert resolver.cached(name, rdtype) is None


async def test_a_question_under_way_is_not_asked_twice() -> None:
    async with NameServer(SCRIPT) as server:
        resolver = make(server)
        answers = await asyncio.gather(*(resolver.ask("a.test", "A") for _ in range(10)))
        assert len(server.asked) == 1
    assert set(map(id, answers)) == {id(answers[0])}


async def test_a_caller_that_goes_away_does_not_take_the_others_answer() -> None:
    async with NameServer(SCRIPT) as server:
        resolver = make(server)
        first, second = (asyncio.create_task(resolver.ask("a.test", "A")) for _ in range(2))
        await asyncio.sleep(0)
        first.cancel()
        assert await second == Records(addresses=(ONE,))


async def test_clear_forgets_what_is_known_and_what_is_under_way() -> None:
    async with NameServer(dict(SCRIPT)) as server:
        resolver = make(server)
        await resolver.ask("b.test", "A")
        under_way = asyncio.create_task(resolver.ask("a.test", "A"))
        await asyncio.sleep(0)
        resolver.clear()
        assert resolver.cached("b.test", "A") is None
        await under_way
        assert resolver.cached("a.test", "A") is None  # it may be of the old world
        await resolver.ask("a.test", "A")
        assert resolver.cached("a.test", "A") is not None


async def test_domains_are_forgotten_with_all_that_is_below_them() -> None:
    """A world that is made takes them, maybe from another one, which had other records."""
    script: Script = {(name, "A"): [f"{name}. 300 A 127.0.0.1"] for name in ("x.test", "m.x.test", "ax.test", "y.test")}
    async with NameServer(script) as server:
        clock = still()
        resolver = make(server, clock)
        for name in ("x.test", "m.x.test", "ax.test"):
            await resolver.ask(name, "A")
        resolver.forget({"x.test", "z.test"})
        assert resolver.cached("x.test", "A") is None
        assert resolver.cached("m.x.test", "A") is None
        assert resolver.cached("ax.test", "A") is not None
        under_way = [asyncio.create_task(resolver.ask(name, "A")) for name in ("m.x.test", "y.test")]
        await asyncio.sleep(0)
        resolver.forget({"x.test"})
        asked = len(server.asked)
        assert await resolver.ask("m.x.test", "A") == Records(addresses=(ONE,))
        await asyncio.gather(*under_way)
        assert len(server.asked) >= asked + 1  # the question that was under way did not answer the new one
        assert resolver.cached("y.test", "A") is not None
        assert resolver.cached("m.x.test", "A") is not None
        clock.push(CACHE_TIME)
        resolver.forget({"z.test"})
        assert not resolver._cache


async def test_the_cache_does_not_grow_for_ever(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "CACHE_SIZE", 2)
    script: Script = {(f"n{number}.test", "A"): [f"n{number}.test. 300 A 127.0.0.1"] for number in range(5)}
    async with NameServer(script) as server:
        resolver = make(server)
        for number in range(5):
            await resolver.ask(f"n{number}.test", "A")
            assert len(resolver._cache) <= 2


def test_a_response_of_another_kind_is_trouble() -> None:
    update = dns.message.from_wire(dns.message.make_query("a.test", "A").to_wire())
    update.flags |= dns.flags.QR
    other = dns.message.Message(update.id)
    other.flags = update.flags
    assert read(other, "A") == (Trouble("name server answered with something else"), 0)


async def test_datagrams_of_others_cost_no_more_than_a_few(monkeypatch: pytest.MonkeyPatch) -> None:
    class Flooded(NameServer):
        def datagram_received(self, data: bytes, addr: tuple[str, int]) -> None:
            for _ in range(module.MOST_DATAGRAMS - 1):
                self._udp.sendto(b"\xff" * 9, addr)
            super().datagram_received(data, addr)

    async with Flooded(SCRIPT) as server:
        assert await make(server).ask("beta.test", "MX") == MX_OF_BETA
        monkeypatch.setattr(module, "MOST_DATAGRAMS", 0)
        assert isinstance(await make(server, patience=0.05).ask("beta.test", "MX"), Trouble)


async def test_a_name_that_is_no_host_name_is_asked_for_all_the_same() -> None:
    name = "a\\032b.test"
    async with NameServer({(name, "A"): [f"{name}. 1 A 127.0.0.1"]}) as server:
        assert await make(server).ask(name, "A") == Records(addresses=(ONE,))
