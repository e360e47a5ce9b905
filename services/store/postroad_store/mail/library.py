"""What a thread reads from that runs Sieve scripts: scripts, what they remember, and the entries that they ask for."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from postroad_store.mail.database.reader import Reader
from postroad_store.mail.model.annotations import is_private

if TYPE_CHECKING:
    from pathlib import Path


class Script(NamedTuple):
    """A script; one that is put again has another number."""

    number: int
    name: str
    content: bytes


class Library:
    """A reading connection of its own, for one thread."""

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
