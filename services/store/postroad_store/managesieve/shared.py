"""Shared by all ManageSieve sessions: accounts, scripts, the language, settings."""

from __future__ import annotations

from typing import TYPE_CHECKING

from postroad_store.managesieve.session import Session

if TYPE_CHECKING:
    from postroad.journal.refusals import Refusals
    from postroad.sasl.server import Sasl
    from postroad_store.accounts import Accounts
    from postroad_store.mail.storage import Storage
    from postroad_store.sieve.registry import Registry


class Shared:
    """The accounts, their mail with its scripts, and what scripts may use."""

    def __init__(
        self,
        accounts: Accounts,
        storage: Storage,
        refusals: Refusals,
        registry: Registry,
        *,
        sasl: Sasl,
        tls: bool = True,
    ) -> None:
        self.accounts = accounts
        self.storage = storage
        self.refusals = refusals
        self.registry = registry
        self.tls = tls
        self.sasl = sasl

    def session(self) -> Session:
        """Return a session for a new connection."""
        return Session(self)
