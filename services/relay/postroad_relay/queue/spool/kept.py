"""The queues of snapshots: what waited in a world's queue at one moment, a file per snapshot.

A file has frames: a length and so many octets. The first is JSON about the snapshot; then come the record of a message
and that of its progress, for each message; the last has the CRC-32 of all before. Contents that have
spilled are linked into a folder beside it, not copied. A file is written under another name and renamed when it is on
disk with all that it needs: it is whole or not there.

A restore that is under way has a file too, so that it goes on after the relay was killed (`Restoring`).
"""

from __future__ import annotations

import json
import logging
import os
import shutil
import struct
import zlib
from contextlib import suppress
from dataclasses import asdict
from typing import TYPE_CHECKING, NamedTuple

from postroad.jsontext import to_json
from postroad.syncing import sync
from postroad.value import value

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence
    from pathlib import Path

log = logging.getLogger(__name__)

_LENGTH = struct.Struct("<I")
_PART = ".part"  # what is not whole yet
_QUEUE = ".queue"
_RESTORING = "restoring"


class KeptError(Exception):
    """The queue of a snapshot can't be read; the message is a sentence."""


@value
class Kept:
    """The queue of a snapshot; `taken` is in seconds since the epoch, by the clock of its world.

    `last` is the number of the last event of the relay's journal by then. `token` is the word of the store's half, too.
    """

    world: str
    name: str
    token: str
    taken: float
    messages: int
    last: int


@value
class Restoring:
    """A restore that has begun: its own word, and the snapshot's name and word; `fresh` is for the store."""

    world: str
    name: str
    token: str
    restore: str
    fresh: bool


class Waiting(NamedTuple):
    """A message in such a queue: its records, and the file with the rest of a content that has spilled."""

    message: bytes
    progress: bytes
    content: Path | None = None


