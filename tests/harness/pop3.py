"""A store for POP3 without a network: real storage, real session and engine, octets handed over by the test."""

from __future__ import annotations

from dataclasses import replace
from ipaddress import IPv4Network
from typing import TYPE_CHECKING

from postroad.clock import Clock
from postroad.config import Settings
from postroad.journal import Entry, Journal, JournalReader
from postroad.journal.refusals import Refusals
from postroad.world.guesses import Guesses
from postroad.world.source import parse_world
from postroad_store.accounts import Accounts
from postroad_store.mail.model.arrival import Arrival
from postroad_store.mail.model.flags import FlagSet
from postroad_store.mail.storage import Storage
from postroad_store.pop3.capabilities import Offer, Policy
from postroad_store.pop3.session import Session
from postroad_store.pop3.shared import Shared
from tests.harness.sasl import sasl, tokens
from tests.harness.stack import DEFAULT_WORLD
from tests.harness.wire import Wire as Connection

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from postroad_store.mail.model.mailbox import Mailbox

NOW = 1_772_366_400  # 1 March 2026, noon UTC; also the UIDVALIDITY of what is made first
LOGIN = b"USER bob@beta.test\r\nPASS builder\r\n"


class Place:
    """A store's mail and accounts, in a folder of its own."""

    def __init__(self, folder: Path, environ: Mapping[str, str] | None = None, *, tls: bool = True) -> None:
        self.settings = Settings.from_environ(environ or {})
        world = parse_world(DEFAULT_WORLD.encode(), IPv4Network("127.0.0.0/24"))
        administrators = frozenset({"dave@beta.test"})
        self.world = replace(world, administrators=administrators, tokens=tokens("bob@beta.test"))
        self.folder = folder
        self.journal = Journal(folder / "journal", service="store")
        self.storage = Storage(folder / "mail", clock=Clock(wall=lambda: NOW), journal=self.journal)
        self.accounts = Accounts(self.world, self.settings, Guesses(Clock(), answer_after=0.0))
        self.shared = Shared(
            self.accounts,
            self.storage,
            self.journal,
            Refusals(self.journal, Clock()),
            sasl=sasl(
                "pop",
                self.accounts.find,
                lambda: self.accounts.world,
                hidden=self.settings.sasl_without,
                errors=self.settings.oauth_errors,
                plaintext_auth=self.settings.plaintext_auth,
            ),
            offer=Offer(self.settings.pop3_without),
            policy=Policy(self.settings.pop3_expire, self.settings.pop3_login_delay),
            tls=tls,
            plaintext_auth=self.settings.plaintext_auth,
        )

    def close(self) -> None:
        self.storage.close()
        self.journal.close()

    async def inbox(self, login: str = "bob@beta.test") -> Mailbox:
        return (await self.storage.account(login)).inbox

    async def put(self, *contents: bytes, login: str = "bob@beta.test") -> None:
        """Put messages into an INBOX, as they are."""
        inbox = await self.inbox(login)
        for content in contents:
            await self.storage.append([Arrival((inbox,), content, NOW, FlagSet())])

    def history(self) -> list[Entry]:
        """Close the journal and return what is in it."""
        self.journal.close()
        return list(JournalReader(self.folder / "journal").entries())


class Wire(Connection[Session]):
    """A connection for POP3."""

    def __init__(self, place: Place, *, secure: bool = False) -> None:
        super().__init__(place.shared.session(), secure=secure)
