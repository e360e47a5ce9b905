"""Writes the catalog: everything that changes it runs here, in one thread, one transaction per step.

A step returns `News`: what it changed, for those who listen. Marks are on disk before the catalog takes them over; a
process that is killed in between takes them over when it starts again.
"""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any, NamedTuple

import orjson

from postroad_web.catalog.database import DEPENDENT, INDEX, MERGING, REMOVING, add_tags, open_writer, rows_with
from postroad_web.catalog.hub import Happened
from postroad_web.catalog.marks import Mark, Marked, Marks
from postroad_web.catalog.rows import RECORD, record_of
from postroad_web.catalog.shelf import DatabaseShelf
from postroad_web.catalog.worlds import EVERY

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence
    from pathlib import Path

    from postroad_web.catalog.record import Record
    from postroad_web.catalog.worlds import Worlds

UNLINKED = 10_000  # copies that may wait for their deliveries over a restart
_RETIRED = 500  # of the oldest records, looked at in one step
_EMPTIED = 1000  # records that are taken out in one step
_MANY = 1000  # records; to empty the tables costs as much as to take out so many
_LAST = 2**63 - 1  # number of a record


class News(NamedTuple):
    """What one step changed, for the hub; `records` only of those that are gone."""

    cursor: int
    kind: Happened
    numbers: Sequence[int] = ()
    records: tuple[Record, ...] = ()
    world: str = EVERY  # whose all this is; of several


