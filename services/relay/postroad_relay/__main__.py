"""The relay's process: settings, world, certificate, then mail until SIGTERM."""

from __future__ import annotations

import os
import sys

import uvloop

from postroad import log
from postroad.config import ConfigError, Settings
from postroad.sasl.settings import asks_for_certificates
from postroad.serving import end_of_service, settle
from postroad.tls import TlsError, client_context, end_point, server_context
from postroad.world.source import WorldError, load_world
from postroad_relay.relay import Relay


async def run(settings: Settings) -> int:
    """Serve until SIGTERM or SIGINT; returns the exit status."""
    try:
        world = load_world(settings.world, settings.network, capturing=settings.capturing)
        asks = asks_for_certificates(settings)
        relay = Relay(
            settings,
            world,
            server_tls=server_context(settings.tls_dir),
            client_tls=client_context(),
            client_certificates=server_context(settings.tls_dir, asks=True) if asks else None,
            end_point=end_point(settings.tls_dir),
        )
    except (ConfigError, WorldError, TlsError, OSError) as error:
        print(error, file=sys.stderr)
        return 1
    try:
        await relay.start()
    except OSError as error:
        print(
            f"POSTROAD_APP_PORT, _SMTP_PORT, _SUBMISSION_PORT, _SUBMISSIONS_PORT, _CONTROL_PORT, _GREENMAIL: {error}",
            file=sys.stderr,
        )
        await relay.stop()
        return 1
    ended = end_of_service()
    settle()
    doors = [listener for listener in relay.listeners if listener.world is None]
    log.ready(**{listener.purpose.value: f"{listener.host}:{listener.port}" for listener in doors})
    await ended.wait()
    await relay.stop()
    return 0


def main() -> int:
    """Run the relay; returns the exit status."""
    try:
        settings = Settings.from_environ(os.environ)
    except ConfigError as error:
        print(error, file=sys.stderr)
        return 1
    log.setup("relay", settings.log_level)
    # Under load the thread that writes the spool waits up to one switch interval for the GIL after each fsync; Python's
    # 5 ms would delay every 250 by as much.
    sys.setswitchinterval(0.0005)
    return uvloop.run(run(settings))


if __name__ == "__main__":
    sys.exit(main())
