"""The mailboxes in use: one object per mailbox for all callers."""

from __future__ import annotations

from typing import TYPE_CHECKING
from weakref import WeakValueDictionary

from postroad_store.mail.model.mailbox import Mailbox

if TYPE_CHECKING:
    from collections.abc import Collection

    from postroad_store.mail.model.contents import MailboxRow


class Mailboxes:
    """Mailboxes by id, as long as an account, a session or a commit holds them."""

    def __init__(self) -> None:
        self._by_id: WeakValueDictionary[int, Mailbox] = WeakValueDictionary()

    def adopt(self, row: MailboxRow) -> Mailbox:
        """Return the object of the mailbox that this row describes.

        A session may still hold a mailbox of an account that has been forgotten, so a second object must not be made.
        """
        mailbox = self._by_id.get(row.id)
        if mailbox is None:
            mailbox = self._by_id[row.id] = Mailbox(row)
        return mailbox

    def of(self, account: int) -> list[Mailbox]:
        """Return the mailboxes of an account that somebody holds."""
        return self.among({account})

    def among(self, accounts: Collection[int]) -> list[Mailbox]:
        """Return those of several accounts."""
        return [mailbox for mailbox in list(self._by_id.values()) if mailbox.account in accounts]
