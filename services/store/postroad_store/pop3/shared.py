"""Shared by all POP3 sessions: mail, accounts, settings, locks."""

from __future__ import annotations

from collections import OrderedDict
from typing import TYPE_CHECKING

from postroad.clock import Clock
from postroad_store.notes import Notes
from postroad_store.pop3.capabilities import Offer, Policy
from postroad_store.pop3.session import Session

if TYPE_CHECKING:
    from postroad.journal import Journal
    from postroad.journal.refusals import Refusals
    from postroad.sasl.server import Sasl
    from postroad_store.accounts import Accounts
    from postroad_store.mail.storage import Storage

REFUSAL = b"-ERR [SYS/TEMP] Too many connections.\r\n"
IN_USE = "[IN-USE] Maildrop is locked by another POP3 session."
TOO_SOON = "[LOGIN-DELAY] Log in again later."  # RFC 2449 §8.1.1
MAX_LOGINS = 10_000  # whose times are remembered
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
        sasl: Sasl,
        offer: Offer | None = None,
        policy: Policy | None = None,
        clock: Clock | None = None,
        tls: bool = True,
        plaintext_auth: bool = False,
        locked: set[str] | None = None,
    ) -> None:
        """Share them; `locked` has the logins whose maildrops are locked, where others lock them too."""
        self.accounts = accounts
        self.storage = storage
        self.notes = Notes(journal, "pop3", accounts.world_id)
        self.refusals = refusals
        self.sasl = sasl
        self.offer = offer or Offer()
        self.policy = policy or Policy()
        self.tls = tls
        self.plaintext_auth = plaintext_auth
        self._locked: set[str] = set() if locked is None else locked
        self._clock = clock or Clock()
        self._logins: OrderedDict[str, float] = OrderedDict()  # the times of the last ones, as far as they matter

    def session(self) -> Session:
        """Return a session for a new connection."""
        return Session(self)

    def lock(self, login: str) -> str | None:
        """Lock an account's maildrop, and return None; or return why it can't be opened now."""
        if login in self._locked:
            return IN_USE
        delay, now = self.policy.login_delay, self._clock.monotonic()
        if now < self._logins.get(login, -delay) + delay and self.offer.offers("LOGIN-DELAY"):
            return TOO_SOON
        if delay:
            self._logins[login] = now
            self._logins.move_to_end(login)
            while len(self._logins) > MAX_LOGINS or next(iter(self._logins.values())) + delay < now:
                self._logins.popitem(last=False)
        self._locked.add(login)
        return None

    def unlock(self, login: str) -> None:
        """Give the maildrop back."""
        self._locked.discard(login)
