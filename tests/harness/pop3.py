"""A store for POP3 without a network: real storage, real session and engine, octets handed over by the test."""

from __future__ import annotations

import asyncio
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
from postroad_store.pop3.shared import Shared
from postroad_store.protocol.contract import Close, ConnectionLost, Event, StartTls
from tests.harness.sasl import channel, sasl, tokens
from tests.harness.stack import DEFAULT_WORLD

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from postroad.sasl.channel import Channel
    from postroad.tap import Fact
    from postroad_store.mail.model.mailbox import Mailbox
    from postroad_store.pop3.session import Session

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
        self.storage = Storage(folder / "mail", clock=Clock(wall=lambda: NOW))
        self.journal = Journal(folder / "journal", service="store")
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


class Wire:
    """One connection: `engine.Connection` for the session, octets in and out for the test."""

    def __init__(self, place: Place, *, secure: bool = False) -> None:
        self.session: Session = place.shared.session()
        self.secure = secure
        self.peer = "127.0.0.1"
        self.session_id = "session1"
        self.facts: list[Fact] = []
        self.received = bytearray()
        self.closed = False
        self.known = False
        self.handshake = False
        self.writable = True
        self.flushes = 0
        self._work: asyncio.Future[None] | None = None
        self._free = asyncio.Event()
        self.session.begin(self)
        self.flush()

    # engine.Connection

    compressed = False

    def rest(self) -> None:
        pass

    def flush(self) -> None:
        self.flushes += 1
        self.received += self.session.engine.data_to_send()

    @property
    def channel(self) -> Channel:
        return channel(secure=self.secure)

    def note(self, fact: Fact) -> None:
        self.facts.append(fact)

    def logged_in(self, login: str) -> None:
        self.known = True

    def logged_out(self) -> None:
        self.known = False

    def can_write(self) -> bool:
        return self.writable

    async def wait_writable(self) -> None:
        if self.closed:
            raise ConnectionLost
        if not self.writable:
            self._free.clear()
            await self._free.wait()

    def close(self) -> None:
        self.flush()
        self.closed = True

    # the test's side

    def feed(self, octets: bytes) -> None:
        self.session.engine.receive_data(octets)
        self._pump()

    def _pump(self) -> None:
        while self._work is None and not self.closed:
            event = self.session.engine.next_event()
            if event is None:
                break
            if isinstance(event, Close):
                self.close()
            elif isinstance(event, StartTls):
                self.handshake = True
            else:
                self._handle(event)
            self.flush()
        self.flush()

    def _handle(self, event: Event) -> None:
        awaitable = self.session.handle(event)
        if awaitable is not None:
            self._work = asyncio.ensure_future(awaitable)

    async def idle(self) -> None:
        """Wait until nothing is under way."""
        self._pump()
        while self._work is not None:
            work, self._work = self._work, None
            try:
                await work
            except ConnectionLost:
                return
            self._pump()

    async def say(self, octets: bytes) -> bytes:
        """Send octets, wait for what comes of it, and return what the server said."""
        self.feed(octets)
        await self.idle()
        said = bytes(self.received)
        self.received.clear()
        return said

    def secured(self) -> None:
        """Finish the TLS handshake that the engine asked for."""
        self.handshake = False
        self.secure = True
        self.session.tls_started()
