"""Quotas: the commit that sets one, and the check that commits make that add messages (RFC 9208)."""

from __future__ import annotations

from typing import TYPE_CHECKING, TypeAlias

from postroad.world.quota import Quota
from postroad_store.mail.database.commits.base import Commit
from postroad_store.mail.model.errors import OverQuota

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable
    from sqlite3 import Connection

    from postroad_store.mail.model.account import Account

# What the world gives an account, by its login; None: nothing limits anybody
Allowed: TypeAlias = "Callable[[str], Quota] | None"


class SetQuota(Commit[None, None]):
    """Set the limits of an account, whatever the world says; None: as the world says."""

    def __init__(self, account: Account, quota: Quota | None) -> None:
        self._account = account
        self._quota = quota

    def write(self, db: Connection) -> None:
        """Write the limits."""
        if self._quota is None:
            db.execute("DELETE FROM quotas WHERE account = ?", (self._account.id,))
        else:
            values = (self._account.id, self._quota.storage, self._quota.messages)
            db.execute("INSERT OR REPLACE INTO quotas VALUES (?, ?, ?)", values)

    def show(self, written: None) -> None:
        """Do nothing: quotas are read when they are asked for."""


def check_room(db: Connection, mailboxes: Iterable[int], allowed: Allowed) -> None:
    """Raise `OverQuota` if the accounts of these mailboxes now have more than they may.

    The writer has added the messages already, so no other commit comes between the check and the messages.
    """
    if allowed is None:
        return
    over: set[str] = set()
    checked: set[int] = set()
    for mailbox in set(mailboxes):
        row = db.execute(_USAGE, (mailbox,)).fetchone()
        if row is None or row[0] in checked:
            continue
        account, login, octets, messages, own, storage_limit, message_limit = row
        checked.add(account)
        quota = allowed(login) if own is None else Quota(storage_limit, message_limit)
        if exceeds(quota, octets, messages):
            over.add(login)
    if over:
        raise OverQuota("the mailbox is full", frozenset(over))


def of_one_account(db: Connection, *mailboxes: int) -> bool:
    """Return True if these mailboxes belong to one account."""
    accounts = {db.execute("SELECT account FROM mailboxes WHERE id = ?", (each,)).fetchone() for each in mailboxes}
    return len(accounts) == 1


def exceeds(quota: Quota, octets: int, messages: int) -> bool:
    """Return True if so much is more than the quota allows."""
    return (quota.storage is not None and octets > quota.storage) or (
        quota.messages is not None and messages > quota.messages
    )


_USAGE = (
    "SELECT a.id, a.login, a.octets, a.messages, q.account, q.storage, q.messages FROM mailboxes m"
    " JOIN accounts a ON a.id = m.account LEFT JOIN quotas q ON q.account = a.id WHERE m.id = ?"
)
