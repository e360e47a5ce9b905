"""The clocks of the worlds: the relay's clock, and by how much each world that was pushed is ahead of it.

How far a world is ahead is on disk before any of its messages goes by it, in a file of the world's name. So a restart
keeps it, and time never runs back. The file is written in place, within one sector: it has the old number or the new
one, whenever the process is killed. During a push it is written in strides: a process that is killed then finds its
world up to a stride further, but not beyond what the push was to reach.
"""

from __future__ import annotations

import asyncio
import logging
import os
from typing import TYPE_CHECKING

from postroad.syncing import fdatasync, sync

if TYPE_CHECKING:
    from pathlib import Path

    from postroad.clock import Clock

log = logging.getLogger(__name__)

FARTHEST = 36500 * 86400.0  # seconds; a century later, dates run out
STRIDE = 3600.0  # seconds that a push has on disk ahead of itself: it saves half of the writes of an attempt
_WIDTH = 32  # octets of a file: seconds, and spaces


class WorldClock:
    """The time of one world: that of `clock`, and `ahead` seconds."""

    __slots__ = ("_clock", "ahead")

    def __init__(self, clock: Clock, ahead: float = 0.0) -> None:
        self._clock = clock
        self.ahead = ahead

    def now(self) -> float:
        """Return the seconds since the epoch, for timestamps."""
        return self._clock.now() + self.ahead

    def monotonic(self) -> float:
        """Return seconds that never run back, for spans and deadlines."""
        return self._clock.monotonic() + self.ahead

    def monotonic_at(self, moment: float) -> float:
        """Return what `monotonic` was at a moment, in seconds since the epoch.

        It is never in the future: the wall clock may have been set back since.
        """
        return self.monotonic() - max(0.0, self.now() - moment)


class Clocks:
    """The clocks of all worlds. Those that were never pushed share one."""

    def __init__(self, directory: Path, clock: Clock) -> None:
        self._directory = directory
        self._clock = clock
        self._level = WorldClock(clock)
        self._pushed: dict[str, WorldClock] = {}
        self._written: dict[str, float] = {}  # seconds that are on disk
        directory.mkdir(parents=True, exist_ok=True)
        for path in directory.iterdir():
            try:
                ahead = float(path.read_text())
                if not 0 <= ahead <= FARTHEST:
                    raise ValueError(f"{ahead:g} seconds")
            except (OSError, ValueError) as error:
                log.error("the clock of the world %s is not readable, and goes by the relay's: %s", path.name, error)  # noqa: TRY400
            else:
                self._pushed[path.name] = WorldClock(clock, ahead)
                self._written[path.name] = ahead

    def of(self, world: str) -> WorldClock:
        """Return the clock of a world, as it is now: the next push may make it another."""
        return self._pushed.get(world, self._level)

    async def advance(self, world: str, ahead: float, target: float) -> None:
        """Let a world be `ahead` seconds ahead once that is durable, on its way to `target`; raises `OSError`.

        A clock never goes back.
        """
        if ahead <= self.of(world).ahead:
            return
        if ahead > self._written.get(world, 0.0):
            durable = min(ahead + STRIDE, target)
            await asyncio.to_thread(self._write, world, durable)
            self._written[world] = durable
        self._pushed[world] = WorldClock(self._clock, ahead)

    async def forget(self, world: str) -> None:
        """Let a world go by the relay's clock again: it is dropped. Raises `OSError`."""
        if world in self._pushed:
            await asyncio.to_thread(self._remove, world)
            self._pushed.pop(world, None)
            self._written.pop(world, None)

    def _write(self, world: str, ahead: float) -> None:
        path = self._directory / world
        octets = repr(float(ahead)).ljust(_WIDTH - 1).encode() + b"\n"
        is_new = not path.exists()
        handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_CLOEXEC, 0o600)
        try:
            os.pwrite(handle, octets, 0)
            fdatasync(handle)
        finally:
            os.close(handle)
        if is_new:
            sync(self._directory)

    def _remove(self, world: str) -> None:
        (self._directory / world).unlink(missing_ok=True)
        sync(self._directory)
