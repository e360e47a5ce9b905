"""The texts that searches read of messages that are not plain (`postroad.mime.text`)."""

from __future__ import annotations

from typing import TYPE_CHECKING

from postroad.mime.structure import parse
from postroad.mime.text import kept_text
from postroad_store.mail.database.bodies import octets_of

if TYPE_CHECKING:
    from sqlite3 import Connection

    from postroad.mime.structure import Parsed

STEP = 20  # messages of one commit, at most
OCTETS = 1 << 18  # of these, about: some 10 ms

# A row if texts have to be made anew, since an earlier version has written the database
UNTEXTED = "SELECT value FROM counters WHERE name = 'untexted'"
_NEXT = "SELECT id FROM contents WHERE id <= ? AND NOT plain ORDER BY id DESC LIMIT ?"


def write_text(db: Connection, content: int, octets: bytes, parsed: Parsed) -> None:
    """Keep the text of a content that is not plain, unless it is long."""
    text = kept_text(octets, parsed)
    if text is not None:
        db.execute("INSERT OR REPLACE INTO texts VALUES (?, ?, ?)", (content, *text))


def retext(db: Connection) -> bool:
    """Make the texts of some messages anew, the newest first; return whether there are more."""
    row = db.execute(UNTEXTED).fetchone()
    if row is None:
        return False
    contents = [content for (content,) in db.execute(_NEXT, (row[0], STEP)).fetchall()]
    count = octets = 0
    for content in contents:
        if octets >= OCTETS:
            break
        message = octets_of(db, content)
        write_text(db, content, message, parse(message))
        octets += len(message)
        count += 1
    if count == len(contents) < STEP:
        db.execute("DELETE FROM counters WHERE name = 'untexted'")
        return False
    db.execute("UPDATE counters SET value = ? WHERE name = 'untexted'", (contents[count - 1] - 1,))
    return True
