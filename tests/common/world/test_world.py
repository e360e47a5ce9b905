"""Who gets mail, and whose address it is: the rules that relay and store share."""

from __future__ import annotations

from dataclasses import replace
from ipaddress import IPv4Network

import pytest

from postroad.mail.address import Address, parse_address
from postroad.sasl.token import Grant
from postroad.world.source import parse_world
from postroad.world.world import Domain, Redirect, Role, World

WORLD = parse_world(
    b"""
[hosts]
"ns.a.test" = { address = 53, role = "dns" }
"relay.a.test" = { address = 25, role = "relay" }
"mx.a.test" = { address = 143, role = "store" }
[domains."a.test"]
mx = ["10 mx.a.test"]
accounts = { ann = "pw", "bea+own" = "pw", bea = "pw" }
aliases = { all = ["ann@a.test", "team@a.test", "bea@a.test"], team = ["bea@a.test", "Cy+x@b.test"] }
[domains."b.test"]
accounts = { cy = "pw" }
aliases = { postmaster = "ann@a.test" }
catch-all = "all@a.test"
[domains."b\xc3\xbc.test"]
catch-all = "cy@b.test"
[domains."none.test"]
[domains."sub.b.test"]
mx = ["0 ."]
[domains."alias.test"]
aliases = { info = "cy@b.test", root = "postmaster@alias.test" }
""",
    IPv4Network("127.0.0.0/24"),
)


def resolved(address: str) -> list[str]:
    return [account.login for account in WORLD.resolve(parse_address(address))]


@pytest.mark.parametrize(
    ("address", "logins"),
    [
        ("ann@a.test", ["ann@a.test"]),
        ("ANN@A.TEST", ["ann@a.test"]),
        ("ann+news@a.test", ["ann@a.test"]),
        ("bea+own@a.test", ["bea+own@a.test"]),  # the whole local-part goes before its base
        ("bea+other@a.test", ["bea@a.test"]),
        ("+ann@a.test", []),
        ("team@a.test", ["bea@a.test", "cy@b.test"]),
        ("team+x@a.test", ["bea@a.test", "cy@b.test"]),
        ("all@a.test", ["ann@a.test", "bea@a.test", "cy@b.test"]),  # each once
        ("postmaster@a.test", ["ann@a.test"]),  # RFC 5321 §4.5.1
        ("postmaster@b.test", ["ann@a.test"]),  # an alias of its own
        ("nobody@a.test", []),
        ("nobody@b.test", ["ann@a.test", "bea@a.test", "cy@b.test"]),
        ("nobody@b\u00fc.test", ["cy@b.test"]),
        ("nobody@xn--b-eha.test", ["cy@b.test"]),
        ("postmaster@none.test", []),
        ("postmaster@alias.test", ["cy@b.test"]),  # a domain without accounts has one too
        ("postmaster+x@alias.test", ["cy@b.test"]),
        ("ann@elsewhere.test", []),
        ("ann@[127.0.0.1]", []),
    ],
)
def test_resolve(address: str, logins: list[str]) -> None:
    assert resolved(address) == logins


def test_aliases_that_share_their_targets_are_followed_once() -> None:
    # Each leads to the next by four ways: followed one by one these are 4**18 roads.
    ways = ", ".join(
        f"a{n} = ['a{n + 1}@c.test', 'a{n + 1}+x@c.test', 'a{n + 1}@c.test', 'cy@c.test']" for n in range(18)
    )
    world = parse_world(
        b"""
[hosts]
"ns.c.test" = { address = 53, role = "dns" }
"relay.c.test" = { address = 25, role = "relay" }
"mx.c.test" = { address = 143, role = "store" }
[domains."c.test"]
accounts = { ann = "pw", cy = "pw" }
aliases = { %b, a18 = "ann@c.test" }
"""
        % ways.encode(),
        IPv4Network("127.0.0.0/24"),
    )
    assert [account.login for account in world.resolve(parse_address("a0@c.test"))] == ["ann@c.test", "cy@c.test"]


@pytest.mark.parametrize(
    ("login", "known"),
    [("Ann@a.test", True), ("ann", False), ("ann@nowhere.test", False), ("ann@a..test", False), ("x@a.test", False)],
)
def test_account(login: str, known: bool) -> None:
    assert (WORLD.account(login) is not None) is known


@pytest.mark.parametrize(
    ("login", "address", "may"),
    [
        ("ann@a.test", "ann@a.test", True),
        ("ann@a.test", "ann+x@a.test", True),
        ("ann@a.test", "all@a.test", True),
        ("ann@a.test", "postmaster@a.test", True),
        ("ann@a.test", "team@a.test", False),
        ("ann@a.test", "bea@a.test", False),
        ("cy@b.test", "team@a.test", True),
        ("cy@b.test", "nobody@b\u00fc.test", False),  # what a catch-all gets is nobody's own
        ("cy@b.test", "cy@elsewhere.test", False),
    ],
)
def test_may_send_as(login: str, address: str, may: bool) -> None:
    account = WORLD.account(login)
    assert account is not None
    assert WORLD.may_send_as(account, parse_address(address)) is may


@pytest.mark.parametrize(
    ("hostname", "expected"),
    [
        ("relay.a.test", "postmaster@a.test"),
        ("a.b.a.test", "postmaster@a.test"),
        ("host.none.test", "postmaster@host.none.test"),
        ("host.sub.b.test", "postmaster@b.test"),  # the nearest domain that receives mail, not the nearest domain
        ("host.alias.test", "postmaster@alias.test"),
        ("relay.nowhere.example", "postmaster@relay.nowhere.example"),
    ],
)
def test_the_postmaster_of_a_host_is_one_that_exists(hostname: str, expected: str) -> None:
    assert str(WORLD.postmaster_of(hostname)) == expected


def test_the_next_step_has_the_order_of_the_rules() -> None:
    domain = WORLD.domains["b.test"]
    assert domain.next_step("cy") == domain.next_step("cy+x") == domain.accounts["cy"]
    assert domain.next_step("postmaster") == Redirect("b.test", "postmaster", (Address("ann", "a.test"),))
    assert domain.next_step("nobody") == Redirect("b.test", None, (Address("all", "a.test"),))
    assert WORLD.next_step(parse_address("nobody@a.test")) is None
    assert WORLD.next_step(parse_address("nobody@[127.0.0.1]")) is None


def test_domains_and_hosts() -> None:
    assert WORLD.host_of(Role.STORE).name == "mx.a.test"
    assert WORLD.domain_of(Address("x", "not a domain")) is None
    assert WORLD.domains["a.test"].receives_mail
    assert not WORLD.domains["none.test"].receives_mail
    assert not World(IPv4Network("127.0.0.0/24"), {}, {"x.test": Domain("x.test")}).domains["x.test"].receives_mail


def test_secrets_are_not_shown() -> None:
    account = WORLD.account("ann@a.test")
    assert account is not None
    assert "pw" not in repr(account)
    assert "d1gest" not in repr(replace(WORLD, tokens={"d1gest": Grant("ann@a.test")}))
