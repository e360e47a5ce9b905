"""The commit that hides capabilities of IMAP from an account."""

from __future__ import annotations

from typing import TYPE_CHECKING

from postroad_store.mail.database.commits.base import Commit

if TYPE_CHECKING:
    from collections.abc import Collection
    from sqlite3 import Connection


class Hide(Commit[None, None]):
    """Hide these from an account, in place of what the world hides from it; None: as the world has it."""

    def __init__(self, login: str, capabilities: Collection[str] | None) -> None:
        self._login = login
        self._capabilities = capabilities

    def write(self, db: Connection) -> None:
        """Insert or delete the row."""
        if self._capabilities is None:
            db.execute("DELETE FROM hidden WHERE login = ?", (self._login,))
        else:
            row = self._login, " ".join(sorted(self._capabilities))
            db.execute("INSERT OR REPLACE INTO hidden (login, capabilities) VALUES (?, ?)", row)

    def show(self, written: None) -> None:
        """Do nothing: each login reads it."""
