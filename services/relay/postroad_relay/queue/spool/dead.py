"""Dead letters: the contents of messages that failed, expired or were dropped, kept for people who look for them.

They are in the spool's folder `dead/`, a file per queue ID, the newest `MOST` and at most `OCTETS`. A thread writes
them, without fsync: mail never waits for it, and a crash may cost some. The file of a content that had spilled gets a
second name, `<queue ID>.more`, and follows what is in the first. A letter of a world that is not the file's is named
`<queue ID>@<world>`.
"""

from __future__ import annotations

import asyncio
import logging
import threading
from collections import deque
from typing import TYPE_CHECKING

from postroad.world.world import DEFAULT_WORLD

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from postroad_relay.queue.spool.record import QueueId
    from postroad_relay.queue.spool.stored import Stored

log = logging.getLogger(__name__)

MOST = 1000  # letters
OCTETS = 256 << 20
WAITING = 16 << 20  # octets that wait to be written; the oldest is given up for the next
PATIENCE = 5.0  # seconds for a disk that does not answer, when the relay stops
_MORE = ".more"
_PART = ".part"


class DeadLetters:
    """The letters in a folder, which is made. `keep` and `content` are for the event loop's thread."""

    def __init__(self, directory: Path, *, most: int = MOST, octets: int = OCTETS, waiting: int = WAITING) -> None:
        self._directory = directory
        self._most = most
        self._octets = octets
        self._most_waiting = waiting
        self._waiting: deque[Stored] = deque()  # the first one is being written
        self._lock = threading.Lock()  # for these; never held while a disk is waited for
        self._disk = threading.Lock()  # for the folder, and `_sizes`; not for the event loop's thread
        self._wake = threading.Event()
        self._closing = False
        self._complained = False
        directory.mkdir(parents=True, exist_ok=True)
        self._worlds: dict[str, str] = {}  # of letters of other worlds than the file's
        self._sizes = dict(self._found())  # oldest first
        self._thread = threading.Thread(target=self._run, name="dead-letters", daemon=True)
        self._thread.start()

    def _found(self) -> Iterator[tuple[str, int]]:
        paths = list(self._directory.iterdir())
        for path in paths:
            if path.suffix == _PART or (path.suffix == _MORE and not path.with_suffix("").exists()):
                path.unlink()  # the process ended meanwhile
        letters = [(path.stat().st_mtime_ns, path) for path in paths if not path.suffix]
        for _, path in sorted(letters):
            ident, _, world = path.name.partition("@")
            if world:
                self._worlds[ident] = world
            yield ident, self._size(path)

    def keep(self, stored: Stored) -> None:
        """Keep a message; its record and its file may be gone afterwards."""
        if stored.message.world != DEFAULT_WORLD:
            self._worlds[stored.message.queue_id] = stored.message.world
        if stored.path is not None:
            more = self._more(stored.message.queue_id)
            try:
                more.unlink(missing_ok=True)
                more.hardlink_to(stored.path)
            except OSError as error:
                log.warning("a dead letter can't be kept: %s", error)
                return
        with self._lock:
            self._waiting.append(stored)
            size = sum(len(letter.start) for letter in self._waiting)
            while size > self._most_waiting and len(self._waiting) > 1:
                given_up = self._waiting[1]
                del self._waiting[1]
                size -= len(given_up.start)
                if given_up.path is not None:
                    self._more(given_up.message.queue_id).unlink(missing_ok=True)
        self._wake.set()

    async def content(self, ident: QueueId) -> bytes | None:
        """Return the content of a letter, None if it is not here: most messages don't fail, and cost no thread."""
        # A letter that was written has its size before it waits no longer.
        return await asyncio.to_thread(self._read, ident) if self._start(ident) or ident in self._sizes else None

    async def clear(self, world: str | None = None) -> None:
        """Throw all letters away, or those of one world."""
        if world is None or world == DEFAULT_WORLD or world in list(self._worlds.values()):
            await asyncio.to_thread(self._clear, world)

    def close(self) -> None:
        """Write what waits, and end the thread."""
        self._closing = True
        self._wake.set()
        self._thread.join(PATIENCE)

    # -- in other threads ---------------------------------------------------------------------------------------------

    def _start(self, ident: QueueId) -> bytes | None:
        """Return what a letter that waits begins with."""
        with self._lock:
            return next((letter.start for letter in self._waiting if letter.message.queue_id == ident), None)

    def _read(self, ident: QueueId) -> bytes | None:
        start = self._start(ident)
        with self._disk:
            if start is None and ident not in self._sizes:
                return None
            try:
                octets = start if start is not None else self._path(ident).read_bytes()
                more = self._more(ident)
                return octets + more.read_bytes() if more.exists() else octets
            except OSError as error:
                log.warning("a dead letter can't be read: %s", error)
                return None

    def _clear(self, world: str | None) -> None:
        with self._disk:
            with self._lock:
                waiting = [letter for letter in self._waiting if world in {None, letter.message.world}]
                for letter in waiting:
                    self._waiting.remove(letter)
            kept = (ident for ident in self._sizes if world in {None, self._worlds.get(ident, DEFAULT_WORLD)})
            for ident in {*(letter.message.queue_id for letter in waiting), *kept}:
                self._remove(ident)

    def _run(self) -> None:
        while not self._closing or self._waiting:
            self._wake.wait()
            self._wake.clear()
            while self._waiting:
                with self._disk:
                    self._write_next()

    def _write_next(self) -> None:
        with self._lock:
            letter = self._waiting[0] if self._waiting else None
        if letter is None:
            return  # they were cleared just now
        self._write(letter)
        with self._lock:
            self._waiting.remove(letter)

    def _write(self, letter: Stored) -> None:
        ident = letter.message.queue_id
        path = self._path(ident)
        part = path.with_suffix(_PART)
        try:
            part.write_bytes(letter.start)
            part.replace(path)
            self._sizes.pop(ident, None)
            self._sizes[ident] = self._size(path)
            self._complained = False
        except OSError as error:
            if not self._complained:
                self._complained = True
                log.warning("dead letters can't be kept: %s", error)
            part.unlink(missing_ok=True)
            self._more(ident).unlink(missing_ok=True)
        while len(self._sizes) > self._most or sum(self._sizes.values()) > self._octets:
            self._remove(next(iter(self._sizes)))

    def _remove(self, ident: str) -> None:
        self._sizes.pop(ident, None)
        paths = (self._path(ident), self._more(ident))
        self._worlds.pop(ident, None)
        for path in paths:
            try:
                path.unlink(missing_ok=True)
            except OSError as error:
                log.warning("a dead letter can't be removed: %s", error)

    def _path(self, ident: str) -> Path:
        world = self._worlds.get(ident)
        return self._directory / (ident if world is None else f"{ident}@{world}")

    def _more(self, ident: str) -> Path:
        return self._path(ident).with_suffix(_MORE)

    def _size(self, path: Path) -> int:
        more = path.with_suffix(_MORE)
        return path.stat().st_size + (more.stat().st_size if more.exists() else 0)
