from __future__ import annotations

from ipaddress import IPv4Address, IPv4Network, IPv6Address
from typing import TYPE_CHECKING

import pytest

from postroad.smtp.client.outcome import Deferred, Failed
from postroad.world.world import MX
from postroad_relay.delivery.routing import (
    MAX_ADDRESSES,
    Answer,
    NoData,
    NoSuchDomain,
    Records,
    Route,
    Trouble,
    exchangers,
    literal_route,
    ordered,
    route,
)

if TYPE_CHECKING:
    from collections.abc import Callable

NETWORK = IPv4Network("127.0.0.0/24")
OWN = IPv4Address("127.0.0.25")


def at(*last: int) -> Records:
    return Records(addresses=tuple(IPv4Address(f"127.0.0.{octet}") for octet in last))


def find(mx: list[MX], hosts: dict[str, Answer], domain: str = "beta.test") -> Route | Deferred | Failed:
    return route(
        domain, mx, hosts, own_names=frozenset({"relay.test"}), own_addresses=frozenset({OWN}), network=NETWORK
    )


def told(result: Route | Deferred | Failed) -> str:
    if isinstance(result, Route):
        return " ".join(map(str, result.targets))
    return f"{type(result).__name__.lower()} {result.status}"


@pytest.mark.parametrize(
    ("answer", "expected"),
    [
        (Records(mx=(MX(10, "a.test"), MX(5, "b.test"))), (MX(10, "a.test"), MX(5, "b.test"))),
        (NoData(), (MX(0, "beta.test"),)),  # RFC 5321 §5.1: implicit MX
        (Records(), (MX(0, "beta.test"),)),
    ],
)
def test_exchangers(answer: Answer, expected: tuple[MX, ...]) -> None:
    assert exchangers("beta.test", answer) == expected


@pytest.mark.parametrize(
    ("answer", "expected", "reason"),
    [
        (NoSuchDomain(), "failed 5.1.2", "Domain beta.test does not exist"),
        (Records(mx=(MX(0, "."),)), "failed 5.1.10", "does not accept mail (null MX)"),
        (Records(mx=(MX(10, "a.test"), MX(0, "."))), "failed 5.1.10", "null MX"),
        (Trouble("SERVFAIL"), "deferred 4.4.3", "SERVFAIL"),
    ],
)
def test_domains_without_exchangers(answer: Answer, expected: str, reason: str) -> None:
    result = exchangers("beta.test", answer)
    assert isinstance(result, Deferred | Failed)
    assert told(result) == expected
    assert reason in result.reason


@pytest.mark.parametrize("shuffle", [lambda mx: None, lambda mx: mx.reverse()])
def test_the_lowest_preference_comes_first_and_equal_ones_are_shuffled(shuffle: Callable[[list[MX]], None]) -> None:
    mx = [MX(20, "c.test"), MX(10, "a.test"), MX(10, "b.test")]
    first, second, third = ordered(mx, shuffle)
    shuffled = list(mx)
    shuffle(shuffled)
    assert [first, second] == [exchanger for exchanger in shuffled if exchanger.preference == 10]
    assert third == MX(20, "c.test")


