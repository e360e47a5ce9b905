"""The zones of the world: one per domain, with the addresses of the hosts, forward and reverse.

The name server keeps the address book: a host has one address, no two hosts have the same one, and no further
record of a domain may say otherwise. With `Outside.CAPTURE` and `Outside.BOUNCE` the server is also the root of its
own Internet, so that no question ever has to leave this machine.
"""

from __future__ import annotations

from functools import lru_cache
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_network
from typing import TYPE_CHECKING, NamedTuple

from postroad.config import Outside
from postroad.dns.masterfile import parse_record
from postroad.dns.name import ROOT, BadName, Key, Name
from postroad.dns.rdata import AAAA, CNAME, MX, NS, PTR, SOA, SRV, A
from postroad.dns.words import ZoneFileError
from postroad.dns.zone import EMPTY_NODE, Catalog, Record, Zone, ZoneError, by_owner, node_of
from postroad.value import value
from postroad.world.further import FurtherCheck
from postroad.world.world import Role

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    from postroad.config import Settings
    from postroad.dns.zone import Node
    from postroad.world.world import Domain, Host, World

# Seconds. An edit of the world must be seen at once, and no server here is far away. RFC 2181 §7.2: a SOA has a TTL
# like any other record.
TTL = 1
# Seconds; RFC 1912 §2.2. No server acts on them, since there are no secondaries.
_REFRESH, _RETRY, _EXPIRE = 3600, 600, 604800

_LOCALHOST = Name.parse("localhost")
# Special-use names (RFC 6761) that no name server may make exist, neither the name nor any below it. Mail to them
# shows what a failed look-up does. A world may still have domains there.
_ABSENT = (
    Name.parse("invalid"),  # RFC 6761 §6.4
    Name.parse("onion"),  # RFC 7686 §2
    Name.parse("alt"),  # RFC 9476 §2
    Name.parse("local"),  # RFC 6762 §22.1
)
# Names that capture no mail: those, and the reverse tree, whose names belong to the world or don't exist. home.arpa
# (RFC 8375 §4) is below arpa.
_NOT_CAPTURED = (*_ABSENT, _LOCALHOST, Name.parse("arpa"))


def build_catalog(world: World, settings: Settings, serial: int) -> Catalog:
    """Derive all zones from the world; `serial` is that of every SOA (RFC 1035 §3.3.13).

    Raises `ZoneError` if a domain's further records break a rule; the message names the domain and the record.
    """
    return _Builder(world, settings, serial).catalog()


def build_overlay(world: World, settings: Settings, serial: int) -> OverlayZones:
    """Derive the zones of an overlay, and what the root needs so that they are found; raises `ZoneError`."""
    return _Builder(world, settings, serial).overlay()


class OverlayZones(NamedTuple):
    """The zones of an overlay.

    `cuts` are the nodes of the root where its zones begin, by owner. `between` are those that exist only because of the
    names below them: empty ones, or with the root's wildcards. Overlays share these.
    """

    zones: tuple[Zone, ...]
    cuts: Mapping[Key, Node]
    between: Mapping[Key, Node]


