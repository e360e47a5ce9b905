"""The commit that changes an access control list (RFC 4314 §3.1, §3.2)."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from postroad_store.mail.database.commits.base import Commit
from postroad_store.mail.model.errors import LimitReached, NoSuchMailbox
from postroad_store.mail.model.rights import ALL, MAX_IDENTIFIERS, NONE, REQUIRED, entries_of, text_of

if TYPE_CHECKING:
    from collections.abc import Collection
    from sqlite3 import Connection

    from postroad_store.mail.model.account import Account
    from postroad_store.mail.model.mailbox import Mailbox
    from postroad_store.mail.model.observer import Follower


class Change(NamedTuple):
    """What becomes of the rights of an identifier: `add` and `remove` them, or replace them, or with None delete it."""

    rights: frozenset[str] | None
    mode: str = ""  # "+", "-", or "" to replace

    def apply(self, old: frozenset[str]) -> frozenset[str] | None:
        """Return the new rights, None if the identifier goes."""
        if self.rights is None or self.mode == "":
            return self.rights
        return old | self.rights if self.mode == "+" else old - self.rights


class SetAcl(Commit["tuple[str, str | None]", None]):
    """Change the rights of one identifier, and tell followers. The owner keeps what is required (RFC 4314 §3.7)."""

    def __init__(
        self, account: Account, mailbox: Mailbox, identifier: str, change: Change, followers: Collection[Follower] = ()
    ) -> None:
        self._account = account
        self._mailbox = mailbox
        self._identifier = identifier
        self._change = change
        self._followers = followers

    def write(self, db: Connection) -> tuple[str, str | None]:
        """Write the list; return the mailbox's name and it."""
        row = db.execute("SELECT name, acl FROM mailboxes WHERE id = ?", (self._mailbox.id,)).fetchone()
        if row is None:
            raise NoSuchMailbox("the mailbox has gone")
        name, acl = row
        entries = dict(entries_of(acl)) if acl is not None else {}
        owns = self._identifier == self._account.login
        rights = self._change.apply(entries.get(self._identifier, ALL if owns else NONE))
        if owns:  # without an entry the owner would have all rights
            rights = (rights or NONE) | REQUIRED
        if rights is None or rights == (ALL if owns else NONE):
            entries.pop(self._identifier, None)
        else:
            entries[self._identifier] = rights
        if len(entries) > MAX_IDENTIFIERS:
            raise LimitReached(f"a mailbox is shared with at most {MAX_IDENTIFIERS} identifiers")
        text = text_of(entries)
        db.execute("UPDATE mailboxes SET acl = ? WHERE id = ?", (text, self._mailbox.id))
        return name, text

    def show(self, written: tuple[str, str | None]) -> None:
        """Show the list."""
        name, acl = written
        before, self._mailbox.acl = self._mailbox.acl, acl
        self._account.set_acl(name, acl)
        for follower in tuple(self._followers):
            follower.shared(self._account, name, before, acl)
