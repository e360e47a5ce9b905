from __future__ import annotations

import contextlib
from dataclasses import replace
from ipaddress import IPv4Network
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from postroad.mail.address import Address
from postroad.world.overlay import Fault, OverlayError, read_overlay
from postroad.world.quota import Quota
from postroad.world.source import parse_world
from postroad.world.world import MX
from tests.harness.stack import DEFAULT_WORLD
from tests.harness.worlds import definition

BASE = parse_world(DEFAULT_WORLD.encode(), IPv4Network("127.1.2.0/24"))
WHOLE = {
    "id": "checkout",
    "owner": "a test",
    "app": {"user": "checkout", "password": "app"},
    "capture": {"login": "outside@shop.test", "password": "out"},
    "imap_without": ["qresync"],
    "quota": {"storage": 1048576, "messages": 100},
    "domains": [
        {
            "name": "Shop.test",
            "accounts": [
                {"name": "bob", "password": "x", "append_limits": {"inbox": 5, "Drafts": "1K"}},
                {"name": "Ann", "password": "y", "quota": "1K reject", "imap_without": ["IDLE"], "sieve": "keep;"},
            ],
            "aliases": {"sales": ["bob", "ann@shop.test"], "one": "bob", "off": "carl@other.test"},
            "catch_all": "bob",
            "imap_without": ["MOVE"],
            "records": ["www A 203.0.113.9"],
        },
        {"name": "other.test", "accounts": [{"name": "carl", "password": "z"}]},
    ],
}


def test_a_definition_becomes_a_world_of_its_own() -> None:
    overlay = read_overlay(WHOLE, BASE)
    world = overlay.world
    assert (overlay.id, overlay.definition, overlay.limits) == ("checkout", WHOLE, True)
    assert overlay.logins == ["bob@shop.test", "ann@shop.test", "outside@shop.test", "carl@other.test"]
    assert list(world.domains) == ["shop.test", "other.test"]
    assert (world.network, world.hosts, world.administrators, world.tokens) == (
        BASE.network,
        BASE.hosts,
        frozenset(),
        {},
    )
    shop = world.domains["shop.test"]
    assert shop.mx == (MX(10, "mx.postroad.test"),)
    assert shop.records == ("www A 203.0.113.9",)
    bob, ann, outside = (world.account(f"{name}@shop.test") for name in ("bob", "ann", "outside"))
    assert bob is not None
    assert ann is not None
    assert outside is not None
    assert (bob.secret, bob.quota, bob.imap_without) == ("x", Quota(1048576, 100), frozenset({"QRESYNC", "MOVE"}))
    assert (bob.append_limits, ann.append_limits) == ({"INBOX": 5, "Drafts": 1024}, {})
    assert (ann.quota, ann.imap_without, ann.sieve) == (
        Quota(1024, None, True),
        frozenset({"QRESYNC", "MOVE", "IDLE"}),
        "keep;",
    )
    assert (bob.sieve, outside.sieve) == ("", "")
    assert (outside.secret, outside.quota, world.capture) == ("out", None, outside.address)
    assert world.resolve(Address("sales", "shop.test")) == (bob, ann)
    assert world.resolve(Address("off", "shop.test")) == (world.account("carl@other.test"),)
    assert world.resolve(Address("whoever", "shop.test")) == (bob,)
    assert world.resolve(Address("alice", "alpha.test")) == ()
    assert not read_overlay(definition("plain"), BASE).limits


def test_an_overlay_goes_over_to_another_file() -> None:
    hosts = {name: replace(host, name=f"new-{name}") for name, host in BASE.hosts.items()}
    moved = replace(BASE, network=IPv4Network("127.3.3.0/24"), hosts={host.name: host for host in hosts.values()})
    overlay = read_overlay(WHOLE, BASE).over(moved)
    assert overlay == read_overlay(WHOLE, moved)
    assert overlay.world.domains["shop.test"].mx == (MX(10, "new-mx.postroad.test"),)