class Writer:
    """The catalog's and the marks' databases, open for writing."""

    def __init__(self, directory: Path, worlds: Worlds) -> None:
        self.connection = open_writer(directory)
        # Deliveries that are in no journal of a relay: those to the store's own port, or from before a gap.
        self.connection.execute(
            "DELETE FROM copies WHERE number IS NULL AND store_id <= (SELECT store_id FROM copies WHERE number IS NULL"
            " ORDER BY store_id DESC LIMIT 1 OFFSET ?)",
            (UNLINKED,),
        )
        self.marks = Marks(directory)
        self.shelf = DatabaseShelf(self.connection, self.marks, worlds)
        facts = self.facts()
        # Cursors of changes never come twice, even when the database is made anew.
        self.cursor: int = facts.get("cursor", int(time.time() * 1_000_000))
        if facts.get("marked", 0) != self.marks.change:
            self._take_over(facts.get("marked", 0))
        for world in self._worlds(EVERY):
            if worlds.begun(world) is None:  # it was dropped, and the process ended before the catalog knew
                self.drop([world])

    def close(self) -> None:
        """Close both databases."""
        self.connection.close()
        self.marks.close()

    def facts(self) -> dict[str, Any]:
        """Return the positions in the journals, and the last change and mark that are in the database."""
        return dict(self.connection.execute("SELECT name, value FROM facts"))

    # -- marks ----------------------------------------------------------------------------------------------------

    def mark(self, world: str, idents: Sequence[str] | None, *, read: bool) -> News:
        """Mark records of a world, or all of it, as read or unread."""
        if idents is None:
            sql = "SELECT coalesce(max(number), 0) FROM records WHERE world = ?"
            newest = self.connection.execute(sql, (world,)).fetchone()[0]
            self.marks.set_all_read(world, newest, read=read)
            with self.step():
                numbers = self._all("SELECT number FROM records WHERE world = ? AND read <> ?", world, read)
                self._set_read("world = ? AND number <= ?", (world, newest), read=read)
            return News(self.cursor, Happened.UPDATED, numbers)
        known = self._known(world, idents)
        self.marks.set_read(known, read=read)
        with self.step():
            for number in known.values():
                self._set_read("number = ?", (number,), read=read)
        return News(self.cursor, Happened.UPDATED, tuple(known.values()))

    def tag(self, world: str, idents: Sequence[str], tags: Sequence[str]) -> News:
        """Give records of a world these tags in place of those that they have."""
        known = self._known(world, idents)
        self.marks.set_tags((marked, tags) for marked in known)
        with self.step():
            for marked, number in known.items():
                self.set_tags(number, tags, marked.world)
        return News(self.cursor, Happened.UPDATED, tuple(known.values()))

    def rename_tag(self, world: str, old: str, new: str | None) -> News:
        """Give a tag of a world another name, or None: take it away from all records."""
        rows = self.connection.execute(
            "SELECT number, id, tagged FROM records WHERE number IN"
            " (SELECT number FROM tags WHERE tag = ? AND world = ?)",
            (old, world),
        ).fetchall()
        renamed = [(number, ident, _renamed(orjson.loads(tagged), old, new)) for number, ident, tagged in rows]
        self.marks.set_tags((Marked(ident, world), tags) for _, ident, tags in renamed)
        with self.step():
            for number, _, tags in renamed:
                self.set_tags(number, tags, world)
        return News(self.cursor, Happened.TAGS, [number for number, _, _ in renamed], world=world)

    def delete(self, world: str, idents: Sequence[str]) -> News:
        """Take records of a world out of the catalog; nothing else loses them."""
        known = self._known(world, idents)
        self.marks.delete(known)
        return self.forget(tuple(known.values()))

    def purge(self, world: str, upto: int) -> News:
        """Take all records of a world up to a number out of the catalog."""
        self.marks.purge(world, upto)
        self._empty(world, upto)
        return News(self.cursor, Happened.PURGED, world=world)

    def drop(self, worlds: Sequence[str]) -> list[News]:
        """Forget worlds that are no more: their records, and what people have said of them."""
        for world in worlds:
            self.marks.drop(world)
        wanted = ", ".join("?" * len(worlds))
        some = f"SELECT number FROM records WHERE world IN ({wanted}) ORDER BY number LIMIT ?"  # noqa: S608 - marks
        while True:
            with self.step():
                numbers = self._all(some, *worlds, _EMPTIED)
                self._remove(numbers)
                if len(numbers) < _EMPTIED:
                    self.connection.execute(f"DELETE FROM kept WHERE world IN ({wanted})", worlds)  # noqa: S608 - marks
            self.shelf.forget(numbers)
            if len(numbers) < _EMPTIED:
                return [News(self.cursor, Happened.PURGED, world=world) for world in worlds]

    # -- the same for those that follow the journals ----------------------------------------------------------

    def step(self) -> _Step:
        """Return a transaction with a cursor of its own."""
        return _Step(self)

    def set_tags(self, number: int, tags: Sequence[str], world: str) -> None:
        """Write down the tags of a record of a world."""
        execute = self.connection.execute
        execute("DELETE FROM tags WHERE number = ?", (number,))
        add_tags(self.connection, number, tags, world)
        packed = orjson.dumps(tags).decode("utf-8")
        execute("UPDATE records SET tagged = ?, changed = ? WHERE number = ?", (packed, self.cursor, number))

    def forget(self, numbers: Sequence[int]) -> News:
        """Take records out of the database."""
        gone: list[Record] = []
        with self.step():
            for row in rows_with(self.connection, f"SELECT {RECORD} FROM records WHERE number", numbers):  # noqa: S608 - columns
                gone.append(record_of(row))
                self.connection.execute("DELETE FROM records WHERE number = ?", (row[0],))
            self._tidy()
        self.shelf.forget(record.number for record in gone)
        return News(self.cursor, Happened.DELETED, (), tuple(gone))

    def retain(self, most: int, since: float) -> News | None:
        """Take out some of the oldest records: those before `since`, or beyond each world's newest `most`, if not 0."""
        execute = self.connection.execute
        rows = execute("SELECT number, arrived FROM records ORDER BY number LIMIT ?", (_RETIRED,))
        numbers = {number for number, arrived in rows if arrived < since}
        full = execute("SELECT world, total - ? FROM counts WHERE world <> ? AND total > ?", (most, EVERY, most))
        for world, beyond in full.fetchall() if most else ():
            oldest = "SELECT number FROM records WHERE world = ? ORDER BY number LIMIT ?"
            numbers.update(self._all(oldest, world, min(beyond, _RETIRED)))
        return self.forget(sorted(numbers)) if numbers else None

    # -- one by one -----------------------------------------------------------------------------------------------

    def _worlds(self, world: str) -> list[str]:
        """Return the world, or all that have records."""
        if world != EVERY:
            return [world]
        return [name for (name,) in self.connection.execute("SELECT world FROM counts WHERE world <> ?", (EVERY,))]

    def _known(self, world: str, idents: Sequence[str]) -> dict[Marked, int]:
        rows = rows_with(self.connection, "SELECT id, world, number FROM records WHERE id", list(dict.fromkeys(idents)))
        return {Marked(ident, own): number for ident, own, number in rows if world in {EVERY, own}}

    def _all(self, sql: str, *values: Any) -> list[int]:
        return [number for (number,) in self.connection.execute(sql, values)]

    def _set_read(self, condition: str, values: Iterable[Any], *, read: bool) -> None:
        sql = f"UPDATE records SET read = ?, changed = ? WHERE {condition} AND read <> ?"  # noqa: S608 - a condition
        self.connection.execute(sql, (read, self.cursor, *values, read))

    def _empty(self, world: str, upto: int) -> None:
        """Take all records of a world up to a number out of the database: many at once, if there are no others."""
        execute = self.connection.execute
        few = execute("SELECT total FROM counts WHERE world = ?", (EVERY,)).fetchone()[0] <= _MANY
        newer = execute("SELECT 1 FROM records WHERE number > ?", (upto,)).fetchone() is not None
        if few or newer or set(self._worlds(EVERY)) - {world}:
            some = "SELECT number FROM records WHERE world = ? AND number <= ? ORDER BY number LIMIT ?"
            while True:
                with self.step():
                    numbers = self._all(some, world, upto, _EMPTIED)
                    self._remove(numbers)
                self.shelf.forget(numbers)
                if len(numbers) < _EMPTIED:
                    break
        else:
            with self.step():
                execute("DROP TRIGGER record_removed")
                for table in ("records", *DEPENDENT):
                    # Copies of messages that are not yet in the relay's journal are of records to come.
                    rest = " WHERE number IS NOT NULL" if table == "copies" else ""
                    execute(f"DELETE FROM {table}{rest}")  # noqa: S608 - the name of a table
                execute("DELETE FROM counts WHERE world <> ?", (EVERY,))
                execute("UPDATE counts SET total = 0, unread = 0, present = 0, present_unread = 0")
                execute(REMOVING)
                self._index_anew()
            self.shelf.forget()

    def _remove(self, numbers: Iterable[int]) -> None:
        self.connection.executemany("DELETE FROM records WHERE number = ?", [(number,) for number in numbers])
        self._tidy()

    def _tidy(self) -> None:
        """Make the index of texts anew if most of it is of records that are gone."""
        total, stale = self.connection.execute(
            "SELECT total, value FROM counts, facts WHERE world = ? AND name = 'stale'", (EVERY,)
        ).fetchone()
        if stale > total + 1000:
            self._index_anew()

    def _index_anew(self) -> None:
        self.connection.execute("DROP TABLE texts")
        self.connection.execute(INDEX)
        self.connection.execute(MERGING)
        self.connection.execute("INSERT OR IGNORE INTO unindexed SELECT number FROM bodies")
        self.connection.execute("UPDATE facts SET value = 0 WHERE name = 'stale'")

    def _take_over(self, change: int) -> None:
        """Apply the marks that the database lacks."""
        marks = self.marks
        worlds = {world: marks.of_all(world) for world in marks.worlds_since(change)}
        for world, said in worlds.items():
            if said.purged:
                self._empty(world, said.purged)
        with self.step():
            everything = "world = ? AND number <= ? AND id NOT IN (SELECT id FROM temp.own)"
            self.connection.execute("CREATE TEMP TABLE own (id TEXT PRIMARY KEY)")
            new = marks.since(change)
            own = [(ident,) for ident, mark in marks.since(0).items() if mark.read is not None]
            self.connection.executemany("INSERT INTO temp.own VALUES (?)", own)
            for world, said in worlds.items():
                self._set_read(everything, (world, said.everything), read=said.everything_read)
            for marked, number in self._known(EVERY, list(new)).items():
                self._apply(number, new[marked.id], marked.world)
            self.connection.execute("DROP TABLE temp.own")

    def _apply(self, number: int, mark: Mark, world: str) -> None:
        if mark.deleted:
            self.connection.execute("DELETE FROM records WHERE number = ?", (number,))
        if mark.read is not None:
            self._set_read("number = ?", (number,), read=mark.read)
        if mark.tags is not None:
            self.set_tags(number, mark.tags, world)


class _Step:
    """A transaction of the catalog. It raises the cursor, and notes which marks are in."""

    def __init__(self, writer: Writer) -> None:
        self._writer = writer

    def __enter__(self) -> None:
        self._writer.cursor += 1
        self._writer.connection.execute("BEGIN IMMEDIATE")

    def __exit__(self, kind: type[BaseException] | None, *_: object) -> None:
        writer = self._writer
        try:
            if kind is None:
                facts = [("cursor", writer.cursor), ("marked", writer.marks.change)]
                writer.connection.executemany("INSERT OR REPLACE INTO facts VALUES (?, ?)", facts)
                writer.connection.execute("COMMIT")
        finally:
            if writer.connection.in_transaction:
                writer.connection.execute("ROLLBACK")


def _renamed(tags: list[str], old: str, new: str | None) -> list[str]:
    kept = [tag for tag in tags if tag.lower() != old.lower()]
    if new is not None and new.lower() not in {tag.lower() for tag in kept}:
        kept.append(new)
    return kept
