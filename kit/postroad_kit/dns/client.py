"""Asks the stack's name server, by UDP and for long answers by TCP (RFC 7766), and reads a world's zones."""

from __future__ import annotations

import asyncio
import secrets
import socket
import struct
from typing import TYPE_CHECKING

from postroad_kit import asking
from postroad_kit.dns.wire import Answer, query, read

if TYPE_CHECKING:
    from postroad_kit.aio import AsyncWorld
    from postroad_kit.world import World

TIMEOUT = 5.0  # seconds


class Dns:
    """The name server, as one world sees it."""

    def __init__(self, world: World) -> None:
        self._world = world

    def ask(self, name: str, rtype: str = "A") -> Answer:
        """Return the name server's whole answer."""
        return _asked(self._world.endpoints["dns"], name, rtype)

    def lookup(self, name: str, rtype: str = "A") -> list[str]:
        """Return the data of the records of a type, in order; none if there is no such name or no such record."""
        return self.ask(name, rtype).of(rtype.upper())

    def records(self, domain: str | None = None) -> tuple[str, ...]:
        """Return all records of a domain's zone, in master-file form; of the world's first domain if none is named."""
        return self._world.ask(asking.records(domain or self._world.domain))


class AsyncDns:
    """The same for asyncio."""

    def __init__(self, world: AsyncWorld) -> None:
        self._world = world

    async def ask(self, name: str, rtype: str = "A") -> Answer:
        """Return the name server's whole answer."""
        return await asyncio.to_thread(_asked, self._world.endpoints["dns"], name, rtype)

    async def lookup(self, name: str, rtype: str = "A") -> list[str]:
        """Return the data of the records of a type, in order; none if there is no such name or no such record."""
        return (await self.ask(name, rtype)).of(rtype.upper())

    async def records(self, domain: str | None = None) -> tuple[str, ...]:
        """Return all records of a domain's zone, in master-file form; of the world's first domain if none is named."""
        return await self._world.ask(asking.records(domain or self._world.domain))


def _asked(endpoint: tuple[str, int], name: str, rtype: str) -> Answer:
    ident = secrets.randbelow(1 << 16)
    question = query(ident, name, rtype)
    answer = read(_by_udp(endpoint, question), ident)
    return read(_by_tcp(endpoint, question), ident) if answer.truncated else answer


def _by_udp(endpoint: tuple[str, int], asked: bytes) -> bytes:
    with _udp(endpoint) as client:
        client.send(asked)
        return client.recv(65535)


def _udp(endpoint: tuple[str, int]) -> socket.socket:
    family, kind, protocol, _, address = socket.getaddrinfo(*endpoint, type=socket.SOCK_DGRAM)[0]
    client = socket.socket(family, kind, protocol)
    client.settimeout(TIMEOUT)
    client.connect(address)
    return client


def _by_tcp(endpoint: tuple[str, int], asked: bytes) -> bytes:
    with socket.create_connection(endpoint, TIMEOUT) as client, client.makefile("rb") as answer:
        client.sendall(struct.pack("!H", len(asked)) + asked)
        (length,) = struct.unpack("!H", answer.read(2))
        return answer.read(length)
