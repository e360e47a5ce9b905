"""Sources of a world: the file `world.toml`, loaded whole or not at all."""

from __future__ import annotations

import os
import re
import tomllib
from typing import TYPE_CHECKING, Protocol

from postroad.regular import NotRegular, read_regular
from postroad.value import value
from postroad.world.domains import any_name
from postroad.world.reader import WorldReader
from postroad.world.toml_lines import KeyLines

if TYPE_CHECKING:
    from collections.abc import Hashable
    from ipaddress import IPv4Network
    from pathlib import Path

    from postroad.world.domains import WhyNotHide
    from postroad.world.world import World

MAX_FILE = 16 << 20  # octets, enough for a hundred thousand domains; anything larger is some other file


class WorldError(Exception):
    """The world file is not valid; `errors` are sentences, each with the file's name and the line."""

    def __init__(self, errors: tuple[str, ...]) -> None:
        super().__init__("\n".join(errors))
        self.errors = errors


class WorldSource(Protocol):
    """A place that a world can be loaded from again and again, such as the file."""

    def version(self) -> Hashable:
        """Return a value that changes whenever the world may have changed; None if the source is not there now."""

    def load(self) -> World:
        """Return the world as it is now; raises `WorldError`."""


@value
class WorldFile:
    """The world file. Host addresses are offsets in `network`.

    `capturing` says that the world has to name a capture account (`Settings.capturing`). `why_not_hide` is known to the
    store alone: it returns what is wrong with the name of a capability that the file hides, or None.
    """

    path: Path
    network: IPv4Network
    capturing: bool = False
    why_not_hide: WhyNotHide = any_name

    def version(self) -> tuple[int, int, int, int, int] | None:
        """Return the identity, size and times of the file: an edit changes them, in place or by renaming."""
        try:
            status = self.path.stat()
        except OSError:
            return None
        return status.st_dev, status.st_ino, status.st_size, status.st_mtime_ns, status.st_ctime_ns

    def load(self) -> World:
        """Read and validate the file; raises `WorldError`."""
        path = self.path
        try:
            octets = read_regular(path, MAX_FILE + 1)
        except NotRegular as error:
            raise WorldError((f"{path.name}: cannot be read: {error.strerror} ({path})",)) from error
        except OSError as error:
            if isinstance(error, PermissionError):
                hint = f"; chmod a+r it, for user {os.getuid()} reads it"
            else:
                hint = "; set POSTROAD_WORLD to where the world file is"
            raise WorldError((f"{path.name}: cannot be read: {error.strerror} ({path}){hint}",)) from error
        if len(octets) > MAX_FILE:
            raise WorldError((f"{path.name}: the file is over {MAX_FILE >> 20} MiB, which is no world ({path})",))
        return parse_world(
            octets, self.network, name=path.name, capturing=self.capturing, why_not_hide=self.why_not_hide
        )


def load_world(path: Path, network: IPv4Network, *, capturing: bool = False) -> World:
    """Load a world file once, for a program that doesn't watch it; raises `WorldError`."""
    return WorldFile(path, network, capturing).load()


def parse_world(
    octets: bytes,
    network: IPv4Network,
    *,
    name: str = "world.toml",
    capturing: bool = False,
    why_not_hide: WhyNotHide = any_name,
) -> World:
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
    reader = WorldReader(document, network, capturing=capturing, why_not_hide=why_not_hide)
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
