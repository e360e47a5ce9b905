"""Opens the databases of what nobody but the web service knows: marks, and the worlds that the API has made."""

from __future__ import annotations

import sqlite3
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path


def open_durable(path: Path, schema: str, *, without: str) -> sqlite3.Connection:
    """Return a connection whose commits are on disk when they end; the folder is made.

    Raises `OSError`, and `sqlite3.DatabaseError` with the file and what to do: `without` it something is lost.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    connection = sqlite3.connect(path, isolation_level=None, check_same_thread=False)
    try:
        connection.execute("PRAGMA journal_mode = WAL")
        connection.execute("PRAGMA synchronous = FULL")
        connection.executescript(schema)
    except sqlite3.DatabaseError as error:
        connection.close()
        remedy = f"put a backup in its place, or move it away: then {without}"
        raise sqlite3.DatabaseError(f"{path}: {error}; {remedy}") from error
    return connection
