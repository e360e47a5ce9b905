"""The web service put together: control doors, catalog, and the ASGI application on uvicorn."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import socket
from typing import TYPE_CHECKING

import uvicorn

from postroad.clock import Clock
from postroad.control.client import DoorAway, DoorClient, DoorRefused
from postroad.world.source import WorldFile
from postroad.world.watcher import WorldWatcher
from postroad.world.world import Role
from postroad_web.api.app import build
from postroad_web.api.services import Services
from postroad_web.catalog.catalog import Catalog

if TYPE_CHECKING:
    from collections.abc import Iterator

    from postroad.config import Settings
    from postroad.world.world import World

_log = logging.getLogger(__name__)

GRACE = 0.3  # seconds that requests have to end when the service is stopped
BACKLOG = 1024  # connections that may wait to be accepted
_ASK_AGAIN = 0.25  # seconds
_PATIENCE = 3600.0  # seconds for the catalog to catch up before it is asked for anew


class Web:
    """One web process, with one world at a time. All its times come from `clock`."""

    def __init__(self, settings: Settings, world: World, *, token: str, clock: Clock | None = None) -> None:
        self._settings = settings
        self._clock = clock = clock or Clock()

        def door(role: Role) -> DoorClient:
            return DoorClient(role, str(world.host_of(role).address), settings.control_port, token)

        relay, store = door(Role.RELAY), door(Role.STORE)
        self.catalog = Catalog(
            settings.web_dir,
            relay=relay,
            store=store,
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
            dns=door(Role.DNS),
        )
        self._server = _Server(build(self.services))
        self._tasks: list[asyncio.Task[None]] = []

    async def start(self) -> None:
        """Open the catalog and listen; raises `OSError` if the port can't be bound or the folder can't be written."""
        settings = self._settings
        listener = socket.socket(socket.AF_INET6 if ":" in settings.front else socket.AF_INET)
        try:
            listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            listener.bind((settings.front, settings.web_port))
            await self.catalog.start()
            self.services.webhooks.start()
        except BaseException:
            listener.close()
            raise
        watcher = WorldWatcher(WorldFile(settings.world, settings.network, settings.capturing), self.services.world)
        works = [self._server.serve(sockets=[listener]), watcher.run(self._change), self._catch_up()]
        self._tasks = [asyncio.create_task(work) for work in works]
        await self._server.listening.wait()

    async def stop(self) -> None:
        """End within about half a second: requests that are held are cut off."""
        self._server.stop()
        if self._tasks:
            await self._tasks[0]
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        await self.services.webhooks.close()
        await self.catalog.close()
        for door in self.services.doors():
            await door.close()

    def _change(self, world: World) -> None:
        self.services.world = world

    async def _catch_up(self) -> None:
        """Say that the service is ready once the catalog knows all that had happened before."""
        relay, store = self.services.relay, self.services.store
        while not self.services.ready:
            try:
                queued = (await relay.get("/figures"))["journal"]["last"]
                stored = (await store.get("/figures"))["journal"]["last"]
                await self.catalog.caught_up(queued, stored, _PATIENCE)
            except (DoorAway, DoorRefused, TimeoutError):
                await self._clock.sleep(_ASK_AGAIN)
            else:
                self.services.ready = True
                _log.info("the catalog has caught up")


class _Server(uvicorn.Server):
    """uvicorn's server. Signals are the process's affair, and nobody waits for long requests."""

    def __init__(self, app: object) -> None:
        super().__init__(
            uvicorn.Config(
                app,  # type: ignore[arg-type] # Starlette's own type of application is wider
                loop="none",
                http="h11",
                ws="wsproto",
                lifespan="off",
                log_config=None,
                access_log=False,
                server_header=False,
                proxy_headers=False,
                backlog=BACKLOG,
            )
        )
        self.listening = asyncio.Event()
        self._stopped = asyncio.Event()
        self._log = logging.getLogger("uvicorn.error")
        self._log.setLevel(logging.WARNING)

    def stop(self) -> None:
        """End `serve`."""
        self._stopped.set()

    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        """Leave the signals alone."""
        yield

    async def main_loop(self) -> None:
        """Serve until `stop`; keep the Date field of responses right."""
        self.listening.set()
        while not self._stopped.is_set():
            await self.on_tick(0)
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(self._stopped.wait(), 1.0)

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        """Close the listener, let requests end that do so at once, and cut off the others."""
        for server in self.servers:
            server.close()
        for listener in sockets or ():
            listener.close()
        state = self.server_state
        for connection in tuple(state.connections):
            connection.shutdown()
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(GRACE):
                while state.connections:  # noqa: ASYNC110 - uvicorn has no event for it
                    await asyncio.sleep(0.02)
        self._log.disabled = True  # it would report each request that is cut off
        for task in tuple(state.tasks):
            task.cancel()
        for connection in tuple(state.connections):
            if connection.transport is not None:
                connection.transport.abort()
