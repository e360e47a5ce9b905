"""The further records of the world's domains: they must not contradict the address book or each other.

All services check them when they read the world, so that they take or refuse the same world. `postroad.dns.zone` has
the rules of a single zone. Here are the rules of the address book: every host has one address and can be found.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from postroad.dns.name import Name
from postroad.dns.rdata import AAAA, CNAME, DNAME, NS, A, Type
from postroad.dns.zone import by_owner, faults

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator, Mapping
    from ipaddress import IPv4Network

    from postroad.dns.name import Key
    from postroad.dns.zone import Record
    from postroad.world.world import Host


class FurtherCheck:
    """Checks the further records of one domain after another, given all domains and hosts of the world."""

    def __init__(self, domains: Collection[str], hosts: Mapping[str, Host], network: IPv4Network) -> None:
        self._apexes = {_key(domain) for domain in domains}
        self._hosts = {_key(name): host for name, host in hosts.items()}
        self._network = network

    def faults(self, domain: str, records: Mapping[int, Record]) -> Iterator[tuple[int, str]]:
        """Yield the keys of the records of a domain that break a rule, each with the first rule that it breaks."""
        apex = Name.parse(domain)
        # The records need not include the addresses of hosts: a record at or above a host that needs them is refused.
        zone: dict[int, str] = {}
        for record, sentence in faults(apex, by_owner(records.values())):
            zone.setdefault(id(record), sentence)
        for key, record in records.items():
            fault = next(self._of_address_book(apex, record), zone.get(id(record)))
            if fault is not None:
                yield key, fault

    def _of_address_book(self, apex: Name, record: Record) -> Iterator[str]:
        """Yield the rules that the record breaks, the gravest first."""
        owner, rdata = record.owner, record.rdata
        depth = len(apex.key)
        if not owner.is_under(apex):
            yield f"the owner {owner} is not in {_spell(apex)}"
        for cut in range(len(owner.key) - depth):
            if owner.key[cut:] in self._apexes:
                yield f"{_spell(owner)} is in {_spell(Name(owner.key[cut:]))}, which is a domain of its own"
        if owner.key == apex.key:
            if rdata.type in {Type.SOA, Type.NS}:
                yield "the domain itself has its SOA and NS from the name server"
            elif isinstance(rdata, CNAME):
                yield "the domain itself has its SOA and no CNAME (RFC 1034 §3.6.2)"
        if isinstance(rdata, A | AAAA | CNAME) and owner.key in self._hosts:
            yield f"{_spell(owner)} is a host, whose address only [hosts] gives"
        if isinstance(rdata, A) and rdata.address in self._network:
            yield f"{rdata.address} is in the private network: make it a host"
        if isinstance(rdata, NS | DNAME):
            yield from self._lost(owner, rdata)

    def _lost(self, owner: Name, rdata: NS | DNAME) -> Iterator[str]:
        """Yield a sentence if hosts lie where the record sends resolvers elsewhere (RFC 1034 §4.2.1, RFC 6672 §2.3)."""
        depth = len(owner.key)
        least = depth + isinstance(rdata, DNAME)  # a DNAME is not for its owner
        lost = [host.name for key, host in self._hosts.items() if len(key) >= least and key[-depth:] == owner.key]
        if lost:
            given = f"{_spell(owner)} is given away by its {Type(rdata.type).name}"
            yield f"{given}, and then nobody finds the host {', '.join(sorted(lost))}"


def _key(domain: str) -> Key:
    """Return the key of the name that a `domain_key` is: LDH labels in lower case."""
    return tuple(domain.encode().split(b"."))


def _spell(name: Name) -> str:
    """Return the name as the world file has it: without the final dot."""
    return str(name).removesuffix(".")
