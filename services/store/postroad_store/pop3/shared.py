"""Shared by all POP3 sessions: mail, accounts, settings, locks."""

from __future__ import annotations

from typing import TYPE_CHECKING

from postroad_store.notes import Notes
from postroad_store.pop3.session import Session

if TYPE_CHECKING:
    from postroad.journal import Journal
    from postroad.journal.refusals import Refusals
    from postroad_store.accounts import Accounts
    from postroad_store.mail.storage import Storage

REFUSAL = b"-ERR [SYS/TEMP] Too many connections.\r\n"
IDLE_TIMEOUT = 600.0  # seconds; RFC 1939 §3: at least 10 minutes


class Shared:
    """The mail, the accounts and the settings; which maildrops are locked."""

    def __init__(
        self,
        accounts: Accounts,
        storage: Storage,
        journal: Journal,
        refusals: Refusals,
        *,
        tls: bool = True,
        plaintext_auth: bool = False,
    ) -> None:
        self.accounts = accounts
        self.storage = storage
        self.notes = Notes(journal, "pop3")
        self.refusals = refusals
        self.tls = tls
        self.plaintext_auth = plaintext_auth
        self._locked: set[str] = set()

    def session(self) -> Session:
        """Return a session for a new connection."""
        return Session(self)

    def lock(self, login: str) -> bool:
        """Lock an account's maildrop; False if another session has it."""
        if login in self._locked:
            return False
        self._locked.add(login)
        return True

    def unlock(self, login: str) -> None:
        """Give the maildrop back."""
        self._locked.discard(login)
