"""The program `postroad init`: checks settings and world, makes the certificates and the data folders.

It runs once before the services start. Its files are kept: a second run changes nothing, unless the world has new
names.
"""

from __future__ import annotations

import argparse
import logging
import os
from datetime import UTC, datetime
from ipaddress import IPv4Address, IPv6Address
from typing import TYPE_CHECKING

from postroad import log
from postroad.config import ConfigError, Settings
from postroad.control.token import KEY_FILE, ensure_token
from postroad.tls import CA_FILE, TlsError
from postroad.world.source import WorldError, load_world
from postroad.world.world import Role
from postroad_stack.certificates import ensure, publish
from postroad_stack.starter import with_world

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from postroad.world.world import World

_log = logging.getLogger("postroad_stack.init")

_REMEDY = "Set POSTROAD_DATA to another folder"
CONTAINERS = ("dns", "relay", "store", "web")
LOOPBACK = (IPv4Address("127.0.0.1"), IPv6Address("::1"))


class InitError(Exception):
    """The stack cannot start; the message has one sentence per line."""


def certificate_names(world: World) -> Iterator[str]:
    """Yield the names that the certificate is for.

    A wildcard covers imap., smtp. and any other name that a client tries as the server of its domain (RFC 7817 §3).
    """
    yield from ("localhost", *CONTAINERS)
    yield from world.hosts
    for domain in world.domains:
        yield from (domain, f"*.{domain}")


def prepare(settings: Settings) -> World:
    """Do all of init's work and return the world; raises `InitError`, if possible before any file is made."""
    try:
        world = load_world(settings.world, settings.network, capturing=settings.capturing)
    except WorldError as error:
        raise InitError(str(error)) from error
    journals = (settings.journal_dir / role.value for role in (Role.RELAY, Role.STORE))
    folders = (
        settings.ca_dir,
        settings.tls_dir,
        settings.control_dir,
        settings.spool_dir,
        settings.mail_dir,
        settings.dns_dir,
    )
    for folder in (*folders, *journals, settings.web_dir, settings.trust_dir):
        try:
            folder.mkdir(mode=0o755 if folder == settings.trust_dir else 0o700, parents=True, exist_ok=True)
        except OSError as error:
            raise InitError(f"the data folder {folder} cannot be made: {error.strerror}. {_REMEDY}") from error
        if not os.access(folder, os.R_OK | os.W_OK | os.X_OK):
            raise InitError(f"the data folder {folder} cannot be written by the user {os.getuid()}. {_REMEDY}")
    try:
        if ensure_token(settings.control_dir):
            _log.info("made a token for the control doors")
        if ensure_token(settings.control_dir, KEY_FILE):
            _log.info("made a key for OAuth tokens")
    except OSError as error:
        raise InitError(f"no token could be made in {settings.control_dir}: {error.strerror}. {_REMEDY}") from error
    addresses = [*LOOPBACK, *(host.address for host in world.hosts.values())]
    try:
        issued = ensure(settings.ca_dir, settings.tls_dir, certificate_names(world), addresses, datetime.now(UTC))
        publish(settings.ca_dir, settings.trust_dir)
    except (TlsError, OSError) as error:
        raise InitError(f"no certificate could be made: {error}") from error
    if issued.outgrown:
        _log.warning("the world has a name that the old CA may not sign: give the new one to all clients")
    if issued.ca:
        _log.info("made a CA: clients need its certificate, %s (make ca)", settings.trust_dir / CA_FILE)
    if not issued.constrained:
        remedy = "" if issued.ca else f". Remove {settings.ca_dir} (in containers the volume ca) to have a new one made"
        _log.warning("the CA has no name constraints: a client that trusts it trusts it for every site%s", remedy)
    if issued.leaf:
        _log.info("issued a certificate for %d hosts and %d domains", len(world.hosts), len(world.domains))
    return world


def main(arguments: Sequence[str] | None = None) -> int:
    """Run init by itself, as the container does; 1 where the stack cannot start."""
    argparse.ArgumentParser(
        prog="postroad init",
        description="Check the settings and the world, make the CA, the certificate and the data folders. "
        "`postroad run` does the same at its start.",
    ).parse_args(arguments)
    log.setup("init", "info")
    try:
        prepare(Settings.from_environ(with_world(os.environ)))
    except (ConfigError, InitError) as error:
        for sentence in str(error).splitlines():
            _log.error("%s", sentence)
        return 1
    log.ready()
    return 0
