"""The world's name server, asked over UDP and TCP; the only importer of dnspython.

Answers are cached for their TTL, at most half a second: that is long for a burst of messages and short for a person who
edits the world. `clear` empties the cache at once, `forget` does so with some domains. A question that is under way is
not asked twice.

Decision record 13 says why this is not dnspython's own resolver, and why it reads plain answers without it.
"""

from __future__ import annotations

import asyncio
import secrets
import socket
from collections import deque
from functools import partial
from ipaddress import IPv4Address
from typing import TYPE_CHECKING, Any

import dns.asyncquery
import dns.exception
import dns.flags
import dns.message
import dns.name
import dns.rcode
import dns.rdatatype

from postroad.clock import Clock
from postroad.dns.above import is_within
from postroad.world.world import DEFAULT_WORLD, MX
from postroad_relay.delivery import question
from postroad_relay.delivery.routing import Answer, NoData, NoSuchDomain, Records, Trouble

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

CACHE_TIME = 0.5  # seconds
CACHE_SIZE = 10_000  # answers
TIMEOUTS = (1.0, 2.0, 3.0)  # seconds that each try waits for an answer
MAX_CNAMES = 8
MOST_DATAGRAMS = 64  # of one socket that wait to be read


class Resolver:
    """Answers MX and A questions; a name server that fails is an answer too (`Trouble`), not an exception.

    `server` is its address, which may be changed; `timeouts` are the seconds that each try waits, in order.
    """

    def __init__(
        self,
        server: str,
        port: int,
        *,
        clock: Clock | None = None,
        timeouts: tuple[float, ...] = TIMEOUTS,
    ) -> None:
        self.server = server
        self.port = port
        self._clock = clock or Clock()
        self._timeouts = timeouts
        self._cache: dict[tuple[str, str], tuple[float, Answer]] = {}
        self._asking: dict[tuple[str, str], asyncio.Task[Answer]] = {}
        # Returns the mark of a world whose mail asks about a name; None: the name is that world's own.
        self.mark_of: Callable[[str, str], str | None] = lambda _world, _name: None

    def clear(self) -> None:
        """Forget every answer; an answer that is under way goes to its callers and is not cached."""
        self._cache.clear()
        self._asking.clear()

    def forget(self, domains: Iterable[str]) -> None:
        """Forget what is known of these A-labels and all names below them, as `clear` does, and what is out of date."""
        names = frozenset(domains)
        now = self._clock.monotonic()
        self._cache = {
            key: entry for key, entry in self._cache.items() if entry[0] > now and not is_within(key[0], names)
        }
        for key in [key for key in self._asking if is_within(key[0], names)]:
            del self._asking[key]

    def cached(self, name: str, rdtype: str) -> Answer | None:
        """Return the answer if it is in the cache."""
        entry = self._cache.get((name, rdtype))
        return entry[1] if entry is not None and entry[0] > self._clock.monotonic() else None

    async def ask(self, name: str, rdtype: str, world: str = DEFAULT_WORLD) -> Answer:
        """Return the answer to a question of type "MX" or "A" about an A-label name without final dot.

        `world` is the ID of the world whose mail asks: the question, if there is one, is among its transcripts.
        """
        answer = self.cached(name, rdtype)
        if answer is not None:
            return answer
        key = name, rdtype
        task = self._asking.get(key)
        if task is None:
            task = self._asking[key] = asyncio.create_task(self._ask(name, rdtype, world))
        return await asyncio.shield(task)

    async def _ask(self, name: str, rdtype: str, world: str) -> Answer:
        key = name, rdtype
        try:
            answer, ttl = await self._follow(name, rdtype, world)
        finally:
            wanted = self._asking.get(key) is asyncio.current_task()  # else it was forgotten meanwhile
            if wanted:
                del self._asking[key]
        if wanted and not isinstance(answer, Trouble):
            if len(self._cache) >= CACHE_SIZE:
                self._cache.clear()
            self._cache[key] = self._clock.monotonic() + min(ttl, CACHE_TIME), answer
        return answer

    async def _follow(self, name: str, rdtype: str, world: str) -> tuple[Answer, float]:
        """Ask, and ask again if a CNAME leads out of the answer (RFC 5321 §5.1)."""
        ttl = CACHE_TIME
        for _ in range(MAX_CNAMES):
            try:
                answer, answer_ttl = await self._exchange(name, rdtype, world)
            except (OSError, dns.exception.DNSException) as error:
                return Trouble(str(error) or type(error).__name__), 0
            ttl = min(ttl, answer_ttl)
            if not isinstance(answer, str):
                return answer, ttl
            name = answer
        return Trouble(f"more than {MAX_CNAMES} CNAMEs in a row"), 0

    async def _exchange(self, name: str, rdtype: str, world: str) -> tuple[Answer | str, float]:
        """Return an answer, or the name that a CNAME has in its place, and its TTL in seconds."""
        ident = secrets.randbelow(1 << 16)
        asked = question.question(ident, name, rdtype)
        octets = asked or dns.message.make_query(name, rdtype, id=ident).to_wire()
        if (mark := self.mark_of(world, name)) is not None:
            octets = question.marked(octets, mark)
        loop = asyncio.get_running_loop()
        for timeout in self._timeouts:
            # RFC 5452 §9.2: from a port of its own, which the system chooses.
            family = socket.AF_INET6 if ":" in self.server else socket.AF_INET
            transport, inbox = await loop.create_datagram_endpoint(partial(_Inbox, family), family=family)
            try:
                until = loop.time() + timeout
                transport.sendto(octets, (self.server, self.port))
                async with asyncio.timeout_at(until):
                    packet, peer = await inbox.first()
                plain = question.answer(packet, asked) if asked and peer[:2] == (self.server, self.port) else None
                if plain is not None:
                    return plain
                query = dns.message.from_wire(octets)
                return read(await self._read(query, inbox, until - loop.time()), rdtype)
            except (TimeoutError, dns.exception.Timeout):
                continue
            except EOFError as error:
                raise ConnectionResetError("the name server closed the connection") from error
            finally:
                transport.close()
        raise TimeoutError("timeout: the name server does not answer")

    async def _read(self, query: dns.message.Message, inbox: _Inbox, seconds: float) -> dns.message.Message:
        """Have dnspython read what has come, and comes.

        RFC 7766 §5: over TCP when the answer was truncated. RFC 5452 §9.1: datagrams from elsewhere, and answers to
        other questions, are ignored: a stranger who can send one must not route our mail.
        """
        sent: Any = inbox
        response, _ = await dns.asyncquery.udp_with_fallback(
            query,
            self.server,
            timeout=max(seconds, 0.0),
            port=self.port,
            ignore_unexpected=True,
            ignore_errors=True,
            udp_sock=sent,
        )
        return response