@value
class _Builder:
    world: World
    settings: Settings
    serial: int

    def catalog(self) -> Catalog:
        forward = {Name.parse(domain.name): domain for domain in self.world.domains.values()}
        reverse = self._reverse()
        apexes = {apex.key for apex in (*forward, *reverse)}
        rooted = self.settings.outside is not Outside.REFUSE
        if rooted:
            apexes.add(ROOT.key)
        records: dict[Key, list[Record]] = {key: [] for key in apexes} | {
            apex.key: list(pointers) for apex, pointers in reverse.items()
        }
        for host in self.world.hosts.values():
            name = _of_host(host.name)
            key = _nearest(apexes, name.key)
            if not key:
                raise ZoneError(f"the host {host.name} lies in no domain of the world")
            records[key].append(self._address(name, host))
        for apex in (*forward, *reverse):
            if (parent := _nearest(apexes, apex.key[1:])) is not None:
                records[parent].extend(self._delegation(apex))
        for apex, domain in forward.items():
            records[apex.key].extend(self._mail(apex, domain))
            records[apex.key] = self._with_further(apex, domain, records[apex.key])
        if rooted:
            records[ROOT.key].extend(self._localhost(apexes))
        if self.settings.outside is Outside.CAPTURE:
            records[ROOT.key].extend(self._capture(apexes))
        names = {apex.key: apex for apex in (*forward, *reverse, ROOT)}
        return Catalog.of(
            Zone.build(
                names[key],
                (*self._top(names[key], forward.get(names[key])), *own),
                absent=() if key else _ABSENT,
            )
            for key, own in records.items()
        )

    def overlay(self) -> OverlayZones:
        """Build the zones of a world that has no hosts and no reverse zones of its own."""
        forward = {Name.parse(domain.name): domain for domain in self.world.domains.values()}
        apexes = {apex.key for apex in forward}
        records: dict[Key, list[Record]] = {apex.key: [] for apex in forward}
        cuts: dict[Key, Node] = {}
        between: dict[Key, Node] = {}
        for apex, domain in forward.items():
            parent = _nearest(apexes, apex.key[1:])
            if parent is not None:
                records[parent].extend(self._delegation(apex))
            else:
                cuts[apex.key] = node_of(list(self._delegation(apex)))
                between |= self._between(apex.key)
            records[apex.key].extend(self._mail(apex, domain))
        zones = [
            Zone.build(apex, (*self._top(apex, domain), *self._with_further(apex, domain, records[apex.key])))
            for apex, domain in forward.items()
        ]
        return OverlayZones(tuple(zones), cuts, between)

    def _between(self, apex: Key) -> dict[Key, Node]:
        """Return the nodes between a zone and the root (`_capture`)."""
        nodes: dict[Key, Node] = {}
        for cut in range(1, len(apex)):
            nodes[apex[cut:]] = EMPTY_NODE
            if self.settings.outside is Outside.CAPTURE:
                for owner, records in by_owner(self._captured(apex[cut:])).items():
                    nodes[owner] = node_of(records)
        return nodes

    def _top(self, apex: Name, domain: Domain | None) -> Iterator[Record]:
        """Yield the first records of every zone: SOA and NS."""
        host = self.world.host_of(Role.DNS)
        server = _of_host(host.name)
        # RFC 1035 §3.3.13: RNAME is a mailbox. RFC 5321 §4.5.1: every domain with mail has this one.
        rname = _below(apex, b"postmaster") if domain is not None and domain.receives_mail else None
        if rname is None:
            domain_name = self.world.postmaster_of(host.name).domain
            rname = _below(Name.parse(domain_name), b"postmaster") or server
        yield Record(apex, TTL, SOA(server, rname, self.serial, _REFRESH, _RETRY, _EXPIRE, TTL))
        yield Record(apex, TTL, NS(server))

    def _delegation(self, apex: Name) -> Iterator[Record]:
        """Yield a zone's delegation in its parent (RFC 1034 §4.2.1): NS, and glue if the server is in that zone."""
        host = self.world.host_of(Role.DNS)
        server = _of_host(host.name)
        yield Record(apex, TTL, NS(server))
        if server.is_under(apex):
            yield self._address(server, host)

    @staticmethod
    def _address(name: Name, host: Host) -> Record:
        address = host.address
        return Record(name, TTL, A(address) if isinstance(address, IPv4Address) else AAAA(address))

    def _mail(self, apex: Name, domain: Domain) -> Iterator[Record]:
        """Yield a domain's MX, and the SRV records by which its users find their services."""
        for mx in domain.mx:
            yield Record(apex, TTL, MX(mx.preference, _of_host(mx.host)))
        if not domain.receives_mail:
            return
        relay = _of_host(self.world.host_of(Role.RELAY).name)
        store = _of_host(self.world.host_of(Role.STORE).name)
        settings = self.settings
        # RFC 6186 §3.4: the lower priority is preferred, here IMAP to POP3. RFC 8314 §3: and implicit TLS.
        for service, priority, port, host in (
            (b"_submissions", 0, settings.submissions_port, relay),
            (b"_submission", 10, settings.submission_port, relay),
            (b"_imaps", 0, settings.imaps_port, store),
            (b"_imap", 10, settings.imap_port, store),
            (b"_pop3s", 20, settings.pop3s_port, store),
            (b"_pop3", 30, settings.pop3_port, store),
            (b"_sieve", 0, settings.sieve_port, store),  # RFC 5804 §1.8
        ):
            if (owner := _below(apex, service, b"_tcp")) is not None:
                yield Record(owner, TTL, SRV(priority, 1, port, host))

    def _with_further(self, apex: Name, domain: Domain, derived: list[Record]) -> list[Record]:
        """Add the domain's own records, which take the place of derived ones of the same owner and type."""
        if not domain.records:
            return derived
        further: list[Record] = []
        for text in domain.records:
            try:
                further.append(parse_record(text, apex, TTL))
            except ZoneFileError as error:
                raise ZoneError(f"{domain.name}: record {text!r}: {error}") from error
        check = FurtherCheck(self.world.domains, self.world.hosts, self.world.network)
        for index, sentence in check.faults(domain.name, dict(enumerate(further))):
            raise ZoneError(f"{domain.name}: record {domain.records[index]!r}: {sentence}")
        replaced = {(record.owner.key, record.rdata.type) for record in further}
        aliased = {record.owner.key for record in further if isinstance(record.rdata, CNAME)}
        kept = [
            record
            for record in derived
            if (record.owner.key, record.rdata.type) not in replaced and record.owner.key not in aliased
        ]
        return kept + further

    def _reverse(self) -> dict[Name, list[Record]]:
        """Return the reverse zones: the network's, and the /64 of each IPv6 host (RFC 1035 §3.5, RFC 3596 §2.5)."""
        zones: dict[Name, list[Record]] = {_reverse_apex(self.world.network): []}
        for host in self.world.hosts.values():
            prefix = 24 if isinstance(host.address, IPv4Address) else 64
            apex = _reverse_apex(ip_network(f"{host.address}/{prefix}", strict=False))
            pointer = Record(Name.parse(host.address.reverse_pointer), TTL, PTR(Name.parse(host.name)))
            zones.setdefault(apex, []).append(pointer)
        return zones

    @staticmethod
    def _localhost(apexes: set[Key]) -> Iterator[Record]:
        """Yield the loopback addresses of localhost and of all names below it (RFC 6761 §6.3)."""
        if _LOCALHOST.key not in apexes:
            for owner in (_LOCALHOST, _LOCALHOST.child(b"*")):
                yield Record(owner, TTL, A(IPv4Address("127.0.0.1")))
                yield Record(owner, TTL, AAAA(IPv6Address("::1")))

    def _capture(self, apexes: set[Key]) -> Iterator[Record]:
        """Yield the records that make the store the mail exchanger of every domain that the world does not know.

        RFC 4592 §3.3.1: a wildcard covers only names whose closest encloser is right above it. So the root has one,
        and so has every name between the root and a zone of the world, such as "test" above "alpha.test".
        """
        between = {key[cut:] for key in apexes for cut in range(1, len(key)) if _nearest(apexes, key[cut:]) == ()}
        for key in sorted(between | {ROOT.key}):
            yield from self._captured(key)

    def _captured(self, key: Key) -> Iterator[Record]:
        """Yield the records of one such name."""
        name = Name(key)
        if any(name.is_under(special) for special in _NOT_CAPTURED):
            return
        store = self.world.host_of(Role.STORE)
        for owner in (name, name.child(b"*")) if key else (name.child(b"*"),):
            yield Record(owner, TTL, MX(10, _of_host(store.name)))
            yield self._address(owner, store)


@lru_cache(maxsize=256)
def _of_host(name: str) -> Name:
    """Return the name of a host. It is remembered: nearly all records of a world name one of a few hosts."""
    return Name.parse(name)


def _reverse_apex(network: IPv4Network | IPv6Network) -> Name:
    width = 8 if isinstance(network, IPv4Network) else 4
    labels = network.network_address.reverse_pointer.split(".")
    return Name.parse(".".join(labels[(network.max_prefixlen - network.prefixlen) // width :]))


def _below(apex: Name, *labels: bytes) -> Name | None:
    """Return the name below a domain that has these labels in front, or None if a name can't be so long."""
    try:
        return apex.child(*labels)
    except BadName:
        return None


def _nearest(apexes: Iterable[Key], key: Key) -> Key | None:
    """Return the apex that is the nearest ancestor of the name, or None."""
    for cut in range(len(key) + 1):
        if key[cut:] in apexes:
            return key[cut:]
    return None
