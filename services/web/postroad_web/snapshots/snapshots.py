"""Takes and restores snapshots of a world: what its accounts have in the store, and its queue in the relay.

A snapshot is the world at an instant at which nothing was between relay and store: the relay's queue of the world
stands still, and nothing is under way. A message that a client sends meanwhile is in the queue or comes later. Both
halves have the same random word. A snapshot exists if both are there. A half that was left alone by a crash is none,
and goes with the next snapshot of its name.

A restore is decided when the relay has written it down. From then on it is finished whatever is killed: the world
stands still until both halves are back. This service asks the relay at its start, and after each interruption, which
restores there are to finish. Each step may be done again.
"""

from __future__ import annotations

import asyncio
import logging
import secrets
from contextlib import suppress
from typing import TYPE_CHECKING, Any

from postroad.control.client import DoorAway, DoorRefused
from postroad.locks import Locks
from postroad.value import value

if TYPE_CHECKING:
    from postroad.clock import Clock
    from postroad.control.client import DoorClient
    from postroad_web.catalog.catalog import Catalog

_log = logging.getLogger(__name__)

_ASK_AGAIN = 0.5  # seconds until a restore that was interrupted is tried again
_CATCH_UP = 10.0  # seconds that the catalog may take to know of a restore
_PAGE = 500


class SnapshotRefused(Exception):  # noqa: N818 - an answer
    """A snapshot can't be taken or restored: an HTTP status, and a sentence."""

    def __init__(self, status: int, sentence: str) -> None:
        super().__init__(sentence)
        self.status = status


@value
class Snapshot:
    """A whole snapshot; `taken` is in seconds since the epoch, `last` the last number of a record that it knows of."""

    world: str
    name: str
    token: str
    taken: float
    accounts: int
    messages: int
    octets: int
    queued: int
    last: int


