from __future__ import annotations

from dataclasses import fields, replace
from ipaddress import IPv4Address, IPv6Address

import pytest

from postroad.dns.name import Name
from postroad.dns.rdata import SOA, Type
from postroad.dns.zone import ZoneError
from postroad.world.world import MX, Host, Role, World
from postroad_dns import lookup
from postroad_dns.addressbook import build_catalog
from postroad_dns.lookup import Rcode
from postroad_dns.zones import format_zone
from tests.dns.world import HOSTS, domain, host, settings, world

ALPHA = domain("alpha.test", "www 300 A 203.0.113.80", '@ TXT "v=spf1 mx -all"')


def ask(known: World, name: str, kind: int, **chosen: str) -> tuple[Rcode, list[str]]:
    """Return the response code and the answer's RDATA as text."""
    catalog = build_catalog(known, settings(**chosen), 5)
    answer = lookup.lookup(catalog, Name.parse(name), kind)
    texts: list[str] = []
    for rrset in answer.answer:
        texts += [" ".join(str(getattr(rdata, field.name)) for field in fields(rdata)) for rdata in rrset.rdatas]
    return answer.rcode, texts


@pytest.mark.parametrize(
    ("name", "kind", "expected"),
    [
        ("alpha.test.", Type.MX, ["10 mx.postroad.test."]),
        ("alpha.test.", Type.NS, ["ns.postroad.test."]),
        ("alpha.test.", Type.SOA, ["ns.postroad.test. postmaster.alpha.test. 5 3600 600 604800 1"]),
        ("alpha.test.", Type.TXT, ["(b'v=spf1 mx -all',)"]),
        ("www.alpha.test.", Type.A, ["203.0.113.80"]),
        ("mx.postroad.test.", Type.A, ["127.0.0.143"]),
        ("relay.postroad.test.", Type.A, ["127.0.0.25"]),
        ("143.0.0.127.in-addr.arpa.", Type.PTR, ["mx.postroad.test."]),
        ("0.0.127.in-addr.arpa.", Type.SOA, ["ns.postroad.test. postmaster.postroad.test. 5 3600 600 604800 1"]),
        # RFC 6186 and RFC 8314
        ("_submission._tcp.alpha.test.", Type.SRV, ["10 1 1587 relay.postroad.test."]),
        ("_submissions._tcp.alpha.test.", Type.SRV, ["0 1 1465 relay.postroad.test."]),
        ("_imap._tcp.alpha.test.", Type.SRV, ["10 1 1143 mx.postroad.test."]),
        ("_imaps._tcp.alpha.test.", Type.SRV, ["0 1 1993 mx.postroad.test."]),
        ("_pop3._tcp.alpha.test.", Type.SRV, ["30 1 1110 mx.postroad.test."]),
        ("_sieve._tcp.alpha.test.", Type.SRV, ["0 1 4190 mx.postroad.test."]),
        ("_pop3s._tcp.alpha.test.", Type.SRV, ["20 1 1995 mx.postroad.test."]),
    ],
)
def test_what_the_world_says(name: str, kind: int, expected: list[str]) -> None:
    for outside in ("capture", "bounce", "refuse"):
        assert ask(world(ALPHA), name, kind, outside=outside) == (Rcode.NOERROR, expected)


