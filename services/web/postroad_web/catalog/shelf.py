"""The journeys in the catalog's database, as the fold needs them; recent ones stay in memory.

For the writer's thread.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import orjson

from postroad_web.catalog.database import add_tags
from postroad_web.catalog.journey import Journey, Placed
from postroad_web.catalog.record import Origin
from postroad_web.catalog.rows import JOURNEY, journey_of
from postroad_web.catalog.worlds import is_admitted

if TYPE_CHECKING:
    import sqlite3
    from collections.abc import Iterable, Sequence

    from postroad_web.catalog.marks import Mark, Marks
    from postroad_web.catalog.worlds import Worlds

KEPT = 1000  # journeys in memory, of some 2 KiB

_PLACE = "account = ? AND mailbox = ? AND uid_validity = ?"
_SELECT = f"SELECT {JOURNEY} FROM records WHERE"  # noqa: S608 - a list of columns
_INSERT = (
    "INSERT INTO records (number, id, world, changed, origin, arrived, sender, recipients, message_id, size, login,"
    " about, state, removed, read, tagged, rest) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)"
)
_UPDATE = (
    "UPDATE records SET changed = ?, recipients = ?, size = ?, state = ?, removed = ?, present = ?, rest = ?"
    " WHERE number = ?"
)


class DatabaseShelf:
    """The `Shelf` of the catalog. Places and links are written at once, journeys by `flush`."""

    def __init__(self, connection: sqlite3.Connection, marks: Marks, worlds: Worlds) -> None:
        self._connection = connection
        self._marks = marks
        self._worlds = worlds
        self._by_id: dict[str, Journey] = {}
        self._by_number: dict[int, Journey] = {}
        self._by_store_id: dict[str, Journey] = {}
        self._new: dict[int, Journey] = {}
        self._changed: dict[int, Journey] = {}
        self._marked: dict[int, Mark] = {}  # of new ones

    # -- the fold's ---------------------------------------------------------------------------------------------

    def by_id(self, ident: str) -> Journey | None:
        """Return a journey by the relay's queue ID."""
        return self._by_id.get(ident) or self._load("id = ?", ident)

    def by_store_id(self, store_id: str) -> Journey | None:
        """Return the journey that a delivery belongs to."""
        journey = self._by_store_id.get(store_id)
        if journey is not None:
            return journey
        row = self._connection.execute("SELECT number FROM links WHERE store_id = ?", (store_id,)).fetchone()
        return self.by_number(row[0]) if row is not None else None

    def knows(self, world: str, when: float) -> bool:
        """Return whether something that happened in a world then belongs to one that is still there."""
        return is_admitted(self._worlds, world, when)

    def admits(self, journey: Journey) -> bool:
        """Return whether a new journey is wanted."""
        if journey.number <= self._marks.of_all(journey.world).purged:
            return False
        if not self.knows(journey.world, journey.arrived):
            return False
        mark = self._marks.of([journey.id]).get(journey.id)
        if mark is None:
            return True
        self._marked[journey.number] = mark
        return not mark.deleted

    def add(self, journey: Journey) -> None:
        """Take a new journey."""
        self._new[journey.number] = journey
        self._keep(journey)

    def change(self, journey: Journey) -> None:
        """Note that a journey has changed."""
        if journey.number not in self._new:
            self._changed[journey.number] = journey

    def link(self, store_id: str, journey: Journey) -> list[Placed]:
        """Note which journey a delivery belongs to; return the copies that have waited for it."""
        execute = self._connection.execute
        self._by_store_id[store_id] = journey
        execute("INSERT OR REPLACE INTO links VALUES (?, ?)", (store_id, journey.number))
        sql = "SELECT account, mailbox, uid_validity, uid, recipients, captured, removed FROM copies"
        rows = execute(f"{sql} WHERE store_id = ? AND number IS NULL", (store_id,)).fetchall()
        if not rows:
            return []
        execute("UPDATE copies SET number = ? WHERE store_id = ? AND number IS NULL", (journey.number, store_id))
        execute("DELETE FROM copies WHERE number = ? AND removed", (journey.number,))
        return [_placed(store_id, *row) for row in rows]

    def abandon(self, store_id: str) -> None:
        """Forget the copies that wait for a delivery."""
        self._connection.execute("DELETE FROM copies WHERE store_id = ? AND number IS NULL", (store_id,))

    def place(self, copy: Placed, journey: Journey | None) -> None:
        """Note a copy in its place."""
        self._connection.execute(
            "INSERT OR REPLACE INTO copies VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)",
            (
                *copy.place,
                copy.store_id,
                orjson.dumps(copy.addresses),
                copy.captured,
                copy.removed,
                journey.number if journey is not None else None,
            ),
        )

    def unplace(self, copy: Placed) -> None:
        """Forget a place."""
        sql = f"DELETE FROM copies WHERE {_PLACE} AND uid = ? AND store_id = ?"  # noqa: S608 - a constant
        self._connection.execute(sql, (*copy.place, copy.store_id))

    def at(
        self, account: str, mailbox: str, uid_validity: int, ranges: Sequence[tuple[int, int]]
    ) -> list[tuple[Placed, Journey | None]]:
        """Return the copies in places of a mailbox that are not removed."""
        sql = (
            "SELECT number, store_id, account, mailbox, uid_validity, uid, recipients, captured, removed FROM copies"  # noqa: S608 - a constant
            f" WHERE {_PLACE} AND uid BETWEEN ? AND ? AND NOT removed"
        )
        copies: list[tuple[Placed, Journey | None]] = []
        for low, high in ranges:
            for number, *copy in self._connection.execute(sql, (account, mailbox, uid_validity, low, high)).fetchall():
                if number is None:
                    copies.append((_placed(*copy), None))
                elif (journey := self.by_number(number)) is not None:
                    which = copy[0], tuple(copy[1:5])
                    own = [own for own in journey.placed if (own.store_id, own.place) == which and not own.removed]
                    copies += [(copy, journey) for copy in own]
        return copies

    def keep(self, token: str, name: str, account: str, world: str) -> None:
        """Keep the places in which an account has copies, for a snapshot; an earlier one of its name has gone."""
        execute = self._connection.execute
        execute("DELETE FROM kept WHERE account = ? AND name = ?", (account, name))
        execute("INSERT INTO kept (token, name, account, world) VALUES (?, ?, ?, ?)", (token, name, account, world))
        execute(
            "INSERT INTO kept SELECT ?, ?, account, ?, mailbox, uid_validity, uid, store_id, recipients, captured"
            " FROM copies WHERE account = ? AND NOT removed",
            (token, name, world, account),
        )

    def kept(self, token: str, account: str) -> list[Placed] | None:
        """Return the copies that an account had at a snapshot; None if nothing is known of it."""
        rows = self._connection.execute(
            "SELECT store_id, account, mailbox, uid_validity, uid, recipients, captured, 0 FROM kept"
            " WHERE token = ? AND account = ?",
            (token, account),
        ).fetchall()
        return [_placed(*row) for row in rows if row[2] is not None] if rows else None

    def of_account(self, account: str) -> list[tuple[Placed, Journey | None]]:
        """Return the copies of an account that are not removed."""
        sql = "SELECT DISTINCT mailbox, uid_validity FROM copies WHERE account = ?"
        copies: list[tuple[Placed, Journey | None]] = []
        for mailbox, uid_validity in self._connection.execute(sql, (account,)).fetchall():
            copies += self.at(account, mailbox, uid_validity, ((1, (1 << 32) - 1),))
        return copies

    # -- the writer's -------------------------------------------------------------------------------------------

    def by_number(self, number: int) -> Journey | None:
        """Return a journey by its number."""
        return self._by_number.get(number) or self._load("number = ?", number)

    def flush(self, cursor: int) -> tuple[list[Journey], list[Journey]]:
        """Write down the new journeys and those that have changed, and return them."""
        new, changed = list(self._new.values()), list(self._changed.values())
        self._connection.executemany(_INSERT, [self._row_of(journey, cursor) for journey in new])
        self._connection.executemany(
            _UPDATE,
            [
                (
                    cursor,
                    recipients_text(journey),
                    journey.size,
                    journey.state,
                    journey.removed,
                    is_present(journey),
                    journey.pack(),
                    journey.number,
                )
                for journey in changed
            ],
        )
        for journey in new:
            mark = self._marked.get(journey.number)
            if mark is not None and mark.tags is not None:
                add_tags(self._connection, journey.number, mark.tags, journey.world)
        self.settle()
        return new, changed

    def settle(self) -> None:
        """Forget what is written down, and the journeys that were looked at longest ago."""
        self._new.clear()
        self._changed.clear()
        self._marked.clear()
        while len(self._by_id) > KEPT:
            self._drop(next(iter(self._by_id.values())))
        while len(self._by_store_id) > KEPT:
            del self._by_store_id[next(iter(self._by_store_id))]

    def forget(self, numbers: Iterable[int] | None = None) -> None:
        """Forget journeys whose records are removed, or all (None): after a transaction that has failed."""
        if numbers is None:
            for kept in (self._by_id, self._by_number, self._by_store_id, self._new, self._changed, self._marked):
                kept.clear()
            return
        gone = set(numbers)
        for number in gone:
            journey = self._by_number.get(number)
            if journey is not None:
                self._drop(journey)
        for store_id in [name for name, journey in self._by_store_id.items() if journey.number in gone]:
            del self._by_store_id[store_id]

    def _drop(self, journey: Journey) -> None:
        del self._by_id[journey.id]
        del self._by_number[journey.number]

    def _keep(self, journey: Journey) -> None:
        self._by_id[journey.id] = journey
        self._by_number[journey.number] = journey

    def _load(self, condition: str, value: Any) -> Journey | None:
        row = self._connection.execute(f"{_SELECT} {condition}", (value,)).fetchone()
        if row is None:
            return None
        journey = journey_of(row)
        self._keep(journey)
        return journey

    def _row_of(self, journey: Journey, cursor: int) -> tuple[Any, ...]:
        mark = self._marked.get(journey.number)
        tags = mark.tags if mark is not None and mark.tags is not None else ()
        return (
            journey.number,
            journey.id,
            journey.world,
            cursor,
            journey.origin,
            journey.arrived,
            journey.sender,
            recipients_text(journey),
            journey.message_id,
            journey.size,
            journey.login,
            journey.about,
            journey.state,
            journey.removed,
            self._marks.is_read(mark, journey.number, journey.world),
            orjson.dumps(tags).decode("utf-8"),
            journey.pack(),
        )


def recipients_text(journey: Journey) -> str:
    """Return the envelope's recipients as the column `recipients` has them."""
    return "".join(["\n", *(f"{recipient.address.lower()}\n" for recipient in journey.recipients)])


def is_present(journey: Journey) -> bool:
    """Return what the column `present` has."""
    return journey.digested == 1 and journey.origin is not Origin.REPORT and not journey.removed


def _placed(*columns: Any) -> Placed:
    store_id, account, mailbox, uid_validity, uid, addresses, captured, removed = columns
    addresses = orjson.loads(addresses)
    return Placed(store_id, account, mailbox, uid_validity, uid, addresses, bool(captured), bool(removed))
