"""Commits that put, activate, rename and delete Sieve scripts (RFC 5804 §2.6 to §2.11)."""

from __future__ import annotations

from typing import TYPE_CHECKING

from postroad_store.mail.database.commits.base import Commit
from postroad_store.mail.model.errors import (
    NoSuchScript,
    ScriptActive,
    ScriptExists,
    ScriptsTooLarge,
    TooManyScripts,
)

if TYPE_CHECKING:
    from sqlite3 import Connection

MAX_SCRIPTS = 64  # per account
MAX_OCTETS = 1 << 20  # of all scripts of an account
# What the other scripts of an account take.
SPACE = "SELECT count(*), coalesce(sum(size), 0) FROM scripts WHERE account = ? AND name <> ?"


def check_space(taken: tuple[int, int], size: int) -> None:
    """Raise `TooManyScripts` or `ScriptsTooLarge` if a script does not fit beside what is taken (RFC 5804 §2.5)."""
    count, octets = taken
    if count >= MAX_SCRIPTS:
        raise TooManyScripts(f"an account has at most {MAX_SCRIPTS} scripts")
    if octets + size > MAX_OCTETS:
        raise ScriptsTooLarge(f"the scripts of an account have at most {MAX_OCTETS} octets")


class _ScriptCommit(Commit["set[int]", None]):
    """Changes the scripts of an account; `active` in memory is the set of accounts that have an active one."""

    def __init__(self, active: set[int], account: int) -> None:
        self._active = active
        self._account = account

    def show(self, written: set[int]) -> None:
        """Show whether the account has an active script."""
        if written:
            self._active.add(self._account)
        else:
            self._active.discard(self._account)

    def _activity(self, db: Connection) -> set[int]:
        rows = db.execute("SELECT id FROM scripts WHERE account = ? AND active", (self._account,)).fetchall()
        return {number for (number,) in rows}

    def _number(self, db: Connection, name: str) -> int:
        row = db.execute("SELECT id FROM scripts WHERE account = ? AND name = ?", (self._account, name)).fetchone()
        if row is None:
            raise NoSuchScript("there is no script of this name")
        number: int = row[0]
        return number


class PutScript(_ScriptCommit):
    """Store a script, in place of one of the same name; what was active stays so (RFC 5804 §2.6)."""

    def __init__(self, active: set[int], account: int, name: str, content: bytes) -> None:
        super().__init__(active, account)
        self._name = name
        self._content = content

    def write(self, db: Connection) -> set[int]:
        """Insert it, with a new id."""
        check_space(db.execute(SPACE, (self._account, self._name)).fetchone(), len(self._content))
        was = db.execute(
            "DELETE FROM scripts WHERE account = ? AND name = ? RETURNING active", (self._account, self._name)
        ).fetchall()
        db.execute(
            "INSERT INTO scripts (account, name, active, size, content) VALUES (?, ?, ?, ?, ?)",
            (self._account, self._name, was[0][0] if was else 0, len(self._content), self._content),
        )
        return self._activity(db)


class ActivateScript(_ScriptCommit):
    """Make a script the active one, or with an empty name none (RFC 5804 §2.8)."""

    def __init__(self, active: set[int], account: int, name: str) -> None:
        super().__init__(active, account)
        self._name = name

    def write(self, db: Connection) -> set[int]:
        """Change which one is active."""
        number = self._number(db, self._name) if self._name else None
        db.execute("UPDATE scripts SET active = 0 WHERE account = ? AND active", (self._account,))
        db.execute("UPDATE scripts SET active = 1 WHERE id = ?", (number,))
        return self._activity(db)


class DeleteScript(_ScriptCommit):
    """Delete a script that is not active (RFC 5804 §2.10)."""

    def __init__(self, active: set[int], account: int, name: str) -> None:
        super().__init__(active, account)
        self._name = name

    def write(self, db: Connection) -> set[int]:
        """Delete it."""
        number = self._number(db, self._name)
        if number in self._activity(db):
            raise ScriptActive("the active script can't be deleted")
        db.execute("DELETE FROM scripts WHERE id = ?", (number,))
        return self._activity(db)


class RenameScript(_ScriptCommit):
    """Rename a script, which stays active if it is (RFC 5804 §2.11.1)."""

    def __init__(self, active: set[int], account: int, name: str, new_name: str) -> None:
        super().__init__(active, account)
        self._name = name
        self._new_name = new_name

    def write(self, db: Connection) -> set[int]:
        """Change its name."""
        number = self._number(db, self._name)
        row = db.execute(
            "SELECT 1 FROM scripts WHERE account = ? AND name = ?", (self._account, self._new_name)
        ).fetchone()
        if row is not None:
            raise ScriptExists("there is a script of this name already")
        db.execute("UPDATE scripts SET name = ? WHERE id = ?", (self._new_name, number))
        return self._activity(db)
