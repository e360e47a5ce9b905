"""The web service put together: control doors, catalog, and the ASGI application on uvicorn."""

from __future__ import annotations

import asyncio
import logging
from typing import TYPE_CHECKING

from postroad import greenmail
from postroad.clock import Clock
from postroad.control.client import DoorAway, DoorClient, DoorRefused
from postroad.world.source import WorldFile
from postroad.world.watcher import WorldWatcher
from postroad.world.world import Role
from postroad_web.api.app import build
from postroad_web.api.listening import Listening
from postroad_web.api.services import Services
from postroad_web.catalog.catalog import Catalog
from postroad_web.worlds.database import Database
from postroad_web.worlds.keeper import Keeper

if TYPE_CHECKING:
    from postroad.config import Settings
    from postroad.world.world import World

_log = logging.getLogger(__name__)

_ASK_AGAIN = 0.25  # seconds
_PATIENCE = 3600.0  # seconds for the catalog to catch up before it is asked for anew


class Web:
    """One web process, with one world at a time. All its times come from `clock`."""

    def __init__(self, settings: Settings, world: World, *, token: str, clock: Clock | None = None) -> None:
        self._settings = settings
        self._clock = clock = clock or Clock()

        def door(role: Role) -> DoorClient:
            return DoorClient(role, str(world.host_of(role).address), settings.control_port, token)

        relay, store, dns = door(Role.RELAY), door(Role.STORE), door(Role.DNS)
        self._worlds = Database(settings.web_dir)
        self.keeper = keeper = Keeper(self._worlds, world, settings, clock)
        keeper.served_by(dns, relay, store)
        self.catalog = Catalog(
            settings.web_dir,
            relay=relay,
            store=store,
            worlds=keeper,
            clock=clock,
            keep_messages=settings.keep_messages,
            keep_age=settings.keep_age,
        )
        self.services = Services(
            settings=settings,
            world=world,
            clock=clock,
            catalog=self.catalog,
            relay=relay,
            store=store,
            dns=dns,
            worlds=keeper,
        )
        keeper.forget = self.services.forget
        # Twice as many as senders: each may have a wait.
        self._server = Listening(build(self.services), connections=2 * settings.connections)
        self._tasks: list[asyncio.Task[None]] = []

    async def start(self) -> None:
        """Open the catalog and listen; raises `OSError` if the port can't be bound or the folder can't be written."""
        settings = self._settings
        self._server.bind(settings.front, settings.web_port)
        if settings.mailhog_port is not None:
            self._server.bind(settings.front, settings.mailhog_port)
        if settings.greenmail:
            self._server.bind(settings.front, greenmail.API)
        try:
            await self.catalog.start()
        except BaseException:
            await self._server.close()
            raise
        self.services.webhooks.start()
        watcher = WorldWatcher(WorldFile(settings.world, settings.network, settings.capturing), self.services.world)
        background = (self.services.snapshots.run(), self.keeper.expire(), self.keeper.mend())
        works = [watcher.run(self._change), self._catch_up(), *background]
        self._tasks = [asyncio.create_task(work) for work in works]
        await self._server.start()

    async def stop(self) -> None:
        """End within about half a second: requests that are held are cut off."""
        await self._server.close()
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        await self.services.webhooks.close()
        await self.services.live.close()
        await self.catalog.close()
        for door in self.services.doors():
            await door.close()
        self._worlds.close()

    def _change(self, world: World) -> None:
        if self.keeper.adopt(world):
            self.services.world = world

    async def _catch_up(self) -> None:
        """Say that the service is ready once the catalog knows all that had happened before."""
        relay, store = self.services.relay, self.services.store
        while not self.services.ready:
            try:
                queued = (await relay.get("/journal/last"))["last"]
                stored = (await store.get("/journal/last"))["last"]
                await self.catalog.caught_up(queued, stored, _PATIENCE)
            except (DoorAway, DoorRefused, TimeoutError):
                await self._clock.sleep(_ASK_AGAIN)
            else:
                self.services.ready = True
                _log.info("the catalog has caught up")
