"""A toy protocol on the store's shell: what Twisted's side promises can be seen without POP3's or IMAP's own rules."""

from __future__ import annotations

import asyncio
import contextlib
import random
import ssl
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, cast

from postroad.clock import Clock
from postroad_store.protocol.contract import Close, Compress, Decompressed, Event, Farewell, StartTls
from postroad_store.protocol.listener import Listener
from postroad_store.protocol.reactor import reactor_on
from postroad_store.protocol.service import Service

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Awaitable

    from postroad.journal.refusals import Refusals
    from postroad.tap import Tap
    from postroad_store.protocol.contract import Connection
    from postroad_store.protocol.tls import ServerTls

PATIENCE = 10.0  # seconds


@dataclass(frozen=True, slots=True)
class Line(Event):
    """A line of the toy protocol: `WORD argument`."""

    text: str


class ToyEngine:
    """Gives a Line for each line; a line that is not answered yet holds up the next."""

    def __init__(self) -> None:
        self.buffer = b""
        self.output = b""
        self.waiting = False
        self.most = 0  # octets that were in the buffer at one time

    def receive_data(self, data: bytes) -> None:
        if data.startswith(b"\x00"):
            raise RuntimeError("the engine has a bug")
        self.buffer += data
        self.most = max(self.most, len(self.buffer))

    def next_event(self) -> Event | None:
        line, line_end, rest = self.buffer.partition(b"\n")
        if self.waiting or not line_end:
            return None
        self.buffer = rest
        match line.decode():
            case "TLS":
                self.buffer = b""
                self.output += b"begin\n"
                return StartTls()
            case "COMPRESS":
                behind, self.buffer = self.buffer, b""
                self.output += b"compressed\n"
                return Compress(behind)
            case "PLAIN":
                self.output += b"plain\n"
                return Decompressed()
            case "BYE":
                self.output += b"bye\n"
                return Close()
            case "BUG":
                raise RuntimeError("the engine has a bug")
            case text:
                self.waiting = True
                return Line(text)

    def data_to_send(self) -> bytes:
        output, self.output = self.output, b""
        return output

    def answer(self, text: str) -> None:
        self.waiting = False
        self.output += text.encode() + b"\n"


