"""An administrator's hand in the queue: attempt now, hold, release, drop, purge.

All is for the event loop's thread. A change is durable when it returns, and only then in the journal. A message that
is being changed is `steered`: nothing else takes it up meanwhile, and only one change at a time is made of it.

An attempt that is under way when its message is dropped is cut off, unless the server has the whole content already:
then the server's reply is waited for, since the message may be delivered whatever we do. Either way nothing is sent
after the drop has returned.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
from dataclasses import replace
from functools import partial
from itertools import islice
from typing import TYPE_CHECKING

from postroad.smtp.client.outcome import failed
from postroad_relay.queue.active import Active
from postroad_relay.queue.spool import SpoolError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Sequence

    from postroad.journal import Note
    from postroad_relay.queue.manager import Manager
    from postroad_relay.queue.spool import Entry, Message, Progress, QueueId

log = logging.getLogger(__name__)

FINAL = 10.0  # seconds that a server may take to answer the final dot of a message that is dropped
PATIENCE = 10.0  # seconds that a conclusion may take to get to the disk
_CHUNK = 500  # messages that a purge forgets at a time
_CANCELLED = failed("5.0.0", "Delivery was cancelled by the administrator")


class AdministrationError(Exception):
    """A change can't be made; the message is a sentence."""


class NotQueuedError(AdministrationError):
    """The message is not in the queue, or not any more."""


class ConflictError(AdministrationError):
    """The message is in a state in which this can't be done."""


class NotWrittenError(AdministrationError):
    """The spool can't be written or read."""


