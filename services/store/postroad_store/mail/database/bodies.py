"""Bodies, cut in pieces so that a range of a large one is read without the rest."""

from __future__ import annotations

from typing import TYPE_CHECKING

from postroad_store.mail.database.schema import PIECE, PIECE_BITS

if TYPE_CHECKING:
    from sqlite3 import Connection


def write_body(db: Connection, content: int, octets: bytes, header_size: int) -> None:
    """Insert what follows the header section of a content."""
    first = content << PIECE_BITS
    if len(octets) - header_size <= PIECE:
        db.execute("INSERT INTO octets VALUES (?, ?)", (first, octets[header_size:]))
        return
    view = memoryview(octets)
    for number, start in enumerate(range(header_size, len(octets), PIECE)):
        db.execute("INSERT INTO octets VALUES (?, ?)", (first + number, view[start : start + PIECE]))
