"""A name server for the tests, which says what it is told to say."""

from __future__ import annotations

import asyncio
import struct
from typing import TYPE_CHECKING, Self

import dns.flags
import dns.message
import dns.rcode
import dns.rrset

if TYPE_CHECKING:
    from types import TracebackType

# (name, type) → RCODE, or records as in a master file; several names may be in one answer
Script = dict[tuple[str, str], str | list[str]]


class NameServer(asyncio.DatagramProtocol):
    """Listens on one port for UDP and TCP; a question without an answer in the script is left unanswered."""

    def __init__(self, script: Script, *, address: str = "127.0.0.1", port: int = 0) -> None:
        self.script = script
        self._address = address
        self.asked: list[tuple[str, str]] = []
        self.queries: list[dns.message.Message] = []
        self.truncate = False
        self.port = port

    async def __aenter__(self) -> Self:
        self._tcp = await asyncio.start_server(self._serve, self._address, self.port)
        self.port = self._tcp.sockets[0].getsockname()[1]
        loop = asyncio.get_running_loop()
        self._udp, _ = await loop.create_datagram_endpoint(lambda: self, (self._address, self.port))
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._udp.close()
        self._tcp.close()
        await self._tcp.wait_closed()

    def datagram_received(self, data: bytes, addr: tuple[str, int]) -> None:
        answer = self._answer(data)
        if answer is None:
            return
        if self.truncate:
            answer.answer.clear()
            answer.flags |= dns.flags.TC
        self._udp.sendto(answer.to_wire(), addr)

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        (length,) = struct.unpack("!H", await reader.readexactly(2))
        answer = self._answer(await reader.readexactly(length))
        if answer is not None:
            octets = answer.to_wire()
            writer.write(struct.pack("!H", len(octets)) + octets)
        writer.close()

    def _answer(self, data: bytes) -> dns.message.Message | None:
        query = dns.message.from_wire(data)
        self.queries.append(query)
        question = query.question[0]
        key = question.name.to_text(omit_final_dot=True).lower(), question.rdtype.name
        self.asked.append(key)
        said = self.script.get(key)
        if said is None:
            return None
        answer = dns.message.make_response(query)
        if isinstance(said, str):
            answer.set_rcode(dns.rcode.from_text(said))
            return answer
        for line in said:
            name, ttl, rdtype, rdata = line.split(maxsplit=3)
            answer.answer.append(dns.rrset.from_text(name, int(ttl), "IN", rdtype, rdata))
        return answer