class _Inbox(asyncio.DatagramProtocol):
    """The datagrams that come to one socket. To dnspython it is one by which its query has gone out already."""

    def __init__(self, family: socket.AddressFamily) -> None:
        self.family = family
        self._came: deque[tuple[bytes, Any]] = deque()
        self._bell: asyncio.Future[None] | None = None

    def datagram_received(self, data: bytes, addr: Any) -> None:
        """Take a datagram, unless others have flooded the socket."""
        if len(self._came) < MOST_DATAGRAMS:
            self._came.append((data, addr))
        if self._bell is not None and not self._bell.done():
            self._bell.set_result(None)

    async def first(self) -> tuple[bytes, Any]:
        """Return the first datagram once it is there, and keep it."""
        while not self._came:
            self._bell = asyncio.get_running_loop().create_future()
            await self._bell
        return self._came[0]

    async def sendto(self, what: bytes, destination: Any, timeout: float | None) -> int:  # noqa: ARG002, ASYNC109 - dnspython's signature
        """Do nothing: it is sent."""
        return len(what)

    async def recvfrom(self, size: int, timeout: float | None) -> tuple[bytes, Any]:  # noqa: ARG002, ASYNC109 - dnspython's signature
        """Return the next datagram; raises `TimeoutError`."""
        async with asyncio.timeout(timeout):
            await self.first()
        return self._came.popleft()


def read(response: dns.message.Message, rdtype: str) -> tuple[Answer | str, float]:
    """Return the answer in a response and its TTL in seconds; or the name to ask for, if a CNAME leads out of it.

    Raises `dns.exception.DNSException` for a response that contradicts itself, as a loop of CNAMEs does.
    """
    rcode = response.rcode()
    if rcode not in {dns.rcode.NOERROR, dns.rcode.NXDOMAIN}:
        return Trouble(f"name server answered {dns.rcode.to_text(rcode)}"), 0
    if not isinstance(response, dns.message.QueryMessage):
        return Trouble("name server answered with something else"), 0
    chain = response.resolve_chaining()
    ttl = float(chain.minimum_ttl)
    if chain.answer is not None:
        if rdtype == "MX":
            # RFC 1035 §3.3.9; compared as domain_key() does: no final dot, but "." for the null MX.
            mx = tuple(MX(record.preference, _text(record.exchange)) for record in chain.answer)
            return Records(mx=mx), ttl
        return Records(addresses=tuple(IPv4Address(record.address) for record in chain.answer)), ttl
    if rcode == dns.rcode.NXDOMAIN:
        return NoSuchDomain(), ttl
    if chain.cnames:
        return _text(chain.canonical_name), ttl
    return NoData(), ttl


def _text(name: dns.name.Name) -> str:
    return name.to_text(omit_final_dot=True).lower() if name != dns.name.root else "."
