"""The definitions of all worlds, `worlds.sqlite` in the web service's folder: on disk before anybody is told of one.

Changes that wait together share a transaction and its fsync (`postroad.groupcommit`).
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import orjson

from postroad.groupcommit import GroupCommit
from postroad.jsontext import to_json
from postroad.syncing import is_in_memory
from postroad_web.durable import open_durable
from postroad_web.worlds.made import Made

if TYPE_CHECKING:
    import asyncio
    from collections.abc import Sequence
    from pathlib import Path

FILE = "worlds.sqlite"
_SCHEMA = """
CREATE TABLE IF NOT EXISTS worlds (
    id TEXT PRIMARY KEY, created REAL NOT NULL, expires REAL, password TEXT, dropping INTEGER NOT NULL,
    definition BLOB NOT NULL
) WITHOUT ROWID;
"""
_COLUMNS = "definition, created, expires, password, dropping"


class Database:
    """The database in a folder. Raises `sqlite3.Error` and `OSError`; changes raise it as awaited."""

    def __init__(self, directory: Path) -> None:
        without = "the worlds that the API has made are dropped, with all that is in them"
        self._connection = open_durable(directory / FILE, _SCHEMA, without=without)
        in_memory = is_in_memory(directory)
        self._commit: GroupCommit[Made | str, None] = GroupCommit(self._write, name="worlds", at_once=lambda: in_memory)

    def all(self) -> list[Made]:
        """Return all worlds, by when they were made; for the start."""
        rows = self._connection.execute(f"SELECT {_COLUMNS} FROM worlds ORDER BY created, id")  # noqa: S608 - columns
        return [
            Made(orjson.loads(definition), created, expires, password, bool(dropping))
            for definition, created, expires, password, dropping in rows
        ]

    def put(self, world: Made) -> asyncio.Future[None]:
        """Keep a world as it is now."""
        return self._commit.durable(world)

    def forget(self, ident: str) -> asyncio.Future[None]:
        """Forget a world."""
        return self._commit.durable(ident)

    def close(self) -> None:
        """Write what waits, and close."""
        self._commit.close()
        self._connection.close()

    def _write(self, batch: Sequence[Made | str]) -> Sequence[None]:
        execute = self._connection.execute
        execute("BEGIN IMMEDIATE")
        try:
            for change in batch:
                if isinstance(change, str):
                    execute("DELETE FROM worlds WHERE id = ?", (change,))
                    continue
                values = (change.created, change.expires, change.password, change.dropping)
                execute(
                    "INSERT OR REPLACE INTO worlds (id, created, expires, password, dropping, definition)"
                    " VALUES (?, ?, ?, ?, ?, ?)",
                    (change.id, *values, to_json(change.definition)),
                )
            execute("COMMIT")
        finally:
            if self._connection.in_transaction:
                execute("ROLLBACK")
        return [None] * len(batch)
