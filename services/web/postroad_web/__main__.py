"""The web service's process: settings, world, token, then HTTP until SIGTERM."""

from __future__ import annotations

import logging
import os
import sqlite3
import sys

import uvloop

from postroad import log
from postroad.config import ConfigError, Settings
from postroad.control.token import TokenError, read_token
from postroad.serving import end_of_service, settle
from postroad.world.source import WorldError, load_world
from postroad_web.web import Web

_log = logging.getLogger("postroad_web")


async def run(settings: Settings) -> int:
    """Serve until SIGTERM or SIGINT; returns the exit status."""
    ended = end_of_service()
    try:
        world = load_world(settings.world, settings.network, capturing=settings.capturing)
        token = read_token(settings.control_dir)
    except (ConfigError, WorldError, TokenError) as error:
        sys.stderr.write(f"{error}\n")
        return 1
    try:
        web = Web(settings, world, token=token)
        await web.start()
    except (OSError, sqlite3.Error) as error:
        sys.stderr.write(
            f"the web service can't start (POSTROAD_WEB_PORT, _MAILHOG_PORT, _GREENMAIL, {settings.web_dir}): {error}\n"
        )
        return 1
    settle()
    _log.setLevel(logging.INFO)
    # Mailpit's words, for which its clients' containers wait.
    _log.info("[http] accessible via http://localhost:%d/", dict(settings.published).get("web", settings.web_port))
    if settings.greenmail:
        _log.info("Starting GreenMail standalone")  # GreenMail's words, for the same
    log.ready(web=f"{settings.front}:{settings.web_port}")
    await ended.wait()
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
