"""The worlds of the name server: the zones of the file's, and of overlays that come and go while it serves.

All of it is for the control door's event loop, which alone knows which overlays there are. The zones that are served
belong to another thread, to which each change is handed over, in order.
"""

from __future__ import annotations

import asyncio
import time
from typing import TYPE_CHECKING

from postroad.dns.zone import ZoneError
from postroad.world.layers import Layers
from postroad_dns.addressbook import OverlayZones, build_catalog, build_overlay
from postroad_dns.live import Live

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from postroad.config import Settings
    from postroad.dns.name import Key
    from postroad.world.overlay import Overlay
    from postroad.world.world import World
    from postroad_dns.server import Server


def next_serial(last: int, now: float) -> int:
    """Return a SOA serial after `last`: the time in seconds since 1970, or one more than the last (RFC 1982 §3.1)."""
    clock = int(now) & 0xFFFFFFFF
    ahead = (clock - last) & 0xFFFFFFFF
    return clock if 0 < ahead < 1 << 31 else (last + 1) & 0xFFFFFFFF


class Worlds:
    """The worlds, and the zones that are made of them. Raises `ZoneError`."""

    def __init__(self, world: World, settings: Settings, *, now: Callable[[], float] = time.time) -> None:
        self.layers = Layers(world)
        self._settings = settings
        self._now = now
        self.serial = next_serial(0, now())
        self._zones: dict[str, OverlayZones] = {}  # by the overlay's ID
        self.live = Live(build_catalog(world, settings, self.serial))
        self._server: Server | None = None

    def restore(self) -> None:
        """Make the zones of the overlays that are in force already, before anything is served."""
        for overlay in self.layers.overlays.values():
            self._zones[overlay.id] = zones = self._build(overlay)
            self.live.add(zones, self.serial)

    def served_by(self, server: Server) -> None:
        """Hand changes over to a server from now on."""
        self._server = server

    async def came(self, overlay: Overlay) -> None:
        """Serve the zones of an overlay, in place of those that it had; raises `ZoneError`."""
        self.serial = next_serial(self.serial, self._now())
        serial = self.serial
        before, zones = self._zones.get(overlay.id), self._build(overlay)
        self._zones[overlay.id] = zones

        def change() -> Iterable[Key]:
            if before is not None:
                yield from self.live.remove(before, serial)
            yield from self.live.add(zones, serial)

        await self._hand_over(change)

    async def gone(self, overlay: Overlay) -> None:
        """Serve the zones of an overlay no longer."""
        zones = self._zones.pop(overlay.id, None)
        if zones is not None:
            self.serial = serial = next_serial(self.serial, self._now())
            await self._hand_over(lambda: self.live.remove(zones, serial))

    async def adopt(self, world: World) -> int:
        """Serve the zones of another world file, and of the overlays over it; return the serial. Raises `ZoneError`."""
        self.serial = serial = next_serial(self.serial, self._now())
        live = Live(await asyncio.to_thread(build_catalog, world, self._settings, serial))
        if refusals := self.layers.refusals(world):
            raise ZoneError("; ".join(refusals))
        moved = world.hosts != self.layers.base.hosts
        self.layers.adopt(world)
        for overlay in self.layers.overlays.values():
            if moved:
                self._zones[overlay.id] = self._build(overlay)
            live.add(self._zones[overlay.id], serial)

        def change() -> Iterable[Key]:
            self.live = live
            if self._server is not None:
                self._server.replace(live.catalog)
            return ()

        await self._hand_over(change)
        return serial

    def _build(self, overlay: Overlay) -> OverlayZones:
        return build_overlay(overlay.world, self._settings, self.serial)

    async def _hand_over(self, change: Callable[[], Iterable[Key]]) -> None:
        """Have a change made by the thread that serves, and wait for it."""
        if self._server is None:
            for _ in change():
                pass
            return
        loop = asyncio.get_running_loop()
        installed: asyncio.Future[None] = loop.create_future()

        def settle(error: Exception | None) -> None:
            if installed.done():
                return
            if error is None:
                installed.set_result(None)
            else:
                installed.set_exception(error)

        def done(error: Exception | None) -> None:
            loop.call_soon_threadsafe(settle, error)

        self._server.change(change, done)
        await installed
