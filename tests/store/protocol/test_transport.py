"""The transport on a pair of sockets: what is written leaves at once, or together, and always in order."""

from __future__ import annotations

import asyncio
import contextlib
import socket
from typing import TYPE_CHECKING, Any, cast

import pytest_asyncio
from twisted.internet.interfaces import IPushProducer
from twisted.internet.protocol import Protocol, connectionDone
from zope.interface import implementer

from postroad_store.protocol.reactor import reactor_on
from postroad_store.protocol.transport import FEW, Prompt
from tests.harness.reactor import ON_REACTOR
from tests.harness.toy import PATIENCE

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    import pytest
    from twisted.python.failure import Failure

pytestmark = ON_REACTOR
LONG = b"x" * 200_000  # more than waits in memory before the producer is paused


@implementer(IPushProducer)
class Watching(Protocol):
    """Notes what the transport tells its producer, and the end of the connection."""

    def __init__(self) -> None:
        self.paused = False
        self.resumed = asyncio.Event()
        self.lost = asyncio.Event()

    def pauseProducing(self) -> None:  # noqa: N802 - Twisted\'s name
        self.paused = True

    def resumeProducing(self) -> None:  # noqa: N802 - Twisted\'s name
        self.paused = False
        self.resumed.set()

    def stopProducing(self) -> None:  # noqa: N802 - Twisted\'s name
        pass

    def dataReceived(self, data: bytes) -> None:  # noqa: N802 - Twisted's name
        raise RuntimeError(data)

    def connectionLost(self, reason: Failure = connectionDone) -> None:  # noqa: N802 - Twisted's name
        self.lost.set()


class Pair:
    """A transport, and the other end of its connection."""

    def __init__(self) -> None:
        ours, self.peer = socket.socketpair()
        self.peer.setblocking(False)
        self.protocol = Watching()
        protocol, reactor = cast("Any", self.protocol), reactor_on(asyncio.get_running_loop())
        self.transport = cast("Any", Prompt(ours, protocol, ("127.0.0.1", 1), cast("Any", None), 1, reactor))
        self.transport.registerProducer(self.protocol, True)

    def here(self) -> bytes:
        """Return what has come, without letting the event loop run."""
        with contextlib.suppress(BlockingIOError):
            return self.peer.recv(1 << 20)
        return b""

    async def rest(self, size: int = 1 << 30) -> bytes:
        """Return what comes, up to the end or to so many octets."""
        loop, read = asyncio.get_running_loop(), b""
        async with asyncio.timeout(PATIENCE):
            while len(read) < size and (octets := await loop.sock_recv(self.peer, 1 << 20)):
                read += octets
        return read


@pytest_asyncio.fixture(loop_scope="session")
async def pair() -> AsyncIterator[Pair]:
    pair = Pair()
    yield pair
    pair.transport.abortConnection()
    async with asyncio.timeout(PATIENCE):
        await pair.protocol.lost.wait()
    pair.peer.close()


