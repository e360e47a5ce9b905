"""Shared by all IMAP sessions of the store: mail, accounts, commands, settings."""

from __future__ import annotations

from functools import lru_cache
from typing import TYPE_CHECKING
from weakref import WeakSet

from postroad.clock import Clock
from postroad_store.imap.offer import Offer
from postroad_store.imap.registry import Registry
from postroad_store.imap.session import Session
from postroad_store.imap.underway import UnderWay
from postroad_store.notes import Notes

if TYPE_CHECKING:
    from pathlib import Path

    from postroad.journal import Journal
    from postroad.journal.refusals import Refusals
    from postroad.sasl.server import Sasl
    from postroad_store.accounts import Accounts
    from postroad_store.mail.storage import Storage

REFUSAL = b"* BYE Too many connections.\r\n"
RECENT_OFFERS = 16  # kept though no session has them; each takes about 30 KiB
IDLE_TIMEOUT = 1800.0  # seconds; RFC 3501 §5.4: at least 30 minutes


class Shared:
    """The mail, the accounts, the commands and the settings; makes the sessions.

    `incoming` is a folder for large messages while they arrive.
    """

    def __init__(
        self,
        accounts: Accounts,
        storage: Storage,
        journal: Journal,
        refusals: Refusals,
        incoming: Path,
        *,
        sasl: Sasl,
        registry: Registry | None = None,
        tls: bool = True,
        plaintext_auth: bool = False,
        message_size: int = 50 * 1024 * 1024,
        message_limit: int = 0,
        clock: Clock | None = None,
    ) -> None:
        self.accounts = accounts
        self.storage = storage
        self.notes = Notes(journal, "imap", accounts.world_id)
        self.refusals = refusals
        self.incoming = incoming
        self.sasl = sasl
        self.offer = Offer(registry or Registry())  # to a session that has not logged in
        # To make a poorer registry takes half a millisecond, at each login of an account that nobody else uses.
        self._hiding = lru_cache(RECENT_OFFERS)(self.offer.hiding)
        self.tls = tls
        self.plaintext_auth = plaintext_auth
        self.message_size = message_size  # octets
        self.message_limit = message_limit  # messages of one command, where MESSAGELIMIT or SAVELIMIT is offered
        self.clock = clock or Clock()
        self.under_way = UnderWay(self.clock)
        self.sessions: WeakSet[Session] = WeakSet()
        self.annotated: WeakSet[Session] = WeakSet()  # those that want to hear of changed annotations (RFC 5464 §4.1)

    def offer_to(self, login: str) -> Offer:
        """Return what an account is offered: less what the control door hides from it, or else the world."""
        hidden = self.storage.hidden.of(login)
        return self._hiding(self.accounts.hidden(login) if hidden is None else hidden)

    def session(self) -> Session:
        """Return a session for a new connection."""
        return Session(self)