@pytest.mark.parametrize(
    ("name", "kind", "capture", "bounce", "refuse"),
    [
        ("elsewhere.example.", Type.MX, "10 mx.postroad.test.", Rcode.NXDOMAIN, Rcode.REFUSED),
        ("elsewhere.example.", Type.A, "127.0.0.143", Rcode.NXDOMAIN, Rcode.REFUSED),
        ("elsewhere.example.", Type.AAAA, Rcode.NOERROR, Rcode.NXDOMAIN, Rcode.REFUSED),
        ("deep.in.elsewhere.example.", Type.MX, "10 mx.postroad.test.", Rcode.NXDOMAIN, Rcode.REFUSED),
        ("com.", Type.MX, "10 mx.postroad.test.", Rcode.NXDOMAIN, Rcode.REFUSED),
        # beside a domain of the world, and above it
        ("unknown.test.", Type.MX, "10 mx.postroad.test.", Rcode.NXDOMAIN, Rcode.REFUSED),
        ("test.", Type.MX, "10 mx.postroad.test.", Rcode.NOERROR, Rcode.REFUSED),
        # inside one, its own zone decides
        ("nothing.alpha.test.", Type.MX, Rcode.NXDOMAIN, Rcode.NXDOMAIN, Rcode.NXDOMAIN),
        # RFC 6761 §6.4
        ("host.invalid.", Type.MX, Rcode.NXDOMAIN, Rcode.NXDOMAIN, Rcode.REFUSED),
        ("invalid.", Type.A, Rcode.NXDOMAIN, Rcode.NXDOMAIN, Rcode.REFUSED),
        # RFC 7686 §2
        ("onion.", Type.A, Rcode.NXDOMAIN, Rcode.NXDOMAIN, Rcode.REFUSED),
        ("a.b.OnIoN.", Type.MX, Rcode.NXDOMAIN, Rcode.NXDOMAIN, Rcode.REFUSED),
        # RFC 9476 §2
        ("alt.", Type.MX, Rcode.NXDOMAIN, Rcode.NXDOMAIN, Rcode.REFUSED),
        ("name.alt.", Type.A, Rcode.NXDOMAIN, Rcode.NXDOMAIN, Rcode.REFUSED),
        # RFC 6762 §22.1
        ("local.", Type.A, Rcode.NXDOMAIN, Rcode.NXDOMAIN, Rcode.REFUSED),
        ("printer.local.", Type.A, Rcode.NXDOMAIN, Rcode.NXDOMAIN, Rcode.REFUSED),
        # RFC 8375 §4
        ("home.arpa.", Type.MX, Rcode.NXDOMAIN, Rcode.NXDOMAIN, Rcode.REFUSED),
        ("nas.home.arpa.", Type.A, Rcode.NXDOMAIN, Rcode.NXDOMAIN, Rcode.REFUSED),
        # RFC 6761 §6.3
        ("localhost.", Type.A, "127.0.0.1", "127.0.0.1", Rcode.REFUSED),
        ("a.b.LOCALHOST.", Type.A, "127.0.0.1", "127.0.0.1", Rcode.REFUSED),
        ("localhost.", Type.AAAA, "::1", "::1", Rcode.REFUSED),
        ("a.localhost.", Type.AAAA, "::1", "::1", Rcode.REFUSED),
        ("localhost.", Type.MX, Rcode.NOERROR, Rcode.NOERROR, Rcode.REFUSED),
        ("a.localhost.", Type.MX, Rcode.NOERROR, Rcode.NOERROR, Rcode.REFUSED),
        # names that only look like those
        ("onion.example.", Type.MX, "10 mx.postroad.test.", Rcode.NXDOMAIN, Rcode.REFUSED),
        ("notlocalhost.", Type.A, "127.0.0.143", Rcode.NXDOMAIN, Rcode.REFUSED),
        # addresses that are nobody's
        ("1.113.0.203.in-addr.arpa.", Type.PTR, Rcode.NXDOMAIN, Rcode.NXDOMAIN, Rcode.REFUSED),
        ("9.0.0.127.in-addr.arpa.", Type.PTR, Rcode.NXDOMAIN, Rcode.NXDOMAIN, Rcode.NXDOMAIN),
        ("1.ip6.arpa.", Type.PTR, Rcode.NXDOMAIN, Rcode.NXDOMAIN, Rcode.REFUSED),
        (".", Type.NS, "ns.postroad.test.", "ns.postroad.test.", Rcode.REFUSED),
        (".", Type.MX, Rcode.NOERROR, Rcode.NOERROR, Rcode.REFUSED),
    ],
)
def test_outside(name: str, kind: int, capture: str | Rcode, bounce: str | Rcode, refuse: str | Rcode) -> None:
    for outside, expected in (("capture", capture), ("bounce", bounce), ("refuse", refuse)):
        rcode, texts = ask(world(ALPHA), name, kind, outside=outside)
        if isinstance(expected, Rcode):
            assert (rcode, texts) == (expected, []), outside
        else:
            assert (rcode, texts) == (Rcode.NOERROR, [expected]), outside


def test_domains_within_domains() -> None:
    known = world(ALPHA, domain("sub.alpha.test", "www A 203.0.113.81"), domain("a.b.alpha.test"), domain("test"))
    assert ask(known, "www.sub.alpha.test.", Type.A) == (Rcode.NOERROR, ["203.0.113.81"])
    assert ask(known, "b.alpha.test.", Type.MX) == (Rcode.NOERROR, [])
    assert ask(known, "unknown.test.", Type.MX) == (Rcode.NXDOMAIN, [])
    assert ask(known, "unknown.example.", Type.MX) == (Rcode.NOERROR, ["10 mx.postroad.test."])
    catalog = build_catalog(known, settings(), 1)
    alpha = catalog.zones[b"alpha", b"test"]
    assert Type.NS in alpha.nodes[b"sub", b"alpha", b"test"]
    # The name server's own zone is below "test", so its glue is there.
    assert Type.A in catalog.zones[(b"test",)].nodes[b"ns", b"postroad", b"test"]
    for zone in catalog.zones.values():
        soa = zone.soa.rdatas[0]
        assert isinstance(soa, SOA)
        assert soa.serial == 1
        assert format_zone(zone)


def test_a_world_that_has_special_names_itself() -> None:
    for special in ("invalid", "onion", "alt", "local", "localhost", "home.arpa"):
        store = (Rcode.NOERROR, ["10 mx.postroad.test."])
        below = world(domain(f"host.{special}"))
        assert ask(below, f"host.{special}.", Type.MX) == store
        # RFC 8020 §2: what has a name below it exists. But nothing else there does.
        assert ask(below, f"{special}.", Type.MX) == (Rcode.NOERROR, [])
        other = Rcode.NOERROR if special == "localhost" else Rcode.NXDOMAIN
        assert ask(below, f"other.{special}.", Type.MX) == (other, [])
        assert ask(world(domain(special)), f"{special}.", Type.MX) == store
        assert ask(world(domain(special)), f"other.{special}.", Type.MX) == (Rcode.NXDOMAIN, [])


