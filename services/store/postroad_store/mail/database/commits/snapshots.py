"""Commits that take, restore and delete snapshots of accounts."""

from __future__ import annotations

from typing import TYPE_CHECKING

from postroad.value import value
from postroad_store.mail.database.commits.base import Commit
from postroad_store.mail.database.rows import insert_mailbox
from postroad_store.mail.database.snapshots import clear, forget, keep, put_back, renew_validity
from postroad_store.mail.model.account import INBOX, SPECIAL_USE, Named
from postroad_store.mail.model.errors import LimitReached, NoSuchSnapshot, SnapshotRefused

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from sqlite3 import Connection


@value
class Snapshot:
    """A snapshot; `taken` is in seconds since 1970, `octets` are those that the messages have."""

    world: str
    name: str
    token: str
    taken: float
    accounts: int
    messages: int
    octets: int


COLUMNS = "world, name, token, taken, accounts, messages, octets"


def numbers_of(db: Connection, logins: Sequence[str]) -> dict[int, str]:
    """Return the accounts that have been made, of those with these logins."""
    logins_of: dict[int, str] = {}
    for login in logins:
        row = db.execute("SELECT id FROM accounts WHERE login = ?", (login,)).fetchone()
        if row is not None:
            logins_of[row[0]] = login
    return logins_of


def _find(db: Connection, world: str, name: str) -> int:
    row = db.execute("SELECT id FROM snapshots WHERE world = ? AND name = ?", (world, name)).fetchone()
    if row is None:
        raise NoSuchSnapshot(f"there is no snapshot {name}")
    return int(row[0])


class TakeSnapshot(Commit[Snapshot, Snapshot]):
    """Keep what the accounts of a world have, at the moment of the commit."""

    def __init__(self, world: str, name: str, token: str, logins: Sequence[str], *, now: float, most: int) -> None:
        self._key = world, name
        self._token = token
        self._logins = logins
        self._now = now
        self._most = most

    def write(self, db: Connection) -> Snapshot:
        """Write it; raises `SnapshotRefused`, `LimitReached`."""
        world, name = self._key
        if db.execute("SELECT 1 FROM snapshots WHERE world = ? AND name = ?", self._key).fetchone():
            raise SnapshotRefused(f"there is a snapshot {name} already: delete it first, or choose another name")
        (count,) = db.execute("SELECT count(*) FROM snapshots WHERE world = ?", (world,)).fetchone()
        if count >= self._most:
            raise LimitReached(f"a world has at most {self._most} snapshots (POSTROAD_SNAPSHOTS)")
        accounts = list(numbers_of(db, self._logins))
        values = (*self._key, self._token, self._now, len(accounts))
        snapshot = db.execute(
            f"INSERT INTO snapshots ({COLUMNS}) VALUES (?, ?, ?, ?, ?, 0, 0)",  # noqa: S608
            values,
        ).lastrowid
        assert snapshot is not None  # noqa: S101 - an INSERT has just set it
        messages, octets = keep(db, snapshot, accounts)
        db.execute("UPDATE snapshots SET messages = ?, octets = ? WHERE id = ?", (messages, octets, snapshot))
        return Snapshot(*values, messages, octets)

    def show(self, written: Snapshot) -> Snapshot:
        """Return it."""
        return written


@value
class Restored:
    """What an account has after a restore."""

    id: int
    login: str
    mailboxes: list[Named]
    validities: dict[str, int]  # UIDVALIDITY by mailbox
    subscriptions: list[str]
    filtered: bool  # a script is active


