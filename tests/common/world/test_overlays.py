"""Overlays of a service: in force and on disk, together or not at all; and the door by which they come and go."""

from __future__ import annotations

import asyncio
import errno
from typing import TYPE_CHECKING, Any

import pytest

from postroad.clock import Clock
from postroad.control.client import DoorClient, DoorRefused
from postroad.control.door import Door
from postroad.control.worlds import world_routes
from postroad.world.layers import Layers, TakenError
from postroad.world.overlay import Overlay, OverlayError, digest_of
from postroad.world.overlay_log import OverlayLog
from postroad.world.overlays import Overlays, PortInUse
from postroad.world.source import parse_world
from tests.common.world.test_layers import BASE, NETWORK, SHOP
from tests.harness.worlds import definition

if TYPE_CHECKING:
    from collections.abc import AsyncIterator
    from pathlib import Path

    from postroad.world.world import World

TOKEN = "t" * 43


class Service:
    """A service that notes what it is told."""

    def __init__(self, folder: Path, base: World = BASE) -> None:
        self.told: list[str] = []
        self.fails: OSError | None = None
        self.overlays = Overlays(Layers(base), OverlayLog(folder))
        self.overlays.came, self.overlays.gone = self._came, self._gone
        self.overlays.hold = self._hold
        self.ports: dict[str, tuple[int, ...]] = {}

    async def _hold(self, ident: str, ports: tuple[int, ...]) -> None:
        if any(set(ports) & set(others) for other, others in self.ports.items() if other != ident):
            raise PortInUse("the port can't be opened")
        self.ports[ident] = ports

    async def _came(self, overlay: Overlay) -> None:
        self.told.append(f"+{overlay.id}")
        if self.fails is not None:
            raise self.fails

    async def _gone(self, overlay: Overlay) -> None:
        self.told.append(f"-{overlay.id}")
        if self.fails is not None:
            raise self.fails

    @property
    def listed(self) -> tuple[list[str], int]:
        return list(self.overlays.layers.overlays), len(self.overlays.log)

    def close(self) -> None:
        self.overlays.log.close()


@pytest.fixture
async def service(tmp_path: Path) -> AsyncIterator[Service]:
    new_service = Service(tmp_path)
    yield new_service
    new_service.close()


async def test_what_is_put_is_there_after_a_restart(tmp_path: Path) -> None:
    service = Service(tmp_path)
    for _ in range(2):
        await service.overlays.put("shop", definition("shop"))
    await service.overlays.put("gone", definition("gone"))
    await service.overlays.drop("gone")
    await service.overlays.drop("never")
    assert service.told == ["+shop", "+shop", "+gone", "-gone"]
    service.close()
    service = Service(tmp_path)
    assert (service.listed, service.told) == ((["shop"], 1), [])
    service.close()


async def test_what_is_wrong_or_taken_changes_nothing(service: Service) -> None:
    await service.overlays.put("shop", definition("shop"))
    with pytest.raises(TakenError):
        await service.overlays.put("other", definition("other", "shop.test"))
    with pytest.raises(OverlayError):
        await service.overlays.put("other", definition("other", "no name"))
    assert service.listed == (["shop"], 1)


async def test_what_can_not_be_kept_is_not_in_force(service: Service) -> None:
    service.fails = OSError(errno.ENOSPC, "No space left on device")
    with pytest.raises(OSError, match="No space"):
        await service.overlays.put("new", definition("new"))
    service.fails = None
    assert service.listed[0] == []
    await service.overlays.put("shop", definition("shop"))
    service.fails = OSError(errno.ENOSPC, "No space left on device")
    with pytest.raises(OSError, match="No space"):
        await service.overlays.put("shop", definition("shop", "another.test"))
    assert list(service.overlays.layers.overlays["shop"].world.domains) == ["shop.test"]


async def test_who_keeps_what_is_said_of_domains_hears_of_those_that_come_change_and_go(service: Service) -> None:
    touched: list[list[str]] = []
    service.overlays.touched = lambda domains: touched.append(sorted(domains))
    await service.overlays.put("one", definition("one", "a.test"))
    await service.overlays.put("one", definition("one", "b.test"))
    with pytest.raises(TakenError):
        await service.overlays.put("two", definition("two", "b.test"))
    await service.overlays.drop("one")
    await service.overlays.drop("one")
    assert touched == [["a.test"], ["a.test", "b.test"], ["b.test"]]


