"""The compression on live sockets, under the toy protocol: order, limits, back-pressure and ends."""

from __future__ import annotations

import asyncio
import zlib
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Any

import pytest
import pytest_asyncio

from tests.harness.reactor import ON_REACTOR
from tests.harness.toy import CONTEXT, PATIENCE, Client, Room, connected, ended, event, stalled

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable

    from postroad.tap import Opened
    from postroad_store.protocol.tls import ServerTls

pytestmark = ON_REACTOR


class Taped:
    """Keeps what it hears."""

    def __init__(self) -> None:
        self.heard: list[tuple[str, bytes]] = []

    def opened(self, session: Opened) -> Taped:
        return self

    def received(self, octets: bytes, at: float, *, tls: bool) -> None:
        self.heard.append(("C", octets))

    def sent(self, octets: bytes, at: float, *, tls: bool) -> None:
        self.heard.append(("S", octets))

    def closed(self, at: float) -> None:
        pass


@pytest_asyncio.fixture(loop_scope="session")
async def start(store_tls: ServerTls) -> AsyncIterator[Callable[..., Room]]:
    rooms: list[Room] = []

    def make(**limits: Any) -> Room:
        rooms.append(Room(store_tls, **limits))
        return rooms[-1]

    yield make
    for room in rooms:
        room.go.set()
        await room.listener.stop()


class Squeezed:
    """A client that compresses."""

    def __init__(self, client: Client) -> None:
        self.client = client
        self.deflate = zlib.compressobj(wbits=-15)
        self.inflate = zlib.decompressobj(-15)
        self.got = b""

    def send(self, octets: bytes) -> None:
        self.client.send(self.deflate.compress(octets) + self.deflate.flush(zlib.Z_SYNC_FLUSH))

    async def line(self) -> str:
        async with asyncio.timeout(PATIENCE):
            while b"\n" not in self.got:
                octets = await self.client.reader.read(65536)
                assert octets, self.got
                self.got += self.inflate.decompress(octets)
        line, _, self.got = self.got.partition(b"\n")
        return line.decode()

    async def ask(self, text: str) -> str:
        self.send(text.encode() + b"\n")
        return await self.line()

    async def rest(self) -> bytes:
        return self.got + self.inflate.decompress(await self.client.rest())


@asynccontextmanager
async def squeezed(room: Room, *, implicit_tls: bool = False) -> AsyncIterator[Squeezed]:
    async with connected(room, implicit_tls=implicit_tls) as client:
        await client.line()
        assert await client.ask("COMPRESS") == "compressed"
        yield Squeezed(client)


@pytest.mark.parametrize("implicit_tls", [False, True])
async def test_a_dialogue(start: Callable[..., Room], implicit_tls: bool) -> None:
    async with squeezed(start(), implicit_tls=implicit_tls) as client:
        assert await client.ask("one") == "one"
        client.send(b"two\n" + b"x" * 100_000 + b"\nBYE\n")
        assert await client.rest() == b"two\n" + b"x" * 100_000 + b"\nbye\n"


async def test_a_client_that_does_not_wait_for_the_answer(start: Callable[..., Room]) -> None:
    async with connected(start()) as client:
        await client.line()
        squeezed = Squeezed(client)
        behind = squeezed.deflate.compress(b"one\ntwo\n") + squeezed.deflate.flush(zlib.Z_SYNC_FLUSH)
        client.send(b"COMPRESS\n" + behind)
        assert await client.line() == "compressed"
        assert await squeezed.line() == "one"
        assert await squeezed.line() == "two"


async def test_tls_lies_below_it(start: Callable[..., Room]) -> None:
    """RFC 4978 §3: first compressed and then encrypted, though TLS began later."""
    async with squeezed(start()) as client:
        assert await client.ask("TLS") == "begin"
        await client.client.writer.start_tls(CONTEXT)
        assert await client.ask("good") == "good"


async def test_the_tap_hears_the_protocol(start: Callable[..., Room]) -> None:
    tap = Taped()
    async with squeezed(start(tap=tap)) as client:
        assert await client.ask("one") == "one"
    assert tap.heard[1:] == [("C", b"COMPRESS\n"), ("S", b"compressed\n"), ("C", b"one\n"), ("S", b"one\n")]


async def test_few_octets_that_stand_for_many(start: Callable[..., Room]) -> None:
    """The engine holds a block or two, others get their turns, and reading goes on once all has been taken."""
    room = start()
    async with squeezed(room) as client:
        turns = 0

        async def others() -> None:
            nonlocal turns
            while True:
                await asyncio.sleep(0)
                turns += 1

        counting = asyncio.create_task(others())
        client.send((b"x" * 999 + b"\n") * 20_000 + b"BYE\n")
        assert len(await client.rest()) == 20_000_004
        counting.cancel()
        assert room.sessions[0].engine.most <= 2 * 65536
        assert turns > 20_000_000 // 65536


async def test_a_bomb_behind_a_command_under_way(start: Callable[..., Room]) -> None:
    room = start()
    async with squeezed(room) as client:
        client.send(b"WAIT a\n")
        await event(room.waiting)
        client.send(b"x" * 63 * 1024 * 1024 + b"\n")
        for _ in range(200):
            await asyncio.sleep(0.001)
        assert room.sessions[0].engine.most <= 2 * 65536
        room.go.set()
        assert await client.line() == "a"


