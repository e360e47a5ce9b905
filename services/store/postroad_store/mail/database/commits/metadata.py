"""The commit that annotates a mailbox or the server (RFC 5464 §4.3)."""

from __future__ import annotations

from typing import TYPE_CHECKING

from postroad_store.mail.database.commits.base import Commit
from postroad_store.mail.database.commits.special_use import take_uses
from postroad_store.mail.model.annotations import MAX_ENTRIES, SPECIAL_USE, is_private
from postroad_store.mail.model.errors import NoSuchMailbox, TooManyAnnotations

if TYPE_CHECKING:
    from collections.abc import Mapping
    from sqlite3 import Connection

    from postroad_store.mail.database.commits.special_use import Uses
    from postroad_store.mail.model.account import Account
    from postroad_store.mail.model.mailbox import Mailbox


class Annotate(Commit["Uses", "Uses"]):
    """Set or remove entries, all or none; returns what the special uses of mailboxes have become.

    `mailbox` is None for the server. `special_use` is set if the entries have `SPECIAL_USE`: then its value is checked.
    """

    def __init__(self, account: Account, mailbox: Mailbox | None, entries: Mapping[str, bytes | None]) -> None:
        self._account = account
        self._mailbox = mailbox
        self._entries = entries

    def write(self, db: Connection) -> Uses:
        """Write the entries; raises `NoSuchMailbox`, `TooManyAnnotations`."""
        mailbox = 0 if self._mailbox is None else self._mailbox.id
        if mailbox and db.execute("SELECT 1 FROM mailboxes WHERE id = ?", (mailbox,)).fetchone() is None:
            raise NoSuchMailbox("the mailbox has gone")
        uses: Uses = []
        for entry, value in self._entries.items():
            account = self._account.id if is_private(entry) else 0
            if entry == SPECIAL_USE and self._mailbox is not None:
                uses = self._give_use(db, self._mailbox, value)
            elif value is None:
                db.execute(_REMOVE, (mailbox, account, entry))
            else:
                db.execute("INSERT OR REPLACE INTO metadata VALUES (?, ?, ?, ?)", (mailbox, account, entry, value))
        for account in (0, self._account.id):
            (count,) = db.execute(_COUNT, (mailbox, account)).fetchone()
            if count > MAX_ENTRIES:
                raise TooManyAnnotations(f"a mailbox has at most {MAX_ENTRIES} annotations of each kind")
        return uses

    def _give_use(self, db: Connection, mailbox: Mailbox, value: bytes | None) -> Uses:
        """Give a mailbox its special use, and take it from others (RFC 6154 §4)."""
        use = None if value is None else value.decode("ascii")
        uses = take_uses(db, self._account.id, use or "", but=mailbox.name)
        db.execute("UPDATE mailboxes SET special_use = ? WHERE id = ?", (use, mailbox.id))
        return [*uses, (mailbox.name, use)]

    def show(self, written: Uses) -> Uses:
        """Show the special uses; annotations are read when they are asked for."""
        for name, use in written:
            self._account.set_special_use(name, use)
        return written


_REMOVE = "DELETE FROM metadata WHERE mailbox = ? AND account = ? AND entry = ?"
_COUNT = "SELECT count(*) FROM metadata WHERE mailbox = ? AND account = ?"
