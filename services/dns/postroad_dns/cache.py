"""The wire cache: the octets of a query without its ID, and the octets of the response without its ID.

The responder is a pure function of the catalog, so a response stays right until a zone changes that it was made of. The
zones that may change are noted with it, and a change of one takes its responses along. The key is the whole query,
including the case of QNAME, which the response must repeat, but without EDNS options: no option changes a response
here, and a client that sends a cookie or padding of its own with each query (RFC 7873, RFC 7830) would otherwise never
hit and soon fill the cache.

Two generations bound it: when the young one is full it becomes the old one. An old entry comes back when it is asked
for again, and is forgotten otherwise. So a flood of names that nobody asks twice costs memory for twice `LIMIT`
entries and no more.
"""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING

from postroad.dns.rdata import Type
from postroad_dns.lookup import Rcode
from postroad_dns.responder import servfail
from postroad_dns.wire import HEADER, PAYLOAD, whole_options

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from postroad.dns.name import Key

_log = logging.getLogger(__name__)

LIMIT = 10_000  # entries per generation
# Octets: header, the longest question, OPT without options. A longer query is not cached.
_LONGEST_QUERY = HEADER + 255 + 4 + 11
_OPT_START = b"\0" + Type.OPT.to_bytes(2, "big")
_CACHED = frozenset({Rcode.NOERROR, Rcode.NXDOMAIN, Rcode.REFUSED})


class Cache:
    """Caches the responses of `respond`, which must be pure, and must give the same response whatever the ID is.

    `young` is public for the hot path in `batched`, which looks there first: `young.get(packet[2:])`. It is replaced
    now and then, so the hot path reads the attribute for each query.
    """

    __slots__ = ("_limit", "_old", "_old_zones", "_respond", "_touched", "_zones", "misses", "young")

    def __init__(
        self, respond: Callable[[bytes], bytes | None], *, limit: int = LIMIT, touched: set[Key] | None = None
    ) -> None:
        self._respond = respond
        self._limit = limit
        self._touched = set() if touched is None else touched
        self.misses = 0  # queries that the responder was asked
        self.young: dict[bytes, bytes] = {}
        self._zones = _Zones()
        self._old: dict[bytes, bytes] = {}
        self._old_zones = _Zones()

    def forget(self, zones: Iterable[Key]) -> None:
        """Forget the responses that were made of zones that have changed."""
        for zone in zones:
            for key in self._zones.take(zone):
                self.young.pop(key, None)
            for key in self._old_zones.take(zone):
                self._old.pop(key, None)

    def answer(self, packet: bytes) -> bytes | None:
        """Return the response of `respond`; an unforeseen error is logged and becomes SERVFAIL."""
        try:
            return self.respond(packet)
        except Exception:  # noqa: BLE001 - logged, and answered by SERVFAIL
            _log.exception("a query could not be answered")
            return servfail(packet)

    def respond(self, packet: bytes) -> bytes | None:
        """Return the response to a query, from memory or from the responder; None if it must not be answered."""
        known = self.young.get(packet[2:])
        if known is not None:
            return packet[:2] + known
        plain = without_options(packet)
        key = plain[2:]
        known = self.young.get(key)
        if known is None:
            known = self._old.get(key)
            made_of = self._old_zones.of(key)
            if known is None:
                self.misses += 1
                self._touched.clear()
                response = self._respond(plain)
                if response is None or len(plain) > _LONGEST_QUERY or len(response) > PAYLOAD:
                    return response
                if response[3] & 0xF not in _CACHED:
                    return response
                known = response[2:]
                made_of = tuple(self._touched)
            if len(self.young) >= self._limit:
                self._old = self.young
                self.young = {}
                self._old_zones, self._zones = self._zones, _Zones()
            self.young[key] = known
            self._zones.note(key, made_of)
        return packet[:2] + known


class _Zones:
    """Of which zones the responses of a generation were made; those that never change are not noted."""

    __slots__ = ("_keys", "_made_of")

    def __init__(self) -> None:
        self._made_of: dict[bytes, tuple[Key, ...]] = {}  # by the key of the response
        self._keys: dict[Key, list[bytes]] = {}

    def note(self, key: bytes, zones: tuple[Key, ...]) -> None:
        if zones:
            self._made_of[key] = zones
            for zone in zones:
                self._keys.setdefault(zone, []).append(key)

    def of(self, key: bytes) -> tuple[Key, ...]:
        return self._made_of.get(key, ())

    def take(self, zone: Key) -> list[bytes]:
        keys = self._keys.pop(zone, [])
        for key in keys:
            self._made_of.pop(key, None)
        return keys


def without_options(packet: bytes) -> bytes:
    """Return the query without the options of its OPT record if it has the plain form, else unchanged.

    The plain form is one question and one additional record, OPT, at the end of the packet.
    """
    # RFC 1035 §4.1.1: QDCOUNT 1, ANCOUNT 0, NSCOUNT 0, ARCOUNT 1.
    if packet[4:HEADER] != b"\0\1\0\0\0\0\0\1":
        return packet
    offset = HEADER
    try:
        while packet[offset]:
            if packet[offset] >= 0x40:
                return packet
            offset += packet[offset] + 1
    except IndexError:
        return packet
    opt = offset + 5
    length = packet[opt + 9 : opt + 11]
    options = packet[opt + 11 :]
    if not options or packet[opt : opt + 3] != _OPT_START or len(options) != int.from_bytes(length, "big"):
        return packet
    if not whole_options(options):
        return packet
    return packet[: opt + 9] + b"\0\0"
