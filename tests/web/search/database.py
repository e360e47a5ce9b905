"""A catalog's database in memory, with the records that a test gives it."""

from __future__ import annotations

import sqlite3
from typing import TYPE_CHECKING

import orjson

from postroad_web.catalog.database import INDEX, SCHEMA, add_tags
from postroad_web.catalog.rows import digest_columns
from postroad_web.search.functions import install

if TYPE_CHECKING:
    from collections.abc import Iterable

    from postroad_web.search import Query
    from postroad_web.search.match import Subject


def database(subjects: Iterable[Subject], *, unindexed: int = 0) -> sqlite3.Connection:
    """Return a database that holds these records; the last `unindexed` of them are not in the index yet."""
    connection = sqlite3.connect(":memory:", isolation_level=None)
    connection.executescript(SCHEMA + INDEX)
    install(connection)
    connection.execute("BEGIN")
    rows = list(subjects)
    for place, subject in enumerate(rows):
        insert(connection, subject, indexed=place < len(rows) - unindexed)
    connection.execute("COMMIT")
    return connection


def insert(connection: sqlite3.Connection, subject: Subject, *, indexed: bool = True) -> None:
    """Write a record as the catalog does."""
    record, text, header = subject
    recipients = [recipient.address for recipient in record.recipients]
    named = {
        "number": record.number,
        "id": record.id,
        "world": record.world,
        "changed": 0,
        "origin": record.origin,
        "arrived": record.arrived,
        "sender": record.sender,
        "recipients": "".join(["\n", *(f"{address.lower()}\n" for address in recipients)]),
        "message_id": record.message_id,
        "size": record.size,
        "state": record.state,
        "read": record.read,
        "tagged": orjson.dumps(record.tags).decode(),
        "rest": b"",
    }
    if record.digest is not None:
        columns = ("subject", "from_", "to_", "cc", "bcc", "reply_to", "attachments", "inline", "digest")
        named |= dict(zip(columns, digest_columns(record.digest, recipients), strict=True))
        connection.execute("INSERT INTO bodies VALUES (?, ?)", (record.number, text))
        connection.execute("INSERT INTO headers VALUES (?, ?)", (record.number, header))
        if indexed:
            connection.execute("INSERT INTO texts (rowid, text) VALUES (?, ?)", (record.number, text))
        else:
            connection.execute("INSERT INTO unindexed VALUES (?)", (record.number,))
    marks = ", ".join("?" * len(named))
    connection.execute(f"INSERT INTO records ({', '.join(named)}) VALUES ({marks})", tuple(named.values()))
    add_tags(connection, record.number, record.tags, record.world)
    for recipient in record.recipients:
        for copy in recipient.copies:
            place = (copy.account, copy.mailbox, copy.uid_validity, copy.uid)
            connection.execute(
                "INSERT OR REPLACE INTO copies (account, mailbox, uid_validity, uid, store_id, recipients, captured,"
                " removed, number) VALUES (?, ?, ?, ?, '', '[]', 0, ?, ?)",
                (*place, copy.removed, record.number),
            )


def matching(connection: sqlite3.Connection, query: Query) -> list[int]:
    """Return the numbers of the records that the query's SQL finds."""
    sql, values = query.where()
    return [row[0] for row in connection.execute(f"SELECT number FROM records WHERE ({sql}) ORDER BY number", values)]
