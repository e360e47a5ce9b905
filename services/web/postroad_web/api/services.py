"""What the parts of the API share: one object, made by the composition root, given to every `routes(services)`."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from postroad_web.api.scope import world_of
from postroad_web.catalog.worlds import EVERY, DefaultWorld, Worlds
from postroad_web.sessions.directory import Directory
from postroad_web.sessions.live import Live
from postroad_web.snapshots.snapshots import Snapshots
from postroad_web.waiting.quiet import Quiet
from postroad_web.waiting.waits import Waits
from postroad_web.webhooks.webhooks import Webhooks

if TYPE_CHECKING:
    from collections.abc import Sequence

    from starlette.requests import HTTPConnection

    from postroad.clock import Clock
    from postroad.config import Settings
    from postroad.control.client import DoorClient
    from postroad.world.world import World
    from postroad_web.catalog.catalog import Catalog
    from postroad_web.catalog.view import View


@dataclass(slots=True)
class Services:
    """Everything that a request may need. `world` is replaced when the world's file has changed."""

    settings: Settings
    world: World
    clock: Clock
    catalog: Catalog
    relay: DoorClient
    store: DoorClient
    dns: DoorClient
    worlds: Worlds = field(default_factory=DefaultWorld)
    ready: bool = False  # whether the catalog has caught up with the journals once
    quiet: Quiet = field(init=False)
    waits: Waits = field(init=False)
    webhooks: Webhooks = field(init=False)  # to be started, and closed
    snapshots: Snapshots = field(init=False)  # to be run
    sessions: Directory = field(init=False)
    live: Live = field(init=False)  # to be closed

    def __post_init__(self) -> None:
        self.quiet = Quiet(self.catalog, self.relay, self.store)
        self.waits = Waits(self.catalog, self.quiet, self.worlds)
        self.snapshots = Snapshots(self.relay, self.store, self.catalog, self.clock)
        self.sessions = Directory(self.doors(), self.catalog)
        self.live = Live(self.sessions, self.clock)
        self.webhooks = Webhooks(
            self.settings.web_dir, self.catalog, self.clock, anywhere=self.settings.webhooks_anywhere
        )

    def view(self, connection: HTTPConnection) -> View:
        """Return the catalog as the world of a request sees it."""
        return self.catalog.of(world_of(connection))

    async def forget(self, worlds: Sequence[str]) -> None:
        """Forget worlds that are no more, with all that is kept of them here."""
        await self.catalog.drop(worlds)
        for world in worlds:
            self.webhooks.drop(world)
            self.waits.forget(world)

    def world_named(self, ident: str) -> World:
        """Return a world that exists."""
        return self.worlds.made(ident) or self.world

    def worlds_of(self, connection: HTTPConnection) -> list[World]:
        """Return the world of a request, or all of them if it is about all."""
        world = world_of(connection)
        if world != EVERY:
            return [self.world_named(world)]
        return [self.world, *map(self.world_named, self.worlds.others())]

    def doors(self) -> tuple[DoorClient, ...]:
        """Return all control doors."""
        return self.dns, self.relay, self.store
