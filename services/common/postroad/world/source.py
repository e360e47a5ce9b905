"""The world file: `world.toml` loaded whole or not at all, and watched for edits.

A bad edit never reaches a running service: the watcher logs the reasons and the last good world stays.
"""

from __future__ import annotations

import logging
import os
import re
import tomllib
from typing import TYPE_CHECKING

from postroad.world.reader import WorldReader
from postroad.world.toml_lines import KeyLines
from postroad.world.world import Role

if TYPE_CHECKING:
    from collections.abc import Callable
    from ipaddress import IPv4Network
    from pathlib import Path

    from postroad.world.world import World

_log = logging.getLogger(__name__)

MAX_FILE = 16 << 20  # octets, of a hundred thousand domains; more is some other file
POLL_INTERVAL = 0.25  # seconds; two polls must agree, so an edit is taken up within 0.5 s


class WorldError(Exception):
    """The world file is not valid; `errors` are sentences, each with the file's name and the line."""

    def __init__(self, errors: tuple[str, ...]) -> None:
        super().__init__("\n".join(errors))
        self.errors = errors


def load_world(path: Path, network: IPv4Network, *, capturing: bool = False) -> World:
    """Read and validate the world file, host addresses being offsets in `network`; raises `WorldError`.

    `capturing` says that the world has to name a capture account (`Settings.capturing`).
    """
    try:
        with path.open("rb") as file:
            octets = file.read(MAX_FILE + 1)
    except OSError as error:
        hint = f"; chmod a+r it, for user {os.getuid()} reads it" if isinstance(error, PermissionError) else ""
        raise WorldError((f"{path.name}: cannot be read: {error.strerror} ({path}){hint}",)) from error
    if len(octets) > MAX_FILE:
        raise WorldError((f"{path.name}: the file is over {MAX_FILE >> 20} MiB, which is no world ({path})",))
    return parse_world(octets, network, name=path.name, capturing=capturing)


def parse_world(octets: bytes, network: IPv4Network, *, name: str = "world.toml", capturing: bool = False) -> World:
    """Validate the octets of a world file; `name` is what errors call it. Raises `WorldError`."""
    try:
        text = octets.decode("utf-8-sig")  # editors on Windows put a byte order mark in front
    except UnicodeDecodeError as error:
        line = octets.count(b"\n", 0, error.start) + 1
        raise WorldError((f"{name}:{line}: the file is not UTF-8",)) from None
    try:
        document = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise WorldError((f"{name}:{_toml_error(text, str(error))}",)) from None
    except RecursionError:
        raise WorldError((f"{name}:1: the file has brackets too deep in one another to be read",)) from None
    except ValueError as error:  # int's, which takes no more than 4,300 digits
        raise WorldError((f"{name}:1: the file cannot be read: {error}",)) from None
    reader = WorldReader(document, network, capturing=capturing)
    world = reader.read()
    if reader.errors:
        lines = KeyLines(text)
        placed = {
            (
                lines.line(error.at),
                error.sentence.replace("{line}", f"line {lines.line(error.other)}") if error.other else error.sentence,
            )
            for error in reader.errors
        }
        raise WorldError(tuple(f"{name}:{line}: {sentence}" for line, sentence in sorted(placed)))
    return world


def _toml_error(text: str, message: str) -> str:
    # tomllib ends its message in "(at line 3, column 5)" or "(at end of document)"
    match = re.fullmatch(r"(.*) \(at (?:line (\d+), column \d+|end of document)\)", message, re.DOTALL)
    if match is None:
        return f"1: {message}"
    return f"{match[2] or text.rstrip().count(chr(10)) + 1}: {match[1]}"


_Fingerprint = tuple[int, int, int, int, int]


class WorldWatcher:
    """Finds out when the world file has changed, whether it was written in place or replaced by renaming.

    `poll` is for a loop of the caller's own; `run` is for asyncio. Both load a changed file only once two
    polls in a row have seen it the same, so that a file still being written is not read. `world` is the one that
    the service has started with: an edit that came while it did so is found too.
    """

    def __init__(self, path: Path, network: IPv4Network, world: World, *, capturing: bool = False) -> None:
        self._path = path
        self._network = network
        self._capturing = capturing
        self._started_with = world
        self._seen = self._fingerprint()
        self._loaded: _Fingerprint | tuple[()] | None = ()  # nothing yet

    def _fingerprint(self) -> _Fingerprint | None:
        try:
            stat = self._path.stat()
        except OSError:
            return None
        return stat.st_dev, stat.st_ino, stat.st_size, stat.st_mtime_ns, stat.st_ctime_ns

    def poll(self) -> World | None:
        """Return the new world where the file has changed to a valid one, else None; what is wrong goes to the log."""
        seen, self._seen = self._seen, self._fingerprint()
        if self._seen != seen or self._seen == self._loaded:
            return None
        first = self._loaded == ()
        self._loaded = self._seen
        try:
            world = load_world(self._path, self._network, capturing=self._capturing)
        except WorldError as error:
            for sentence in error.errors:
                _log.error("world refused: %s", sentence)
            return None
        except Exception:  # noqa: BLE001 - a watch that ends here would leave all later edits unseen
            _log.exception("world refused: the file could not be read")
            return None
        if first and world == self._started_with:
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
