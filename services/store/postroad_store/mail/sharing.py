"""Mailboxes that accounts share with each other (RFC 4314)."""

from __future__ import annotations

from typing import TYPE_CHECKING

from postroad_store.mail.database.commits.sharing import SetAcl

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Iterator

    from postroad_store.mail.accounts import Accounts
    from postroad_store.mail.database.commits.sharing import Change
    from postroad_store.mail.database.reader import Reader
    from postroad_store.mail.model.account import Account
    from postroad_store.mail.model.mailbox import Mailbox
    from postroad_store.mail.model.observer import Follower
    from postroad_store.mail.writer import Writer


class Sharing:
    """Who shares mailboxes, and the commit that does it. The store sets `fellows`: accounts share with these alone."""

    def __init__(self, writer: Writer, reader: Reader, accounts: Accounts) -> None:
        self._writer = writer
        self._reader = reader
        self._accounts = accounts
        self.fellows: Callable[[str, str], bool] = lambda _login, _other: True
        self.followers: set[Follower] = set()

    def set(self, account: Account, mailbox: Mailbox, identifier: str, change: Change) -> Awaitable[None]:
        """Commit: change the rights of an identifier; raises `NoSuchMailbox`, `LimitReached`."""
        return self._writer.submit(SetAcl(account, mailbox, identifier, change, self.followers))

    def owner(self, login: str, account: Account) -> Account | None:
        """Read: return an account by its login; None if it has not been made, or is none of `account`'s fellows."""
        return self._accounts.owner(login) if self.fellows(login, account.login) else None

    def login_of(self, mailbox: Mailbox) -> str:
        """Read: return the login of a mailbox's owner."""
        return self._reader.login(mailbox.account)

    def others(self, account: Account) -> Iterator[Account]:
        """Read: yield the other accounts that share mailboxes with anybody."""
        for login in self._reader.sharers(account.id):
            owner = self.owner(login, account)
            if owner is not None:
                yield owner
