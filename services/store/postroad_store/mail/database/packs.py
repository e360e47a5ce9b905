"""Writes packs of mailboxes' blocks, and forgets those that are no longer right.

A block has 4,096 UIDs. The last one of a mailbox, which still fills, has no pack. When it is full, the commit that
fills it writes its pack. A block whose messages change loses its pack, and gets a new one when the mailbox is quiet
(`mail.packer`); meanwhile its entries are read row by row, which takes 5 ms.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from postroad_store.mail.database.rows import joined
from postroad_store.mail.database.stretches import read_parts
from postroad_store.mail.model.columns import Columns
from postroad_store.mail.model.pack import pack, unpack

if TYPE_CHECKING:
    from collections.abc import Iterator
    from sqlite3 import Connection

    from postroad_store.mail.model.ranges import Runs

BITS = 12  # of a UID, in its block
BLOCKS = 20  # bits of a block's number: all UIDs (RFC 3501 §2.3.1.1) have 32
CHUNK = 500  # rows that are taken at once: they fit the processor's cache, and other threads need not wait long


def has_full_blocks(uid_next: int) -> bool:
    """Return whether a mailbox with this UIDNEXT can have packs."""
    return bool(uid_next >> BITS)


def forget_packs(db: Connection, mailbox: int, runs: Runs, uid_next: int) -> None:
    """Forget the packs of blocks that have these UIDs, which are about to change; there are none of other blocks."""
    done, full = -1, (uid_next >> BITS) - 1
    for low, high in runs:
        first, last = max(low >> BITS, done + 1), min(high >> BITS, full)
        if first <= last:
            db.execute(
                "DELETE FROM packs WHERE id BETWEEN ? AND ?", (mailbox << BLOCKS | first, mailbox << BLOCKS | last)
            )
            done = last


def pack_full(db: Connection, mailbox: int, before: int, uid_next: int) -> None:
    """Pack the blocks that have become full, as UIDNEXT went from `before` to `uid_next`."""
    for block in range(before >> BITS, uid_next >> BITS):
        write_pack(db, mailbox, block)


def write_pack(db: Connection, mailbox: int, block: int) -> None:
    """Pack a block."""
    octets = pack(read_block(db, mailbox, block))
    db.execute("INSERT OR REPLACE INTO packs VALUES (?, ?)", (mailbox << BLOCKS | block, octets))


def read_block(db: Connection, mailbox: int, block: int) -> Columns:
    """Return what the entries of a block say."""
    columns = Columns()
    read_entries(db, columns, mailbox, block << BITS, (block + 1 << BITS) - 1)
    return columns


def unpacked(db: Connection, mailbox: int, uid_next: int) -> Iterator[int]:
    """Yield the numbers of full blocks that have no pack."""
    ids = db.execute("SELECT id FROM packs WHERE id BETWEEN ? AND ? ORDER BY id", _blocks(mailbox)).fetchall()
    packed = {number & (1 << BLOCKS) - 1 for (number,) in ids}
    return (block for block in range(uid_next >> BITS) if block not in packed)


def read_columns(db: Connection, mailbox: int) -> tuple[Columns, bool]:
    """Return what is in a mailbox, from packs or else from entries, and whether each full block had its pack."""
    columns, whole = Columns(), True
    block = 0  # the next one to be read
    for number, octets in db.execute(
        "SELECT id, columns FROM packs WHERE id BETWEEN ? AND ? ORDER BY id", _blocks(mailbox)
    ):
        at = number & (1 << BLOCKS) - 1
        if at > block:
            whole = False
            read_entries(db, columns, mailbox, block << BITS, (at << BITS) - 1)
        if not unpack(columns, octets):
            whole = False
            read_entries(db, columns, mailbox, at << BITS, (at + 1 << BITS) - 1)
        block = at + 1
    read_entries(db, columns, mailbox, block << BITS, 1 << 32)
    return columns, whole and (not columns.uids or columns.uids[-1] >> BITS <= block)


def _blocks(mailbox: int) -> tuple[int, int]:
    return mailbox << BLOCKS, (mailbox + 1 << BLOCKS) - 1


def read_entries(db: Connection, columns: Columns, mailbox: int, low: int, high: int) -> None:
    """Read these UIDs' entries into the columns."""
    for first, last, stretch in read_parts(db, mailbox, [(low, high)]):
        said = (stretch.flags, stretch.modseq) if stretch else (None, None)
        cursor = db.execute(_ENTRIES, (*said, mailbox, first, last))
        while rows := cursor.fetchmany(CHUNK):
            uids, flags, wide, sizes, dates, modseqs = zip(*rows, strict=True)
            columns.extend(uids, map(joined, flags, wide) if any(wide) else flags, sizes, dates, modseqs)


_ENTRIES = (
    "SELECT uid, ifnull(?, flags), wide_flags, size, internal_date, ifnull(?, modseq) FROM entries"
    " WHERE mailbox = ? AND uid BETWEEN ? AND ? ORDER BY uid"
)
