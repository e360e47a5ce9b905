"""The capabilities of IMAP that the control door hides from accounts, in place of those that the world hides."""

from __future__ import annotations

from typing import TYPE_CHECKING

from postroad_store.mail.database.commits.hidden import Hide

if TYPE_CHECKING:
    from collections.abc import Awaitable, Collection

    from postroad_store.mail.database.reader import Reader
    from postroad_store.mail.writer import Writer


class Hidden:
    """What is hidden, by login."""

    def __init__(self, writer: Writer, reader: Reader) -> None:
        self._writer = writer
        self._reader = reader

    def set(self, login: str, capabilities: Collection[str] | None) -> Awaitable[None]:
        """Commit: hide these from an account, from its next login on; None: as the world has it."""
        return self._writer.submit(Hide(login, capabilities))

    def of(self, login: str) -> frozenset[str] | None:
        """Return what is hidden from an account; None if it is as the world has it."""
        rows = self._reader.rows("SELECT capabilities FROM hidden WHERE login = ?", (login,))
        return frozenset(rows[0][0].split()) if rows else None
