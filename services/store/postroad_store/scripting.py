"""Sieve and ManageSieve, put together when they are first needed: a tenth of the start-up, and 5 MB, that few need."""

from __future__ import annotations

from functools import cached_property
from typing import TYPE_CHECKING

from postroad.config import ConfigError
from postroad.smtp.server.service import Limits

if TYPE_CHECKING:
    from pathlib import Path

    from postroad.config import Settings
    from postroad.journal.refusals import Refusals
    from postroad.sasl.server import Sasl
    from postroad_store.accounts import Accounts
    from postroad_store.delivery.filter import Filter
    from postroad_store.delivery.sorting import Sorter
    from postroad_store.mail.storage import Storage
    from postroad_store.managesieve.session import Session
    from postroad_store.managesieve.shared import Shared
    from postroad_store.sieve.registry import Registry

REFUSAL = b'BYE (TRYLATER) "Too many connections."\r\n'
IDLE_TIMEOUT = 1800.0  # seconds; RFC 5804 §1.2: at least 30 minutes after login


class Scripting:
    """What the store does with scripts. `everybody` is the folder of global ones."""

    # ruff: noqa: PLC0415 - see above

    def __init__(
        self,
        settings: Settings,
        accounts: Accounts,
        storage: Storage,
        refusals: Refusals,
        *,
        sasl: Sasl,
        hostname: str,
        everybody: Path,
    ) -> None:
        """Prepare; raises `ConfigError` if the settings hide what can't be hidden."""
        self._without = settings.sieve_without
        self._accounts = accounts
        self._storage = storage
        self._refusals = refusals
        self._sasl = sasl
        self._hostname = hostname
        self._limits = Limits(message_size=settings.message_size)
        self._everybody = everybody
        self._filter: Filter | None = None
        if self._without:
            _ = self.registry

    @cached_property
    def registry(self) -> Registry:
        """The language, without what the settings hide."""
        from postroad_store.sieve.registry import CannotHide, Registry

        try:
            return Registry(without=self._without)
        except CannotHide as error:
            raise ConfigError(f"POSTROAD_SIEVE_WITHOUT={','.join(self._without)}: {error}") from None

    def language(self) -> Registry:
        """Return the language."""
        return self.registry

    @cached_property
    def _sorter(self) -> Sorter:
        from postroad_store.delivery.filter import Filter
        from postroad_store.delivery.sorting import Sorter

        self._filter = Filter(self._storage.scripts, self.registry, self._everybody, self._accounts.hears_of_server)
        return Sorter(self._storage, self._filter, self._hostname, self._limits)

    def sorter(self) -> Sorter:
        """Return what decides about mail for accounts that have a script."""
        return self._sorter

    @cached_property
    def _shared(self) -> Shared:
        from postroad_store.managesieve.shared import Shared

        return Shared(self._accounts, self._storage, self._refusals, self.registry, sasl=self._sasl)

    def session(self) -> Session:
        """Return a ManageSieve session for a new connection."""
        return self._shared.session()

    def close(self) -> None:
        """End the thread that runs scripts, if there is one."""
        if self._filter is not None:
            self._filter.close()
