r"""Dialogues as they are written down, and how they are run over a live socket.

    C: a NOOP               a line from the client; CRLF is added. (a*70) is 70 times a, {\x00} an octet.
    c: a NO                 the same without CRLF
    S: a OK ...             a line from the server, exact
    T:                      the TLS handshake happens here
    X:                      the server has closed the connection

`C2:`, `S2:` and so on are a second connection. Client lines that follow each other are sent together.
"""

from __future__ import annotations

import asyncio
import contextlib
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import ssl
    from collections.abc import Awaitable, Callable, Iterable

PATIENCE = 10.0  # seconds that an answer may take
_LINE = re.compile(r"([CcSTX])(\d?):(?: |\Z)(.*)\Z", re.DOTALL)


@dataclass(slots=True)
class Step:
    """What one side does: sends octets, or is expected to."""

    kind: str
    who: int
    octets: bytes = b""


def expand(text: str) -> bytes:
    """Return the octets that are meant."""
    octets = re.sub(rb"\((.)\*(\d+)\)", lambda match: match[1] * int(match[2]), text.encode())
    return re.sub(rb"\{\\x([0-9a-f]{2})\}", lambda match: bytes([int(match[1], 16)]), octets)


def add(steps: list[Step], line: str) -> None:
    """Add what a line says to the steps; raises `ValueError` where it says nothing."""
    match = _LINE.match(line)
    if match is None:
        raise ValueError(f"no line of a dialogue: {line}")
    kind, who = match[1].upper(), int(match[2] or 1)
    octets = expand(match[3]) + (b"\r\n" if match[1] in "CS" else b"")
    if steps and kind in "CS" and (steps[-1].kind, steps[-1].who) == (kind, who):
        steps[-1].octets += octets
    else:
        steps.append(Step(kind, who, octets))


async def play_live(
    steps: Iterable[Step],
    connect: Callable[[], Awaitable[tuple[asyncio.StreamReader, asyncio.StreamWriter]]],
    client_tls: ssl.SSLContext,
) -> None:
    """Run the steps against a server; `connect` opens a connection that is as the dialogue begins."""
    streams: dict[int, tuple[asyncio.StreamReader, asyncio.StreamWriter]] = {}
    try:
        for step in steps:
            if step.who not in streams:
                streams[step.who] = await connect()
            reader, writer = streams[step.who]
            async with asyncio.timeout(PATIENCE):
                match step.kind:
                    case "C":
                        writer.write(step.octets)
                    case "S":
                        assert (await reader.readexactly(len(step.octets))).decode() == step.octets.decode()
                    case "T":
                        await writer.start_tls(client_tls)
                    case "X":
                        assert await reader.read() == b""
    finally:
        for _, writer in streams.values():
            writer.close()
            with contextlib.suppress(OSError):
                await writer.wait_closed()
