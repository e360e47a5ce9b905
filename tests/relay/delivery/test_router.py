from __future__ import annotations

from ipaddress import IPv4Address, IPv4Network
from typing import TYPE_CHECKING

import pytest

from postroad.smtp.client.outcome import Deferred, Failed
from postroad_relay.delivery import router as module
from postroad_relay.delivery.resolver import CACHE_TIME
from postroad_relay.delivery.router import Router
from postroad_relay.delivery.routing import Route, Target
from tests.relay.nameserver import NameServer
from tests.relay.resolvers import SCRIPT, make, still

if TYPE_CHECKING:
    from postroad.clock import Clock


def router(server: NameServer, clock: Clock | None = None) -> Router:
    return Router(
        make(server, clock),
        shuffle=lambda mx: mx.sort(key=lambda exchanger: exchanger.host, reverse=True),
        own_names=frozenset({"relay.test"}),
        own_addresses=frozenset({IPv4Address("127.0.0.25")}),
        network=IPv4Network("127.0.0.0/24"),
    )


async def test_a_route() -> None:
    script = SCRIPT | {("even.test", "MX"): ["even.test. 300 MX 10 a.test.", "even.test. 300 MX 10 b.test."]}
    async with NameServer(script) as server:
        route = await router(server).route("beta.test")
        assert isinstance(route, Route)
        assert [target.host for target in route.targets] == ["a.test", "b.test", "b.test"]
        even = await router(server).route("even.test")
        assert isinstance(even, Route)
        assert [exchanger.host for exchanger in even.mx] == ["b.test", "a.test"]  # shuffled


@pytest.mark.parametrize(
    ("domain", "expected"),
    [
        ("gone.test", "failed 5.1.2"),
        ("null.test", "failed 5.1.10"),
        ("none.test", "failed 5.1.2"),
        ("broken.test", "deferred 4.4.3"),
        ("[127.0.0.25]", "failed 5.4.6"),
    ],
)
async def test_no_route(domain: str, expected: str) -> None:
    async with NameServer(SCRIPT) as server:
        result = await router(server).route(domain)
    assert isinstance(result, Deferred | Failed)
    assert f"{type(result).__name__.lower()} {result.status}" == expected


async def test_a_fixed_route_needs_no_name_server() -> None:
    route = Route((Target("mx.test", IPv4Address("127.0.0.9")),), ())
    async with NameServer({}) as server:
        fixed = Router(
            make(server),
            shuffle=lambda _mx: None,
            own_names=frozenset(),
            own_addresses=frozenset(),
            network=IPv4Network("127.0.0.0/24"),
            fixed={"localhost": route},
        )
        assert await fixed.route("localhost") is route
        assert fixed.known("localhost") is None


async def test_a_literal_needs_no_name_server() -> None:
    async with NameServer({}) as server:
        route = await router(server).route("[127.0.0.9]")
        assert route == Route((Target("[127.0.0.9]", IPv4Address("127.0.0.9")),), ())
        assert server.asked == []


async def test_the_route_of_a_burst_is_made_once(monkeypatch: pytest.MonkeyPatch) -> None:
    clock = still()
    script = SCRIPT | {
        ("one.test", "MX"): ["one.test. 300 MX 10 a.test."],
        ("two.test", "MX"): ["two.test. 9 MX 10 a.test."],
    }
    async with NameServer(script) as server:
        routes = router(server, clock)
        assert routes.known("one.test") is None
        route = await routes.route("one.test")
        assert routes.known("one.test") is route
        clock.push(CACHE_TIME)
        assert routes.known("one.test") is None
        again = await routes.route("one.test")
        assert again == route
        assert routes.known("one.test") is again
        # Several exchangers are put in order anew for each message.
        await routes.route("beta.test")
        assert routes.known("beta.test") is None
        monkeypatch.setattr(module, "ROUTES", 1)
        await routes.route("two.test")
        assert routes.known("one.test") is None
