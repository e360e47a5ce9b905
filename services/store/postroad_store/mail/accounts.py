"""The accounts in memory: one object per account for all callers, read when it is first asked for."""

from __future__ import annotations

from collections import OrderedDict
from typing import TYPE_CHECKING
from weakref import WeakValueDictionary

from postroad_store.mail.model.account import Account

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Iterable

    from postroad_store.mail.database.commits.snapshots import Restored
    from postroad_store.mail.database.reader import AccountRow, Reader
    from postroad_store.mail.model.mailbox import Mailbox
    from postroad_store.mail.model.mailboxes import Mailboxes

KEPT = 1000  # accounts that are kept in memory though no session uses them
MANY_MAILBOXES = 2_000  # of an account, above which it is read in a thread


class Accounts:
    """Accounts by login, as long as anybody holds them; the last ones are kept. `read_apart` reads in a thread."""

    def __init__(
        self, reader: Reader, mailboxes: Mailboxes, read_apart: Callable[[str], Awaitable[AccountRow | None]]
    ) -> None:
        self._reader = reader
        self._mailboxes = mailboxes
        self._read_apart = read_apart
        self._by_login: WeakValueDictionary[str, Account] = WeakValueDictionary()
        self._recent: OrderedDict[str, Account] = OrderedDict()

    async def find(self, login: str) -> Account | None:
        """Return an account; None if it has not been made. One with very many mailboxes is waited for."""
        account = self.known(login)
        if account is None and self._reader.mailboxes_of(login):
            read = await self._read_apart(login)
            # Somebody else may have read it meanwhile, and changed it.
            account = self._by_login.get(login) or self._adopt(login, read)
        if account is not None:
            self._recent[login] = account
            self._recent.move_to_end(login)
            if len(self._recent) > KEPT:
                self._recent.popitem(last=False)
        return account

    def known(self, login: str) -> Account | None:
        """Return an account; None if it has not been made, or has too many mailboxes to be read at once."""
        account = self._by_login.get(login)
        if account is None and 0 < self._reader.mailboxes_of(login) <= MANY_MAILBOXES:
            account = self._adopt(login, self._reader.account(login))
        return account

    def owner(self, login: str) -> Account | None:
        """Return an account, however many mailboxes it has; None if it has not been made."""
        return self._by_login.get(login) or self._adopt(login, self._reader.account(login))

    def restored(self, accounts: Iterable[Restored]) -> list[Mailbox]:
        """Show what accounts have now in the place of what they had; return their old mailboxes, which vanish."""
        gone: list[Mailbox] = []
        for restored in accounts:
            for mailbox in self._mailboxes.of(restored.id):
                mailbox.vanish(replaced=True)
                gone.append(mailbox)
            account = self._by_login.get(restored.login)
            if account is not None:
                account.replace(restored.mailboxes, restored.subscriptions)
        return gone

    def forget(self, logins: Iterable[str], numbers: Iterable[int]) -> None:
        """Note that accounts have been removed, those with these logins and numbers: their mailboxes vanish."""
        for login in logins:
            self._by_login.pop(login, None)
            self._recent.pop(login, None)
        for mailbox in self._mailboxes.among(set(numbers)):
            mailbox.vanish()

    def _adopt(self, login: str, read: AccountRow | None) -> Account | None:
        if read is None:
            return None
        number, _, mailboxes, subscriptions = read
        # Sessions, of other users too, may look at mailboxes of an account that has been forgotten meanwhile.
        used = {mailbox.id: mailbox for mailbox in self._mailboxes.of(number)}
        listed = [used.get(named.id, named) for named in mailboxes] if used else mailboxes
        self._by_login[login] = account = Account(number, login, listed, subscriptions, self._mailbox)
        return account

    def _mailbox(self, number: int) -> Mailbox | None:
        row = self._reader.mailbox(number)
        return None if row is None else self._mailboxes.adopt(row)
