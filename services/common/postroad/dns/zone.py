"""Zones: RRsets by owner name, immutable, checked when they are built (RFC 1034 §4.2, RFC 1035 §5.2).

`faults` has the rules that records of a zone must obey together. `Zone.build` stops at the first fault; the world
reader names each one at its line.

A `Catalog` is all the zones that the name server is authoritative for. An edit of the world makes a new catalog, so
a query is answered from one state of the world from beginning to end.
"""

from __future__ import annotations

from types import MappingProxyType
from typing import TYPE_CHECKING

from postroad.dns.rdata import CNAME, DNAME, NS, SOA, Type
from postroad.value import value

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence

    from postroad.dns.name import Key, Name
    from postroad.dns.rdata import Rdata

MAX_TTL = (1 << 31) - 1  # seconds; RFC 2181 §8
_RULED = frozenset({NS, SOA, CNAME, DNAME})  # types with more rules than those for the TTL


class ZoneError(ValueError):
    """The records do not make a zone; the message names the zone or the owner, and the fault."""


@value
class Record:
    """One resource record of class IN. The TTL is in seconds."""

    owner: Name
    ttl: int
    rdata: Rdata


@value
class RRset:
    """All the records of one owner name and type, which share a TTL (RFC 2181 §5)."""

    owner: Name
    type: int
    ttl: int
    rdatas: tuple[Rdata, ...]


Node = MappingProxyType[int, RRset]  # the RRsets of one name, by type
EMPTY_NODE: Node = MappingProxyType({})  # that of an empty non-terminal


@value
class Zone:
    """A zone. `nodes` holds every name that exists in it, empty non-terminals too (RFC 4592 §2.2.2).

    `absent` are names that no wildcard makes exist, nor any name below them.
    """

    apex: Name
    soa: RRset
    nodes: Mapping[Key, Node]
    absent: frozenset[Key] = frozenset()

    @classmethod
    def build(cls, apex: Name, records: Iterable[Record], *, absent: Iterable[Name] = ()) -> Zone:
        """Sort records into a zone; raises `ZoneError` if they break a rule of RFC 1034, 1035, 2181, 4592 or 6672."""
        owners = by_owner(records)
        # RFC 1035 §5.2: exactly one SOA at the top. RFC 1034 §4.2.1: the NS records of the zone are there too.
        top = [record.rdata for record in owners.get(apex.key, ())]
        count = len({rdata for rdata in top if rdata.type == Type.SOA})
        if count != 1:
            raise ZoneError(f"the zone {apex} must have exactly one SOA record, found {count}")
        if not any(rdata.type == Type.NS for rdata in top):
            raise ZoneError(f"the zone {apex} has no NS record")
        for _, sentence in faults(apex, owners):
            raise ZoneError(sentence)
        nodes = {key: node_of(own) for key, own in owners.items()}
        for key in owners:
            for cut in range(1, len(key) - len(apex.key)):
                nodes.setdefault(key[cut:], EMPTY_NODE)
        soa = nodes[apex.key][Type.SOA]
        return cls(apex, soa, MappingProxyType(nodes), frozenset(name.key for name in absent))


def by_owner(records: Iterable[Record]) -> dict[Key, list[Record]]:
    """Return the records of each owner, in their order."""
    owners: dict[Key, list[Record]] = {}
    for record in records:
        owners.setdefault(record.owner.key, []).append(record)
    return owners


def node_of(records: Sequence[Record]) -> Node:
    """Return the RRsets of one owner, in the order of their types."""
    if len(records) == 1:
        return MappingProxyType({records[0].rdata.type: _rrset(records)})
    by_type: dict[int, list[Record]] = {}
    for record in records:
        by_type.setdefault(record.rdata.type, []).append(record)
    return MappingProxyType({kind: _rrset(own) for kind, own in sorted(by_type.items())})


def _rrset(records: Sequence[Record]) -> RRset:
    first = records[0]
    if len(records) == 1:
        return RRset(first.owner, first.rdata.type, first.ttl, (first.rdata,))
    # RFC 2181 §5: no two records of a set are equal. RFC 2181 §5.2: they share one TTL; we take the lowest.
    rdatas = tuple(dict.fromkeys(record.rdata for record in records))
    return RRset(first.owner, first.rdata.type, min(record.ttl for record in records), rdatas)