class TestPrompt:
    async def test_what_is_written_is_there_before_the_loop_runs(self, pair: Pair) -> None:
        pair.transport.write(b"one")
        assert pair.here() == b"one"

    async def test_what_is_held_leaves_together(self, pair: Pair) -> None:
        pair.transport.hold()
        pair.transport.write(b"one")
        pair.transport.write(b"two")
        assert pair.here() == b""
        pair.transport.release()
        assert pair.here() == b"onetwo"

    async def test_many_pieces_leave_together(self, pair: Pair) -> None:
        pieces = [b"%d," % number for number in range(FEW + 1)]
        pair.transport.hold()
        for piece in pieces:
            pair.transport.write(piece)
        pair.transport.release()
        assert pair.here() == b"".join(pieces)

    async def test_nothing_held_is_nothing_sent(self, pair: Pair) -> None:
        pair.transport.hold()
        pair.transport.release()
        pair.transport.release()
        assert pair.here() == b""

    async def test_a_fault_while_octets_are_taken_ends_the_connection(
        self, pair: Pair, caplog: pytest.LogCaptureFixture
    ) -> None:
        pair.peer.send(b"what nobody foresaw")
        assert await pair.rest() == b""
        assert "what nobody foresaw" in caplog.text

    async def test_of_a_long_answer_others_have_their_turn(self, pair: Pair) -> None:
        pair.transport.hold()
        pair.transport.write(b"before")
        pair.transport.write(LONG)
        assert pair.protocol.paused
        at_once = pair.here()
        assert at_once
        pair.transport.write(b"behind")
        pair.transport.release()
        assert at_once + await pair.rest(len(LONG) + 12 - len(at_once)) == b"before" + LONG + b"behind"
        await pair.protocol.resumed.wait()

    async def test_a_long_answer_that_the_socket_does_not_take_waits_for_it(self, pair: Pair) -> None:
        pair.transport.hold()
        pair.transport.write(LONG * 100)
        await asyncio.sleep(0)
        assert pair.protocol.paused
        assert await pair.rest(len(LONG) * 100) == LONG * 100
        await pair.protocol.resumed.wait()

    async def test_a_session_that_ends_within_a_long_answer_does_not_go_on(self, pair: Pair) -> None:
        pair.transport.hold()
        pair.transport.write(LONG)
        pair.transport.abortConnection()
        await pair.protocol.lost.wait()
        assert pair.protocol.paused

    async def test_what_the_socket_does_not_take_comes_later_and_in_order(self, pair: Pair) -> None:
        more = LONG * 100
        pair.transport.write(b"before" + more)
        assert pair.protocol.paused
        pair.transport.write(b"behind")
        assert await pair.rest(len(more) + 12) == b"before" + more + b"behind"
        await pair.protocol.resumed.wait()
        pair.transport.write(b"at once")
        assert pair.here() == b"at once"


class TestEnd:
    async def test_closing_sends_what_is_held(self, pair: Pair) -> None:
        pair.transport.hold()
        pair.transport.write(b"bye")
        pair.transport.unregisterProducer()
        pair.transport.loseConnection()
        pair.transport.release()
        assert await pair.rest() == b"bye"

    async def test_closing_takes_a_turn_of_the_loop_and_no_more(self, pair: Pair) -> None:
        pair.transport.write(b"bye")
        pair.transport.unregisterProducer()
        pair.transport.loseConnection()
        assert not pair.protocol.lost.is_set()
        pair.transport.write(b" bye")
        await asyncio.sleep(0)
        assert pair.protocol.lost.is_set()
        assert await pair.rest() == b"bye bye"

    async def test_closing_waits_for_what_the_socket_does_not_take(self, pair: Pair) -> None:
        pair.transport.write(LONG * 100)
        pair.transport.unregisterProducer()
        pair.transport.loseConnection()
        await asyncio.sleep(0)
        assert not pair.protocol.lost.is_set()
        assert await pair.rest() == LONG * 100

    async def test_an_answer_behind_the_close_that_the_socket_does_not_take_is_waited_for(self, pair: Pair) -> None:
        pair.transport.unregisterProducer()
        pair.transport.loseConnection()
        pair.transport.write(LONG * 100)
        assert await pair.rest() == LONG * 100

    async def test_an_abort_behind_the_close(self, pair: Pair) -> None:
        pair.transport.unregisterProducer()
        pair.transport.loseConnection()
        pair.transport.abortConnection()
        async with asyncio.timeout(PATIENCE):
            await pair.protocol.lost.wait()

    async def test_after_an_abort_nothing_leaves(self, pair: Pair) -> None:
        pair.transport.write(b"one")
        pair.transport.abortConnection()
        pair.transport.write(b"two")
        assert await pair.rest() == b"one"

    async def test_a_peer_that_has_gone_ends_the_connection(self, pair: Pair) -> None:
        pair.peer.close()
        pair.transport.write(b"into the void")
        async with asyncio.timeout(PATIENCE):
            await pair.protocol.lost.wait()
