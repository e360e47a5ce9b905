"""Snapshots of a world's queue: the messages that wait, with their progress and the time until they are due.

The web service takes and restores a snapshot with the store's half (decision 37). It freezes the world first. A restore
is decided once `begin` has written it down: from then on the world stands still, also after the relay was killed, until
`finish` has put the queue back. That may be done again.

Times come back as they were relative to the world's clock, which may have been pushed since: a message that was an hour
old, and due in ten minutes, is so again.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
from dataclasses import replace
from typing import TYPE_CHECKING

from postroad.locks import Locks
from postroad_relay.queue.administration import NotWrittenError
from postroad_relay.queue.freezing import Freezer
from postroad_relay.queue.spool import SpoolError
from postroad_relay.queue.spool.kept import Kept, KeptError, Restoring, Waiting
from postroad_relay.queue.spool.record import (
    Message,
    Progress,
    RecordError,
    decode_message,
    decode_progress,
    encode_message,
    encode_progress,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from postroad_relay.queue.manager import Manager
    from postroad_relay.queue.spool import Entry, QueueId
    from postroad_relay.queue.spool.kept import KeptQueues

log = logging.getLogger(__name__)


class SnapshotError(Exception):
    """A snapshot can't be taken or restored as things are; the message is a sentence."""


class NoSuchSnapshotError(SnapshotError):
    """The world has no snapshot of this name."""