def faults(apex: Name, owners: Mapping[Key, Sequence[Record]]) -> Iterator[tuple[Record, str]]:
    """Yield each record of a zone that breaks a rule, and the rule, given all records `by_owner`."""
    depth = len(apex.key)
    for key, records in owners.items():
        outside = depth > 0 and key[-depth:] != apex.key
        aliased = False
        for record in records:
            rdata = record.rdata
            if outside:
                yield record, f"{record.owner} is outside the zone {apex}"
            if not 0 <= record.ttl <= MAX_TTL:
                yield record, f"{record.owner} has a TTL that is not between 0 and {MAX_TTL} (RFC 2181 §8)"
            if rdata.__class__ not in _RULED:
                continue
            if isinstance(rdata, NS):
                yield from ((record, sentence) for sentence in _ns_faults(apex, owners, record, rdata))
            elif not isinstance(rdata, SOA):
                aliased = True
            elif key != apex.key:
                yield record, f"{record.owner} has a SOA inside the zone {apex}"
        if aliased:
            yield from _alias_faults(records)


def _alias_faults(records: Sequence[Record]) -> Iterator[tuple[Record, str]]:
    """Yield the records of one owner that clash with a CNAME or DNAME before them."""
    seen: dict[Rdata, int] = {}
    for record in records:
        rdata = record.rdata
        if rdata in seen:
            continue  # RFC 2181 §5: a record that is written twice is one record
        # RFC 1034 §3.6.2: a name with a CNAME has no other data. RFC 2181 §10.1: and only one CNAME.
        if seen and Type.CNAME in {rdata.type, *seen.values()}:
            several = all(kind == Type.CNAME for kind in (rdata.type, *seen.values()))
            clash = "several CNAMEs (RFC 2181 §10.1)" if several else "a CNAME and other records (RFC 1034 §3.6.2)"
            yield record, f"{record.owner} has {clash}"
        elif rdata.type == Type.DNAME and Type.DNAME in seen.values():  # RFC 6672 §2.4: one DNAME per name
            yield record, f"{record.owner} has several DNAMEs (RFC 6672 §2.4)"
        seen[rdata] = rdata.type


def _ns_faults(apex: Name, owners: Mapping[Key, Sequence[Record]], record: Record, rdata: NS) -> Iterator[str]:
    """Yield what is wrong with a delegation."""
    owner, target = record.owner, rdata.target
    if owner.key[:1] == (b"*",):
        yield f"{owner} delegates a wildcard, which means nothing (RFC 4592 §4.2)"
    if not target.is_under(apex):
        return
    types = {other.rdata.type for other in owners.get(target.key, ())}
    if Type.CNAME in types:
        yield f"the name server {target} of {owner} is an alias (RFC 2181 §10.3)"
    # RFC 1035 §5.2: a name server below the names that it serves is found by its address here, or not at all.
    elif target.is_under(owner) and not types & {Type.A, Type.AAAA}:
        yield f"the name server {target} of {owner} has no address here (RFC 1035 §5.2)"


@value
class Catalog:
    """The zones that the name server is authoritative for, by the key of their apex."""

    zones: Mapping[Key, Zone]

    @classmethod
    def of(cls, zones: Iterable[Zone]) -> Catalog:
        """Make a catalog of zones, no two of which have the same apex."""
        return cls(MappingProxyType({zone.apex.key: zone for zone in zones}))

    def nearest(self, key: Key) -> Zone | None:
        """Return the zone whose apex is the nearest ancestor of the name (RFC 1034 §4.3.2 step 2), or None."""
        for cut in range(len(key) + 1):
            zone = self.zones.get(key[cut:])
            if zone is not None:
                return zone
        return None


def cname_target(node: Mapping[int, RRset]) -> Name | None:
    """Return the canonical name that a node's CNAME gives, or None if the node has no CNAME."""
    rdata = node[Type.CNAME].rdatas[0] if Type.CNAME in node else None
    return rdata.target if isinstance(rdata, CNAME) else None