def domains(*listed: Any) -> dict[str, Any]:
    return definition("bad") | {"domains": list(listed)}


def domain(**more: Any) -> dict[str, Any]:
    return domains({"name": "bad.test", **more})


BAD: list[tuple[Any, str, str]] = [
    (None, "", "a world must be a table"),
    (definition("Bad"), "id", "the ID of a world has lower-case letters"),
    (definition("default"), "id", "and not default"),
    (definition("a" * 33), "id", "32 at most"),
    (definition("bad", owner=1), "owner", "must be a string"),
    (definition("bad", nonsense=1), "nonsense", "unknown key 'nonsense'"),
    (definition("bad", app=None), "app", "must be a table"),
    (definition("bad", app={"user": "bad"}), "app.password", "must be a string"),
    (definition("bad", capture={"password": "x"}), "capture.login", "must be an address"),
    (definition("bad", capture={"login": "no address", "password": "x"}), "capture.login", "capture box"),
    (definition("bad", capture={"login": "a@else.test", "password": "x"}), "capture.login", "no domain of this world"),
    (definition("bad", capture={"login": "bob@bad.test", "password": "x"}), "capture.login", "is here twice"),
    (definition("bad", capture={"login": "out@bad.test", "password": 1}), "capture.password", "must be a string"),
    (definition("bad", imap_without=["in valid"]), "imap_without.0", "no IMAP capability"),
    (definition("bad", imap_without=1), "imap_without", "must be a list of strings"),
    (definition("bad", ports=[0]), "ports", "must be a list of port numbers"),
    (definition("bad", ports=[1026, 1026]), "ports", "a port is here twice"),
    (definition("bad", quota=5), "quota", "must be a size"),
    (domains({"name": "bad.test"}) | {"quota": "much"}, "quota", "must be a size"),
    (definition("bad", quota={"storage": -1}), "quota.storage", "must be a whole number"),
    (definition("bad", quota={"messages": True}), "quota.messages", "must be a whole number"),
    (definition("bad", quota={"octets": 1}), "quota.octets", "unknown key"),
    (domains(), "domains", "at least one domain"),
    (definition("bad") | {"domains": None}, "domains", "at least one domain"),
    (domains(1), "domains.0", "a domain must be a table"),
    (domains({}), "domains.0.name", "a domain has a name"),
    (domains({"name": "a b"}), "domains.0.name", "not a domain name"),
    (domains({"name": "bad.test"}, {"name": "BAD.test"}), "domains.1", "is here twice, first at domains.0"),
    (domains({"name": "2.1.127.in-addr.arpa"}), "domains.0.name", "is in the reverse zone"),
    (domain(nonsense=1), "domains.0.nonsense", "unknown key"),
    (domain(accounts={}), "domains.0.accounts", "accounts must be a list"),
    (domain(accounts=["bob"]), "domains.0.accounts.0", "an account must be a table"),
    (domain(accounts=[{"password": "x"}]), "domains.0.accounts.0.name", "an account has a name"),
    (domain(accounts=[{"name": "bob"}]), "domains.0.accounts.0", "nobody could log in"),
    (domain(accounts=[{"name": "b b@", "password": ""}]), "domains.0.accounts.0.password", "of no use"),
    (domain(accounts=[{"name": "a\u0000b", "password": "x"}]), "domains.0.accounts.0.name", "is not a local-part"),
    (domain(accounts=[{"name": "bob", "password": "x", "x": 1}]), "domains.0.accounts.0.x", "unknown key"),
    (domain(aliases={"a": ["nobody"]}), "domains.0.aliases.a.0", "there is no such account"),
    (domain(aliases={"a": "alice@alpha.test"}), "domains.0.aliases.a", "is no domain of this world"),
    (domain(aliases={"a": ["b"], "b": ["a"]}), "domains.0.aliases.a", "alias loop"),
    (domain(aliases={"a": []}), "domains.0.aliases.a", "leads to no address"),
    (domain(aliases=[]), "domains.0.aliases", "must be a table"),
    (domain(catch_all="nobody"), "domains.0.catch_all", "no such account or alias"),
    (domain(catch_all=1), "domains.0.catch_all", "must be an address"),
    (domain(records=["www A 203.0.113.1", "www A x"]), "domains.0.records.1", "www A x"),
    (domain(records=["www A 127.1.2.9"]), "domains.0.records.0", "is in the private network"),
]


