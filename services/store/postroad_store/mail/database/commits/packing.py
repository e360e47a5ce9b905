"""The commit that packs blocks of a mailbox again, after their messages have changed."""

from __future__ import annotations

from itertools import islice
from typing import TYPE_CHECKING

from postroad_store.mail.database.commits.base import Commit
from postroad_store.mail.database.packs import unpacked, write_pack

if TYPE_CHECKING:
    from sqlite3 import Connection

    from postroad_store.mail.model.mailbox import Mailbox

BLOCKS = 2  # of one commit: other commits wait some 10 ms


class Pack(Commit[bool, bool]):
    """Pack a few blocks; return whether there may be more."""

    def __init__(self, mailbox: Mailbox) -> None:
        self._mailbox = mailbox

    def write(self, db: Connection) -> bool:
        """Pack blocks that are full and have no pack."""
        number = self._mailbox.id
        row = db.execute("SELECT uid_next FROM mailboxes WHERE id = ?", (number,)).fetchone()
        if row is None:
            return False
        blocks = list(islice(unpacked(db, number, row[0]), BLOCKS))
        for block in blocks:
            write_pack(db, number, block)
        return len(blocks) == BLOCKS

    def show(self, written: bool) -> bool:
        """Do nothing: no mailbox in memory knows of packs."""
        return written
