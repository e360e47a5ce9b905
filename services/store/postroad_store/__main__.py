"""The store's process: `python -m postroad_store`.

Reads settings and world, opens the mail, listens for SMTP, POP3 and IMAP, says "ready", and serves until SIGTERM.
Everything runs on one uvloop event loop, with Twisted's reactor as a guest on it; commits, the journal and
scrypt have threads of their own.
"""

from __future__ import annotations

import asyncio
import gc
import logging
import os
import signal
import sys
from typing import TYPE_CHECKING

import uvloop

from postroad import log
from postroad.clock import Clock
from postroad.config import ConfigError, Settings
from postroad.journal import Journal
from postroad.smtp.extensions import offered_by
from postroad.smtp.server.server import serve
from postroad.smtp.server.service import Limits, Listener
from postroad.tls import TlsError, server_context
from postroad.world.guesses import Guesses
from postroad.world.source import WorldError, WorldFile, load_world
from postroad.world.watcher import WorldWatcher
from postroad.world.world import Role
from postroad_store.accounts import Accounts
from postroad_store.delivery.service import Delivery
from postroad_store.imap import shared as imap_shared
from postroad_store.imap.registry import CannotHide, Registry
from postroad_store.mail.model.errors import StorageError
from postroad_store.mail.storage import Storage
from postroad_store.pop3 import session as pop3_session
from postroad_store.pop3.session import Maildrops
from postroad_store.protocol import connection as adapter

if TYPE_CHECKING:
    from pathlib import Path

    from postroad.smtp.server.server import Server
    from postroad.world.world import World

SERVICE = "store"
_log = logging.getLogger("postroad_store")


class Store:
    """Everything that the process has open."""

    def __init__(self, settings: Settings, world: World) -> None:
        """Open the mail and the journal; raises `StorageError`, `TlsError`, `ConfigError`."""
        self._settings = settings
        self._extensions = offered_by(settings)
        self._registry = _commands(settings)
        self._clock = Clock()
        self._world = world
        self._host = settings.listen or str(world.host_of(Role.STORE).address)
        self._smtp_tls = server_context(settings.tls_dir)
        self._twisted_tls = adapter.ServerTls(settings.tls_dir)
        self._storage = Storage(settings.mail_dir, clock=self._clock)
        self._journal = Journal(settings.journal_dir, service=SERVICE)
        self._incoming = _incoming(settings.mail_dir)
        self._accounts = Accounts(world, settings, Guesses(self._clock))

    async def run(self, stopped: asyncio.Event) -> None:
        """Serve until `stopped` is set; raises `OSError` or `CannotListenError` where a port can't be bound."""
        settings = self._settings
        loop = asyncio.get_running_loop()
        source = WorldFile(settings.world, settings.network, settings.capturing)
        watcher = WorldWatcher(source, self._world)
        watching = loop.create_task(watcher.run(self._adopt))
        listeners: list[adapter.Listener] = []
        servers: list[Server] = []
        try:
            self._listen(loop, listeners)
            servers.append(await self._serve_smtp())
            # What stands now stands for good: the collector need not walk it again, nor every 700 new objects.
            gc.freeze()
            gc.set_threshold(20_000, 20, 100)
            log.ready(
                host=self._host,
                smtp=settings.smtp_port,
                pop3=settings.pop3_port,
                pop3s=settings.pop3s_port,
                imap=settings.imap_port,
                imaps=settings.imaps_port,
            )
            await stopped.wait()
        finally:
            watching.cancel()
            await asyncio.gather(*(server.close() for server in servers), *(one.stop() for one in listeners))
            self._storage.close()
            self._journal.close()

    async def _serve_smtp(self) -> Server:
        settings = self._settings
        hostname = self._world.host_of(Role.STORE).name
        return await serve(
            Delivery(self._accounts, self._storage, self._journal, hostname=hostname),
            [Listener(self._host, settings.smtp_port)],
            hostname=hostname,
            content_directory=self._incoming,
            extensions=self._extensions,
            limits=Limits(
                message_size=settings.message_size,
                recipients=settings.recipients,
                connections=settings.connections,
                connections_per_address=settings.connections,  # behind a container's port all clients share one
            ).with_room_for_trace_fields(),
            tls=self._smtp_tls,
            postmaster=self._world.postmaster_of(hostname),
        )

    def _adopt(self, world: World) -> None:
        """Go on with an edited world. The addresses that are listened on stay until the next start."""
        self._accounts.world = world

    def _listen(self, loop: asyncio.AbstractEventLoop, listeners: list[adapter.Listener]) -> None:
        """Listen for POP3 and IMAP, adding what listens to the list."""
        settings = self._settings
        reactor = adapter.reactor_on(loop)
        maildrops = Maildrops(self._accounts, self._storage, self._journal, plaintext_auth=settings.plaintext_auth)
        pop3 = adapter.Service(
            "pop3",
            maildrops.session,
            pop3_session.REFUSAL,
            idle_timeout=pop3_session.IDLE_TIMEOUT,
            connections=settings.connections,
            connections_per_address=settings.connections,
        )
        sessions = imap_shared.Shared(
            self._accounts,
            self._storage,
            self._journal,
            self._incoming,
            registry=self._registry,
            plaintext_auth=settings.plaintext_auth,
            message_size=settings.message_size,
            clock=self._clock,
        )
        imap = adapter.Service(
            "imap",
            sessions.session,
            imap_shared.REFUSAL,
            idle_timeout=imap_shared.IDLE_TIMEOUT,
            connections=settings.connections,
            connections_per_address=settings.connections,
        )
        for service, port, tls_port in (
            (pop3, settings.pop3_port, settings.pop3s_port),
            (imap, settings.imap_port, settings.imaps_port),
        ):
            listener = adapter.Listener(service, reactor, loop, self._twisted_tls)
            listeners.append(listener)
            listener.listen(self._host, port)
            listener.listen(self._host, tls_port, implicit_tls=True)


def _commands(settings: Settings) -> Registry:
    """Return IMAP's commands without what the settings hide; raises `ConfigError`."""
    try:
        return Registry(without=settings.imap_without)
    except CannotHide as error:
        raise ConfigError(f"POSTROAD_IMAP_WITHOUT={','.join(settings.imap_without)}: {error}") from None


def _incoming(mail_dir: Path) -> Path:
    """Return the folder of large contents that are arriving, empty: what a kill left there was never accepted."""
    folder = mail_dir / "incoming"
    folder.mkdir(mode=0o700, exist_ok=True)
    for left in folder.iterdir():
        left.unlink()
    return folder


async def _serve(settings: Settings, world: World) -> None:
    stopped = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stopped.set)
    await Store(settings, world).run(stopped)


def main() -> int:
    """Run the store; what prevents the start is one sentence and exit status 1."""
    try:
        settings = Settings.from_environ(os.environ)
    except ConfigError as error:
        sys.stderr.write(f"{error}\n")
        return 1
    log.setup(SERVICE, settings.log_level)
    try:
        world = load_world(settings.world, settings.network, capturing=settings.capturing)
        with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
            runner.run(_serve(settings, world))
    except (ConfigError, WorldError, TlsError, StorageError, OSError, adapter.CannotListenError) as error:
        for sentence in str(error).splitlines():
            _log.error("%s", sentence)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
