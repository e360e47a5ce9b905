"""The accounts' Sieve scripts (RFC 5804 §1.4), as sessions and deliveries see them."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from postroad_store.mail.database.commits.scripts import (
    SPACE,
    ActivateScript,
    DeleteScript,
    PutScript,
    RenameScript,
    check_space,
)
from postroad_store.mail.database.reader import Reader
from postroad_store.mail.model.annotations import is_private
from postroad_store.mail.model.errors import NoSuchScript

if TYPE_CHECKING:
    from collections.abc import Awaitable
    from pathlib import Path

    from postroad_store.mail.model.account import Account
    from postroad_store.mail.writer import Writer


class Listed(NamedTuple):
    """A script in a list."""

    name: str
    active: bool


class Script(NamedTuple):
    """A script; one that is put again has another number."""

    number: int
    name: str
    content: bytes


class Scripts:
    """All accounts' scripts. Commits return an awaitable, as those of `Storage` do."""

    def __init__(self, writer: Writer, reader: Reader, path: Path) -> None:
        self._writer = writer
        self._reader = reader
        self._path = path
        self._active: set[int] = set()  # accounts
        self._read = False  # whether `_active` has been read from the database

    def has_active(self, account: Account) -> bool:
        """Return True if mail for the account is filtered; this costs a delivery nothing."""
        if not self._read:
            self._active.update(row[0] for row in self._reader.rows("SELECT account FROM scripts WHERE active", ()))
            self._read = True
        return account.id in self._active

    def restored(self, account: int, *, active: bool) -> None:
        """Learn whether an account has an active script, now that a snapshot was restored."""
        if active:
            self._active.add(account)
        else:
            self._active.discard(account)

    def listed(self, account: Account) -> list[Listed]:
        """Read: the names of an account's scripts, and which one is active."""
        rows = self._reader.rows("SELECT name, active FROM scripts WHERE account = ? ORDER BY name", (account.id,))
        return [Listed(name, bool(active)) for name, active in rows]

    def content(self, account: Account, name: str) -> bytes:
        """Read: a script; raises `NoSuchScript`."""
        rows = self._reader.rows("SELECT content FROM scripts WHERE account = ? AND name = ?", (account.id, name))
        if not rows:
            raise NoSuchScript("there is no script of this name")
        content: bytes = rows[0][0]
        return content

    def check_space(self, account: Account, name: str, size: int) -> None:
        """Read: raise `TooManyScripts` or `ScriptsTooLarge` if a script would not fit (RFC 5804 §2.5)."""
        check_space(self._reader.rows(SPACE, (account.id, name))[0], size)

    def put(self, account: Account, name: str, content: bytes) -> Awaitable[None]:
        """Commit: store a script in place of one of the same name; raises `TooManyScripts`, `ScriptsTooLarge`."""
        return self._writer.submit(PutScript(self._active, account.id, name, content))

    def activate(self, account: Account, name: str) -> Awaitable[None]:
        """Commit: make a script the active one, or with an empty name none; raises `NoSuchScript`."""
        return self._writer.submit(ActivateScript(self._active, account.id, name))

    def delete(self, account: Account, name: str) -> Awaitable[None]:
        """Commit: delete a script; raises `NoSuchScript`, `ScriptActive`."""
        return self._writer.submit(DeleteScript(self._active, account.id, name))

    def rename(self, account: Account, name: str, new_name: str) -> Awaitable[None]:
        """Commit: rename a script; raises `NoSuchScript`, `ScriptExists`."""
        return self._writer.submit(RenameScript(self._active, account.id, name, new_name))

    def library(self) -> Library:
        """Open what a thread reads from that runs scripts."""
        return Library(self._path)


class Library:
    """Scripts and what they remember, on a reading connection of its own, for one thread."""

    def __init__(self, path: Path) -> None:
        self._reader = Reader(path)

    def active(self, account: int) -> Script | None:
        """Return the active script of an account by its id; None if it has none."""
        return self._script("account = ? AND active", (account,))

    def named(self, account: int, name: str) -> Script | None:
        """Return a script of an account by its id; None if it has none of this name."""
        return self._script("account = ? AND name = ?", (account, name))

    def _script(self, condition: str, values: tuple[object, ...]) -> Script | None:
        rows = self._reader.rows(f"SELECT id, name, content FROM scripts WHERE {condition}", values)  # noqa: S608
        return Script(*rows[0]) if rows else None

    def annotation(self, account: int, mailbox: int, entry: str) -> bytes | None:
        """Return the value of an entry (RFC 5464) of a mailbox by its id, 0 for the server, as an account sees it."""
        owner = account if is_private(entry) else 0
        sql = "SELECT value FROM metadata WHERE mailbox = ? AND account = ? AND entry = ?"
        rows = self._reader.rows(sql, (mailbox, owner, entry))
        return rows[0][0] if rows else None

    def is_remembered(self, account: int, key: str, now: float) -> bool:
        """Whether the account remembers the key at this time, in seconds since 1970."""
        sql = "SELECT 1 FROM remembered WHERE account = ? AND key = ? AND until > ?"
        return bool(self._reader.rows(sql, (account, key, now)))

    def close(self) -> None:
        """Close the connection."""
        self._reader.close()