async def test_ports_are_held_as_long_as_the_world_has_them(service: Service) -> None:
    await service.overlays.put("shop", definition("shop", ports=[1026]))
    with pytest.raises(PortInUse):
        await service.overlays.put("other", definition("other", ports=[1027, 1026]))
    assert (service.listed, service.told) == ((["shop"], 1), ["+shop"])
    service.fails = OSError(errno.ENOSPC, "No space left on device")
    with pytest.raises(OSError, match="No space"):
        await service.overlays.put("shop", definition("shop", ports=[1028]))
    assert service.ports["shop"] == service.overlays.layers.overlays["shop"].ports == (1026,)
    with pytest.raises(OSError, match="No space"):
        await service.overlays.put("new", definition("new", ports=[1028]))
    assert service.ports["new"] == ()
    service.fails = None
    await service.overlays.put("shop", definition("shop"))
    await service.overlays.put("other", definition("other", ports=[1027, 1026]))
    await service.overlays.drop("other")
    assert service.ports["other"] == ()


async def test_a_domain_that_is_taken_meanwhile_gives_the_ports_back(service: Service) -> None:
    async def hold(ident: str, ports: tuple[int, ...]) -> None:
        if ident == "late" and ports:
            await service.overlays.put("first", definition("first", "shop.test"))
        service.ports[ident] = ports

    service.overlays.hold = hold
    with pytest.raises(TakenError):
        await service.overlays.put("late", definition("late", "shop.test", ports=[1026]))
    assert (service.listed, service.ports["late"]) == ((["first"], 1), ())


async def test_what_can_not_be_dropped_now_is_dropped_when_it_is_asked_again(service: Service) -> None:
    await service.overlays.put("shop", definition("shop"))
    service.fails = OSError(errno.EIO, "Input/output error")
    with pytest.raises(OSError, match="Input"):
        await service.overlays.drop("shop")
    assert service.listed == ([], 1)
    service.fails = None
    await service.overlays.drop("shop")
    assert (service.listed, service.told) == (([], 0), ["+shop", "-shop", "-shop"])


async def test_changes_of_one_world_come_one_after_the_other(service: Service) -> None:
    overlays = service.overlays
    await asyncio.gather(
        overlays.put("shop", definition("shop")),
        overlays.drop("shop"),
        overlays.put("shop", definition("shop", "new.test")),
        overlays.put("other", definition("other")),
    )
    assert [told for told in service.told if told.endswith("shop")] == ["+shop", "-shop", "+shop"]
    assert sorted(service.listed[0]) == ["other", "shop"]


async def test_a_world_that_clashes_with_the_file_is_left_out(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:

    service = Service(tmp_path)
    await service.overlays.put("shop", definition("shop"))
    service.close()
    service = Service(tmp_path, parse_world(SHOP.encode(), NETWORK))
    assert service.listed == ([], 1)
    assert "the world shop is not in force: shop.test is the world file's" in caplog.text
    service.close()


async def test_the_door(service: Service) -> None:
    door = Door(world_routes(service.overlays), token=TOKEN, clock=Clock())
    await door.start("127.0.0.1", 0)
    client = DoorClient("toy", *door.address, TOKEN)

    async def refused(path: str, value: Any) -> int:
        with pytest.raises(DoorRefused) as error:
            await client.put(path, value)
        return error.value.status

    assert await client.put("/worlds/shop", definition("shop")) == {}
    assert await client.get("/worlds") == {"worlds": {"shop": digest_of(definition("shop"))}}
    assert await client.get("/worlds/count") == {"count": 1}
    assert await refused("/worlds/other", definition("shop")) == 422
    assert await refused("/worlds/other", []) == 422
    assert await refused("/worlds/other", definition("other", "no name")) == 422
    assert await refused("/worlds/other", definition("other", "shop.test")) == 409
    service.fails = OSError(errno.ENOSPC, "No space left on device")
    assert await refused("/worlds/other", definition("other")) == 507
    with pytest.raises(DoorRefused) as error:
        await client.delete("/worlds/shop")
    assert error.value.status == 507
    service.fails = None
    assert await client.delete("/worlds/shop") == {}
    await client.close()
    await door.close()
