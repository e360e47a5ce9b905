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
from postroad_web.catalog.marks import Mark, Marks
from postroad_web.catalog.rows import RECORD, record_of
from postroad_web.catalog.shelf import DatabaseShelf

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence
    from pathlib import Path

    from postroad_web.catalog.record import Record

UNLINKED = 10_000  # copies that may wait for their deliveries over a restart
_RETIRED = 500  # of the oldest records, looked at in one step


class News(NamedTuple):
    """What one step changed, as the hub will tell it; `records` only of those that are gone."""

    cursor: int
    kind: Happened
    numbers: Sequence[int] = ()
    records: tuple[Record, ...] = ()


class Writer:
    """The catalog's and the marks' databases, open for writing."""

    def __init__(self, directory: Path) -> None:
        self.connection = open_writer(directory)
        # Deliveries that no relay has told of: those to the store's own port, or from before a gap.
        self.connection.execute(
            "DELETE FROM copies WHERE number IS NULL AND store_id <= (SELECT store_id FROM copies WHERE number IS NULL"
            " ORDER BY store_id DESC LIMIT 1 OFFSET ?)",
            (UNLINKED,),
        )
        self.marks = Marks(directory)
        self.shelf = DatabaseShelf(self.connection, self.marks)
        facts = self.facts()
        # Cursors of changes never come twice, even when the database is made anew.
        self.cursor: int = facts.get("cursor", int(time.time() * 1_000_000))
        if facts.get("marked", 0) != self.marks.change:
            self._take_over(facts.get("marked", 0))

    def close(self) -> None:
        """Close both databases."""
        self.connection.close()
        self.marks.close()

    def facts(self) -> dict[str, Any]:
        """Return the positions in the journals, and the last change and mark that are in the database."""
        return dict(self.connection.execute("SELECT name, value FROM facts"))

    # -- marks ----------------------------------------------------------------------------------------------------

    def mark(self, idents: Sequence[str] | None, *, read: bool) -> News:
        """Mark records, or all, as read or unread."""
        if idents is None:
            newest = self.connection.execute("SELECT coalesce(max(number), 0) FROM records").fetchone()[0]
            self.marks.set_all_read(newest, read=read)
            with self.step():
                numbers = self._all("SELECT number FROM records WHERE read <> ?", read)
                self._set_read("number <= ?", (newest,), read=read)
            return News(self.cursor, Happened.UPDATED, numbers)
        known = self._known(idents)
        self.marks.set_read(known, read=read)
        with self.step():
            for number in known.values():
                self._set_read("number = ?", (number,), read=read)
        return News(self.cursor, Happened.UPDATED, tuple(known.values()))

    def tag(self, idents: Sequence[str], tags: Sequence[str]) -> News:
        """Give records these tags in place of those that they have."""
        known = self._known(idents)
        self.marks.set_tags(dict.fromkeys(known, tags))
        with self.step():
            for number in known.values():
                self.set_tags(number, tags)
        return News(self.cursor, Happened.UPDATED, tuple(known.values()))

    def rename_tag(self, old: str, new: str | None) -> News:
        """Give a tag another name, or None: take it away from all records."""
        rows = self.connection.execute(
            "SELECT number, id, tagged FROM records WHERE number IN (SELECT number FROM tags WHERE tag = ?)", (old,)
        ).fetchall()
        renamed = {(number, ident): _renamed(orjson.loads(tagged), old, new) for number, ident, tagged in rows}
        self.marks.set_tags({ident: tags for (_, ident), tags in renamed.items()})
        with self.step():
            for (number, _), tags in renamed.items():
                self.set_tags(number, tags)
        return News(self.cursor, Happened.TAGS, [number for number, _ in renamed])

    def delete(self, idents: Sequence[str]) -> News:
        """Take records out of the catalog; nothing else loses them."""
        known = self._known(idents)
        self.marks.delete(known)
        return self.forget(tuple(known.values()))

    def purge(self, upto: int) -> News:
        """Take all records up to a number out of the catalog."""
        self.marks.purge(upto)
        self._empty(upto)
        return News(self.cursor, Happened.PURGED)

    # -- the same for those that follow the journals ----------------------------------------------------------

    def step(self) -> _Step:
        """Return a transaction with a cursor of its own."""
        return _Step(self)

    def set_tags(self, number: int, tags: Sequence[str]) -> None:
        """Write down a record's tags."""
        execute = self.connection.execute
        execute("DELETE FROM tags WHERE number = ?", (number,))
        add_tags(self.connection, number, tags)
        packed = orjson.dumps(tags).decode("utf-8")
        execute("UPDATE records SET tagged = ?, changed = ? WHERE number = ?", (packed, self.cursor, number))

    def forget(self, numbers: Sequence[int]) -> News:
        """Take records out of the database."""
        gone: list[Record] = []
        with self.step():
            for row in rows_with(self.connection, f"SELECT {RECORD} FROM records WHERE number", numbers):  # noqa: S608 - columns
                gone.append(record_of(row))
                self.connection.execute("DELETE FROM records WHERE number = ?", (row[0],))
            total, stale = self.connection.execute("SELECT total, stale FROM counts").fetchone()
            if stale > total + 1000:
                self._index_anew()
        self.shelf.forget(record.number for record in gone)
        return News(self.cursor, Happened.DELETED, (), tuple(gone))

    def retain(self, most: int, since: float) -> News | None:
        """Take the oldest records out, some of those beyond the newest `most` (0: any number) or before `since`."""
        total = self.connection.execute("SELECT total FROM counts").fetchone()[0]
        rows = self.connection.execute("SELECT number, arrived FROM records ORDER BY number LIMIT ?", (_RETIRED,))
        beyond = total - most if most else 0
        numbers = [number for place, (number, arrived) in enumerate(rows) if place < beyond or arrived < since]
        return self.forget(numbers) if numbers else None

    # -- one by one -----------------------------------------------------------------------------------------------

    def _known(self, idents: Sequence[str]) -> dict[str, int]:
        return dict(rows_with(self.connection, "SELECT id, number FROM records WHERE id", list(dict.fromkeys(idents))))

    def _all(self, sql: str, *values: Any) -> list[int]:
        return [number for (number,) in self.connection.execute(sql, values)]

    def _set_read(self, condition: str, values: Iterable[Any], *, read: bool) -> None:
        sql = f"UPDATE records SET read = ?, changed = ? WHERE {condition} AND read <> ?"  # noqa: S608 - a condition
        self.connection.execute(sql, (read, self.cursor, *values, read))

    def _empty(self, upto: int) -> None:
        """Take all records up to a number out of the database: at once, if there are no others."""
        execute = self.connection.execute
        with self.step():
            if execute("SELECT 1 FROM records WHERE number > ?", (upto,)).fetchone() is not None:
                execute("DELETE FROM records WHERE number <= ?", (upto,))
                execute("DELETE FROM copies WHERE number IS NULL")
            else:
                execute("DROP TRIGGER record_removed")
                for table in ("records", *DEPENDENT):
                    execute(f"DELETE FROM {table}")  # noqa: S608 - the name of a table
                execute("UPDATE counts SET total = 0, unread = 0, present = 0, present_unread = 0")
                execute(REMOVING)
            self._index_anew()
        self.shelf.forget()

    def _index_anew(self) -> None:
        self.connection.execute("DROP TABLE texts")
        self.connection.execute(INDEX)
        self.connection.execute(MERGING)
        self.connection.execute("INSERT OR IGNORE INTO unindexed SELECT number FROM bodies")
        self.connection.execute("UPDATE counts SET stale = 0")

    def _take_over(self, change: int) -> None:
        """Apply the marks that the database lacks."""
        marks = self.marks
        if marks.purged:
            self._empty(marks.purged)
        with self.step():
            everything = "id NOT IN (SELECT id FROM temp.own) AND number <= ?"
            self.connection.execute("CREATE TEMP TABLE own (id TEXT PRIMARY KEY)")
            new = marks.since(change)
            own = [(ident,) for ident, mark in marks.since(0).items() if mark.read is not None]
            self.connection.executemany("INSERT INTO temp.own VALUES (?)", own)
            self._set_read(everything, (marks.everything,), read=marks.everything_read)
            for ident, number in self._known(list(new)).items():
                self._apply(number, new[ident])
            self.connection.execute("DROP TABLE temp.own")

    def _apply(self, number: int, mark: Mark) -> None:
        if mark.deleted:
            self.connection.execute("DELETE FROM records WHERE number = ?", (number,))
        if mark.read is not None:
            self._set_read("number = ?", (number,), read=mark.read)
        if mark.tags is not None:
            self.set_tags(number, mark.tags)


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
