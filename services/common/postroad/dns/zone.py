"""Zones: RRsets by owner name, immutable, checked when they are built (RFC 1034 §4.2, RFC 1035 §5.2).

A `Catalog` is all the zones that the server is authoritative for. An edit of the world makes a new one, so
whoever answers a query sees one state of the world from beginning to end.
"""

from __future__ import annotations

from dataclasses import dataclass
from types import MappingProxyType
from typing import TYPE_CHECKING

from postroad.dns.rdata import CNAME, NS, Rdata, Type

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from postroad.dns.name import Key, Name

MAX_TTL = (1 << 31) - 1  # seconds; RFC 2181 §8


class ZoneError(ValueError):
    """The records do not make a zone; the message names zone, owner and fault."""


@dataclass(frozen=True, slots=True)
class Record:
    """One resource record of class IN. The TTL is in seconds."""

    owner: Name
    ttl: int
    rdata: Rdata


@dataclass(frozen=True, slots=True)
class RRset:
    """All the records of one owner name and type, which share a TTL (RFC 2181 §5)."""

    owner: Name
    type: int
    ttl: int
    rdatas: tuple[Rdata, ...]


Node = MappingProxyType[int, RRset]  # the RRsets of one name, by type
_EMPTY_NODE: Node = MappingProxyType({})


@dataclass(frozen=True, slots=True)
class Zone:
    """A zone. `nodes` holds every name that exists in it, empty non-terminals too (RFC 4592 §2.2.2)."""

    apex: Name
    soa: RRset
    nodes: Mapping[Key, Node]

    @classmethod
    def build(cls, apex: Name, records: Iterable[Record]) -> Zone:
        """Sort records into a zone; raises `ZoneError` where they break a rule of RFC 1034, 1035, 2181 or 4592."""
        gathered: dict[Key, dict[int, list[Record]]] = {}
        for record in records:
            if not record.owner.is_under(apex):
                raise ZoneError(f"{record.owner} is outside the zone {apex}")
            gathered.setdefault(record.owner.key, {}).setdefault(record.rdata.type, []).append(record)
        nodes: dict[Key, Node] = {}
        for key, by_type in gathered.items():
            nodes[key] = MappingProxyType({kind: _rrset(found) for kind, found in sorted(by_type.items())})
            _check_node(apex, key, nodes[key])
        for key in tuple(nodes):
            for cut in range(1, len(key) - len(apex.key)):
                nodes.setdefault(key[cut:], _EMPTY_NODE)
        top = nodes.get(apex.key, _EMPTY_NODE)
        # RFC 1035 §5.2: exactly one SOA at the top; RFC 1034 §4.2.1: the NS records of the zone are there too.
        if Type.SOA not in top or len(top[Type.SOA].rdatas) != 1:
            raise ZoneError(f"the zone {apex} has not one SOA record but another number of them")
        if Type.NS not in top:
            raise ZoneError(f"the zone {apex} has no NS record")
        zone = cls(apex, top[Type.SOA], MappingProxyType(nodes))
        _check_glue(zone)
        return zone


def _rrset(records: list[Record]) -> RRset:
    first = records[0]
    # RFC 2181 §5: no two records of a set are the same; §5.2: they share one TTL, so the lowest stands for all.
    rdatas = tuple(dict.fromkeys(record.rdata for record in records))
    return RRset(first.owner, first.rdata.type, min(record.ttl for record in records), rdatas)


def _check_node(apex: Name, key: Key, node: Node) -> None:
    owner = next(iter(node.values())).owner
    if Type.CNAME in node:
        # RFC 1034 §3.6.2: where a CNAME is, no other data; RFC 2181 §10.1: and only one of it.
        if len(node) > 1:
            raise ZoneError(f"{owner} has a CNAME beside other records")
        if len(node[Type.CNAME].rdatas) > 1:
            raise ZoneError(f"{owner} has several CNAMEs")
    # RFC 6672 §2.4: one DNAME at a name.
    if Type.DNAME in node and len(node[Type.DNAME].rdatas) > 1:
        raise ZoneError(f"{owner} has several DNAMEs")
    if Type.SOA in node and key != apex.key:
        raise ZoneError(f"{owner} has a SOA inside the zone {apex}")
    # RFC 4592 §4.2: NS at a wildcard has no defined meaning.
    if Type.NS in node and key[:1] == (b"*",):
        raise ZoneError(f"{owner} delegates a wildcard")
    if any(not 0 <= rrset.ttl <= MAX_TTL for rrset in node.values()):
        raise ZoneError(f"{owner} has a TTL that is not between 0 and {MAX_TTL}")


def _check_glue(zone: Zone) -> None:
    # RFC 1035 §5.2: where glue is required, it is present. RFC 2181 §10.3: an NS names no alias.
    for node in zone.nodes.values():
        for rdata in node[Type.NS].rdatas if Type.NS in node else ():
            if not isinstance(rdata, NS) or not rdata.target.is_under(zone.apex):
                continue
            host = zone.nodes.get(rdata.target.key, _EMPTY_NODE)
            owner = node[Type.NS].owner
            if Type.CNAME in host:
                raise ZoneError(f"the name server {rdata.target} of {owner} is an alias")
            needs_glue = owner.key == zone.apex.key or rdata.target.is_under(owner)
            if needs_glue and not (Type.A in host or Type.AAAA in host):
                raise ZoneError(f"the name server {rdata.target} of {owner} has no address")


@dataclass(frozen=True, slots=True)
class Catalog:
    """The zones that the server is authoritative for, by the key of their apex."""

    zones: Mapping[Key, Zone]

    @classmethod
    def of(cls, zones: Iterable[Zone]) -> Catalog:
        """Make a catalog; no two zones have the same apex."""
        return cls(MappingProxyType({zone.apex.key: zone for zone in zones}))

    def nearest(self, key: Key) -> Zone | None:
        """Return the zone that is the nearest ancestor of the name (RFC 1034 §4.3.2 step 2), or None."""
        for cut in range(len(key) + 1):
            zone = self.zones.get(key[cut:])
            if zone is not None:
                return zone
        return None


def cname_target(node: Mapping[int, RRset]) -> Name | None:
    """Return the canonical name that a node's CNAME gives, or None where the node has none."""
    rdata = node[Type.CNAME].rdatas[0] if Type.CNAME in node else None
    return rdata.target if isinstance(rdata, CNAME) else None
