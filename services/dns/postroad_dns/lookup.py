"""The answer to a question: RFC 1034 §4.3.2, a pure function of the catalog.

It also follows: wildcards (RFC 4592), negative answers (RFC 2308), no name below a name that does not exist and an
existing name above each that does (RFC 8020), the RCODE after aliases (RFC 6604 §3), minimal answers to QTYPE ANY
(RFC 8482), glue that a referral can't do without (RFC 9471).
"""

from __future__ import annotations

from dataclasses import replace
from enum import IntEnum
from typing import TYPE_CHECKING

from postroad.dns.name import BadName
from postroad.dns.rdata import CNAME, DNAME, SOA, Rdata, Type, host_named
from postroad.dns.zone import RRset, Zone, cname_target
from postroad.value import value

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from postroad.dns.name import Key, Name
    from postroad.dns.zone import Catalog

# Aliases that are followed per question, which ends loops too. A resolver continues from where this stops.
MAX_ALIASES = 16


class Rcode(IntEnum):
    """Response codes (RFC 1035 §4.1.1; YXDOMAIN: RFC 6672 §2.2; BADVERS: RFC 6891 §9)."""

    NOERROR = 0
    FORMERR = 1
    SERVFAIL = 2
    NXDOMAIN = 3
    NOTIMP = 4
    REFUSED = 5
    YXDOMAIN = 6
    BADVERS = 16


@value
class Answer:
    """The catalog's answer to a question.

    `glue` are addresses without which the resolver can't follow the referral (RFC 9471 §2). `additional` are
    addresses that only save it a question (RFC 1034 §4.3.2 step 6).
    """

    rcode: Rcode
    authoritative: bool
    answer: tuple[RRset, ...] = ()
    authority: tuple[RRset, ...] = ()
    glue: tuple[RRset, ...] = ()
    additional: tuple[RRset, ...] = ()


REFUSED = Answer(Rcode.REFUSED, authoritative=False)


@value
class _Found:
    """The node that answers for the name: its own, or that of a wildcard."""

    node: Mapping[int, RRset]


@value
class _Cut:
    """The match would leave the zone here (RFC 1034 §4.3.2 step 3b)."""

    ns: RRset


@value
class _Redirect:
    """A DNAME above the name sends it elsewhere (RFC 6672 §3.2 step 3c)."""

    dname: RRset


@value
class _Missing:
    """The name does not exist, and no wildcard covers it (RFC 1034 §4.3.2 step 3c)."""


_MISSING = _Missing()


def lookup(catalog: Catalog, qname: Name, qtype: int) -> Answer:
    """Answer a question of class IN."""
    chain: list[RRset] = []
    name = qname
    while True:
        zone = _zone_for(catalog, name.key, qtype)
        if zone is None:
            # No zone has the first name: refused. No zone has a later one: the aliases so far are the answer (step 4).
            return Answer(Rcode.NOERROR, authoritative=True, answer=tuple(chain)) if chain else REFUSED
        matched = _match(zone, name.key, qtype)
        match matched:
            case _Missing():
                # RFC 6604 §3: the RCODE is that of the last name in the chain.
                return Answer(Rcode.NXDOMAIN, authoritative=True, answer=tuple(chain), authority=(_negative(zone),))
            case _Cut(ns):
                # RFC 1035 §4.1.1: AA is about the first owner name, so a chain keeps it.
                glue, others = _addresses(catalog, (ns,), within=ns.owner.key)
                return Answer(Rcode.NOERROR, bool(chain), tuple(chain), (ns,), glue, others)
            case _Redirect(dname):
                chain.append(dname)
                target = _substitute(name, dname)
                if target is None:
                    # RFC 6672 §2.2: the name that the DNAME makes would be too long.
                    return Answer(Rcode.YXDOMAIN, authoritative=True, answer=tuple(chain))
                # RFC 6672 §3.1: resolvers that don't know DNAME get a CNAME with the TTL of the DNAME.
                chain.append(RRset(name, Type.CNAME, dname.ttl, (CNAME(target),)))
                # A question for the CNAME is answered; NSD and Knot DNS stop here too.
                if qtype in {Type.CNAME, Type.ANY} or _ends_here(chain, target):
                    return Answer(Rcode.NOERROR, authoritative=True, answer=tuple(chain))
                name = target
                continue
        node = matched.node
        target = cname_target(node)
        if target is not None and qtype not in {Type.CNAME, Type.ANY}:
            chain.append(replace(node[Type.CNAME], owner=name))
            if _ends_here(chain, target):
                return Answer(Rcode.NOERROR, authoritative=True, answer=tuple(chain))
            name = target
            continue
        rrset = _select(node, qtype)
        if rrset is None:
            # RFC 2308 §2.2: NODATA is NOERROR, no answer, and the SOA.
            return Answer(Rcode.NOERROR, authoritative=True, answer=tuple(chain), authority=(_negative(zone),))
        chain.append(replace(rrset, owner=name))
        _, additional = _addresses(catalog, chain[-1:], within=None)
        return Answer(Rcode.NOERROR, authoritative=True, answer=tuple(chain), additional=additional)


