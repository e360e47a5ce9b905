"""Commits that make accounts, and change what they are subscribed to (RFC 3501 §6.3.6, §6.3.7)."""

from __future__ import annotations

from typing import TYPE_CHECKING

from postroad.value import value
from postroad_store.mail.database.commits.base import Commit
from postroad_store.mail.database.packs import forget_packs
from postroad_store.mail.database.rows import insert_mailbox
from postroad_store.mail.model.account import INBOX, MAX_SUBSCRIPTIONS, SPECIAL_USE, checked_name
from postroad_store.mail.model.errors import LimitReached

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from sqlite3 import Connection

    from postroad_store.mail.model.account import Account


class NewAccount(Commit[None, None]):
    """Make an account with INBOX and the mailboxes of special use; nothing where it exists."""

    def __init__(self, login: str, now: int) -> None:
        self._login = login
        self._now = now

    def write(self, db: Connection) -> None:
        """Insert the account and its mailboxes."""
        if db.execute("SELECT 1 FROM accounts WHERE login = ?", (self._login,)).fetchone():
            return
        account = db.execute(_INSERT, (self._login,)).lastrowid
        assert account is not None  # noqa: S101 - an INSERT has just set it
        insert_mailbox(db, account, INBOX, self._now)
        for name, use in SPECIAL_USE.items():
            insert_mailbox(db, account, name, self._now, special_use=use)
        db.executemany("INSERT INTO subscriptions VALUES (?, ?)", [(account, name) for name in (INBOX, *SPECIAL_USE)])

    def show(self, written: None) -> None:
        """Do nothing: the account is read when it is needed."""


# No id comes back: a session of a dropped account that is not told yet must not get another's mailboxes.
_INSERT = (
    "INSERT INTO accounts (id, login) VALUES (1 + max("
    "coalesce((SELECT max(id) FROM accounts), 0), coalesce((SELECT value FROM counters WHERE name = 'account'), 0)), ?)"
)
_KEEP_HIGHEST = (
    "INSERT INTO counters VALUES ('account', ?) ON CONFLICT (name) DO UPDATE SET value = max(value, excluded.value)"
)


@value
class _Dropped:
    logins: list[str]
    accounts: list[int]


class DropAccounts(Commit[_Dropped, None]):
    """Remove accounts with all that they have; those that were never made are left out.

    Their contents become garbage, which is collected later, a little at a time.
    """

    def __init__(
        self, logins: Sequence[str], forget: Callable[[list[str], list[int]], None], collect: Callable[[], None]
    ) -> None:
        self._logins = logins
        self._forget = forget
        self._collect = collect

    def write(self, db: Connection) -> _Dropped:
        """Delete all rows that name them."""
        gone = _Dropped([], [])
        for login in self._logins:
            db.execute("DELETE FROM hidden WHERE login = ?", (login,))
            row = db.execute("SELECT id FROM accounts WHERE login = ?", (login,)).fetchone()
            if row is None:
                continue
            for mailbox, uid_next in db.execute("SELECT id, uid_next FROM mailboxes WHERE account = ?", row).fetchall():
                db.execute("INSERT OR IGNORE INTO garbage SELECT content FROM entries WHERE mailbox = ?", (mailbox,))
                forget_packs(db, mailbox, [(0, uid_next)], uid_next)
                for statement in _OF_MAILBOX:
                    db.execute(statement, (mailbox,))
            for statement in _OF_ACCOUNT:
                db.execute(statement, row)
            gone.logins.append(login)
            gone.accounts.append(row[0])
        if gone.accounts:
            db.execute(_KEEP_HIGHEST, (max(gone.accounts),))
        return gone

    def show(self, written: _Dropped) -> None:
        """Show that they have gone."""
        self._forget(written.logins, written.accounts)
        self._collect()


_OF_MAILBOX = (
    "DELETE FROM entries WHERE mailbox = ?",
    "DELETE FROM stretches WHERE mailbox = ?",
    "DELETE FROM expunged WHERE mailbox = ?",
    "DELETE FROM keywords WHERE mailbox = ?",
    "DELETE FROM mailboxes WHERE id = ?",
)
_OF_ACCOUNT = (
    "DELETE FROM subscriptions WHERE account = ?",
    "DELETE FROM quotas WHERE account = ?",
    "DELETE FROM remembered WHERE account = ?",
    "DELETE FROM scripts WHERE account = ?",
    "DELETE FROM metadata WHERE account = ?",
    "DELETE FROM url_keys WHERE account = ?",
    "DELETE FROM threads WHERE account = ?",
    "DELETE FROM message_ids WHERE account = ?",
    "DELETE FROM accounts WHERE id = ?",
)


class Subscribe(Commit[None, None]):
    """Subscribe to a name, or end that."""

    def __init__(self, account: Account, name: str, *, subscribed: bool) -> None:
        self._account = account
        self._name = checked_name(name)
        self._subscribed = subscribed

    def write(self, db: Connection) -> None:
        """Insert or delete the name."""
        values = (self._account.id, self._name)
        if not self._subscribed:
            db.execute("DELETE FROM subscriptions WHERE account = ? AND name = ?", values)
            return
        db.execute("INSERT OR IGNORE INTO subscriptions VALUES (?, ?)", values)
        (count,) = db.execute("SELECT subscriptions FROM accounts WHERE id = ?", values[:1]).fetchone()
        if count > MAX_SUBSCRIPTIONS:
            raise LimitReached(f"an account has at most {MAX_SUBSCRIPTIONS} subscriptions")

    def show(self, written: None) -> None:  # noqa: ARG002
        """Change the account's subscriptions."""
        if self._subscribed:
            self._account.subscriptions.add(self._name)
        else:
            self._account.subscriptions.discard(self._name)
        self._account.tell_subscribed(self._name)