@pytest.mark.parametrize(
    ("mx", "hosts", "expected"),
    [
        (
            [MX(10, "a.test"), MX(20, "b.test")],
            {"a.test": at(1, 2), "b.test": at(3)},
            "a.test[127.0.0.1] a.test[127.0.0.2] b.test[127.0.0.3]",
        ),
        # Some hosts are unknown: the others will do.
        ([MX(10, "a.test"), MX(20, "b.test")], {"a.test": NoSuchDomain(), "b.test": at(3)}, "b.test[127.0.0.3]"),
        ([MX(10, "a.test"), MX(20, "b.test")], {"a.test": Trouble("timeout"), "b.test": at(3)}, "b.test[127.0.0.3]"),
        ([MX(10, "a.test"), MX(20, "b.test")], {"a.test": Trouble("timeout"), "b.test": NoData()}, "deferred 4.4.3"),
        ([MX(10, "a.test"), MX(20, "b.test")], {"a.test": NoData(), "b.test": NoSuchDomain()}, "failed 5.4.4"),
        # The implicit MX
        ([MX(0, "beta.test")], {"beta.test": at(1)}, "beta.test[127.0.0.1]"),
        ([MX(0, "beta.test")], {"beta.test": NoData()}, "failed 5.1.2"),
        # The domain on its own list is not implicit, nor is a single host of another name.
        ([MX(10, "beta.test"), MX(20, "b.test")], {"beta.test": NoData(), "b.test": NoData()}, "failed 5.4.4"),
        ([MX(10, "a.test")], {"a.test": NoData()}, "failed 5.4.4"),
        # Ourselves on the list: what is not better than us does not count (RFC 5321 §5.1).
        (
            [MX(5, "a.test"), MX(10, "relay.test"), MX(20, "b.test")],
            {"a.test": at(1), "relay.test": at(25), "b.test": at(3)},
            "a.test[127.0.0.1]",
        ),
        ([MX(10, "a.test"), MX(10, "relay.test")], {"a.test": at(1), "relay.test": at(25)}, "failed 5.4.6"),
        ([MX(10, "alias.test"), MX(20, "b.test")], {"alias.test": at(25), "b.test": at(3)}, "failed 5.4.6"),
        (
            [MX(5, "a.test"), MX(10, "relay.test")],
            {"a.test": Trouble("timeout"), "relay.test": at(25)},
            "deferred 4.4.3",
        ),
        # A name of ours is us, wherever it leads.
        ([MX(10, "relay.test")], {"relay.test": at(9)}, "failed 5.4.6"),
        # Of two that are us the better one counts, and what comes behind is not even looked at.
        (
            [MX(5, "a.test"), MX(10, "relay.test"), MX(15, "b.test"), MX(20, "alias.test")],
            {"a.test": at(1), "relay.test": at(25), "b.test": at(3), "alias.test": at(25)},
            "a.test[127.0.0.1]",
        ),
        (
            [MX(10, "relay.test"), MX(20, "b.test")],
            {"relay.test": at(25), "b.test": Trouble("timeout")},
            "failed 5.4.6",
        ),
        # RFC 6761 §6.3: localhost is this machine, even if its address is in the network.
        ([MX(0, "localhost")], {"localhost": at(1)}, "failed 5.4.6"),
        ([MX(0, "a.localhost")], {"a.localhost": at(1)}, "failed 5.4.6"),
        ([MX(0, "notlocalhost")], {"notlocalhost": at(1)}, "notlocalhost[127.0.0.1]"),
        # Nothing leaves.
        ([MX(10, "a.test")], {"a.test": Records(addresses=(IPv4Address("203.0.113.80"),))}, "failed 5.4.4"),
        (
            [MX(10, "a.test"), MX(20, "b.test")],
            {"a.test": Records(addresses=(IPv4Address("203.0.113.80"),)), "b.test": at(3)},
            "b.test[127.0.0.3]",
        ),
    ],
)
def test_route(mx: list[MX], hosts: dict[str, Answer], expected: str) -> None:
    result = find(mx, hosts)
    assert told(result) == expected
    if isinstance(result, Route):
        assert result.mx == tuple(mx)


def test_the_sender_learns_which_addresses_are_outside() -> None:
    hosts: dict[str, Answer] = {"a.test": Records(addresses=(IPv4Address("203.0.113.80"), IPv4Address("203.0.113.81")))}
    result = find([MX(10, "a.test")], hosts)
    assert isinstance(result, Failed)
    assert result.reason == (
        "Mail for beta.test would leave the private network: a.test[203.0.113.80], a.test[203.0.113.81]"
    )


def test_not_too_many_addresses_are_tried() -> None:
    result = find([MX(10, "a.test")], {"a.test": at(*range(100, 150))})
    assert isinstance(result, Route)
    assert len(result.targets) == MAX_ADDRESSES


@pytest.mark.parametrize(
    ("literal", "expected"),
    [
        ("[127.0.0.9]", "[127.0.0.9][127.0.0.9]"),
        ("[127.0.0.25]", "failed 5.4.6"),
        ("[203.0.113.80]", "failed 5.4.4"),
        ("[IPv6:2001:db8::1]", "failed 5.4.4"),
        ("[IPV6:::1]", "failed 5.4.6"),
    ],
)
def test_address_literals_lead_inside_the_network_alone(literal: str, expected: str) -> None:
    assert told(literal_route(literal, own_addresses=frozenset({OWN, IPv6Address("::1")}), network=NETWORK)) == expected
