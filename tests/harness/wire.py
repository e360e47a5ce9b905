"""One connection to the store without a network: a session and its engine, and octets that the test hands over.

It turns the wheel of `postroad_store.protocol.contract`, as `postroad_store.protocol.connection` does with a socket.
"""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Generic, TypeVar

from postroad_store.protocol.contract import Close, Compress, ConnectionLost, Decompressed, Session, StartTls
from postroad_store.protocol.deflate import Deflate, Inflate
from tests.harness.sasl import channel

if TYPE_CHECKING:
    from postroad.sasl.channel import Channel
    from postroad.tap import Fact
    from postroad_store.protocol.contract import Event

PATIENCE = 10.0  # seconds that an answer may take
SessionT = TypeVar("SessionT", bound=Session)


class Wire(Generic[SessionT]):
    """One connection: `contract.Connection` for the session, octets in and out for the test."""

    peer = "192.0.2.1"
    session_id = "session1"

    def __init__(self, session: SessionT, *, secure: bool = False) -> None:
        self.session = session
        self.secure = secure
        self.facts: list[Fact] = []
        self.received = bytearray()  # what the client has got
        self.closed = False
        self.known = False
        self.handshake = False
        self.writable = True
        self._deflate: Deflate | None = None
        self._inflate: Inflate | None = None
        self._work: asyncio.Future[None] | None = None
        self._news = asyncio.Event()
        self._pumping = False
        self._ended = False
        self.session.begin(self)
        self.flush()

    # what the session asks for

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
        """Turn the wheel."""
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
            self.session.failed(event)
        self.pump()

    def secured(self) -> None:
        """End the TLS handshake."""
        self.handshake = False
        self.secure = True
        self.session.tls_started()
        self.pump()

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

    @property
    def busy(self) -> bool:
        """Whether the session works on something."""
        return self._work is not None

    async def idle(self) -> None:
        """Wait until nothing is under way."""
        async with asyncio.timeout(PATIENCE):
            while self.busy:
                self._news.clear()
                await self._news.wait()

    async def exchange(self, octets: bytes) -> bytes:
        """Send octets, and return what comes back until nothing is under way."""
        self.feed(octets)
        await self.idle()
        return await self.until(0)

    def end(self) -> None:
        """Cut the connection."""
        if not self._ended:
            self._ended = True
            self.close()
            self.session.end()
