"""Overlays of the name server: they come and go while it serves, and the cache never tells of yesterday."""

from __future__ import annotations

import asyncio
import threading
from typing import TYPE_CHECKING

import dns.query
import dns.rcode
import pytest

from postroad.dns.zone import ZoneError
from postroad.world.world import Role
from postroad_dns.server import Server
from postroad_dns.worlds import Worlds
from tests.dns.golden import query
from tests.dns.test_live import BASE, overlay
from tests.dns.world import domain, host, settings, world

if TYPE_CHECKING:
    from collections.abc import Iterator


class Serving:
    """A server, and the worlds that it has."""

    def __init__(self) -> None:
        self.worlds = Worlds(BASE, settings(outside="bounce"), now=lambda: 1000.0)
        self.server = Server("127.0.0.1", 0, self.worlds.live.catalog, connections=5)
        self.worlds.served_by(self.server)

    def asked(self, name: str, kind: str = "A", *, tcp: bool = False) -> tuple[str, list[str]]:
        ask = dns.query.tcp if tcp else dns.query.udp
        answer = ask(query(f"{name}. {kind}"), self.server.address[0], 5, self.server.address[1])
        return dns.rcode.to_text(answer.rcode()), [rrset[0].to_text() for rrset in answer.answer]


@pytest.fixture
def serving() -> Iterator[Serving]:
    running = Serving()
    thread = threading.Thread(target=running.server.serve)
    thread.start()
    yield running
    running.server.stop()
    thread.join()


def test_zones_come_and_go(serving: Serving) -> None:
    worlds, shop = serving.worlds, overlay("w1")
    missing: tuple[str, list[str]] = ("NXDOMAIN", [])
    present = ("NOERROR", ["203.0.113.9"])
    for tcp in (False, True):
        assert serving.asked("www.shop.test", tcp=tcp) == missing
    worlds.layers.put(shop)
    asyncio.run(worlds.came(shop))
    for tcp in (False, True):
        assert serving.asked("www.shop.test", tcp=tcp) == present
    asyncio.run(worlds.came(shop))  # once more, which replaces it
    assert serving.asked("www.shop.test") == present
    worlds.layers.drop("w1")
    asyncio.run(worlds.gone(shop))
    asyncio.run(worlds.gone(shop))  # it has gone already
    assert serving.asked("www.shop.test") == missing


def test_another_file_keeps_the_overlays(serving: Serving) -> None:
    worlds, shop = serving.worlds, overlay("w1")
    worlds.layers.put(shop)
    asyncio.run(worlds.came(shop))
    before = worlds.serial
    assert asyncio.run(worlds.adopt(world(domain("beta.test", "www A 203.0.113.2")))) > before
    assert serving.asked("www.beta.test") == ("NOERROR", ["203.0.113.2"])
    assert serving.asked("www.shop.test") == ("NOERROR", ["203.0.113.9"])
    moved = (
        host("ns.postroad.test", "127.0.0.54", Role.DNS),
        host("relay.postroad.test", "127.0.0.25", Role.RELAY),
        host("mail.postroad.test", "127.0.0.144", Role.STORE),
    )
    asyncio.run(worlds.adopt(world(hosts=moved)))
    assert serving.asked("shop.test", "MX") == ("NOERROR", ["10 mail.postroad.test."])
    with pytest.raises(ZoneError, match=r"shop\.test is the world w1's"):
        asyncio.run(worlds.adopt(world(domain("shop.test"))))
    assert serving.asked("www.shop.test") == ("NOERROR", ["203.0.113.9"])


def test_what_was_there_at_the_start_is_served() -> None:
    worlds = Worlds(BASE, settings())
    worlds.layers.put(overlay("w1"))
    worlds.restore()
    assert {str(zone.apex) for zone in worlds.live.catalog.zones.values()} >= {"shop.test.", "alpha.test."}
    asyncio.run(worlds.gone(overlay("w1")))  # without a server
    assert "shop.test." not in {str(zone.apex) for zone in worlds.live.catalog.zones.values()}


def test_a_change_that_breaks_is_its_callers(serving: Serving) -> None:
    heard: list[Exception | None] = []
    told = threading.Event()

    def done(error: Exception | None) -> None:
        heard.append(error)
        told.set()

    def broken() -> list[tuple[bytes, ...]]:
        raise KeyError("no")

    serving.server.change(broken, done)
    assert told.wait(5)
    assert isinstance(heard[0], KeyError)
    assert serving.asked("alpha.test", "MX")[0] == "NOERROR"
