"""Reads the catalog: records by their ID, pages of them, counts. For one thread."""

from __future__ import annotations

import contextlib
import sqlite3
import time
from typing import TYPE_CHECKING

from postroad_web.catalog.database import open_reader, rows_with, share_of, within
from postroad_web.catalog.page import Changed, Counts, Page, SearchTooLong
from postroad_web.catalog.rows import RECORD, record_of
from postroad_web.catalog.worlds import EVERY
from postroad_web.search.functions import install

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path

    from postroad_web.catalog.page import Query
    from postroad_web.catalog.record import Record

_ROW = f"SELECT {RECORD} FROM records"  # noqa: S608 - a list of columns
_OPERATIONS = 20_000  # of SQLite's virtual machine, between two looks at the clock


class Reader:
    """Reads by a connection of its own."""

    def __init__(self, directory: Path) -> None:
        self.connection = open_reader(directory)
        install(self.connection)
        self.closing = False  # set from another thread: what is read within a time is to end now

    @contextlib.contextmanager
    def within(self, seconds: float) -> Iterator[None]:
        """Raise `SearchTooLong` if what is read takes longer."""
        deadline = time.monotonic() + seconds
        self.connection.set_progress_handler(lambda: self.closing or time.monotonic() > deadline, _OPERATIONS)
        try:
            yield
        except sqlite3.OperationalError as error:
            if error.sqlite_errorcode != sqlite3.SQLITE_INTERRUPT:
                raise
            raise SearchTooLong(f"the search takes longer than {seconds:g} s") from error
        finally:
            self.connection.set_progress_handler(None, 0)

    def close(self) -> None:
        """Close the connection."""
        self.connection.close()

    def get(self, ident: str, world: str) -> Record | None:
        """Return a record of a world by its ID."""
        row = self.connection.execute(f"{_ROW} WHERE id = ?", (ident,)).fetchone()
        record = record_of(row) if row is not None else None
        return record if record is not None and world in {EVERY, record.world} else None

    def latest_number(self, world: str) -> int:
        """Return the number of the newest record of a world, 0 if there is none."""
        where, values = ("", ()) if world == EVERY else ("WHERE world = ?", (world,))
        sql = f"SELECT max(number) FROM records {where}"  # noqa: S608 - a condition
        return self.connection.execute(sql, values).fetchone()[0] or 0

    def text(self, ident: str) -> str:
        """Return the searchable text of a record, empty if its content has not been read."""
        return self._text("bodies", ident)

    def header(self, ident: str) -> str:
        """Return the header fields of a record, empty if its content has not been read."""
        return self._text("headers", ident)

    def _text(self, table: str, ident: str) -> str:
        sql = f"SELECT text FROM {table} WHERE number = (SELECT number FROM records WHERE id = ?)"  # noqa: S608 - two tables
        row = self.connection.execute(sql, (ident,)).fetchone()
        return str(row[0]) if row is not None else ""

    def counts(self, world: str, *, present: bool = False) -> Counts:
        """Return how many records a world has; with `present` those that Mailpit's dialect shows."""
        columns = "present, present_unread" if present else "total, unread"
        sql = f"SELECT {columns} FROM counts WHERE world = ?"  # noqa: S608 - columns
        return Counts(*(self.connection.execute(sql, (world,)).fetchone() or (0, 0)))

    def tag_counts(self, world: str) -> dict[str, int]:
        """Return how many records of a world have each tag, by its name."""
        where, values = ("", ()) if world == EVERY else ("WHERE world = ?", (world,))
        sql = f"SELECT min(tag), count(*) FROM tags {where} GROUP BY tag ORDER BY tag"  # noqa: S608 - a condition
        return dict(self.connection.execute(sql, values))

    def changed_since(self, world: str, cursor: int, limit: int) -> list[Changed]:
        """Return the records of a world that have changed after a cursor, in the order of their last changes."""
        where, values = ("", (cursor,)) if world == EVERY else ("world = ? AND", (world, cursor))
        sql = f"SELECT {RECORD}, changed, appeared FROM records WHERE {where} changed > ? ORDER BY changed LIMIT ?"  # noqa: S608 - columns
        rows = self.connection.execute(sql, (*values, limit))
        return [Changed(row[-2], record_of(row[:-2]), row[-1] > cursor) for row in rows]

    def page(
        self,
        world: str,
        query: Query | None = None,
        *,
        before: int | None = None,
        after: int | None = None,
        limit: int = 50,
        offset: int = 0,
        oldest_first: bool = False,
        present: bool = False,
        counted: bool = True,
    ) -> Page:
        """Return the records of a world and a `Window` that match a query, and how many match in all."""
        with self._moment():
            where, given = query.where() if query is not None else ("1", ())
            counts = self.counts(world)
            share = share_of(counts.total, lambda: self.counts(EVERY).total)
            condition, values = within(world, where, given, share)
            condition = f"{condition} AND present" if present else condition
            if query is None:
                total, unread = self.counts(world, present=True) if present else counts
            elif not counted:
                total = unread = 0
            else:
                total, unread = self.connection.execute(
                    f"SELECT count(*), coalesce(sum(read = 0), 0) FROM records WHERE {condition}",  # noqa: S608 - `where`
                    values,
                ).fetchone()
            for sign, cursor in (("<", before), (">", after)):
                if cursor is not None:
                    condition, values = f"{condition} AND number {sign} ?", (*values, cursor)
            order = "ASC" if oldest_first else "DESC"
            sql = f"{_ROW} WHERE {condition} ORDER BY number {order} LIMIT ? OFFSET ?"
            one_more = limit + 1 if limit >= 0 else -1
            records = tuple(map(record_of, self.connection.execute(sql, (*values, one_more, offset))))
            if limit < 0 or len(records) <= limit:
                return Page(records, total, unread, None)
            return Page(records[:limit], total, unread, records[limit - 1].number if limit else None)

    @contextlib.contextmanager
    def _moment(self) -> Iterator[None]:
        """Have several statements read the same: the writer commits in a thread of its own."""
        self.connection.execute("BEGIN")
        try:
            yield
        finally:
            self.connection.execute("COMMIT")

    def store_ids(self, number: int) -> list[str]:
        """Return the queue IDs that the store has given to the deliveries of a record, by its number."""
        return [row[0] for row in self.connection.execute("SELECT store_id FROM links WHERE number = ?", (number,))]

    def of_deliveries(self, store_ids: Sequence[str]) -> dict[str, str]:
        """Return the IDs of the records that deliveries belong to, by the store's queue IDs."""
        marks = ",".join("?" * len(store_ids))
        sql = f"SELECT store_id, id FROM links JOIN records USING (number) WHERE store_id IN ({marks})"  # noqa: S608 - marks
        return dict(self.connection.execute(sql, tuple(store_ids)))

    def in_place(self, account: str, mailbox: str, uid_validity: int, ranges: Sequence[tuple[int, int]]) -> list[str]:
        """Return the IDs of the records that have, or had, copies with these UIDs."""
        sql = (
            "SELECT id FROM copies JOIN records USING (number)"
            " WHERE account = ? AND mailbox = ? AND uid_validity = ? AND uid BETWEEN ? AND ?"
        )
        rows = (self.connection.execute(sql, (account, mailbox, uid_validity, *span)) for span in ranges)
        return [row[0] for rows_of_query in rows for row in rows_of_query]

    def records(self, numbers: Sequence[int]) -> tuple[Record, ...]:
        """Return the records, those that exist, by their numbers."""
        return tuple(map(record_of, rows_with(self.connection, f"{_ROW} WHERE number", numbers)))