def test_a_domain_whose_name_is_so_long_that_no_service_can_be_below_it() -> None:
    name = f"{'a.' * 124}alpha"  # 253 characters
    catalog = build_catalog(world(domain(name)), settings(), 1)
    zone = catalog.zones[Name.parse(name).key]
    assert list(zone.nodes) == [Name.parse(name).key]
    assert ask(world(domain(name)), f"{name}.", Type.SOA)[1][0].startswith(
        "ns.postroad.test. postmaster.postroad.test."
    )


def test_a_domain_without_mail() -> None:
    known = world(domain("quiet.test", mx=(MX(0, "."),), users=()))
    assert ask(known, "quiet.test.", Type.MX) == (Rcode.NOERROR, ["0 ."])
    assert ask(known, "_imap._tcp.quiet.test.", Type.SRV) == (Rcode.NXDOMAIN, [])
    assert ask(known, "quiet.test.", Type.SOA)[1][0].startswith("ns.postroad.test. postmaster.postroad.test.")


def test_further_records_take_the_place_of_derived_ones() -> None:
    known = world(domain("alpha.test", "_pop3._tcp SRV 0 0 0 .", "_imap._tcp CNAME _imap._tcp.postroad.test."))
    # RFC 6186 §3.4: the root as target says that there is no such service
    assert ask(known, "_pop3._tcp.alpha.test.", Type.SRV) == (Rcode.NOERROR, ["0 0 0 ."])
    assert ask(known, "_imap._tcp.alpha.test.", Type.SRV)[1][0] == "_imap._tcp.postroad.test."
    assert ask(known, "_imaps._tcp.alpha.test.", Type.SRV) == (Rcode.NOERROR, ["0 1 1993 mx.postroad.test."])


@pytest.mark.parametrize(
    ("record", "why"),
    [
        ("www BOGUS x", "alpha.test: record 'www BOGUS x': type BOGUS"),
        ("www.other.test. A 203.0.113.1", "not in alpha.test"),
        ("www.sub A 203.0.113.1", "a domain of its own"),
        ("@ SOA ns admin 1 2 3 4 5", "from the name server"),
        ("@ NS ns.other.", "from the name server"),
        ("@ CNAME other.", "no CNAME"),
        ("web A 203.0.113.1", "is a host"),
        ("web CNAME www", "is a host"),
        ("web AAAA 2001:db8::1", "is a host"),
        ("ftp A 127.0.0.143", "private network"),
    ],
)
def test_refused_records(record: str, why: str) -> None:
    web = host("web.alpha.test", "127.0.0.80")
    with pytest.raises(ZoneError, match=why):
        build_catalog(world(domain("alpha.test", record), domain("sub.alpha.test"), hosts=(*HOSTS, web)), settings(), 1)


def test_a_host_outside_all_domains() -> None:
    with pytest.raises(ZoneError, match=r"web\.other lies in no domain"):
        build_catalog(world(hosts=(*HOSTS, host("web.other", "127.0.0.80"))), settings(), 1)
    with pytest.raises(ZoneError, match=r"web\.other lies in no domain"):
        build_catalog(world(hosts=(*HOSTS, host("web.other", "127.0.0.80"))), settings(outside="refuse"), 1)


def test_a_host_with_an_ipv6_address() -> None:
    six = Host("six.postroad.test", IPv6Address("2001:db8::80"))
    known = world(hosts=(*HOSTS, six))
    assert ask(known, "six.postroad.test.", Type.AAAA) == (Rcode.NOERROR, ["2001:db8::80"])
    assert ask(known, six.address.reverse_pointer, Type.PTR) == (Rcode.NOERROR, ["six.postroad.test."])
    # RFC 3596 §2.5: the zone is that of the /64
    assert ask(known, f"{'0.' * 8}8.b.d.0.1.0.0.2.ip6.arpa.", Type.SOA)[1] != []
    assert ask(known, f"{'0.' * 9}8.b.d.0.1.0.0.2.ip6.arpa.", Type.SOA) == (Rcode.NOERROR, [])
    assert ask(known, IPv6Address("2001:db8::81").reverse_pointer, Type.PTR) == (Rcode.NXDOMAIN, [])


def test_a_network_elsewhere() -> None:
    moved = tuple(replace(machine, address=IPv4Address(f"172.31.25.{int(machine.address) & 255}")) for machine in HOSTS)
    known = replace(world(hosts=moved), network=settings(network="172.31.25").network)
    assert ask(known, "53.25.31.172.in-addr.arpa.", Type.PTR) == (Rcode.NOERROR, ["ns.postroad.test."])
    assert known.host_of(Role.DNS).address == IPv4Address("172.31.25.53")