class KeptQueues:
    """All such files in the spool's folder `snapshots/`, a folder per world.

    Methods that write raise `OSError`, and may run in any thread, one at a time for a world.
    """

    def __init__(self, spool: Path) -> None:
        directory = self._directory = spool / "snapshots"
        self._contents = spool / "content"
        self._by_world: dict[str, dict[str, Kept]] = {}  # then by name
        self._restoring: dict[str, Restoring] = {}
        self._folders: set[str] = set()  # the worlds that have a folder
        for folder in directory.iterdir() if directory.exists() else ():
            self._look_into(folder)

    def _look_into(self, folder: Path) -> None:
        self._folders.add(folder.name)
        for left in folder.glob(f"*{_PART}"):
            shutil.rmtree(left) if left.is_dir() else left.unlink()
        tokens = set()
        for path in sorted(folder.glob(f"*{_QUEUE}")):
            try:
                kept = Kept(**json.loads(next(_frames(path))))
            except (OSError, KeptError, ValueError, TypeError, StopIteration) as error:
                log.error("the queue of a snapshot is not readable: %s: %s", path, error)  # noqa: TRY400 - no bug
            else:
                self._by_world.setdefault(kept.world, {})[kept.name] = kept
                tokens.add(kept.token)
        for contents in folder.iterdir():
            if contents.is_dir() and contents.name not in tokens:
                shutil.rmtree(contents)
        with suppress(FileNotFoundError):
            try:
                restoring = Restoring(**json.loads((folder / _RESTORING).read_bytes()))
            except (ValueError, TypeError) as error:
                log.error("a restore that was under way is not finished: %s: %s", folder / _RESTORING, error)  # noqa: TRY400 - no bug
            else:
                self._restoring[restoring.world] = restoring

    def of(self, world: str) -> list[Kept]:
        """Return the snapshots of a world, the oldest first."""
        return sorted(self._by_world.get(world, {}).values(), key=lambda kept: kept.taken)

    def find(self, world: str, name: str) -> Kept | None:
        """Return the snapshot of a name, or None."""
        return self._by_world.get(world, {}).get(name)

    def has(self, world: str) -> bool:
        """Whether there is anything of a world on the disk."""
        return world in self._folders

    def restoring(self) -> list[Restoring]:
        """Return the restores that have begun and not ended."""
        return list(self._restoring.values())

    # -- the files ------------------------------------------------------------------------------------------------

    def write(self, kept: Kept, queue: Sequence[Waiting]) -> None:
        """Keep a queue, in the place of one of the same name."""
        folder = self._directory / kept.world
        self._folders.add(kept.world)
        folder.mkdir(parents=True, exist_ok=True)
        spilled = [waiting.content for waiting in queue if waiting.content is not None]
        if spilled:
            contents = folder / kept.token
            contents.mkdir()
            for content in spilled:
                os.link(content, contents / content.name)
            sync(contents)
        frames = [to_json(asdict(kept))]
        for waiting in queue:
            frames += [waiting.message, waiting.progress]
        _write(folder / f"{kept.token}{_QUEUE}", frames)
        sync(self._directory)
        before = self.find(kept.world, kept.name)
        self._by_world.setdefault(kept.world, {})[kept.name] = kept
        if before is not None and before.token != kept.token:
            self._remove(before)

    def read(self, kept: Kept) -> list[Waiting]:
        """Return the queue of a snapshot; raises `KeptError`."""
        folder = self._directory / kept.world
        try:
            _, *frames = _frames(folder / f"{kept.token}{_QUEUE}")
        except OSError as error:
            raise KeptError(f"the queue of the snapshot {kept.name} can't be read: {error}") from error
        return [Waiting(message, progress) for message, progress in zip(frames[::2], frames[1::2], strict=True)]

    def link(self, kept: Kept, ident: str) -> None:
        """Give the spool the content of a message that has spilled and is about to be queued."""
        target = self._contents / ident
        target.unlink(missing_ok=True)
        target.hardlink_to(self._directory / kept.world / kept.token / ident)
        sync(self._contents)

    def delete(self, world: str, name: str) -> bool:
        """Delete a snapshot; return whether there was one."""
        kept = self._by_world.get(world, {}).pop(name, None)
        if kept is not None:
            self._remove(kept)
        return kept is not None

    def _remove(self, kept: Kept) -> None:
        folder = self._directory / kept.world
        (folder / f"{kept.token}{_QUEUE}").unlink(missing_ok=True)
        shutil.rmtree(folder / kept.token, ignore_errors=True)
        sync(folder)

    def forget(self, world: str) -> None:
        """Delete all snapshots of a world that has been dropped, and has some."""
        self._by_world.pop(world, None)
        self._restoring.pop(world, None)
        if (self._directory / world).exists():
            shutil.rmtree(self._directory / world)
            sync(self._directory)
        self._folders.discard(world)

    def begin(self, restoring: Restoring) -> None:
        """Note that a restore has begun."""
        folder = self._directory / restoring.world
        part = folder / f"{_RESTORING}{_PART}"
        part.write_bytes(to_json(asdict(restoring)))
        sync(part)
        part.rename(folder / _RESTORING)
        sync(folder)
        self._restoring[restoring.world] = restoring

    def end(self, world: str) -> None:
        """Note that a restore has ended."""
        (self._directory / world / _RESTORING).unlink(missing_ok=True)
        sync(self._directory / world)
        self._restoring.pop(world, None)


def _write(path: Path, frames: Iterable[bytes]) -> None:
    part = path.with_suffix(_PART)
    checksum = 0
    with part.open("wb") as file:
        for frame in frames:
            for octets in (_LENGTH.pack(len(frame)), frame):
                checksum = zlib.crc32(octets, checksum)
                file.write(octets)
        file.write(_LENGTH.pack(_LENGTH.size) + _LENGTH.pack(checksum))
        file.flush()
        os.fsync(file.fileno())
    part.rename(path)
    sync(path.parent)


def _frames(path: Path) -> Iterator[bytes]:
    """Yield the frames of a file, except the last one; raises `KeptError`, `OSError`."""
    octets = path.read_bytes()
    end = len(octets) - 2 * _LENGTH.size
    if end < 0 or octets[end + _LENGTH.size :] != _LENGTH.pack(zlib.crc32(octets[:end])):
        raise KeptError(f"{path.name} is damaged")
    at = 0
    while at < end:
        (length,) = _LENGTH.unpack_from(octets, at)
        at += _LENGTH.size
        yield octets[at : at + length]
        at += length
