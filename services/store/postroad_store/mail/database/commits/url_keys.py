"""Commits that make and drop the keys of authorized URLs (RFC 4467 §2.2, §7 RESETKEY)."""

from __future__ import annotations

from typing import TYPE_CHECKING

from postroad_store.mail.database.commits.base import Commit
from postroad_store.mail.model.errors import NoSuchMailbox

if TYPE_CHECKING:
    from sqlite3 import Connection

    from postroad_store.mail.model.account import Account
    from postroad_store.mail.model.mailbox import Mailbox


class MakeUrlKey(Commit[bytes, bytes]):
    """Give a mailbox a key, unless it has one; or a new one in any case. Returns the key that counts."""

    def __init__(self, account: Account, mailbox: Mailbox, key: bytes, *, renew: bool) -> None:
        self._values = (mailbox.id, account.id, key)
        self._renew = renew

    def write(self, db: Connection) -> bytes:
        """Write the key; raises `NoSuchMailbox`."""
        if db.execute("SELECT 1 FROM mailboxes WHERE id = ? AND selectable", self._values[:1]).fetchone() is None:
            raise NoSuchMailbox("the mailbox has gone")
        db.execute(_RENEW if self._renew else _MAKE, self._values)
        ((key,),) = db.execute(
            "SELECT key FROM url_keys WHERE mailbox = ? AND account = ?", self._values[:2]
        ).fetchall()
        return bytes(key)

    def show(self, written: bytes) -> bytes:
        """Return the key; it is read when it is needed."""
        return written


_MAKE = "INSERT OR IGNORE INTO url_keys VALUES (?, ?, ?)"
_RENEW = "INSERT OR REPLACE INTO url_keys VALUES (?, ?, ?)"


class DropUrlKeys(Commit[None, None]):
    """Remove all keys of an account."""

    def __init__(self, account: Account) -> None:
        self._account = account

    def write(self, db: Connection) -> None:
        """Remove them."""
        db.execute("DELETE FROM url_keys WHERE account = ?", (self._account.id,))

    def show(self, written: None) -> None:
        """Do nothing: keys are read when they are needed."""
