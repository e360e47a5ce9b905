"""An IMAP service on real storage, and connections to it without a network: what IMAP's tests share."""

from __future__ import annotations

import asyncio
import dataclasses
from typing import TYPE_CHECKING, Any

from postroad.clock import Clock
from postroad.config import Settings
from postroad.journal.refusals import Refusals
from postroad.mail.address import Address
from postroad.sasl.oauth import Errors
from postroad.world.guesses import Guesses
from postroad.world.world import Account, Domain, World
from postroad_store.accounts import Accounts
from postroad_store.imap.session import Session
from postroad_store.imap.shared import Shared
from postroad_store.mail.storage import Storage
from postroad_store.protocol.contract import Close, Compress, ConnectionLost, Decompressed, StartTls
from postroad_store.protocol.deflate import Deflate, Inflate
from tests.harness.sasl import channel, sasl, tokens

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from postroad.journal import Kind
    from postroad.sasl.channel import Channel
    from postroad.tap import Fact
    from postroad_store.protocol.contract import Event

NOW = 1772366400.0  # Sun, 1 Mar 2026 12:00:00 +0000
PATIENCE = 10.0  # seconds that an answer may take


class Notes:
    """A journal that is kept in memory."""

    def __init__(self) -> None:
        self.entries: list[tuple[Kind, dict[str, Any]]] = []

    def record(self, kind: Kind, **detail: Any) -> None:
        self.entries.append((kind, detail))


def world(
    settings: Settings, hidden: frozenset[str] = frozenset(), append_limits: Mapping[str, int] | None = None
) -> World:
    """Return a world with alice@alpha.test (wonderland), who may have limits, and bob@alpha.test (builder).

    A little is hidden from bob, and he is an administrator.
    """
    accounts = {
        name: Account(Address(name, "alpha.test"), secret, without)
        for name, secret, without in (("alice", "wonderland", frozenset[str]()), ("bob", "builder", hidden))
    }
    if append_limits:
        accounts["alice"] = dataclasses.replace(accounts["alice"], append_limits=append_limits)
    domains = {"alpha.test": Domain("alpha.test", accounts=accounts)}
    administrators = frozenset({"bob@alpha.test"})
    return World(settings.network, {}, domains, administrators=administrators, tokens=tokens("alice@alpha.test"))


class Place:
    """A storage in a folder, and what IMAP sessions on it share; the wall clock does not move."""

    def __init__(self, folder: Path, **settings: Any) -> None:
        self.incoming = folder / "incoming"
        self.incoming.mkdir()
        self.storage = Storage(folder / "mail", clock=Clock(wall=lambda: NOW))
        self.journal = Notes()
        guesses = Guesses(Clock(), answer_after=settings.pop("authentication_delay", 0.0))
        hidden = settings.pop("hidden", frozenset())
        own = Settings.from_environ({"POSTROAD_QUOTA": settings.pop("quota", "none")})
        self.accounts = Accounts(world(own, hidden, settings.pop("append_limits", None)), own, guesses)
        if settings.pop("administrator", False):
            administrators = frozenset({"alice@alpha.test"})
            self.accounts.world = dataclasses.replace(self.accounts.world, administrators=administrators)
        self.storage.quotas.allowed = self.accounts.quota
        given = {"plaintext_auth": True} | settings
        self.sasl = sasl(
            "imap",
            self.accounts.find,
            lambda: self.accounts.world,
            hidden=given.pop("sasl_without", ()),
            errors=given.pop("oauth_errors", Errors.RFC),
            plaintext_auth=given["plaintext_auth"],
        )
        self.shared = Shared(
            self.accounts,
            self.storage,
            self.journal,  # type: ignore[arg-type]
            Refusals(self.journal, Clock()),  # type: ignore[arg-type]
            self.incoming,
            sasl=self.sasl,
            clock=Clock(wall=lambda: NOW),
            **given,
        )

    def close(self) -> None:
        self.storage.close()


