"""A store for ManageSieve without a network: real storage, real session and engine, octets handed over by the test."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

from postroad.clock import Clock
from postroad.journal.refusals import Refusals
from postroad_store.managesieve.shared import Shared
from postroad_store.protocol.contract import Close, ConnectionLost, Event, StartTls
from postroad_store.sieve.registry import Registry
from tests.harness.pop3 import Place as PopPlace
from tests.harness.sasl import channel, sasl

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from postroad.sasl.channel import Channel
    from postroad.tap import Fact
    from postroad_store.managesieve.session import Session

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


class Wire:
    """One connection: `contract.Connection` for the session, octets in and out for the test."""

    def __init__(self, place: Place, *, secure: bool = False) -> None:
        self.session: Session = place.sieve.session()
        self.secure = secure
        self.peer = "127.0.0.1"
        self.session_id = "session1"
        self.facts: list[Fact] = []
        self.received = bytearray()
        self.closed = False
        self.known = False
        self.handshake = False
        self._work: asyncio.Future[None] | None = None
        self.session.begin(self)
        self.flush()

    # contract.Connection

    def flush(self) -> None:
        self.received += self.session.engine.data_to_send()

    def note(self, fact: Fact) -> None:
        self.facts.append(fact)

    def logged_in(self, login: str) -> None:
        self.known = True

    def logged_out(self) -> None:
        self.known = False

    @property
    def channel(self) -> Channel:
        return channel(secure=self.secure)

    compressed = False

    def rest(self) -> None:
        """Ignore it, as the adapter does."""

    def can_write(self) -> bool:
        return True

    async def wait_writable(self) -> None:
        if self.closed:
            raise ConnectionLost

    def close(self) -> None:
        self.flush()
        self.closed = True

    # For a test

    def feed(self, data: bytes) -> None:
        self.session.engine.receive_data(data)
        self._pump()

    async def idle(self) -> None:
        """Wait until nothing is under way."""
        while self._work is not None:
            await asyncio.wait([self._work])
            await asyncio.sleep(0)

    async def say(self, data: bytes) -> bytes:
        """Send octets, and return what comes back."""
        self.feed(data)
        await self.idle()
        received = bytes(self.received)
        self.received.clear()
        return received

    def secured(self) -> None:
        self.handshake = False
        self.secure = True
        self.session.tls_started()
        self.flush()
        self._pump()

    def _pump(self) -> None:
        while self._work is None and not self.closed:
            event = self.session.engine.next_event()
            if event is None:
                break
            if isinstance(event, Close):
                self.close()
            elif isinstance(event, StartTls):
                self.flush()
                self.handshake = True
                break
            else:
                self._handle(event)
        self.flush()

    def _handle(self, event: Event) -> None:
        awaitable = self.session.handle(event)
        if awaitable is not None:
            self._work = asyncio.ensure_future(awaitable)
            self._work.add_done_callback(lambda work: self._handled(event, work))

    def _handled(self, event: Event, work: asyncio.Future[None]) -> None:
        self._work = None
        if work.exception() is not None:
            self.session.failed(event)
        self._pump()
