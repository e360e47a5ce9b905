"""Overlays among the zones that are served: the answers are those of a catalog that was made of all of them at once."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from postroad.config import Outside
from postroad.dns.name import ROOT, Name
from postroad.dns.rdata import SOA, Type
from postroad.world.layers import Layers
from postroad.world.overlay import read_overlay
from postroad_dns.addressbook import build_catalog, build_overlay
from postroad_dns.cache import Cache
from postroad_dns.live import Live
from postroad_dns.lookup import lookup
from postroad_dns.responder import Responder
from tests.dns import world as small
from tests.dns.golden import query
from tests.harness.worlds import definition

if TYPE_CHECKING:
    from postroad.dns.zone import Catalog
    from postroad.world.overlay import Overlay
    from postroad_dns.addressbook import OverlayZones

BASE = small.world(small.domain("alpha.test", "www A 203.0.113.1"))
WORLDS: dict[str, tuple[str, ...]] = {
    "w1": ("shop.test",),
    "w2": ("a.b.new", "deep.a.b.new"),
    "w3": ("b.new.org",),
    "w4": ("x.new.org", "localhost"),
    "w5": ("sub.invalid",),
}
NAMES = (
    "test", "shop.test", "www.shop.test", "mx.shop.test", "other.test", "new", "b.new", "c.b.new", "a.b.new",
    "deep.a.b.new", "x.deep.a.b.new", "org", "new.org", "b.new.org", "z.new.org", "localhost", "a.localhost",
    "invalid", "sub.invalid", "other.invalid", "alpha.test", "www.alpha.test", "nowhere.example", ".",
)  # fmt: skip


def overlay(ident: str) -> Overlay:
    world_definition: dict[str, Any] = definition(ident, *WORLDS[ident])
    world_definition["domains"][0]["records"] = ["www A 203.0.113.9"]
    return read_overlay(world_definition, BASE)


def configured(outside: Outside) -> Any:
    return small.settings(outside=outside.value)


def zones(ident: str, outside: Outside) -> OverlayZones:
    return build_overlay(overlay(ident).world, configured(outside), 7)


def answers(catalog: Catalog) -> dict[tuple[str, int], Any]:
    """What is answered to all questions, but for the serials."""
    by_question = {}
    for name in NAMES:
        for kind in (Type.A, Type.MX, Type.NS, Type.SOA, Type.DS):
            answer = lookup(catalog, Name.parse(name), kind)
            sections = (answer.answer, answer.authority, answer.glue)
            by_question[name, int(kind)] = (
                answer.rcode,
                answer.authoritative,
                [[(rrset.owner, rrset.type) for rrset in section] for section in sections],
                [rrset.rdatas for rrset in answer.answer if rrset.type != Type.SOA],
            )
    return by_question


def whole(idents: set[str], outside: Outside) -> Catalog:
    """A catalog of one world that has all the domains."""
    domains = [domain for ident in sorted(idents) for domain in overlay(ident).world.domains.values()]
    return build_catalog(small.world(small.domain("alpha.test", "www A 203.0.113.1"), *domains), configured(outside), 7)


@settings(max_examples=25)
@given(st.lists(st.sampled_from(sorted(WORLDS)), max_size=8), st.sampled_from(list(Outside)))
def test_answers_are_those_of_all_zones_made_at_once(steps: list[str], outside: Outside) -> None:
    live = Live(build_catalog(BASE, configured(outside), 1))
    there: set[str] = set()
    for serial, ident in enumerate(steps, 2):
        if ident in there:
            changed = live.remove(zones(ident, outside), serial)
            there.discard(ident)
        else:
            changed = live.add(zones(ident, outside), serial)
            there.add(ident)
        assert set(changed) == {ROOT.key, *(Name.parse(domain).key for domain in WORLDS[ident])}
    assert answers(live.catalog) == answers(whole(there, outside))


def test_the_root_gets_a_new_serial_with_each_change() -> None:
    live = Live(build_catalog(BASE, configured(Outside.CAPTURE), 1))
    for serial in (2, 3):
        (live.add if serial == 2 else live.remove)(zones("w1", Outside.CAPTURE), serial)
        (soa,) = lookup(live.catalog, ROOT, Type.SOA).answer
        (rdata,) = soa.rdatas
        assert isinstance(rdata, SOA)
        assert rdata.serial == serial


@pytest.mark.parametrize("limit", [1, 2, 100])
def test_the_cache_forgets_what_changed_and_nothing_else(limit: int) -> None:
    live = Live(build_catalog(BASE, configured(Outside.CAPTURE), 1))
    cache = Cache(Responder(live.catalog).udp, limit=limit, touched=live.catalog.touched)
    asked = [query(f"{name.rstrip('.')}. MX").to_wire() for name in NAMES]

    def right() -> bool:
        plain = Responder(live.catalog)
        return all(cache.respond(packet) == plain.udp(packet) for packet in asked * 2)

    assert right()
    for ident in WORLDS:
        cache.forget(live.add(zones(ident, Outside.CAPTURE), 2))
        assert right()
    for ident in WORLDS:
        cache.forget(live.remove(zones(ident, Outside.CAPTURE), 3))
        assert right()


def test_what_no_change_touches_stays_in_the_cache() -> None:
    live = Live(build_catalog(BASE, configured(Outside.REFUSE), 1))
    cache = Cache(Responder(live.catalog).udp, touched=live.catalog.touched)
    kept, refused = query("www.alpha.test. A").to_wire(), query("www.shop.test. A").to_wire()
    cache.respond(refused)
    cache.respond(kept)
    cache.forget(live.add(zones("w1", Outside.REFUSE), 2))
    cache.respond(kept)
    assert cache.misses == 2
    response = cache.respond(refused)
    assert response is not None
    assert response[3] & 0xF == 0
    assert cache.misses == 3


def test_layers_keep_the_zones_apart() -> None:
    """What `Live` relies on: no zone of one world is above or below one of another."""
    layers = Layers(BASE, [overlay(ident) for ident in WORLDS if ident != "w4"])
    assert len(layers.overlays) == 4
