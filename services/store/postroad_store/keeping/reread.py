"""Contents as they are stored, compared with what is stored about them; and that made anew from their octets."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from postroad.mime.structure import parse
from postroad.mime.text import is_plain
from postroad_store.mail.database.bodies import octets_of, write_body
from postroad_store.mail.database.schema import PIECE_BITS
from postroad_store.mail.database.texts import write_text
from postroad_store.mail.incoming import checksum_of

if TYPE_CHECKING:
    from collections.abc import Iterator
    from sqlite3 import Connection

STEP = 500  # contents whose numbers are read at a time

_WHOSE = (
    "SELECT coalesce((SELECT login FROM accounts WHERE id = m.account), 'an account that has gone') || ' ' || m.name,"
    " uid FROM entries e JOIN mailboxes m ON m.id = e.mailbox WHERE content = ? ORDER BY m.id, uid LIMIT 1"
)


class Wrong(NamedTuple):
    """A content that is not as it was when it came."""

    content: int
    sentence: str


def wrong_contents(db: Connection) -> Iterator[Wrong | None]:
    """Yield for each content what is wrong with it, None if nothing is."""
    after = 0
    while rows := db.execute(
        "SELECT id, size, header_size, checksum FROM contents WHERE id > ? ORDER BY id LIMIT ?", (after, STEP)
    ).fetchall():
        for content, size, header_size, checksum in rows:
            yield _wrong(db, content, size, header_size, checksum)
        after = rows[-1][0]


def _wrong(db: Connection, content: int, size: int, header_size: int, checksum: int | None) -> Wrong | None:
    octets = octets_of(db, content)
    if len(octets) != size:
        what = f"has {len(octets)} of its {size} octets"
    elif checksum is not None and checksum_of(octets) != checksum:
        what = "has other octets than when it came"
    elif parse(octets).header_size != header_size:
        what = "has its header section cut at a wrong place"
    else:
        return None
    where = db.execute(_WHOSE, (content,)).fetchone()
    return Wrong(content, f"{f'{where[0]}: the message with UID {where[1]}' if where else f'content {content}'} {what}")


def reread(db: Connection, content: int) -> None:
    """Make all that is stored about a content anew from its octets; its size changes if some are lost."""
    octets = octets_of(db, content)
    parsed = parse(octets)
    plain = is_plain(octets, parsed)
    first = content << PIECE_BITS
    db.execute(
        "UPDATE contents SET size = ?, header_size = ?, sent_day = ?, plain = ?, envelope = ?, body = ?,"
        " bodystructure = ?, parts = ?, header = ?, checksum = ? WHERE id = ?",
        (
            len(octets),
            parsed.header_size,
            parsed.sent_day,
            plain,
            parsed.envelope,
            parsed.body,
            parsed.bodystructure,
            parsed.parts,
            octets[: parsed.header_size],
            checksum_of(octets),
            content,
        ),
    )
    db.execute("DELETE FROM octets WHERE piece BETWEEN ? AND ?", (first, first + (1 << PIECE_BITS) - 1))
    write_body(db, content, octets, parsed.header_size)
    db.execute("DELETE FROM texts WHERE content = ?", (content,))
    if not plain:
        write_text(db, content, octets, parsed)
