"""A store for ManageSieve without a network: real storage, real session and engine, octets handed over by the test."""

from __future__ import annotations

from typing import TYPE_CHECKING

from postroad.clock import Clock
from postroad.journal.refusals import Refusals
from postroad_store.managesieve.session import Session
from postroad_store.managesieve.shared import Shared
from postroad_store.sieve.registry import Registry
from tests.harness.pop3 import Place as PopPlace
from tests.harness.sasl import sasl
from tests.harness.wire import Wire as Connection

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path


# bob@beta.test, builder
LOGIN = b'AUTHENTICATE "PLAIN" "AGJvYkBiZXRhLnRlc3QAYnVpbGRlcg=="\r\n'


class Place(PopPlace):
    """A store's scripts and accounts, in a folder of its own."""

    def __init__(self, folder: Path, environ: Mapping[str, str] | None = None, *, tls: bool = True) -> None:
        super().__init__(folder, environ)
        self.sieve = Shared(
            self.accounts,
            self.storage,
            Refusals(self.journal, Clock()),
            Registry(without=self.settings.sieve_without),
            sasl=sasl(
                "sieve",
                self.accounts.find,
                lambda: self.accounts.world,
                hidden=self.settings.sasl_without,
                plaintext_auth=self.settings.plaintext_auth,
            ),
            tls=tls,
        )


class Wire(Connection[Session]):
    """A connection for ManageSieve."""

    def __init__(self, place: Place, *, secure: bool = False) -> None:
        super().__init__(place.sieve.session(), secure=secure)
