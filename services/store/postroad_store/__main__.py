"""The store's process: `python -m postroad_store`.

Reads settings and world, opens the mail, listens for SMTP, POP3 and IMAP, says "ready", and serves until SIGTERM.
Everything runs on one uvloop event loop, with Twisted's reactor as a guest on it; commits, the journal and
scrypt have threads of their own.
"""

from __future__ import annotations

import gc

if __name__ == "__main__":
    # What is loaded now lives for ever. To look for garbage in it again and again is a tenth of the start-up.
    gc.disable()

import asyncio
import logging
import os
import sys
from typing import TYPE_CHECKING

import uvloop

from postroad import log
from postroad.config import ConfigError, Settings
from postroad.serving import end_of_service, settle
from postroad.tls import TlsError
from postroad.world.source import WorldError
from postroad_store.mail.model.errors import StorageError
from postroad_store.protocol.listener import CannotListenError
from postroad_store.store import SERVICE, Store, world_of

if TYPE_CHECKING:
    from postroad.world.world import World

_log = logging.getLogger("postroad_store")


async def _serve(settings: Settings, world: World) -> None:
    ended = end_of_service()
    store = Store(settings, world)
    try:
        await store.start()
        settle()
        gc.enable()
        log.ready(
            host=store.host,
            smtp=settings.smtp_port,
            pop3=settings.pop3_port,
            pop3s=settings.pop3s_port,
            imap=settings.imap_port,
            imaps=settings.imaps_port,
            sieve=settings.sieve_port,
            lmtp=settings.lmtp_port,
        )
        await ended.wait()
    finally:
        await store.stop()


def main() -> int:
    """Run the store; if it cannot start, print one sentence and return 1."""
    try:
        settings = Settings.from_environ(os.environ)
    except ConfigError as error:
        sys.stderr.write(f"{error}\n")
        return 1
    log.setup(SERVICE, settings.log_level)
    # A thread that reads a large message holds the GIL for up to one switch interval at a time; Python's 5 ms would add
    # up to more than the 50 ms that a NOOP of another session may wait.
    sys.setswitchinterval(0.0005)
    try:
        world = world_of(settings).load()
        with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
            runner.run(_serve(settings, world))
    except (ConfigError, WorldError, TlsError, StorageError, OSError, CannotListenError) as error:
        for sentence in str(error).splitlines():
            _log.error("%s", sentence)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
