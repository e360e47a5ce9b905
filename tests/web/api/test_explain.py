"""/v1/explain and /v1/zones: what is asked of relay and name server, and what the world's rules add."""

from __future__ import annotations

from ipaddress import IPv4Network
from typing import Any

import pytest

from postroad.control.client import DoorRefused
from postroad.mail.address import parse_address
from postroad.world.source import parse_world
from postroad_web.api.native import explain
from tests.harness.doors import ToyDoor, ToyStack
from tests.harness.stack import DEFAULT_WORLD
from tests.web.api.asgi import WORLD, client, services

ROUTE = {
    "domain": "beta.test",
    "outcome": "routed",
    "status": None,
    "reason": None,
    "questions": [{"name": "beta.test", "type": "MX", "answer": "records", "records": ["10 mx"], "reason": None}],
    "servers": [{"host": "mx", "address": "127.0.0.143"}],
}


def step(address: str, rule: str, *to: str) -> dict[str, Any]:
    return {"address": address, "rule": rule, "to": list(to)}


async def test_an_explanation() -> None:
    stack = ToyStack()
    domains = []

    def answer(asked: Any) -> Any:
        domains.append(asked["domain"])
        return ROUTE

    stack.relay.answers["GET", "/route"] = answer
    async with client(services(relay=stack.relay)) as http:
        shown = (await http.get("/v1/explain", params={"address": " sales@beta.test "})).json()
        assert shown == {
            "address": "sales@beta.test",
            **ROUTE,
            "steps": [
                step("sales@beta.test", "alias", "bob@beta.test", "dave@beta.test"),
                step("bob@beta.test", "account", "bob@beta.test"),
                step("dave@beta.test", "account", "dave@beta.test"),
            ],
        }
        assert (await http.get("/v1/explain", params={"address": "beta.test"})).json()["steps"] == []
        assert domains == ["beta.test", "beta.test"]
        for wrong in ("a@", "@b", "", "a b@c d"):
            assert (await http.get("/v1/explain", params={"address": wrong})).status_code == 422


@pytest.mark.parametrize(
    ("address", "steps"),
    [
        ("bob+x@beta.test", [step("bob+x@beta.test", "account", "bob@beta.test")]),
        ("nobody@beta.test", [step("nobody@beta.test", "unknown")]),
        (
            "any@alpha.test",
            [
                step("any@alpha.test", "catch-all", "carol@alpha.test"),
                step("carol@alpha.test", "account", "carol@alpha.test"),
            ],
        ),
        (
            "erin@far.example",
            [
                step("erin@far.example", "capture", "capture@postroad.test"),
                step("capture@postroad.test", "account", "capture@postroad.test"),
            ],
        ),
    ],
)
def test_the_steps_of_an_address(address: str, steps: list[dict[str, Any]]) -> None:
    assert explain.steps_of(WORLD, parse_address(address)) == steps


def test_an_address_that_several_aliases_lead_to_is_one_step() -> None:
    text = DEFAULT_WORLD.replace(
        'sales = ["bob@beta.test"', 'all = ["sales@beta.test", "bob@beta.test"], sales = ["bob@beta.test"'
    )
    world = parse_world(text.encode(), IPv4Network("127.0.0.0/24"))
    steps = explain.steps_of(world, parse_address("all@beta.test"))
    assert [hop["address"] for hop in steps] == ["all@beta.test", "sales@beta.test", "bob@beta.test", "dave@beta.test"]


def test_a_world_without_capture_does_nothing_with_others_mail() -> None:
    text = DEFAULT_WORLD.replace('capture = "capture@postroad.test"', "", 1)
    world = parse_world(text.encode(), IPv4Network("127.0.0.0/24"), capturing=False)
    assert explain.steps_of(world, parse_address("erin@far.example")) == []


async def test_the_zones() -> None:
    dns = ToyDoor("dns", 1)
    zone = {"apex": "beta.test.", "serial": 7, "records": 3}
    dns.answers |= {
        ("GET", "/zones"): lambda _: {"zones": [zone]},
        ("GET", "/zones/beta.test"): lambda _: {"records": ["beta.test. 300 IN A 127.0.0.1"]},
    }

    def refused(_: Any) -> Any:
        raise DoorRefused(404, "there is no zone none.test")

    dns.answers["GET", "/zones/none.test"] = refused
    async with client(services(dns=dns)) as http:
        assert (await http.get("/v1/zones")).json() == {"zones": [zone]}
        assert (await http.get("/v1/zones/beta.test")).json() == {
            "apex": "beta.test",
            "records": ["beta.test. 300 IN A 127.0.0.1"],
        }
        assert (await http.get("/v1/zones/none.test")).status_code == 404
