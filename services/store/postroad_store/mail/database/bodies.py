"""Bodies, cut in pieces so that a range of a large one is read without the rest."""

from __future__ import annotations

from typing import TYPE_CHECKING

from postroad_store.mail.database.schema import PIECE, PIECE_BITS

if TYPE_CHECKING:
    from collections.abc import Iterable
    from sqlite3 import Connection


def octets_of(db: Connection, content: int) -> bytes:
    """Return what is stored of a content."""
    pieces = db.execute("SELECT CAST(header AS BLOB) FROM contents WHERE id = ?", (content,)).fetchall()
    first = content << PIECE_BITS
    pieces += db.execute(
        "SELECT CAST(octets AS BLOB) FROM octets WHERE piece BETWEEN ? AND ? ORDER BY piece",
        (first, first + (1 << PIECE_BITS) - 1),
    ).fetchall()
    return b"".join([piece for (piece,) in pieces])


def write_body(db: Connection, content: int, octets: bytes, header_size: int) -> None:
    """Insert what follows the header section of a content."""
    if len(octets) - header_size <= PIECE:
        db.execute(_INSERT, body_of(content, octets, header_size))
        return
    first = content << PIECE_BITS
    view = memoryview(octets)
    for number, start in enumerate(range(header_size, len(octets), PIECE)):
        db.execute(_INSERT, (first + number, view[start : start + PIECE]))


def body_of(content: int, octets: bytes, header_size: int) -> tuple[int, bytes]:
    """Return the row of a body of one piece."""
    return content << PIECE_BITS, octets[header_size:]


def insert_bodies(db: Connection, bodies: Iterable[tuple[int, bytes]]) -> None:
    """Insert such rows."""
    db.executemany(_INSERT, bodies)


_INSERT = "INSERT INTO octets VALUES (?, ?)"
