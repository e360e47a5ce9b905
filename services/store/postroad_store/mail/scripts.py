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
from postroad_store.mail.library import Library
from postroad_store.mail.model.errors import NoSuchScript

if TYPE_CHECKING:
    from collections.abc import Awaitable
    from pathlib import Path

    from postroad_store.mail.database.reader import Reader
    from postroad_store.mail.model.account import Account
    from postroad_store.mail.writer import Writer


class Listed(NamedTuple):
    """A script in a list."""

    name: str
    active: bool


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
