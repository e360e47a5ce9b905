"""Finds out when the world has changed.

A bad edit never reaches a running service: the watcher logs the reasons, and the last good world stays.
"""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING

from postroad.world.source import WorldError
from postroad.world.world import Role

if TYPE_CHECKING:
    from collections.abc import Callable, Hashable

    from postroad.world.source import WorldSource
    from postroad.world.world import World

_log = logging.getLogger(__name__)

POLL_INTERVAL = 0.25  # seconds; two polls must agree, so an edit is taken up within 0.5 s


class WorldWatcher:
    """Watches a source for one service.

    `poll` is for a loop of the caller's own; `run` is for asyncio. Both load a changed source only after two polls
    in a row have seen the same version, so that a file that is still being written is not read. `world` is the one
    that the service has started with: an edit during the start is found too. `refusals` says what else speaks against a
    world.
    """

    def __init__(
        self, source: WorldSource, world: World, *, refusals: Callable[[World], list[str]] = lambda _world: []
    ) -> None:
        self._source = source
        self._started_with = world
        self._refusals = refusals
        self._seen: Hashable = source.version()
        self._loaded: Hashable = ()  # nothing yet; no version is an empty tuple

    def poll(self) -> World | None:
        """Return the new world if the source has changed to a valid one, else None; faults go to the log."""
        seen, self._seen = self._seen, self._source.version()
        if self._seen != seen or self._seen == self._loaded:
            return None
        first = self._loaded == ()
        self._loaded = self._seen
        try:
            world = self._source.load()
        except WorldError as error:
            for sentence in error.errors:
                _log.error("world refused: %s", sentence)
            return None
        except Exception:  # noqa: BLE001 - a watch that ends here would leave all later edits unseen
            _log.exception("world refused: the file could not be read")
            return None
        if first and world == self._started_with:
            return None
        if refusals := self._refusals(world):
            for sentence in refusals:
                _log.error("world refused: %s", sentence)
            return None
        for role in Role:
            was, now = self._started_with.host_of(role), world.host_of(role)
            if was != now:
                moved = f"{was.name} [{was.address}] to {now.name} [{now.address}]"
                _log.warning("%s moves from %s when the services are started again, not before", role, moved)
        _log.info("world loaded: %d domains, %d hosts", len(world.domains), len(world.hosts))
        return world

    async def run(self, changed: Callable[[World], None], *, interval: float = POLL_INTERVAL) -> None:
        """Call `changed` with each new world, for ever; `interval` is in seconds."""
        import asyncio  # noqa: PLC0415 - the name server polls without an event loop, and starts faster without

        while True:
            await asyncio.sleep(interval)
            world = self.poll()
            if world is not None:
                changed(world)
