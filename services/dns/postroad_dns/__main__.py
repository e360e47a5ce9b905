"""The name server's process: settings, world, zones, sockets, and a thread that watches the world."""

from __future__ import annotations

import asyncio
import logging
import os
import signal
import sys
import threading
import time
from typing import TYPE_CHECKING

from postroad import log
from postroad.config import ConfigError, Settings
from postroad.control.token import find_key, find_token
from postroad.control.worlds import world_routes
from postroad.dns.zone import ZoneError
from postroad.transcript.door import session_routes
from postroad.world.mark import Marks
from postroad.world.overlay_log import OverlayLog
from postroad.world.overlays import Overlays
from postroad.world.source import WorldError, WorldFile
from postroad.world.watcher import POLL_INTERVAL, WorldWatcher
from postroad.world.world import Role
from postroad_dns.control import DoorThread
from postroad_dns.exchanges import Exchanges
from postroad_dns.querylog import QueryLog
from postroad_dns.server import Server
from postroad_dns.worlds import Worlds

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from postroad.world.overlay import Overlay
    from postroad.world.world import World

_log = logging.getLogger("postroad.dns")


def watch(watcher: WorldWatcher, adopt: Callable[[World], int], *, wait: Callable[[float], bool]) -> None:
    """Serve each edit of the world, until `wait` returns true; a bad edit is logged, and the last good one stays.

    It runs in its own thread, so that no query waits while zones are made. `adopt` returns the zones' serial.
    """
    while not wait(POLL_INTERVAL):
        world = watcher.poll()
        if world is None:
            continue
        try:
            serial = adopt(world)
        except ZoneError as error:
            _log.error("zones refused: %s", error)
            continue
        except Exception:  # noqa: BLE001 - if the thread ended here, no later edit would be seen
            _log.exception("zones could not be made")
            continue
        _log.info("zones loaded: serial %d", serial)


def _gone(worlds: Worlds, record: QueryLog) -> Callable[[Overlay], Awaitable[None]]:
    """Return what removes the zones of a world that was dropped, and what was asked about it."""

    async def gone(overlay: Overlay) -> None:
        await worlds.gone(overlay)
        record.forget(overlay.world.domains, overlay.id)

    return gone


def main() -> int:
    """Serve until SIGTERM or SIGINT; returns the exit status."""
    try:
        settings = Settings.from_environ(os.environ)
        log.setup("dns", settings.log_level)
        source = WorldFile(settings.world, settings.network, settings.capturing)
        world = source.load()
        watcher = WorldWatcher(source, world)
        worlds = Worlds(world, settings)
        token = find_token(settings.control_dir)
        overlays = None if token is None else Overlays(worlds.layers, OverlayLog(settings.dns_dir))
        worlds.restore()
    except (ConfigError, WorldError, ZoneError) as error:
        print(error, file=sys.stderr)
        return 1
    except OSError as error:
        print(f"{settings.dns_dir} can't be used: {error.strerror}", file=sys.stderr)
        return 1
    address = settings.listen or str(world.host_of(Role.DNS).address)
    log_of_queries = Exchanges(time.time) if settings.transcripts else None
    try:
        server = Server(
            address, settings.dns_port, worlds.live.catalog, connections=settings.connections, log=log_of_queries
        )
    except OSError as error:
        print(f"cannot listen on {address} port {settings.dns_port}: {error.strerror}", file=sys.stderr)
        return 1
    worlds.served_by(server)
    # The sessions of the door are what was asked and answered.
    record = QueryLog(
        log_of_queries or Exchanges(time.time),
        "{}:{}".format(*server.address),
        lambda domain: worlds.layers.world_of_domain(domain).id,
        Marks(find_key(settings.control_dir)).world_of,
    )
    door = None
    if token is not None and overlays is not None:
        overlays.came, overlays.gone = worlds.came, _gone(worlds, record)
        door = DoorThread(server, token, [*world_routes(overlays), *session_routes(record)])
        own = str(world.host_of(Role.DNS).address)
        try:
            door.start(own, settings.control_port)
        except OSError as error:
            server.close()
            print(f"cannot listen on {own} port {settings.control_port}: {error.strerror}", file=sys.stderr)
            return 1
    carry_out = asyncio.run if door is None else door.run

    def adopt(changed: World) -> int:
        return carry_out(worlds.adopt(changed))

    ended = threading.Event()
    threading.Thread(
        target=watch, args=(watcher, adopt), kwargs={"wait": ended.wait}, name="world", daemon=True
    ).start()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda _number, _frame: server.stop())
    log.ready(address="{}:{}".format(*server.address))
    server.serve()
    ended.set()
    if door is not None:
        door.stop()
    if overlays is not None:
        overlays.log.close()
    return 0


if __name__ == "__main__":
    sys.exit(main())
