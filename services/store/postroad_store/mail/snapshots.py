"""Snapshots of the mail of worlds: what their accounts had at one moment, by name (decision 37)."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from postroad_store.mail.database import facts
from postroad_store.mail.database.commits.snapshots import (
    COLUMNS,
    DeleteSnapshots,
    Restored,
    RestoreSnapshot,
    Snapshot,
    TakeSnapshot,
)

if TYPE_CHECKING:
    from collections.abc import Awaitable, Sequence

    from postroad.clock import Clock
    from postroad_store.mail.accounts import Accounts
    from postroad_store.mail.collector import Collector
    from postroad_store.mail.database.reader import Reader
    from postroad_store.mail.loader import Loader
    from postroad_store.mail.model.telling import Tell
    from postroad_store.mail.quotas import Quotas
    from postroad_store.mail.scripts import Scripts
    from postroad_store.mail.writer import Writer


class Memory(NamedTuple):
    """Whoever has in memory what a restore changes."""

    accounts: Accounts
    loader: Loader
    scripts: Scripts
    quotas: Quotas


class Snapshots:
    """All snapshots of a storage."""

    def __init__(self, writer: Writer, reader: Reader, clock: Clock, collector: Collector, memory: Memory) -> None:
        self._writer = writer
        self._reader = reader
        self._clock = clock
        self._collector = collector
        self._memory = memory

    def take(
        self, world: str, name: str, token: str, logins: Sequence[str], *, most: int, tell: Tell[Snapshot] = None
    ) -> Awaitable[Snapshot]:
        """Commit: keep what the accounts of a world have; of `most` snapshots that it may have.

        Raises `SnapshotRefused` if there is one of this name, `LimitReached`.
        """
        commit = TakeSnapshot(world, name, token, logins, now=self._clock.now(), most=most)
        return self._writer.submit(facts.tells(commit, tell, facts.kept))

    def restore(
        self,
        world: str,
        name: str,
        token: str,
        logins: Sequence[str],
        *,
        fresh: bool = False,
        tell: Tell[tuple[str, Sequence[Restored]]] = None,
    ) -> Awaitable[list[Restored]]:
        """Commit: let the accounts of a world have what they had, and nothing that came since.

        Accounts that have been made since are as new. Views of their mailboxes see these gone. The same `token`
        restores once only, and then returns no accounts. With `fresh`, mailboxes get new UIDVALIDITY values. Raises
        `NoSuchSnapshot`, `SnapshotRefused`.
        """
        now = int(self._clock.now())
        commit = RestoreSnapshot(world, name, token, logins, now=now, fresh=fresh, restored=self._restored)
        return self._writer.submit(facts.tells(commit, tell, facts.restored_from(world, name)))

    def _restored(self, accounts: Sequence[Restored]) -> None:
        """Show accounts that a snapshot has given back what they had."""
        for mailbox in self._memory.accounts.restored(accounts):
            self._memory.loader.forget(mailbox)
        for restored in accounts:
            self._memory.scripts.restored(restored.id, active=restored.filtered)
        self._memory.quotas.look()
        self._collector.collect()

    def delete(self, world: str, name: str) -> Awaitable[int]:
        """Commit: delete a snapshot; raises `NoSuchSnapshot`."""
        return self._writer.submit(DeleteSnapshots(world, name, collect=self._collector.collect))

    def forget(self, world: str) -> Awaitable[int]:
        """Commit: delete all snapshots of a world, which has been dropped; return how many there were."""
        return self._writer.submit(DeleteSnapshots(world, None, collect=self._collector.collect))

    def of(self, world: str) -> list[Snapshot]:
        """Read: the snapshots of a world, the oldest first."""
        rows = self._reader.rows(f"SELECT {COLUMNS} FROM snapshots WHERE world = ? ORDER BY id", (world,))  # noqa: S608
        return [Snapshot(*row) for row in rows]
