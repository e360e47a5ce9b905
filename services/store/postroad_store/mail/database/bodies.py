"""Bodies, cut in pieces so that a range of a large one is read without the rest."""

from __future__ import annotations

from typing import TYPE_CHECKING

from postroad_store.mail.database.schema import PIECE, PIECE_BITS

if TYPE_CHECKING:
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
    first = content << PIECE_BITS
    if len(octets) - header_size <= PIECE:
        db.execute("INSERT INTO octets VALUES (?, ?)", (first, octets[header_size:]))
        return
    view = memoryview(octets)
    for number, start in enumerate(range(header_size, len(octets), PIECE)):
        db.execute("INSERT INTO octets VALUES (?, ?)", (first + number, view[start : start + PIECE]))