class QueueSnapshots:
    """The relay's half of snapshots, one thing after the other in each world.

    `last` gives the number of the last event of the journal, and `exists` says whether there is a world.
    """

    def __init__(
        self, manager: Manager, kept: KeptQueues, *, last: Callable[[], int], exists: Callable[[str], bool]
    ) -> None:
        self._manager = manager
        self._last = last
        self._exists = exists
        self._turns = Locks()  # by world
        self.kept = kept
        self.freezer = Freezer(manager)

    async def start(self) -> None:
        """Freeze the worlds that are being restored; before the manager takes up the queue."""
        for restoring in self.kept.restoring():
            await self.freezer.freeze(restoring.world, lease=None)

    # -- take -----------------------------------------------------------------------------------------------------

    async def take(self, world: str, name: str, token: str) -> Kept:
        """Keep the queue of a world that is frozen; raises `SnapshotError`, `NotWrittenError`."""
        async with self._turns.of(world):
            return await self._take(world, name, token)

    async def _take(self, world: str, name: str, token: str) -> Kept:
        self._check_frozen(world)
        spool = self._manager.spool
        queue: list[Waiting] = []
        for entry in spool.of_world(world):
            try:
                stored = spool.read(entry)
            except SpoolError as error:
                raise SnapshotError(f"a message in the queue can't be read: {error}") from error
            progress = replace(stored.progress, due=entry.due, attempts=entry.attempts)
            queue.append(
                Waiting(
                    b"".join(encode_message(stored.message, stored.start)),
                    encode_progress(entry.queue_id, progress),
                    stored.path,
                )
            )
        kept = Kept(world, name, token, self._manager.clocks.of(world).now(), len(queue), self._last())
        with _writing():
            await asyncio.to_thread(self.kept.write, kept, queue)
        return kept

    async def delete(self, world: str, name: str) -> bool:
        """Delete a snapshot; return whether there was one. Raises `NotWrittenError`."""
        async with self._turns.of(world):
            with _writing():
                return await asyncio.to_thread(self.kept.delete, world, name)

    async def forget(self, world: str) -> None:
        """Delete all snapshots of a world that is dropped, its restore and its clock; raises `NotWrittenError`."""
        push = self._manager.pushing.get(world)
        if push is not None:
            push.stop()
            async with self._manager.turn(world):  # it may be about to write the clock
                pass
        async with self._turns.of(world):
            with _writing():
                if self.kept.has(world):  # few worlds have snapshots, and a thread costs more than all the rest
                    await asyncio.to_thread(self.kept.forget, world)
                await self._manager.clocks.forget(world)
            self.freezer.thaw(world)

    async def none_under_way(self, world: str) -> None:
        """Return once nothing is being kept or put back of a world that is no more."""
        async with self._turns.of(world):
            pass

    # -- restore --------------------------------------------------------------------------------------------------

    async def begin(self, restoring: Restoring) -> None:
        """Decide on a restore of a world that is frozen; raises `SnapshotError`, `NotWrittenError`."""
        async with self._turns.of(restoring.world):
            self._check_frozen(restoring.world)
            kept = self.kept.find(restoring.world, restoring.name)
            if kept is None or kept.token != restoring.token:
                raise NoSuchSnapshotError(f"the relay has no queue of the snapshot {restoring.name}")
            self._queue(kept)  # it can be read
            with _writing():
                await asyncio.to_thread(self.kept.begin, restoring)
            self.freezer.keep(restoring.world)

    async def finish(self, world: str, restore: str) -> int:
        """Put the queue back and let it go on; return how many messages it has. Raises as `begin`."""
        async with self._turns.of(world):
            return await self._finish(world, restore)

    async def _finish(self, world: str, restore: str) -> int:
        self._check_exists(world)
        restoring = self._restoring(world, restore)
        kept = self.kept.find(world, restoring.name)
        if kept is None:
            raise NoSuchSnapshotError(f"the relay has no queue of the snapshot {restoring.name}")
        queue = self._queue(kept)
        await self._empty(world, {message.queue_id for message, _, _ in queue})
        entries = [await self._put_back(kept, message, progress, start) for message, progress, start in queue]
        with _writing():
            await asyncio.to_thread(self.kept.end, world)
        clock = self._manager.clocks.of(world)
        for entry in entries:
            if not entry.held:
                self._manager.due.push(entry, clock.monotonic() + entry.due - clock.now())
        self.freezer.thaw(world)
        self._manager.changed()
        return len(entries)

    async def cancel(self, world: str, restore: str) -> None:
        """Give up a restore of which the store has done nothing; raises as `begin`."""
        async with self._turns.of(world):
            self._restoring(world, restore)
            with _writing():
                await asyncio.to_thread(self.kept.end, world)
            self.freezer.thaw(world)

    def _restoring(self, world: str, restore: str) -> Restoring:
        for restoring in self.kept.restoring():
            if (restoring.world, restoring.restore) == (world, restore):
                return restoring
        raise NoSuchSnapshotError(f"no such restore of the world {world} is under way")

    def _queue(self, kept: Kept) -> list[tuple[Message, Progress, bytes]]:
        """Return the messages of a queue that was kept, with the times that they have by now."""
        shift = self._manager.clocks.of(kept.world).now() - kept.taken
        try:
            return list(_decoded(self.kept.read(kept), shift))
        except (KeptError, RecordError) as error:
            raise SnapshotError(str(error)) from error

    async def _empty(self, world: str, kept: set[QueueId]) -> None:
        """Forget the messages that are in the queue now. The journal says so of those that do not come back."""
        manager, spool = self._manager, self._manager.spool
        entries = spool.of_world(world)
        for entry in entries:
            manager.due.remove(entry)
        dropped = manager.chronicle.dropped_unread
        written = [
            spool.finish(entry, notes=[dropped(entry)] if entry.queue_id not in kept else []) for entry in entries
        ]
        with _writing():
            await asyncio.gather(*written)

    async def _put_back(self, kept: Kept, message: Message, progress: Progress, start: bytes) -> Entry:
        spool = self._manager.spool
        with _writing():
            if message.spilled:
                await asyncio.to_thread(self.kept.link, kept, message.queue_id)
            entry, durable = spool.add(message, (start,))
            entry.since = self._manager.clocks.of(message.world).monotonic_at(message.arrived)
            await durable
            await spool.update(entry, progress, notes=[self._manager.chronicle.put_back(message, progress)])
        entry.steered = entry.held
        return entry

    def _check_frozen(self, world: str) -> None:
        self._check_exists(world)
        if not self.freezer.is_frozen(world):
            raise SnapshotError(f"the queue of the world {world} does not stand still any more: try it again")

    def _check_exists(self, world: str) -> None:
        if not self._exists(world):
            raise NoSuchSnapshotError(f"there is no world {world}")


def _decoded(queue: list[Waiting], shift: float) -> Iterator[tuple[Message, Progress, bytes]]:
    for waiting in queue:
        message, start = decode_message(waiting.message)
        progress = decode_progress(waiting.progress)
        yield (
            replace(message, arrived=message.arrived + shift),
            replace(progress, due=progress.due + shift),
            waiting.message[start:],
        )


@contextlib.contextmanager
def _writing() -> Iterator[None]:
    try:
        yield
    except OSError as error:
        raise NotWrittenError(f"the queue can't be written: {error}") from error