class Snapshots:
    """The snapshots of all worlds. Every call raises `SnapshotRefused`, `DoorAway` and `DoorRefused`."""

    def __init__(self, relay: DoorClient, store: DoorClient, catalog: Catalog, clock: Clock) -> None:
        self._relay = relay
        self._store = store
        self._catalog = catalog
        self._clock = clock
        self._turns = Locks()
        self._interrupted = asyncio.Event()
        self._interrupted.set()  # there may be one from before the start

    async def run(self) -> None:
        """Finish restores that were interrupted, as long as the service runs."""
        while True:
            await self._interrupted.wait()
            self._interrupted.clear()
            try:
                for restoring in (await self._relay.get("/snapshots/restoring"))["restoring"]:
                    async with self._turns.of(restoring["world"]):
                        await self._finish(restoring)
            except (DoorAway, DoorRefused, SnapshotRefused) as error:
                _log.warning("a restore can't be finished yet: %s", error)
                self._interrupted.set()
                await self._clock.sleep(_ASK_AGAIN)

    async def of(self, world: str) -> list[Snapshot]:
        """Return the snapshots of a world, the oldest first."""
        queues, mails = await asyncio.gather(self._halves(self._relay, world), self._halves(self._store, world))
        return [
            Snapshot(
                world,
                name,
                mail["token"],
                mail["taken"],
                mail["accounts"],
                mail["messages"],
                mail["octets"],
                queues[name]["messages"],
                queues[name]["last"],
            )
            for name, mail in mails.items()
            if name in queues and queues[name]["token"] == mail["token"]
        ]

    async def take(self, world: str, name: str) -> Snapshot:
        """Take one; it is whole and durable on return."""
        async with self._turns.of(world):
            if await self._find(world, name) is not None:
                raise SnapshotRefused(409, f"There is a snapshot {name} already: delete it first.")
            with suppress(DoorRefused):  # 404, almost always: half of one that was interrupted
                await self._store.delete("/snapshots", world=world, name=name)
            token = secrets.token_hex(8)
            asked = {"world": world, "name": name, "token": token}
            await self._relay.post("/freeze", world=world)
            try:
                await self._store.post("/snapshots", asked)
                await self._relay.post("/snapshots", asked)
            except BaseException:
                await self._undo(world, name)
                raise
            taken = await self._find(world, name)
            if taken is None:
                raise SnapshotRefused(409, f"The snapshot {name} was deleted at the same moment.")
            return taken

    async def _undo(self, world: str, name: str) -> None:
        """Let the world go on, without half a snapshot; where that fails, the relay thaws it by itself."""
        with suppress(DoorAway, DoorRefused):
            await self._relay.post("/thaw", world=world)
        with suppress(DoorAway, DoorRefused):
            await self._store.delete("/snapshots", world=world, name=name)

    async def restore(self, world: str, name: str, *, fresh: bool) -> Snapshot:
        """Restore one; with `fresh` the mailboxes get new UIDVALIDITY values.

        If a service is away once it is decided, `DoorAway` says so, and the restore is finished when it is back.
        """
        async with self._turns.of(world):
            snapshot = await self._find(world, name)
            if snapshot is None:
                raise SnapshotRefused(404, f"There is no snapshot {name}.")
            asked = {"world": world, "name": name, "token": snapshot.token, "restore": secrets.token_hex(8)}
            restoring: dict[str, Any] = {**asked, "fresh": fresh}
            await self._relay.post("/freeze", world=world)
            try:
                await self._relay.post("/snapshots/begin", restoring)
            except DoorRefused:
                await self._relay.post("/thaw", world=world)
                raise
            except BaseException:
                self._interrupted.set()  # it may have begun
                raise
            try:
                await self._finish(restoring)
            except BaseException:
                self._interrupted.set()
                raise
            return snapshot

    async def _finish(self, restoring: dict[str, Any]) -> None:
        world, name, restore = restoring["world"], restoring["name"], restoring["restore"]
        asked = {"world": world, "name": name, "token": restore, "fresh": restoring["fresh"]}
        ours = {"world": world, "restore": restore}
        try:
            await self._store.post("/snapshots/restore", asked)
        except DoorRefused as refused:
            if refused.status not in {404, 409}:
                raise
            # It has changed nothing: letters of scripts are under way, or somebody has deleted its half.
            await self._relay.post("/snapshots/cancel", ours)
            raise SnapshotRefused(refused.status, refused.sentence) from refused
        last = (await self._halves(self._relay, world)).get(name, {}).get("last")
        try:
            await self._relay.post("/snapshots/finish", ours)
        except DoorRefused as refused:
            if refused.status != 404:
                raise
            with suppress(DoorRefused):  # the world must not stand still for ever
                await self._relay.post("/snapshots/cancel", ours)
            raise SnapshotRefused(409, f"The relay has lost the queue of the snapshot {name}.") from refused
        _log.info("the world %s is as the snapshot %s has it", world, name)
        if last is not None:
            await self._forget_later(world, last)

    async def _forget_later(self, world: str, last: int) -> None:
        """Take the records of messages that have come since out of the catalog, as they are nowhere else."""
        queued = (await self._relay.get("/journal/last"))["last"]
        stored = (await self._store.get("/journal/last"))["last"]
        with suppress(TimeoutError):
            await self._catalog.caught_up(queued, stored, _CATCH_UP)
        view = self._catalog.of(world)
        while records := view.page(after=last, limit=_PAGE).records:
            await view.delete([record.id for record in records])

    async def delete(self, world: str, name: str) -> None:
        """Delete one; without one half there is none any more."""
        async with self._turns.of(world):
            if await self._find(world, name) is None:
                raise SnapshotRefused(404, f"There is no snapshot {name}.")
            await self._relay.delete("/snapshots", world=world, name=name)
            with suppress(DoorAway, DoorRefused):
                await self._store.delete("/snapshots", world=world, name=name)

    async def _find(self, world: str, name: str) -> Snapshot | None:
        return next((snapshot for snapshot in await self.of(world) if snapshot.name == name), None)

    @staticmethod
    async def _halves(door: DoorClient, world: str) -> dict[str, dict[str, Any]]:
        return {half["name"]: half for half in (await door.get("/snapshots", world=world))["snapshots"]}