class Administration:
    """The changes that an administrator can make of a manager's queue."""

    def __init__(self, manager: Manager) -> None:
        self._manager = manager
        self._changing: dict[QueueId, Entry] = {}
        self._change_ended = asyncio.Event()  # replaced each time

    @property
    def under_way(self) -> int:
        """How many messages are not concluded yet: durably, and in the journal."""
        spool = self._manager.spool
        concluding = {*self._manager.active, *self._changing}
        return len(spool) + sum(spool.find(ident) is None for ident in concluding)

    def under_way_in(self, world: str) -> int:
        """How many messages of a world are not concluded yet."""
        spool = self._manager.spool
        ending = [active for active in self._manager.active.values() if active.message.world == world]
        changing = [entry for entry in self._changing.values() if entry.world == world]
        concluding = {*(active.entry.queue_id for active in ending), *(entry.queue_id for entry in changing)}
        return len(spool.of_world(world)) + sum(spool.find(ident) is None for ident in concluding)

    # -- attempt now ------------------------------------------------------------------------------------------------

    def retry(self, entry: Entry) -> bool:
        """Attempt a message now, even if its domain rests; return whether it has waited. Raises `ConflictError`."""
        if entry.held:
            raise ConflictError(f"{entry.queue_id} is held: release it first")
        manager = self._manager
        if entry.steered or not self._take_out(entry):
            return False
        if manager.has_room:
            manager.probe(entry)
        else:
            manager.due.push(entry, manager.clock_of(entry).monotonic())
        return True

    def retry_all(self) -> int:
        """Attempt all messages now that are not held; return how many of them have waited."""
        manager = self._manager
        count = manager.lanes.waiting_count
        for world in manager.due.worlds():
            count += manager.due.all_at(world, manager.clocks.of(world).monotonic())
        manager.lanes.probe_all()
        manager.refill()
        return count

    # -- hold and release -------------------------------------------------------------------------------------------

    async def hold(self, entry: Entry) -> None:
        """Make no attempt any more, until the message is released; attempts that are under way go to their end."""
        if entry.held:
            return
        with self._change([entry]):
            active = await self._settled(entry)
            if active is None:
                self._take_out(entry)
                message, progress = self._facts(entry)
                progress = replace(progress, due=entry.due, attempts=entry.attempts, held=True)
                await self._update(entry, progress, self._manager.chronicle.held(message))
            else:
                await self._hold_active(active)

    async def _hold_active(self, active: Active) -> None:
        manager, entry = self._manager, active.entry
        active.held = True
        for job in manager.lanes.withdraw({active}):
            job.active.withdraw()
        if active.jobs:
            progress = active.progress(due=entry.due, attempts=entry.attempts)
            try:
                await self._update(entry, progress, manager.chronicle.held(active.message))
            except NotWrittenError:
                active.held = False
                raise
        else:
            manager.outcomes.conclude(active, [manager.chronicle.held(active.message)])
            await self._over(active)

    async def release(self, entry: Entry) -> None:
        """Let attempts go on, now."""
        if not entry.held:
            return
        with self._change([entry]):
            active = await self._settled(entry)
            manager = self._manager
            now = manager.clock_of(entry).now()
            if active is None:
                message, progress = self._facts(entry)
                progress = replace(progress, due=now, attempts=entry.attempts, held=False)
            else:
                active.held = False
                message, progress = active.message, active.progress(due=now, attempts=entry.attempts)
            try:
                await self._update(entry, progress, manager.chronicle.released(message, now))
            except NotWrittenError:
                if active is not None:
                    active.held = True
                raise

    # -- drop -------------------------------------------------------------------------------------------------------

    async def drop(self, entry: Entry, *, report: bool) -> None:
        """Take a message out of the queue; with `report`, its sender gets a DSN about the recipients that are left."""
        with self._change([entry]):
            halted = await self.halt([entry])
            self._check_queued(entry)
            manager, spool = self._manager, self._manager.spool
            active = halted.get(entry.queue_id) or self._read(entry)
            notification = None
            if active is not None:
                stored = manager.outcomes.stored(active)
                if stored is not None:
                    spool.dead.keep(stored)
                cancelled = dict.fromkeys(active.left, _CANCELLED)
                if report:
                    notification = manager.outcomes.report(active.message, active.failed | cancelled, stored)
            pair = (notification.message, notification.content) if notification is not None else None

            if active is None:
                notes = [manager.chronicle.dropped_unread(entry)]
            else:
                news = [*active.news, *cancelled.items()] if notification is not None else active.news
                notes = manager.chronicle.settled(active, news, entry.due)
                manager.chronicle.log(active, news)
                if notification is not None:
                    notes += manager.chronicle.reported(active.message, notification)
                notes.append(manager.chronicle.dropped(active.message, cancelled, report=notification is not None))

            def dropped() -> None:
                if active is not None:
                    if notification is not None:
                        manager.outcomes.reported(active, notification)
                    manager.forget(active)

            try:
                await self._durable(spool.finish(entry, report=pair, notes=notes), dropped)
            except NotWrittenError:
                self.go_on(halted)
                raise

    async def purge(self, world: str | None = None) -> int:
        """Drop all messages, or those of one world, without DSNs and dead letters; return how many they were."""
        manager = self._manager
        removed = 0
        wanted = manager.spool.of_world(world) if world is not None else manager.spool.entries()
        while wanted := [entry for entry in wanted if manager.spool.find(entry.queue_id) is entry]:
            victims = [entry for entry in wanted if entry.queue_id not in self._changing]
            others = [entry for entry in wanted if entry.queue_id in self._changing]
            if not victims:
                await self._change_ended.wait()
                continue
            with self._change(victims):
                concluding = [
                    active
                    for active in manager.active.values()
                    if active.concluding and world in {None, active.message.world}
                ]
                halted = await self.halt(victims)
                waiting = iter([entry for entry in victims if manager.spool.find(entry.queue_id) is entry])
                while chunk := list(islice(waiting, _CHUNK)):
                    removed += await self._forget(chunk, halted)
                self.go_on(halted)
            # DSNs that were on their way to the disk
            notifications = [active.notification for active in concluding if active.notification is not None]
            wanted = others + [entry for ident in notifications if (entry := manager.spool.find(ident)) is not None]
        await manager.spool.dead.clear(world)
        return removed

    async def _forget(self, entries: Sequence[Entry], halted: dict[QueueId, Active]) -> int:
        """Forget messages; return how many of them could be forgotten. The others are left in `halted`."""
        manager = self._manager

        def forgotten(entry: Entry, done: asyncio.Future[None]) -> None:
            if done.exception() is None and (active := halted.pop(entry.queue_id, None)) is not None:
                manager.forget(active)

        written = []
        for entry in entries:
            active = halted.get(entry.queue_id)
            if active is None:
                notes = [manager.chronicle.dropped_unread(entry)]
            else:
                notes = manager.chronicle.settled(active, active.news, entry.due)
                manager.chronicle.log(active, active.news)
                notes.append(manager.chronicle.dropped(active.message, active.left, report=False))
            future = manager.spool.finish(entry, notes=notes)
            future.add_done_callback(partial(forgotten, entry))
            written.append(future)
        await asyncio.wait(written)
        return sum(future.exception() is None for future in written)

    # -- how a change is made ---------------------------------------------------------------------------------------

    @contextlib.contextmanager
    def _change(self, entries: Iterable[Entry]) -> Iterator[None]:
        """Keep everybody else from some messages; afterwards they go on as they are then."""
        changed = {entry.queue_id: entry for entry in entries}
        if taken := changed.keys() & self._changing.keys():
            raise ConflictError(f"{min(taken)} is being changed already")
        self._changing |= changed
        for entry in changed.values():
            entry.steered = True
        try:
            yield
        finally:
            for ident in changed:
                del self._changing[ident]
            manager = self._manager
            for ident, entry in changed.items():
                entry.steered = entry.held
                if manager.spool.find(ident) is entry and not entry.held and ident not in manager.active:
                    self._take_out(entry)
                    manager.due.push(entry, manager.clock_of(entry).monotonic())
            manager.refill()
            manager.changed()
            self._change_ended.set()
            self._change_ended = asyncio.Event()

    async def _settled(self, entry: Entry) -> Active | None:
        """Return a message that is active, after its conclusion if that is on its way; raises `NotQueuedError`."""
        active = self._manager.active.get(entry.queue_id)
        if active is not None and active.concluding:
            await self._over(active)
            active = None
        self._check_queued(entry)
        return active

    def _check_queued(self, entry: Entry) -> None:
        """Raise `NotQueuedError` if a message has been concluded meanwhile."""
        if self._manager.spool.find(entry.queue_id) is not entry:
            raise NotQueuedError(f"{entry.queue_id} is not in the queue any more: it has just been concluded")

    async def _over(self, active: Active) -> None:
        """Wait until a message is concluded, if it is not yet."""
        if self._manager.active.get(active.entry.queue_id) is not active:
            return
        over = asyncio.get_running_loop().create_future()

        def concluded() -> None:
            if not over.done():
                over.set_result(None)

        active.over = concluded
        try:
            async with asyncio.timeout(PATIENCE):
                await over
        except TimeoutError:
            raise NotWrittenError("the queue can't be written") from None

    def _take_out(self, entry: Entry) -> bool:
        """Take a message out of wherever it waits, and return whether it has waited."""
        return self._manager.due.remove(entry) or self._manager.lanes.leave(entry)

    async def halt(self, entries: Iterable[Entry]) -> dict[QueueId, Active]:
        """End all attempts of some messages, and return those messages that were active."""
        manager = self._manager
        halted: dict[QueueId, Active] = {}
        concluding: list[Active] = []
        for entry in entries:
            active = manager.active.get(entry.queue_id)
            if active is None:
                self._take_out(entry)
            elif active.concluding:
                concluding.append(active)
            else:
                halted[entry.queue_id] = active
        actives = set(halted.values())
        for job in manager.lanes.withdraw(actives):
            job.active.withdraw()
        running = {active for active in actives if active.jobs}
        if running:
            await self._end_attempts(running)
        try:
            for active in concluding:
                await self._over(active)
        except NotWrittenError:
            self.go_on(halted)
            raise
        return halted

    async def _end_attempts(self, running: set[Active]) -> None:
        left = set(running)
        ended = asyncio.Event()

        def one_ended(active: Active) -> None:
            active.halt = None
            left.discard(active)
            if not left:
                ended.set()

        for active in running:
            active.halt = partial(one_ended, active)
        self._manager.lanes.cut(running, even_final=False)
        try:
            async with asyncio.timeout(FINAL):
                await ended.wait()
        except TimeoutError:
            self._manager.lanes.cut(running, even_final=True)
            await ended.wait()

    def go_on(self, halted: dict[QueueId, Active]) -> None:
        """Let messages go on whose attempts were ended in vain."""
        for active in halted.values():
            self._manager.outcomes.conclude(active)

    def _read(self, entry: Entry) -> Active | None:
        try:
            return Active(entry, self._manager.spool.read(entry))
        except SpoolError as error:
            log.error("a message is dropped that is not readable: %s", error)  # noqa: TRY400 - no bug
            return None

    def _facts(self, entry: Entry) -> tuple[Message, Progress]:
        try:
            return self._manager.spool.facts(entry)
        except SpoolError as error:
            raise NotWrittenError(f"the message can't be read: {error}") from error

    async def _update(self, entry: Entry, progress: Progress, note: Note) -> None:
        await self._durable(self._manager.spool.update(entry, progress, notes=[note]))

    async def _durable(self, written: asyncio.Future[None], then: Callable[[], None] = lambda: None) -> None:
        """Wait for a write, and call `then` once it is done, whoever waits."""
        written.add_done_callback(lambda done: then() if done.exception() is None else None)
        try:
            await asyncio.shield(written)
        except OSError as error:
            raise NotWrittenError(f"the queue can't be written: {error}") from error