def _ends_here(chain: list[RRset], target: Name) -> bool:
    """Whether to follow the chain of aliases no further, since it is long or a loop."""
    return len(chain) > MAX_ALIASES or any(rrset.owner == target for rrset in chain)


def _substitute(name: Name, dname: RRset) -> Name | None:
    """Return the name with the DNAME's target in place of its owner; None if that is too long."""
    rdata = dname.rdatas[0]
    kept = name.labels[: len(name.labels) - len(dname.owner.labels)]
    try:
        return rdata.target.child(*kept) if isinstance(rdata, DNAME) else None
    except BadName:
        return None


def _zone_for(catalog: Catalog, key: Key, qtype: int) -> Zone | None:
    zone = catalog.nearest(key)
    if zone is not None and qtype == Type.DS:
        # RFC 4035 §3.1.4.1: the parent answers for the DS of a zone cut, if the parent is served here too.
        return catalog.nearest(key[1:]) or zone
    return zone


def _match(zone: Zone, key: Key, qtype: int) -> _Found | _Cut | _Redirect | _Missing:
    """Match down from the apex, label by label (RFC 1034 §4.3.2 step 3, RFC 4592 §3.2)."""
    nodes = zone.nodes
    depth = len(key) - len(zone.apex.key)
    node = nodes[zone.apex.key]
    for cut in range(depth - 1, -1, -1):
        # RFC 6672 §2.3: a DNAME redirects the names below its owner, not the owner.
        if Type.DNAME in node:
            return _Redirect(node[Type.DNAME])
        below = nodes.get(key[cut:])
        if below is None:
            # RFC 4592 §3.3.1: `node` is the closest encloser, and only the wildcard right below it covers the name.
            wildcard = nodes.get((b"*", *key[cut + 1 :]))
            return _Found(wildcard) if wildcard is not None and key[cut:] not in zone.absent else _MISSING
        # RFC 4035 §3.1.4.1: the parent answers for DS at the cut itself.
        if Type.NS in below and not (cut == 0 and qtype == Type.DS):
            return _Cut(below[Type.NS])
        node = below
    return _Found(node)


def _select(node: Mapping[int, RRset], qtype: int) -> RRset | None:
    if qtype == Type.ANY:
        # RFC 8482 §4.1: one RRset is enough. RRsets are in the order of TYPE: A, NS, CNAME, SOA.
        return next(iter(node.values()), None)
    return node.get(qtype)


def _negative(zone: Zone) -> RRset:
    # RFC 2308 §3: the TTL of the SOA in a negative answer is the lesser of its own TTL and its MINIMUM field.
    soa = zone.soa.rdatas[0]
    return replace(zone.soa, ttl=min(zone.soa.ttl, soa.minimum)) if isinstance(soa, SOA) else zone.soa


def _addresses(
    catalog: Catalog, rrsets: Iterable[RRset], *, within: Key | None
) -> tuple[tuple[RRset, ...], tuple[RRset, ...]]:
    """Find the addresses of the hosts that records name: (those below the key `within`, the others).

    `within` is None if the records are not a referral.
    """
    inside: list[RRset] = []
    others: list[RRset] = []
    for host in dict.fromkeys(_hosts(rdata for rrset in rrsets for rdata in rrset.rdatas)):
        zone = catalog.nearest(host.key)
        if zone is None:
            continue
        match _match(zone, host.key, Type.A):
            case _Found(node):
                pass
            case _Cut() if within is not None:
                node = zone.nodes.get(host.key, {})  # RFC 1034 §4.3.2 step 3b: glue, where there is nothing better
            case _:
                continue
        addresses = [replace(node[kind], owner=host) for kind in (Type.A, Type.AAAA) if kind in node]
        needed = within is not None and host.key[-len(within) :] == within
        (inside if needed else others).extend(addresses)
    return tuple(inside), tuple(others)


def _hosts(rdatas: Iterable[Rdata]) -> Iterable[Name]:
    return (host for rdata in rdatas if (host := host_named(rdata)) is not None)
