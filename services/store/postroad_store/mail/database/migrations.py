"""Makes the tables, and brings those of an earlier version up to date.

A step leads from each version to the next. All steps that a database needs run in one transaction, which also writes
the new version. If it is interrupted, the database is as it was before.
"""

from __future__ import annotations

import logging
import sqlite3
from typing import TYPE_CHECKING

from postroad_store.mail.database.schema import APPLICATION, SCHEMA, STEPS, VERSION
from postroad_store.mail.model.errors import StorageError

if TYPE_CHECKING:
    from pathlib import Path

_log = logging.getLogger(__name__)


def migrate(db: sqlite3.Connection, path: Path) -> None:
    """Bring the database to `VERSION`, making its tables if it is empty.

    Raises `StorageError` if another program or a later Postroad has written it, and `sqlite3.Error`.
    """
    if _version(db) == VERSION:
        return
    db.execute("BEGIN EXCLUSIVE")
    try:
        version = _version(db)
        _check(db, version, path)
        if version == 0:
            _run(db, SCHEMA)
            db.execute(f"PRAGMA application_id = {APPLICATION}")
        else:
            for step in range(version + 1, VERSION + 1):
                _run(db, STEPS[step])
        db.execute(f"PRAGMA user_version = {VERSION}")
        db.execute("COMMIT")
    except BaseException:
        db.rollback()
        raise
    if version:
        _log.info("the mail's database %s has gone from version %d to %d", path, version, VERSION)


def check_ours(db: sqlite3.Connection, path: Path) -> None:
    """Raise `StorageError` unless this is a database of the mail, of this version."""
    version = _version(db)
    _check(db, version, path)
    if version != VERSION:
        raise StorageError(f"the mail's database {path} has schema {version}: start the store once, which changes it")


def _version(db: sqlite3.Connection) -> int:
    (version,) = db.execute("PRAGMA user_version").fetchone()
    return int(version)


def _check(db: sqlite3.Connection, version: int, path: Path) -> None:
    """Refuse a database that is not ours to change."""
    (application,) = db.execute("PRAGMA application_id").fetchone()
    (tables,) = db.execute("SELECT count(*) FROM sqlite_schema").fetchone()
    if tables and application != APPLICATION:
        raise StorageError(f"{path} is a database, but not of Postroad's mail: move it away, and start the store again")
    if not 0 <= version <= VERSION:
        raise StorageError(
            f"the mail's database {path} has schema {version}, and this Postroad knows schemas up to {VERSION}:"
            " run the Postroad that wrote it, or a later one"
        )


def _run(db: sqlite3.Connection, script: str) -> None:
    """Run statements one by one: `executescript` would end the transaction first. A trigger has `;` within it."""
    statement = ""
    for piece in script.split(";"):
        statement += f"{piece};"
        if sqlite3.complete_statement(statement):
            db.execute(statement)
            statement = ""
