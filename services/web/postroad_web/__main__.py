"""The web service's process: settings, world, token, then HTTP until SIGTERM."""

from __future__ import annotations

import asyncio
import gc
import logging
import os
import signal
import sqlite3
import sys

import uvloop

from postroad import log
from postroad.config import ConfigError, Settings
from postroad.control.token import TokenError, read_token
from postroad.world.source import WorldError, load_world
from postroad_web.web import Web

_log = logging.getLogger("postroad_web")


async def run(settings: Settings) -> int:
    """Serve until SIGTERM or SIGINT; returns the exit status."""
    stopped = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, stopped.set)
    try:
        world = load_world(settings.world, settings.network, capturing=settings.capturing)
        web = Web(settings, world, token=read_token(settings.control_dir))
    except (ConfigError, WorldError, TokenError) as error:
        sys.stderr.write(f"{error}\n")
        return 1
    try:
        await web.start()
    except (OSError, sqlite3.Error) as error:
        sys.stderr.write(f"the web service can't start (POSTROAD_WEB_PORT, {settings.web_dir}): {error}\n")
        return 1
    # Objects made at start-up live for ever: exempt them from garbage collection, and collect less often.
    gc.freeze()
    gc.set_threshold(20_000, 20, 100)
    _log.setLevel(logging.INFO)
    # Mailpit's words, for which its clients' containers wait.
    _log.info("[http] accessible via http://localhost:%d/", dict(settings.published).get("web", settings.web_port))
    log.ready(web=f"{settings.front}:{settings.web_port}")
    await stopped.wait()
    await web.stop()
    return 0


def main() -> int:
    """Run the web service; returns the exit status."""
    try:
        settings = Settings.from_environ(os.environ)
    except ConfigError as error:
        sys.stderr.write(f"{error}\n")
        return 1
    log.setup("web", settings.log_level)
    # The thread that writes the catalog computes for long; requests should not wait for it.
    sys.setswitchinterval(0.0005)
    return uvloop.run(run(settings))


if __name__ == "__main__":
    sys.exit(main())
