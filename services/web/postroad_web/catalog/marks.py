"""What people do to records: read marks, tags, deletions. The web service's own truth, `marks.sqlite`.

All else in the catalog can be folded again from the journals; these can't. So a mark is on disk before it is answered,
and the catalog takes it over afterwards: each change has a number, and the catalog knows the last that it has applied.
For the writer's thread.
"""

from __future__ import annotations

import sqlite3
from typing import TYPE_CHECKING, NamedTuple

import orjson

from postroad_web.catalog.database import rows_with

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence
    from pathlib import Path

FILE = "marks.sqlite"
_SELECT = "SELECT id, read, tags, deleted FROM marks WHERE"

# `marks`: what is not NULL is said of the record. `everything`: of all records up to a number, unless a mark of theirs
# says otherwise; marks are dropped when they are overruled. `purged`: records up to this number are gone.
_SCHEMA = """
CREATE TABLE IF NOT EXISTS marks (
    id TEXT PRIMARY KEY, change INTEGER NOT NULL, read INTEGER, tags TEXT, deleted INTEGER NOT NULL DEFAULT 0
) WITHOUT ROWID;
CREATE INDEX IF NOT EXISTS marks_change ON marks (change);
CREATE TABLE IF NOT EXISTS facts (name TEXT PRIMARY KEY, value INTEGER NOT NULL) WITHOUT ROWID;
INSERT OR IGNORE INTO facts VALUES ('change', 0), ('purged', 0), ('everything', 0), ('everything_read', 0);
"""


class Mark(NamedTuple):
    """What people have said of one record; None: nothing."""

    read: bool | None = None
    tags: tuple[str, ...] | None = None
    deleted: bool = False


class Marks:
    """The marks. Each method that changes them returns once that is on disk."""

    def __init__(self, directory: Path) -> None:
        directory.mkdir(parents=True, exist_ok=True)
        self._connection = connection = sqlite3.connect(directory / FILE, isolation_level=None, check_same_thread=False)
        connection.execute("PRAGMA journal_mode = WAL")
        connection.execute("PRAGMA synchronous = FULL")
        connection.executescript(_SCHEMA)
        facts = dict(connection.execute("SELECT name, value FROM facts"))
        self.change: int = facts["change"]  # the number of the last change
        self.purged: int = facts["purged"]
        self.everything: int = facts["everything"]
        self.everything_read = bool(facts["everything_read"])

    def close(self) -> None:
        """Close the database."""
        self._connection.close()

    def of(self, idents: Sequence[str]) -> dict[str, Mark]:
        """Return the marks of records; of most there are none."""
        return {row[0]: _mark(*row[1:]) for row in rows_with(self._connection, f"{_SELECT} id", idents)}

    def since(self, change: int) -> dict[str, Mark]:
        """Return the marks that were made after a change."""
        rows = self._connection.execute(f"{_SELECT} change > ?", (change,))
        return {row[0]: _mark(*row[1:]) for row in rows}

    def is_read(self, mark: Mark | None, number: int) -> bool:
        """Return whether a record is read, by its own mark or by that of all."""
        if mark is not None and mark.read is not None:
            return mark.read
        return self.everything_read and number <= self.everything

    def set_read(self, idents: Iterable[str], *, read: bool) -> None:
        """Mark records as read or unread."""
        self._set("read", ((ident, read) for ident in idents))

    def set_all_read(self, upto: int, *, read: bool) -> None:
        """Mark all records up to a number."""
        with self._changing():
            self._connection.execute("UPDATE marks SET read = NULL WHERE read IS NOT NULL")
            self._facts(everything=upto, everything_read=int(read))
        self.everything, self.everything_read = upto, read

    def set_tags(self, tags: Mapping[str, Sequence[str]]) -> None:
        """Give records tags in place of those they had."""
        self._set("tags", ((ident, orjson.dumps(names).decode("utf-8")) for ident, names in tags.items()))

    def delete(self, idents: Iterable[str]) -> None:
        """Take records out of the catalog."""
        self._set("deleted", ((ident, True) for ident in idents))

    def purge(self, upto: int) -> None:
        """Take out all records up to a number; their marks go too."""
        with self._changing():
            self._connection.execute("DELETE FROM marks")
            self._facts(purged=upto)
        self.purged = upto

    def _set(self, column: str, values: Iterable[tuple[str, object]]) -> None:
        with self._changing():
            self._connection.executemany(
                f"INSERT INTO marks (id, change, {column}) VALUES (?1, {self.change}, ?2)"  # noqa: S608 - a column
                f" ON CONFLICT (id) DO UPDATE SET change = {self.change}, {column} = ?2",
                values,
            )

    def _changing(self) -> _Transaction:
        self.change += 1
        return _Transaction(self._connection, self.change)

    def _facts(self, **values: int) -> None:
        self._connection.executemany("UPDATE facts SET value = ? WHERE name = ?", [(v, k) for k, v in values.items()])


class _Transaction:
    """Begins a transaction and commits it, with the number of the change."""

    def __init__(self, connection: sqlite3.Connection, change: int) -> None:
        self._connection = connection
        self._change = change

    def __enter__(self) -> None:
        self._connection.execute("BEGIN IMMEDIATE")
        self._connection.execute("UPDATE facts SET value = ? WHERE name = 'change'", (self._change,))

    def __exit__(self, kind: type[BaseException] | None, *_: object) -> None:
        self._connection.execute("COMMIT" if kind is None else "ROLLBACK")


def _mark(read: int | None, tags: str | None, deleted: int) -> Mark:
    return Mark(
        bool(read) if read is not None else None, tuple(orjson.loads(tags)) if tags is not None else None, bool(deleted)
    )
