"""The wire cache: the octets of a query without its ID, and the octets of the response without its ID.

The responder is a pure function of the catalog, so a response stays right until the catalog changes, and then the whole
cache goes with it. The key is the whole query, including the case of QNAME, which the response must repeat, but without
EDNS options: no option changes a response here, and a client that sends a cookie or padding of its own with each query
(RFC 7873, RFC 7830) would otherwise never hit and soon fill the cache.

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
    from collections.abc import Callable

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

    __slots__ = ("_limit", "_old", "_respond", "misses", "young")

    def __init__(self, respond: Callable[[bytes], bytes | None], *, limit: int = LIMIT) -> None:
        self._respond = respond
        self._limit = limit
        self.misses = 0  # queries that the responder was asked
        self.young: dict[bytes, bytes] = {}
        self._old: dict[bytes, bytes] = {}

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
            if known is None:
                self.misses += 1
                response = self._respond(plain)
                if response is None or len(plain) > _LONGEST_QUERY or len(response) > PAYLOAD:
                    return response
                if response[3] & 0xF not in _CACHED:
                    return response
                known = response[2:]
            if len(self.young) >= self._limit:
                self._old = self.young
                self.young = {}
            self.young[key] = known
        return packet[:2] + known


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