class RestoreSnapshot(Commit["list[Restored]", "list[Restored]"]):
    """Let the accounts of a world have what they had; those that have been made since are as new.

    `restored` is called with the accounts once that is on disk. The same `token` restores once only: then it returns no
    accounts. With `fresh`, the mailboxes have another UIDVALIDITY than then.
    """

    renames = True

    def __init__(
        self,
        world: str,
        name: str,
        token: str,
        logins: Sequence[str],
        *,
        now: int,
        fresh: bool,
        restored: Callable[[Sequence[Restored]], None],
    ) -> None:
        self._key = world, name
        self._token = token
        self._logins = logins
        self._now = now
        self._fresh = fresh
        self._restored = restored

    def write(self, db: Connection) -> list[Restored]:
        """Replace all that they have; raises `NoSuchSnapshot`, `SnapshotRefused`."""
        world, _ = self._key
        snapshot = _find(db, *self._key)
        if db.execute("SELECT 1 FROM restored WHERE world = ? AND token = ?", (world, self._token)).fetchone():
            return []
        db.execute("INSERT OR REPLACE INTO restored VALUES (?, ?)", (world, self._token))
        kept: dict[int, str] = dict(
            db.execute("SELECT id, login FROM kept_accounts WHERE snapshot = ?", (snapshot,)).fetchall()
        )
        for number, login in kept.items():  # an account may have been removed meanwhile, and made again
            _reclaim(db, number, login)
        accounts = numbers_of(db, self._logins) | kept
        clear(db, list(accounts), snapshot)
        put_back(db, snapshot)
        if self._fresh:
            renew_validity(db, snapshot, self._now)
        for number in accounts.keys() - kept.keys():
            _begin(db, number, self._now)
        return [_now_has(db, number, login) for number, login in accounts.items()]

    def show(self, written: list[Restored]) -> list[Restored]:
        """Show them in memory."""
        self._restored(written)
        return written


def _reclaim(db: Connection, account: int, login: str) -> None:
    """Make an account that was removed since; raises `SnapshotRefused` if it was made again."""
    rows = db.execute("SELECT id, login FROM accounts WHERE id = ? OR login = ?", (account, login)).fetchall()
    if not rows:
        db.execute("INSERT INTO accounts (id, login) VALUES (?, ?)", (account, login))
    elif rows != [(account, login)]:
        raise SnapshotRefused(f"the account {login} was removed since the snapshot, and another has come in its place")


def _now_has(db: Connection, account: int, login: str) -> Restored:
    rows = db.execute(
        "SELECT id, name, special_use, selectable, acl, uid_validity FROM mailboxes WHERE account = ?", (account,)
    ).fetchall()
    names = db.execute("SELECT name FROM subscriptions WHERE account = ?", (account,)).fetchall()
    active = db.execute("SELECT 1 FROM scripts WHERE account = ? AND active", (account,)).fetchone()
    mailboxes = [Named(number, name, use, bool(selectable), acl) for number, name, use, selectable, acl, _ in rows]
    validities = {row[1]: row[5] for row in rows}
    return Restored(account, login, mailboxes, validities, [name for (name,) in names], active is not None)


def _begin(db: Connection, account: int, now: int) -> None:
    """Let an account have what a new one has."""
    insert_mailbox(db, account, INBOX, now)
    for name, use in SPECIAL_USE.items():
        insert_mailbox(db, account, name, now, special_use=use)
    db.executemany("INSERT INTO subscriptions VALUES (?, ?)", [(account, name) for name in (INBOX, *SPECIAL_USE)])


class DeleteSnapshots(Commit[int, int]):
    """Delete a snapshot of a world, or all of them; return how many there were."""

    def __init__(self, world: str, name: str | None, *, collect: Callable[[], None]) -> None:
        self._world = world
        self._name = name
        self._collect = collect

    def write(self, db: Connection) -> int:
        """Forget them; raises `NoSuchSnapshot`."""
        if self._name is not None:
            forget(db, _find(db, self._world, self._name))
            return 1
        rows = db.execute("SELECT id FROM snapshots WHERE world = ?", (self._world,)).fetchall()
        for (snapshot,) in rows:
            forget(db, snapshot)
        db.execute("DELETE FROM restored WHERE world = ?", (self._world,))
        return len(rows)

    def show(self, written: int) -> int:
        """Remove what no mailbox names any more."""
        self._collect()
        return written
