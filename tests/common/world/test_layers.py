from __future__ import annotations

from dataclasses import replace
from ipaddress import IPv4Network
from typing import Any

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule

from postroad.mail.address import Address
from postroad.sasl.token import Grant
from postroad.world.layers import Layers, TakenError
from postroad.world.overlay import Overlay, read_overlay
from postroad.world.source import parse_world
from tests.harness.stack import DEFAULT_WORLD
from tests.harness.worlds import definition

NETWORK = IPv4Network("127.1.2.0/24")
BASE = parse_world(DEFAULT_WORLD.encode(), NETWORK)
SHOP = DEFAULT_WORLD + '[domains."shop.test"]\n'


def overlay(ident: str, *domains: str, **more: Any) -> Overlay:
    return read_overlay(definition(ident, *domains, **more), BASE)


def test_whose_something_is() -> None:
    shop = overlay("shop")
    layers = Layers(BASE, [shop])
    assert (layers.base, list(layers.overlays), list(layers.every())) == (BASE, ["shop"], [BASE, shop.world])
    assert (layers.world("default"), layers.world("shop"), layers.world("none")) == (BASE, shop.world, None)
    for domain, world in (("SHOP.test", shop.world), ("alpha.test", BASE), ("else.test", BASE), ("[127.0.0.1]", BASE)):
        assert layers.world_of_domain(domain) is world
        assert layers.world_of(Address("bob", domain)) is world
    assert layers.world_of_login("bob@shop.test") is shop.world
    assert layers.fellows("bob@shop.test", "nobody@shop.test")
    assert not layers.fellows("bob@shop.test", "alice@alpha.test")
    users = {"shop": shop.world, "bob@shop.test": shop.world, "alice@alpha.test": BASE, "x@shop.test": None, "x": None}
    assert {user: layers.world_of_user(user) for user in users} == users
    bob, alice = layers.account("Bob@shop.test"), layers.account("alice@alpha.test")
    assert bob is not None
    assert bob.secret == "bob"[::-1]
    assert alice is not None
    assert alice.secret == "wonderland"
    assert Layers(BASE).world_of_domain("shop.test") is BASE


def test_what_a_realm_asks_is_the_files() -> None:
    tokens = {"t": Grant("a@b.test", frozenset())}
    base = replace(BASE, administrators=frozenset({"a@b.test"}), tokens=tokens, forms=frozenset({"bcrypt"}))
    layers = Layers(base)
    assert (layers.administrators, layers.tokens, layers.forms) == (base.administrators, tokens, base.forms)
    layers.put(overlay("shop"))
    assert layers.forms == {"bcrypt", "plain"}


@pytest.mark.parametrize(
    ("domain", "taken", "world", "sentence"),
    [
        ("shop.test", "shop.test", "shop", "shop.test is the world shop's"),
        ("a.shop.test", "shop.test", "shop", "a.shop.test is in shop.test, which is the world shop's"),
        ("deep.test", "x.deep.test", "shop", "deep.test is above x.deep.test, which is the world shop's"),
        ("alpha.test", "alpha.test", "default", "alpha.test is the world file's"),
        ("b.alpha.test", "alpha.test", "default", "b.alpha.test is in alpha.test, which is the world file's"),
        ("org", "kept.org", "default", "org is above kept.org, which is the world file's"),
    ],
)
def test_a_domain_has_one_world(domain: str, taken: str, world: str, sentence: str) -> None:
    base = parse_world((DEFAULT_WORLD + '[domains."kept.org"]\n').encode(), NETWORK)
    layers = Layers(base, [overlay("shop", "shop.test", "x.deep.test")])
    with pytest.raises(TakenError, match=sentence) as error:
        layers.put(overlay("new", domain))
    assert (error.value.domain, error.value.world) == (taken, world)
    assert list(layers.overlays) == ["shop"]


def test_an_overlay_may_change_and_go() -> None:
    layers = Layers(BASE)
    first, second = overlay("shop", "shop.test", "sub.shop.test"), overlay("shop", "shop.test", quota="1M")
    assert (layers.put(first), layers.limits) == (None, False)
    assert (layers.put(second), layers.limits) == (first, True)
    assert layers.world_of_domain("sub.shop.test") is BASE
    assert layers.drop("shop") is second
    assert (layers.drop("shop"), layers.limits) == (None, False)
    layers.put(overlay("other", "a.shop.test"))


def test_a_file_may_not_take_an_overlays_domain() -> None:
    layers = Layers(BASE, [overlay("shop"), overlay("low", "a.b.test")])
    assert layers.refusals(BASE) == []
    assert layers.refusals(parse_world(SHOP.encode(), NETWORK)) == ["shop.test is the world shop's"]
    above = parse_world(SHOP.replace("shop.test", "b.test").encode(), NETWORK)
    assert layers.refusals(above) == ["b.test is above a.b.test, which is the world low's"]
    below = parse_world(SHOP.replace("shop.test", "x.shop.test").encode(), NETWORK)
    assert layers.refusals(below) == ["x.shop.test is in shop.test, which is the world shop's"]


def test_another_file_is_taken_up() -> None:
    layers = Layers(BASE, [overlay("shop")])
    same = replace(BASE)
    before = layers.world("shop")
    layers.adopt(same)
    assert (layers.base, layers.world("shop")) == (same, before)
    moved = replace(BASE, network=IPv4Network("127.9.9.0/24"))
    layers.adopt(moved)
    world = layers.world("shop")
    assert world is not None
    assert world.network == moved.network


NAMES = [f"{label}.test" for label in ("a", "b", "x.a", "y.x.a", "alpha", "z")]


class Model(RuleBasedStateMachine):
    """Layers beside a plain dictionary of which domain is whose."""

    def __init__(self) -> None:
        super().__init__()
        self.layers = Layers(BASE)
        self.owners: dict[str, str] = dict.fromkeys(BASE.domains, "default")

    @rule(
        ident=st.sampled_from(["w1", "w2", "w3"]),
        names=st.lists(st.sampled_from(NAMES), min_size=1, max_size=3, unique=True),
    )
    def put(self, ident: str, names: list[str]) -> None:
        clashes = {
            owner
            for name in names
            for other, owner in self.owners.items()
            if owner != ident and f".{name}".endswith(f".{other}") | f".{other}".endswith(f".{name}")
        }
        if clashes:
            with pytest.raises(TakenError) as error:
                self.layers.put(overlay(ident, *names))
            assert error.value.world in clashes
            return
        self.layers.put(overlay(ident, *names))
        self._forget(ident)
        self.owners.update(dict.fromkeys(names, ident))

    @rule(ident=st.sampled_from(["w1", "w2", "w3"]))
    def drop(self, ident: str) -> None:
        assert (self.layers.drop(ident) is not None) is (ident in self.owners.values())
        self._forget(ident)

    def _forget(self, ident: str) -> None:
        self.owners = {name: owner for name, owner in self.owners.items() if owner != ident}

    @invariant()
    def each_domain_is_known(self) -> None:
        for name in NAMES:
            assert self.layers.world_of_domain(name).id == self.owners.get(name, "default")
        assert set(self.layers.overlays) == set(self.owners.values()) - {"default"}


TestModel = Model.TestCase
TestModel.settings = settings(max_examples=30, stateful_step_count=20)
