"""Init: runs once before the services start. Checks settings and world, makes the certificates and the data folders.

`python -m postroad_stack.init`. What it makes is kept: run again it changes nothing, unless the world has new names.
"""

from __future__ import annotations

import logging
import os
import sys
from datetime import UTC, datetime
from ipaddress import IPv4Address, IPv6Address
from typing import TYPE_CHECKING

from postroad import log
from postroad.config import ConfigError, Settings
from postroad.tls import TlsError
from postroad.world.source import WorldError, load_world
from postroad_stack.certificates import ensure

if TYPE_CHECKING:
    from collections.abc import Iterator

    from postroad.world.world import World

_log = logging.getLogger("postroad_stack.init")

CONTAINERS = ("dns", "relay", "store")
LOOPBACK = (IPv4Address("127.0.0.1"), IPv6Address("::1"))


class InitError(Exception):
    """The stack cannot start; the message has one sentence a line."""


def certificate_names(world: World) -> Iterator[str]:
    """Yield the names that the certificate is for.

    A wildcard stands for imap., smtp. and what else a client takes for the server of its domain (RFC 7817 §3).
    """
    yield from ("localhost", *CONTAINERS)
    yield from world.hosts
    for domain in world.domains:
        yield from (domain, f"*.{domain}")


def prepare(settings: Settings) -> World:
    """Do all of init's work and return the world; raises `InitError` before anything is made, where it can."""
    try:
        world = load_world(settings.world, settings.network, capturing=settings.capturing)
    except WorldError as error:
        raise InitError(str(error)) from error
    for folder in (settings.ca_dir, settings.tls_dir, settings.journal_dir, settings.spool_dir, settings.mail_dir):
        try:
            folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        except OSError as error:
            raise InitError(f"the data folder {folder} cannot be made: {error.strerror}") from error
        if not os.access(folder, os.R_OK | os.W_OK | os.X_OK):
            raise InitError(f"the data folder {folder} cannot be written by the user {os.getuid()}")
    addresses = [*LOOPBACK, *(host.address for host in world.hosts.values())]
    try:
        issued = ensure(settings.ca_dir, settings.tls_dir, certificate_names(world), addresses, datetime.now(UTC))
    except (TlsError, OSError) as error:
        raise InitError(f"no certificate could be made: {error}") from error
    if issued.ca:
        _log.info("made a CA: fetch it with make ca")
    if issued.leaf:
        _log.info("issued a certificate for %d hosts and %d domains", len(world.hosts), len(world.domains))
    return world


def main() -> int:
    """Run init by itself, as the container does; 1 where the stack cannot start."""
    log.setup("init", "info")
    try:
        prepare(Settings.from_environ(os.environ))
    except (ConfigError, InitError) as error:
        for sentence in str(error).splitlines():
            _log.error("%s", sentence)
        return 1
    log.ready()
    return 0


if __name__ == "__main__":
    sys.exit(main())
