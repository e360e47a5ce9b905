"""From the octets of a query to the octets of its response: a pure function of the catalog.

The refusals are here, in the order of their checks; `lookup` has the answers.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from postroad.dns.rdata import IN, Type
from postroad.value import value
from postroad_dns import wire
from postroad_dns.lookup import REFUSED, Answer, Rcode, lookup

if TYPE_CHECKING:
    from postroad.dns.zone import Catalog
    from postroad_dns.wire import Query

TCP_LIMIT = 65535  # octets; RFC 1035 §4.2.2: the length field has 16 bits

# RFC 1035 §3.2.3 and RFC 5936: transfers are not for the public.
_TRANSFERS = frozenset({Type.AXFR, Type.IXFR})
# RFC 1035 §3.2.3: obsolete and experimental QTYPEs that no server answers.
_MAIL_QTYPES = frozenset({Type.MAILA, Type.MAILB})


@value
class Responder:
    """Answers queries from a catalog."""

    catalog: Catalog

    def udp(self, packet: bytes) -> bytes | None:
        """Return the response to a query that came over UDP, or None if it must not be answered."""
        query = wire.decode(packet)
        if query is None:
            return None
        # RFC 6891 §6.2.3: the requestor's size is a limit, at least 512 octets. RFC 6891 §6.2.4: so is our own.
        limit = wire.PLAIN_PAYLOAD if query.edns is None else min(query.edns.payload, wire.PAYLOAD)
        return wire.encode(query, self._answer(query), limit)

    def tcp(self, packet: bytes) -> bytes | None:
        """Return the response to a query that came over TCP, without the length field."""
        query = wire.decode(packet)
        return None if query is None else wire.encode(query, self._answer(query), TCP_LIMIT)

    def _answer(self, query: Query) -> Answer:
        if query.opcode != wire.QUERY:  # RFC 8906 §3.1.4
            return _refused(Rcode.NOTIMP)
        # RFC 6891 §6.1.3. This check comes first, since the rest may mean something else in another version.
        if query.edns is not None and query.edns.version > wire.EDNS_VERSION:
            return _refused(Rcode.BADVERS)
        if query.malformed or query.question is None:
            return _refused(Rcode.FORMERR)
        question = query.question
        if question.type == Type.OPT:  # RFC 6891 §6.1.1: OPT is not data that a client could ask for
            return _refused(Rcode.FORMERR)
        if question.type in _MAIL_QTYPES:
            return _refused(Rcode.NOTIMP)
        if question.cls != IN or question.type in _TRANSFERS:
            return REFUSED
        return lookup(self.catalog, question.name, question.type)


def _refused(rcode: Rcode) -> Answer:
    return Answer(rcode, authoritative=False)


def servfail(packet: bytes) -> bytes | None:
    """Return SERVFAIL for a query that could not be answered, from its header alone."""
    query = wire.decode_header(packet)
    return None if query is None else wire.encode(query, _refused(Rcode.SERVFAIL), wire.PLAIN_PAYLOAD)