@pytest.mark.parametrize(("written", "field", "sentence"), BAD)
def test_what_is_wrong_is_told_with_its_field(written: Any, field: str, sentence: str) -> None:
    with pytest.raises(OverlayError) as error:
        read_overlay(written, BASE)
    faults = [fault for fault in error.value.faults if fault.field == field]
    assert any(sentence in fault.sentence for fault in faults), error.value.faults
    assert f"{field}: " in str(error.value) or not field


@pytest.mark.parametrize("listed", [[{"name": "a b"}], [], 5, None, [{"name": "x.test"}, {}]])
def test_a_domain_that_is_wrong_is_no_fault_of_the_capture_box(listed: Any) -> None:
    with pytest.raises(OverlayError) as error:
        read_overlay(definition("bad") | {"domains": listed}, BASE)
    assert {fault.field.partition(".")[0] for fault in error.value.faults} == {"domains"}


@pytest.mark.parametrize("ports", [[], [1], [65535], [1, 2, 65535]])
def test_ports(ports: list[int]) -> None:
    assert read_overlay(definition("good", ports=ports), BASE).ports == tuple(ports)


@pytest.mark.parametrize("ports", [[0], [65536], [-1], [True], [1.0], ["25"], [None], [25, 0], 25, None, "25", {}])
def test_no_ports(ports: Any) -> None:
    with pytest.raises(OverlayError) as error:
        read_overlay(definition("bad", ports=ports), BASE)
    assert error.value.faults == (Fault("ports", "ports must be a list of port numbers from 1 to 65535"),)


def test_a_port_that_is_there_twice() -> None:
    with pytest.raises(OverlayError) as error:
        read_overlay(definition("bad", ports=[25, 26, 25]), BASE)
    assert error.value.faults == (Fault("ports", "a port is here twice"),)


def test_a_record_is_told_with_its_line() -> None:
    with pytest.raises(OverlayError) as error:
        read_overlay(domain(records=["www A 203.0.113.1", "@ SOA . . 1 2 3 4 5"]), BASE)
    assert Fault("domains.0.records.1", "the domain itself has its SOA and NS from the name server", 2) in (
        error.value.faults
    )


def test_only_a_record_has_a_line() -> None:
    with pytest.raises(OverlayError) as error:
        read_overlay(domain(aliases={"records": ["nobody"]}), BASE)
    (line,) = [fault.line for fault in error.value.faults if fault.field == "domains.0.aliases.records.0"]
    assert line is None


@pytest.mark.parametrize(
    ("quota", "means"),
    [
        ({"storage": 0}, Quota(0, None)),
        ({"messages": 0}, Quota(None, 0)),
        ({"storage": 0, "messages": 1, "reject": True}, Quota(0, 1, True)),
        ({"storage": None, "messages": None, "reject": True}, Quota(None, None)),
    ],
)
def test_quotas_of_nothing_and_of_no_limit(quota: dict[str, Any], means: Quota) -> None:
    account = read_overlay(definition("good", quota=quota), BASE).world.account("bob@good.test")
    assert account is not None
    assert account.quota == means


JSON = st.recursive(
    st.none() | st.booleans() | st.integers(-2, 2) | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=6), inner, max_size=3),
    max_leaves=8,
)


@given(st.sampled_from(sorted(WHOLE)), JSON)
def test_any_json_is_read_or_refused(member: str, value: Any) -> None:
    with contextlib.suppress(OverlayError):
        assert read_overlay(WHOLE | {member: value}, BASE).world.domains
