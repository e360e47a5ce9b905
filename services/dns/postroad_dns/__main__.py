"""The name server's process: settings, world, zones, sockets, and a thread that watches the world."""

from __future__ import annotations

import logging
import os
import signal
import sys
import threading
import time
from typing import TYPE_CHECKING

from postroad import log
from postroad.config import ConfigError, Settings
from postroad.control.token import find_token
from postroad.dns.zone import ZoneError
from postroad.world.source import WorldError, WorldFile
from postroad.world.watcher import POLL_INTERVAL, WorldWatcher
from postroad.world.world import Role
from postroad_dns.addressbook import build_catalog
from postroad_dns.control import DoorThread
from postroad_dns.server import Server

if TYPE_CHECKING:
    from collections.abc import Callable

_log = logging.getLogger("postroad.dns")


def next_serial(last: int, now: float) -> int:
    """Return a SOA serial after `last`: the time in seconds since 1970, or one more than the last (RFC 1982 §3.1)."""
    clock = int(now) & 0xFFFFFFFF
    ahead = (clock - last) & 0xFFFFFFFF
    return clock if 0 < ahead < 1 << 31 else (last + 1) & 0xFFFFFFFF


def watch(
    watcher: WorldWatcher, settings: Settings, server: Server, serial: int, *, wait: Callable[[float], bool]
) -> None:
    """Serve each edit of the world, until `wait` returns true; a bad edit is logged, and the last good one stays.

    It runs in its own thread, so that no query waits while zones are made.
    """
    while not wait(POLL_INTERVAL):
        world = watcher.poll()
        if world is None:
            continue
        serial = next_serial(serial, time.time())
        try:
            server.replace(build_catalog(world, settings, serial))
        except ZoneError as error:
            _log.error("zones refused: %s", error)
            continue
        except Exception:  # noqa: BLE001 - if the thread ended here, no later edit would be seen
            _log.exception("zones could not be made")
            continue
        _log.info("zones loaded: serial %d", serial)


def main() -> int:
    """Serve until SIGTERM or SIGINT; returns the exit status."""
    try:
        settings = Settings.from_environ(os.environ)
        log.setup("dns", settings.log_level)
        source = WorldFile(settings.world, settings.network, settings.capturing)
        world = source.load()
        watcher = WorldWatcher(source, world)
        serial = next_serial(0, time.time())
        catalog = build_catalog(world, settings, serial)
    except (ConfigError, WorldError, ZoneError) as error:
        print(error, file=sys.stderr)
        return 1
    address = settings.listen or str(world.host_of(Role.DNS).address)
    try:
        server = Server(address, settings.dns_port, catalog, connections=settings.connections)
    except OSError as error:
        print(f"cannot listen on {address} port {settings.dns_port}: {error.strerror}", file=sys.stderr)
        return 1
    token = find_token(settings.control_dir)
    door = DoorThread(server, token) if token is not None else None
    if door is not None:
        own = str(world.host_of(Role.DNS).address)
        try:
            door.start(own, settings.control_port)
        except OSError as error:
            server.close()
            print(f"cannot listen on {own} port {settings.control_port}: {error.strerror}", file=sys.stderr)
            return 1
    ended = threading.Event()
    threading.Thread(
        target=watch, args=(watcher, settings, server, serial), kwargs={"wait": ended.wait}, name="world", daemon=True
    ).start()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda _number, _frame: server.stop())
    log.ready(address="{}:{}".format(*server.address))
    server.serve()
    ended.set()
    if door is not None:
        door.stop()
    return 0


if __name__ == "__main__":
    sys.exit(main())