@pytest.mark.parametrize("implicit_tls", [False, True])
async def test_a_slow_reader_costs_no_memory(start: Callable[..., Room], implicit_tls: bool) -> None:
    room = start()
    async with squeezed(room, implicit_tls=implicit_tls) as client:
        client.send(b"NOISE 40000000\nafter\nBYE\n")
        await event(room.waiting)
        await stalled(room.sessions[0])
        assert room.sessions[0].written < 20_000_000  # what the kernel and the buffers hold
        rest = await client.rest()
        assert rest.endswith(b"\nflooded\nafter\nbye\n")
        assert len(rest) > 39_000_000


async def test_a_large_answer_is_written_by_turns(start: Callable[..., Room]) -> None:
    room = start()
    async with squeezed(room) as client:
        client.send(b"BURST 30000000\nafter\nBYE\n")
        connection = room.sessions[0].connection
        assert connection is not None
        async with asyncio.timeout(PATIENCE):
            while connection.can_write():  # noqa: ASYNC110 - nobody says when the kernel's buffers are full
                await asyncio.sleep(0)
        rest = await client.rest()
        assert rest.endswith(b"BURST 30000000\nafter\nbye\n")
        assert len(rest) == 30_000_000 + len(b"BURST 30000000\nafter\nbye\n")


async def test_closed_behind_a_large_answer(start: Callable[..., Room]) -> None:
    async with squeezed(start()) as client:
        client.send(b"LAST 10000000\n")
        assert len(await client.rest()) == 10_000_000


async def test_gone_in_the_midst_of_a_large_answer(start: Callable[..., Room]) -> None:
    room = start()
    async with squeezed(room) as client:
        client.send(b"BURST 30000000\n")
        await client.client.reader.read(1)
        client.client.writer.transport.abort()
        await ended(room.sessions[0])


async def test_what_is_not_compressed(start: Callable[..., Room]) -> None:
    async with squeezed(start()) as client:
        client.client.send(b"one\n" * 10)
        assert await client.rest() == b"GARBLED\n"


async def test_a_client_that_closes_its_side(start: Callable[..., Room]) -> None:
    async with squeezed(start()) as client:
        client.send((b"x" * 999 + b"\n") * 1000)
        client.client.writer.write_eof()
        assert len(await client.rest()) == 1_000_000


async def test_a_client_that_goes(start: Callable[..., Room]) -> None:
    room = start()
    async with squeezed(room) as client:
        client.send(b"NOISE 40000000\n")
        await event(room.waiting)
        client.client.writer.transport.abort()
        await ended(room.sessions[0])


async def test_while_it_rests(start: Callable[..., Room]) -> None:
    room = start()
    async with squeezed(room) as client:
        assert await client.ask("REST") == "REST"
        for number in range(3):
            room.sessions[0].engine.output += b"news %d\n" % number
            connection = room.sessions[0].connection
            assert connection is not None
            connection.flush()
            assert await client.line() == f"news {number}"
        assert await client.ask("one") == "one"


async def test_plain_again(start: Callable[..., Room]) -> None:
    """RFC 8437 §4.1: each side ends its stream; what is behind the end of the client's is plain already."""
    async with squeezed(start()) as client:
        end = client.deflate.compress(b"PLAIN\n") + client.deflate.flush(zlib.Z_FINISH)
        client.client.send(end + b"one\n")
        got = b""
        while not client.inflate.eof:
            got += client.inflate.decompress(await client.client.reader.read(1))
        assert got == b"plain\n"
        assert await client.client.line() == "one"
        assert await client.client.ask("two") == "two"
        assert await client.client.ask("COMPRESS") == "compressed"
        assert await Squeezed(client.client).ask("three") == "three"


@pytest.mark.parametrize("size", [1, 7, 100])
async def test_plain_again_without_the_end_of_a_stream(start: Callable[..., Room], size: int) -> None:
    """A client that only flushes its last compressed octets, in pieces."""
    async with squeezed(start()) as client:
        octets = client.deflate.compress(b"PLAIN\n") + client.deflate.flush(zlib.Z_SYNC_FLUSH) + b"one\nBYE\n"
        for at in range(0, len(octets), size):
            client.client.send(octets[at : at + size])
            await asyncio.sleep(0.001)
        rest = await client.client.rest()
        assert client.inflate.decompress(rest) == b"plain\n"
        assert client.inflate.unused_data == b"one\nbye\n"


async def test_the_client_goes_on_compressing(start: Callable[..., Room]) -> None:
    async with squeezed(start()) as client:
        client.client.send(client.deflate.compress(b"PLAIN\n") + client.deflate.flush(zlib.Z_PARTIAL_FLUSH))
        while not client.inflate.eof:
            client.inflate.decompress(await client.client.reader.read(1))
        client.send(b"one\n")
        assert await client.client.rest() == b"GARBLED\n"


async def test_the_client_ends_with_octets_that_are_not_compressed(start: Callable[..., Room]) -> None:
    async with squeezed(start()) as client:
        client.client.send(client.deflate.compress(b"PLAIN\n") + client.deflate.flush(zlib.Z_PARTIAL_FLUSH))
        while not client.inflate.eof:
            client.inflate.decompress(await client.client.reader.read(1))
        client.client.send(b"\xff" * 100)
        assert await client.client.rest() == b"GARBLED\n"
