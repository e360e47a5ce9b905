"""The world's name server, asked over UDP and TCP; the only importer of dnspython.

Answers are kept for as long as they may be (their TTL), but half a second at the most: that is long for a burst
of messages and short for whoever edits the world. `clear` empties the cache at once. Questions that are already
on their way are not asked twice.
"""

from __future__ import annotations

import asyncio
import time
from ipaddress import IPv4Address
from typing import TYPE_CHECKING

import dns.asyncquery
import dns.exception
import dns.flags
import dns.message
import dns.name
import dns.rcode
import dns.rdatatype

from postroad.smtp.client.outcome import Deferred, Failed
from postroad.world.world import MX
from postroad_relay.delivery import routing
from postroad_relay.delivery.routing import Answer, NoData, NoSuchDomain, Records, Route, Trouble

if TYPE_CHECKING:
    from collections.abc import Callable
    from ipaddress import IPv4Network

    from postroad_relay.delivery.routing import IPAddress

CACHE_TIME = 0.5  # seconds
CACHE_SIZE = 10_000  # answers
ROUTES = 1_000
TIMEOUTS = (1.0, 2.0, 3.0)  # seconds to wait for an answer, one after the other
MAX_CNAMES = 8


class Resolver:
    """Answers MX and A questions; never raises, for a name server that fails is an answer too (`Trouble`)."""

    def __init__(
        self,
        server: str,
        port: int,
        *,
        clock: Callable[[], float] = time.monotonic,
        timeouts: tuple[float, ...] = TIMEOUTS,
    ) -> None:
        self.server = server
        self.port = port
        self._clock = clock
        self._timeouts = timeouts
        self._cache: dict[tuple[str, str], tuple[float, Answer]] = {}
        self._asking: dict[tuple[str, str], asyncio.Task[Answer]] = {}
        self._generation = 0

    def clear(self) -> None:
        """Forget every answer; those on their way are given to who waits for them and not kept."""
        self._cache.clear()
        self._asking.clear()
        self._generation += 1

    def cached(self, name: str, rdtype: str) -> Answer | None:
        """Return the answer if it is in the cache."""
        entry = self._cache.get((name, rdtype))
        return entry[1] if entry is not None and entry[0] > self._clock() else None

    async def ask(self, name: str, rdtype: str) -> Answer:
        """Return the answer to a question of type "MX" or "A" about an A-label name without final dot."""
        found = self.cached(name, rdtype)
        if found is not None:
            return found
        key = name, rdtype
        task = self._asking.get(key)
        if task is None:
            task = self._asking[key] = asyncio.create_task(self._ask(name, rdtype, self._generation))
        return await asyncio.shield(task)

    async def _ask(self, name: str, rdtype: str, generation: int) -> Answer:
        key = name, rdtype
        try:
            answer, ttl = await self._follow(name, rdtype)
        finally:
            if generation == self._generation:
                self._asking.pop(key, None)
        if generation == self._generation and not isinstance(answer, Trouble):
            if len(self._cache) >= CACHE_SIZE:
                self._cache.clear()
            self._cache[key] = self._clock() + min(ttl, CACHE_TIME), answer
        return answer

    async def _follow(self, name: str, rdtype: str) -> tuple[Answer, float]:
        """Ask, and ask again where a CNAME leads out of the answer (RFC 5321 §5.1)."""
        ttl = CACHE_TIME
        for _ in range(MAX_CNAMES):
            try:
                response = await self._exchange(name, rdtype)
                answer, answer_ttl = read(response, rdtype)
            except (OSError, dns.exception.DNSException) as error:
                return Trouble(str(error) or type(error).__name__), 0
            ttl = min(ttl, answer_ttl)
            if not isinstance(answer, str):
                return answer, ttl
            name = answer
        return Trouble(f"more than {MAX_CNAMES} CNAMEs in a row"), 0

    async def _exchange(self, name: str, rdtype: str) -> dns.message.Message:
        query = dns.message.make_query(name, rdtype)
        for timeout in self._timeouts:
            try:
                # Over TCP when the answer was truncated (RFC 7766 §5). What comes from elsewhere or answers another
                # question is passed over (RFC 5452 §9.1): whoever can send a datagram must not decide where mail goes.
                response, _ = await dns.asyncquery.udp_with_fallback(
                    query, self.server, timeout=timeout, port=self.port, ignore_unexpected=True, ignore_errors=True
                )
            except dns.exception.Timeout:
                continue
            except EOFError as error:
                raise ConnectionResetError("the name server closed the connection") from error
            return response
        raise TimeoutError("timeout: the name server does not answer")


def read(response: dns.message.Message, rdtype: str) -> tuple[Answer | str, float]:
    """Return what a response says and for how many seconds; a name where a CNAME leads elsewhere.

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
            mx = tuple(MX(one.preference, _text(one.exchange)) for one in chain.answer)
            return Records(mx=mx), ttl
        return Records(addresses=tuple(IPv4Address(one.address) for one in chain.answer)), ttl
    if rcode == dns.rcode.NXDOMAIN:
        return NoSuchDomain(), ttl
    if chain.cnames:
        return _text(chain.canonical_name), ttl
    return NoData(), ttl


def _text(name: dns.name.Name) -> str:
    return name.to_text(omit_final_dot=True).lower() if name != dns.name.root else "."


class Router:
    """Finds the route for a domain: the questions of RFC 5321 §5.1, asked of a resolver."""

    def __init__(
        self,
        resolver: Resolver,
        *,
        shuffle: Callable[[list[MX]], None],
        own_names: frozenset[str],
        own_addresses: frozenset[IPAddress],
        network: IPv4Network,
    ) -> None:
        self._resolver = resolver
        self._shuffle = shuffle
        self._own_names = own_names
        self._own_addresses = own_addresses
        self._network = network
        self._known: dict[str, tuple[tuple[Answer, Answer], Route]] = {}

    def known(self, domain: str) -> Route | None:
        """Return the route if it is the same as for the last message: one exchanger, its answers still in the cache.

        Saves 30 µs a message in a burst.
        """
        found = self._known.get(domain)
        if found is None:
            return None
        (mx_answer, a_answer), route = found
        cached = self._resolver.cached
        same = cached(domain, "MX") is mx_answer and cached(route.mx[0].host, "A") is a_answer
        return route if same else None

    async def route(self, domain: str) -> Route | Deferred | Failed:
        """Return the servers for a domain (a `domain_key`) or address literal, or why there are none."""
        if domain.startswith("["):
            return routing.literal_route(domain, own_addresses=self._own_addresses, network=self._network)
        # The cache is asked first, since a burst to one domain would otherwise make tasks and futures for nothing.
        resolver = self._resolver
        mx = routing.exchangers(domain, resolver.cached(domain, "MX") or await resolver.ask(domain, "MX"))
        if isinstance(mx, Deferred | Failed):
            return mx
        names = dict.fromkeys(one.host for one in mx)
        hosts = {name: found for name in names if (found := resolver.cached(name, "A")) is not None}
        missing = [name for name in names if name not in hosts]
        if missing:
            answers = await asyncio.gather(*(resolver.ask(name, "A") for name in missing))
            hosts.update(zip(missing, answers, strict=True))
        route = routing.route(
            domain,
            routing.ordered(mx, self._shuffle),
            hosts,
            own_names=self._own_names,
            own_addresses=self._own_addresses,
            network=self._network,
        )
        answer = resolver.cached(domain, "MX")
        if isinstance(route, Route) and len(mx) == 1 and answer is not None:
            if len(self._known) >= ROUTES:
                self._known.clear()
            self._known[domain] = (answer, hosts[mx[0].host]), route
        return route