class ToySession:
    """Answers lines; WAIT is answered when the test says so, FLOOD with as many octets as it names."""

    def __init__(self, room: Room) -> None:
        self.room = room
        self.engine = ToyEngine()
        self.connection: Connection | None = None
        self.trouble: str | None = None
        self.ended = asyncio.Event()
        self.written = 0
        room.sessions.append(self)
        room.new.set()

    def begin(self, connection: Connection) -> None:
        self.connection = connection
        if self.room.trouble == "begin":
            raise RuntimeError("greeting has a bug")
        self.engine.output = f"hello {connection.peer} {'tls' if connection.secure else 'plain'}\n".encode()

    def handle(self, event: Event) -> Awaitable[None] | None:
        assert isinstance(event, Line)
        word, _, argument = event.text.partition(" ")
        match word:
            case "CRASH":
                raise RuntimeError("secret details")
            case "WAIT":
                return self._wait(argument)
            case "FLOOD":
                return self._flood(int(argument), b"x" * 65535 + b"\n")
            case "NOISE":
                return self._flood(int(argument), random.Random(1).randbytes(65535).replace(b"\n", b" ") + b"\n")
            case "SLOWCRASH":
                return self._crash()
            case "BURST" | "LAST":
                self.engine.output += random.Random(1).randbytes(int(argument)).replace(b"\n", b" ")
                if word == "LAST":
                    assert self.connection is not None
                    self.connection.close()
            case "REST":
                assert self.connection is not None
                self.connection.rest()
            case "LOGIN":
                assert self.connection is not None
                self.connection.logged_in("someone")
        self.engine.answer(event.text)
        return None

    async def _wait(self, text: str) -> None:
        self.room.waiting.set()
        await self.room.go.wait()
        self.room.done.append(text)
        self.engine.answer(text)

    async def _flood(self, octets: int, block: bytes) -> None:
        assert self.connection is not None
        for _ in range(octets // len(block)):
            self.engine.output += block
            self.connection.flush()
            self.written += len(block)
            if not self.connection.can_write():
                self.room.waiting.set()
            await self.connection.wait_writable()
        self.engine.answer("flooded")

    async def _crash(self) -> None:
        await asyncio.sleep(0)
        raise RuntimeError("secret details")

    def failed(self, event: Event) -> None:
        assert isinstance(event, Line)
        self.engine.answer("failed")

    def tls_started(self) -> None:
        assert self.connection is not None
        assert self.connection.secure

    def farewell(self, reason: Farewell) -> None:
        if self.room.trouble == "farewell":
            raise RuntimeError("farewell has a bug")
        self.engine.output += f"{reason.name}\n".encode()

    def end(self) -> None:
        self.ended.set()
        if self.room.trouble == "end":
            raise RuntimeError("end has a bug")


class Room:
    """A listener with toy sessions, and what the test holds in its hands."""

    def __init__(self, tls: ServerTls, *, tap: Tap | None = None, **limits: Any) -> None:
        loop = asyncio.get_running_loop()
        self.sessions: list[ToySession] = []
        self.new = asyncio.Event()
        self.go = asyncio.Event()
        self.waiting = asyncio.Event()
        self.done: list[str] = []
        self.shut_out: list[str] = []  # why TLS handshakes have failed
        self.trouble = ""
        self.clock = Clock()
        service = Service("toy", lambda: ToySession(self), b"full\n", **{"idle_timeout": 600.0} | limits)
        self.listener = Listener(
            service, reactor_on(loop), loop, tls, clock=self.clock, tap=tap, refusals=cast("Refusals", self)
        )
        self.port = self.listener.listen("127.0.0.1", 0)
        self.tls_port = self.listener.listen("127.0.0.1", 0, implicit_tls=True)

    def record(self, command: str, *, peer: str, port: str, reason: str) -> None:
        """Take note of a failed handshake, as `Refusals` does."""
        assert (command, peer, port) == ("TLS", "127.0.0.1", "toy")
        self.shut_out.append(reason)


class Client:
    """A client of the toy protocol."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.reader = reader
        self.writer = writer

    async def line(self) -> str:
        async with asyncio.timeout(PATIENCE):
            return (await self.reader.readline()).decode().rstrip("\n")

    async def rest(self) -> bytes:
        async with asyncio.timeout(PATIENCE):
            return await self.reader.read()

    def send(self, octets: bytes) -> None:
        self.writer.write(octets)

    async def ask(self, text: str) -> str:
        self.send(text.encode() + b"\n")
        return await self.line()


CONTEXT = ssl.create_default_context()
CONTEXT.check_hostname = False
CONTEXT.verify_mode = ssl.CERT_NONE


@contextlib.asynccontextmanager
async def connected(room: Room, *, implicit_tls: bool = False) -> AsyncIterator[Client]:
    reader, writer = await asyncio.open_connection(
        "127.0.0.1", room.tls_port if implicit_tls else room.port, ssl=CONTEXT if implicit_tls else None
    )
    try:
        yield Client(reader, writer)
    finally:
        writer.close()
        with contextlib.suppress(OSError):
            await writer.wait_closed()


async def ended(session: ToySession) -> None:
    async with asyncio.timeout(PATIENCE):
        await session.ended.wait()


async def stalled(session: ToySession) -> None:
    """Wait until what the kernel and the two buffers hold is full."""
    written = -1
    while written != session.written:
        written = session.written
        await asyncio.sleep(0.1)


async def event(happened: asyncio.Event) -> None:
    async with asyncio.timeout(PATIENCE):
        await happened.wait()
