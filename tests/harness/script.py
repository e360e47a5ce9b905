"""Dialogues (`postroad.transcript.script`), and how they are run, without a socket and over one.

Client lines that follow each other are sent together.
"""

from __future__ import annotations

import asyncio
import contextlib
import zlib
from collections import defaultdict
from dataclasses import dataclass
from typing import TYPE_CHECKING

from postroad.transcript.script import expand, said

__all__ = ["Compressor", "Step", "add", "expand", "play", "play_live", "read", "setting"]

if TYPE_CHECKING:
    import ssl
    from collections.abc import Awaitable, Callable, Iterable, Iterator
    from pathlib import Path
    from typing import Any

    from tests.harness.wire import Wire

PATIENCE = 10.0  # seconds that an answer may take


@dataclass(slots=True)
class Step:
    """What one side does: sends octets, or is expected to."""

    kind: str
    who: int
    octets: bytes = b""


def add(steps: list[Step], line: str) -> None:
    """Add what a line says to the steps; raises `ValueError` where it says nothing."""
    step = said(line)
    kind, who, octets = step.kind, step.who, step.octets
    if steps and kind in "CS" and (steps[-1].kind, steps[-1].who) == (kind, who):
        steps[-1].octets += octets
    else:
        steps.append(Step(kind, who, octets))


def read(path: Path, words: Callable[[str], None]) -> Iterator[str]:
    """Return the lines of a file that say something; `words` takes each word of those that say how it begins."""
    for line in path.read_text(encoding="utf-8").splitlines():
        if line.startswith("@ "):
            for word in line[2:].split():
                words(word)
        elif line and not line.startswith("#"):
            yield line


def setting(dialogue: Any, word: str) -> None:
    """Take a word of how a dialogue begins: a setting as the environment has it, or the name of what is so."""
    name, equals, value = word.partition("=")
    if equals:
        dialogue.environ[name] = value
    elif name != "setting":
        setattr(dialogue, name, True)


class Compressor:
    """The client's side of DEFLATE; as good as nothing while it is off."""

    def __init__(self) -> None:
        self._on = False
        self._plain = bytearray()  # what has come and was not asked for yet
        self._deflate, self._inflate = zlib.compressobj(wbits=-15), zlib.decompressobj(-15)

    async def switch(self, receive: Callable[[int], Awaitable[bytes]]) -> None:
        """Begin, or wait for the end of the server's stream and end (RFC 8437 §4.1)."""
        while self._on and not self._inflate.eof:
            self._plain += self._inflate.decompress(await receive(1))
        if self._on:
            self._plain += self._inflate.unused_data
        self._on = not self._on
        self._deflate, self._inflate = zlib.compressobj(wbits=-15), zlib.decompressobj(-15)

    def sent(self, octets: bytes) -> bytes:
        """Return the octets as they are sent."""
        return self._deflate.compress(octets) + self._deflate.flush(zlib.Z_SYNC_FLUSH) if self._on else octets

    async def take(self, size: int, receive: Callable[[int], Awaitable[bytes]]) -> bytes:
        """Return so many octets of the server, fewer if it has closed; `receive` waits for up to so many."""
        while len(self._plain) < size:
            octets = await receive(1 if self._on else size - len(self._plain))
            if not octets:
                break
            self._plain += self._inflate.decompress(octets) if self._on else octets
        taken = bytes(self._plain[:size])
        del self._plain[:size]
        return taken

    @property
    def left(self) -> bytes:
        """What has come and was not asked for."""
        return bytes(self._plain)


async def play(steps: Iterable[Step], connect: Callable[[], Awaitable[Wire[Any]]], *, piece: int | None) -> None:
    """Run the steps without a socket; `connect` makes a connection that is as the dialogue begins.

    The client's octets come in pieces of so many, or all of a step at once.
    """
    wires: dict[int, Wire[Any]] = {}
    compressors: dict[int, Compressor] = defaultdict(Compressor)
    try:
        for step in steps:
            if step.who not in wires:
                wires[step.who] = await connect()
            wire, compressor = wires[step.who], compressors[step.who]
            match step.kind:
                case "C":
                    octets = compressor.sent(step.octets)
                    size = piece or len(octets)
                    for start in range(0, len(octets), size):
                        wire.feed(octets[start : start + size])
                    await wire.idle()
                case "S":
                    assert (await compressor.take(len(step.octets), wire.until)).decode() == step.octets.decode()
                case "Z":
                    await compressor.switch(wire.until)
                case "T":
                    assert wire.handshake
                    wire.secured()
                case "X":
                    assert wire.closed
        for who, wire in wires.items():
            assert not compressors[who].left
            assert not wire.received
            assert not wire.handshake
    finally:
        for wire in wires.values():
            wire.end()


async def play_live(
    steps: Iterable[Step],
    connect: Callable[[], Awaitable[tuple[asyncio.StreamReader, asyncio.StreamWriter]]],
    client_tls: ssl.SSLContext,
) -> None:
    """Run the steps against a server; `connect` opens a connection that is as the dialogue begins."""
    streams: dict[int, tuple[asyncio.StreamReader, asyncio.StreamWriter]] = {}
    compressors: dict[int, Compressor] = defaultdict(Compressor)
    try:
        for step in steps:
            if step.who not in streams:
                streams[step.who] = await connect()
            reader, writer = streams[step.who]
            compressor = compressors[step.who]
            async with asyncio.timeout(PATIENCE):
                match step.kind:
                    case "C":
                        writer.write(compressor.sent(step.octets))
                    case "S":
                        assert (await compressor.take(len(step.octets), reader.read)).decode() == step.octets.decode()
                    case "Z":
                        await compressor.switch(reader.read)
                    case "T":
                        await writer.start_tls(client_tls)
                    case "X":
                        assert await compressor.take(1, reader.read) == b""
    finally:
        for _, writer in streams.values():
            writer.close()
            with contextlib.suppress(OSError):
                await writer.wait_closed()
