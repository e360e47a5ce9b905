"""What people do to records: read marks, tags, deletions. The web service's own truth, `marks.sqlite`.

All else in the catalog can be folded again from the journals; these can't. So a mark is on disk before it is answered,
and the catalog takes it over afterwards: each change has a number, and the catalog knows the last that it has applied.
For the writer's thread.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import orjson

from postroad_web.catalog.database import rows_with
from postroad_web.durable import open_durable

if TYPE_CHECKING:
    import sqlite3
    from collections.abc import Iterable, Sequence
    from pathlib import Path

FILE = "marks.sqlite"
_SELECT = "SELECT id, read, tags, deleted FROM marks WHERE"

# `marks`: what is not NULL is said of the record. `worlds`: `everything` is said of all records of the world up to a
# number, unless a mark of theirs says otherwise; marks are dropped when they are overruled. `purged`: its records up to
# this number are gone.
_SCHEMA = """
CREATE TABLE IF NOT EXISTS marks (
    id TEXT PRIMARY KEY, change INTEGER NOT NULL, read INTEGER, tags TEXT, deleted INTEGER NOT NULL DEFAULT 0,
    world TEXT NOT NULL DEFAULT 'default'
) WITHOUT ROWID;
CREATE INDEX IF NOT EXISTS marks_change ON marks (change);
CREATE TABLE IF NOT EXISTS facts (name TEXT PRIMARY KEY, value INTEGER NOT NULL) WITHOUT ROWID;
INSERT OR IGNORE INTO facts VALUES ('change', 0);
CREATE TABLE IF NOT EXISTS worlds (
    world TEXT PRIMARY KEY, change INTEGER NOT NULL DEFAULT 0, purged INTEGER NOT NULL DEFAULT 0,
    everything INTEGER NOT NULL DEFAULT 0, everything_read INTEGER NOT NULL DEFAULT 0
) WITHOUT ROWID;
"""
# What was written before there were worlds is the default world's.
_BEFORE_WORLDS = """
BEGIN;
ALTER TABLE marks ADD COLUMN world TEXT NOT NULL DEFAULT 'default';
INSERT INTO worlds (world, purged, everything, everything_read) SELECT 'default', purged.value, upto.value, read.value
    FROM facts AS purged, facts AS upto, facts AS read
    WHERE purged.name = 'purged' AND upto.name = 'everything' AND read.name = 'everything_read';
DELETE FROM facts WHERE name <> 'change';
COMMIT;
"""


class Mark(NamedTuple):
    """What people have said of one record; None: nothing."""

    read: bool | None = None
    tags: tuple[str, ...] | None = None
    deleted: bool = False


class Marked(NamedTuple):
    """A record that is marked."""

    id: str
    world: str


class OfAll(NamedTuple):
    """What people have said of all records of a world."""

    purged: int = 0
    everything: int = 0
    everything_read: bool = False


_NOTHING = OfAll()


class Marks:
    """The marks. Each method that changes them returns once that is on disk."""

    def __init__(self, directory: Path) -> None:
        without = "what was removed is there again, and nothing is read or tagged"
        self._connection = connection = open_durable(directory / FILE, _SCHEMA, without=without)
        if connection.execute("SELECT 1 FROM facts WHERE name = 'purged'").fetchone() is not None:
            connection.executescript(_BEFORE_WORLDS)
        connection.execute("CREATE INDEX IF NOT EXISTS marks_world ON marks (world)")
        facts = dict(connection.execute("SELECT name, value FROM facts"))
        self.change: int = facts["change"]  # the number of the last change
        rows = connection.execute("SELECT world, purged, everything, everything_read FROM worlds")
        self._worlds = {world: OfAll(purged, upto, bool(read)) for world, purged, upto, read in rows}

    def close(self) -> None:
        """Close the database."""
        self._connection.close()

    def of(self, idents: Sequence[str]) -> dict[str, Mark]:
        """Return the marks of records; of most there are none, and often nobody has marked any."""
        if not self.change:
            return {}
        return {row[0]: _mark(*row[1:]) for row in rows_with(self._connection, f"{_SELECT} id", idents)}

    def of_all(self, world: str) -> OfAll:
        """Return what is said of all records of a world."""
        return self._worlds.get(world, _NOTHING)

    def worlds_since(self, change: int) -> list[str]:
        """Return the worlds of which something was said after a change."""
        return [world for (world,) in self._connection.execute("SELECT world FROM worlds WHERE change > ?", (change,))]

    def since(self, change: int) -> dict[str, Mark]:
        """Return the marks that were made after a change."""
        rows = self._connection.execute(f"{_SELECT} change > ?", (change,))
        return {row[0]: _mark(*row[1:]) for row in rows}

    def is_read(self, mark: Mark | None, number: int, world: str) -> bool:
        """Return whether a record of a world is read, by its own mark or by that of all."""
        if mark is not None and mark.read is not None:
            return mark.read
        said = self.of_all(world)
        return said.everything_read and number <= said.everything

    def set_read(self, records: Iterable[Marked], *, read: bool) -> None:
        """Mark records as read or unread."""
        self._set("read", ((*record, read) for record in records))

    def set_all_read(self, world: str, upto: int, *, read: bool) -> None:
        """Mark all records of a world up to a number."""
        said = self.of_all(world)._replace(everything=upto, everything_read=read)
        with self._changing():
            self._connection.execute("UPDATE marks SET read = NULL WHERE read IS NOT NULL AND world = ?", (world,))
            self._say(world, said)

    def set_tags(self, tags: Iterable[tuple[Marked, Sequence[str]]]) -> None:
        """Give records tags in place of those they had."""
        self._set("tags", ((*record, orjson.dumps(names).decode("utf-8")) for record, names in tags))

    def delete(self, records: Iterable[Marked]) -> None:
        """Take records out of the catalog."""
        self._set("deleted", ((*record, True) for record in records))

    def purge(self, world: str, upto: int) -> None:
        """Take out all records of a world up to a number; their marks go too."""
        with self._changing():
            self._connection.execute("DELETE FROM marks WHERE world = ?", (world,))
            self._say(world, self.of_all(world)._replace(purged=upto))

    def drop(self, world: str) -> None:
        """Forget all that was said of a world; most often it is nothing."""
        said = self._connection.execute("SELECT 1 FROM marks WHERE world = ? LIMIT 1", (world,)).fetchone()
        if said is None and world not in self._worlds:
            return
        with self._changing():
            self._connection.execute("DELETE FROM marks WHERE world = ?", (world,))
            self._connection.execute("DELETE FROM worlds WHERE world = ?", (world,))
        self._worlds.pop(world, None)

    def _set(self, column: str, values: Iterable[tuple[str, str, object]]) -> None:
        with self._changing():
            self._connection.executemany(
                f"INSERT INTO marks (id, world, change, {column}) VALUES (?1, ?2, {self.change}, ?3)"  # noqa: S608 - a column
                f" ON CONFLICT (id) DO UPDATE SET change = {self.change}, {column} = ?3",
                values,
            )

    def _say(self, world: str, said: OfAll) -> None:
        row = (world, self.change, *said)
        self._connection.execute("INSERT OR REPLACE INTO worlds VALUES (?, ?, ?, ?, ?)", row)
        self._worlds[world] = said

    def _changing(self) -> _Transaction:
        self.change += 1
        return _Transaction(self._connection, self.change)


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