class Wire:
    """One connection: the adapter's wheel (`postroad_store.protocol.contract`) without a transport."""

    def __init__(self, place: Place, *, secure: bool = False) -> None:
        self.peer = "192.0.2.1"
        self.session_id = "session1"
        self.facts: list[Fact] = []
        self.secure = secure
        self.session = Session(place.shared)
        self._deflate: Deflate | None = None
        self._inflate: Inflate | None = None
        self.received = bytearray()  # what the client has got
        self.closed = False
        self.known = False
        self.handshake = False
        self.writable = True
        self._work: asyncio.Future[None] | None = None
        self._news = asyncio.Event()
        self._pumping = False
        self._ended = False
        self.session.begin(self)
        self.flush()

    # engine.Connection

    def flush(self) -> None:
        data = self.session.engine.data_to_send()
        if data and not self.closed:
            self.received += data if self._deflate is None else self._deflate.compress(data) + self._deflate.flush()
        self._news.set()

    @property
    def channel(self) -> Channel:
        return channel(secure=self.secure)

    @property
    def compressed(self) -> bool:
        return self._deflate is not None

    def rest(self) -> None:
        if self._deflate is not None:
            self._deflate.rest()

    def note(self, fact: Fact) -> None:
        self.facts.append(fact)

    def logged_in(self, login: str) -> None:
        self.known = True

    def logged_out(self) -> None:
        self.known = False

    def can_write(self) -> bool:
        return self.writable

    async def wait_writable(self) -> None:
        while not self.writable:
            if self.closed:
                raise ConnectionLost
            self._news.clear()
            await self._news.wait()
        if self.closed:
            raise ConnectionLost

    def close(self) -> None:
        self.flush()
        self.closed = True
        self._news.set()

    # the client's side

    def feed(self, octets: bytes) -> None:
        """Let octets arrive."""
        if self._inflate is None:
            self.session.engine.receive_data(octets)
        else:
            self._inflate.receive(octets)
            self._end()
        self.pump()

    def pump(self) -> None:
        """Turn the wheel (`postroad_store.protocol.connection`)."""
        if self._pumping:
            return
        self._pumping = True
        try:
            while self._work is None and self.writable and not self.closed:
                event = self.session.engine.next_event()
                if event is None and self._deflate is not None and self._inflate and self._inflate.waiting:
                    self.session.engine.receive_data(self._inflate.take())
                    continue
                if event is None:
                    break
                if isinstance(event, Close):
                    self.close()
                elif isinstance(event, StartTls):
                    self.handshake = True
                elif isinstance(event, Compress):
                    self.flush()
                    self._deflate, self._inflate = Deflate(), Inflate()
                    self._inflate.receive(event.behind)
                elif isinstance(event, Decompressed):
                    self._decompress()
                else:
                    self._handle(event)
                self.flush()
        finally:
            self._pumping = False
        self.flush()

    def _decompress(self) -> None:
        self.flush()
        if self._deflate is not None:
            self.received += self._deflate.finish()
            self._deflate = None
            self._end()

    def _end(self) -> None:
        """Take the client's stream to its end, once ours has ended."""
        if self._deflate is None and self._inflate is not None:
            while self._inflate.waiting and not self._inflate.at_end:
                assert not self._inflate.take()
            if self._inflate.at_end:
                self.session.engine.receive_data(self._inflate.left())
                self._inflate = None

    def _handle(self, event: Event) -> None:
        awaitable = self.session.handle(event)
        if awaitable is not None:
            self._work = asyncio.ensure_future(awaitable)
            self._work.add_done_callback(lambda work: self._handled(event, work))

    def _handled(self, event: Event, work: asyncio.Future[None]) -> None:
        self._work = None
        error = work.exception()
        if error is not None and not isinstance(error, ConnectionLost):
            raise error
        self.pump()

    def secured(self) -> None:
        """End the TLS handshake."""
        self.handshake = False
        self.secure = True
        self.session.tls_started()

    def may_write(self, *, writable: bool) -> None:
        """Let the client read, or stop reading."""
        self.writable = writable
        self._news.set()
        if writable:
            self.pump()

    async def until(self, size: int) -> bytes:
        """Wait until as many octets have come, and take all there are."""
        async with asyncio.timeout(PATIENCE):
            while len(self.received) < size and not self.closed:
                self._news.clear()
                await self._news.wait()
        got = bytes(self.received)
        self.received.clear()
        return got

    async def idle(self) -> None:
        """Wait until nothing is under way."""
        async with asyncio.timeout(PATIENCE):
            while self._work is not None or self.session.appends.pending:
                self._news.clear()
                await self._news.wait()

    async def say(self, text: str | bytes) -> str:
        """Send a command whose CRLF is added, and return what is answered once nothing is under way."""
        octets = text.encode("utf-8", "surrogateescape") if isinstance(text, str) else text
        self.feed(octets + b"\r\n")
        await self.idle()
        return (await self.until(0)).decode("utf-8", "surrogateescape")

    def end(self) -> None:
        """Cut the connection."""
        if not self._ended:
            self._ended = True
            self.close()
            self.session.end()
