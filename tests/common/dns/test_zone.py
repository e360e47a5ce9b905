from __future__ import annotations

from dataclasses import replace

import pytest

from postroad.dns.name import Name
from postroad.dns.rdata import TXT, Type
from postroad.dns.zone import Catalog, Record, Zone, ZoneError
from tests.dns.world import zone

TOP = "@ SOA ns admin 1 2 3 4 5\n@ NS ns\nns A 192.0.2.1\n"
START = f"$ORIGIN example.\n{TOP}"


def test_sets_and_empty_non_terminals() -> None:
    built = zone(START + "a.b.c 60 TXT x\na.b.c 30 TXT y\na.b.c 60 TXT x\n")
    rrset = built.nodes[b"a", b"b", b"c", b"example"][Type.TXT]
    # RFC 2181 §5: no duplicates, and one TTL for the set
    assert rrset.rdatas == (TXT((b"x",)), TXT((b"y",)))
    assert rrset.ttl == 30
    assert built.nodes[b"b", b"c", b"example"] == {}
    assert built.nodes[b"c", b"example"] == {}
    assert (b"example",) in built.nodes
    assert () not in built.nodes


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("$ORIGIN example.\n@ NS ns.other.\n", "SOA"),
        (START + "@ SOA ns admin 2 2 3 4 5\n", "SOA"),
        ("$ORIGIN example.\n@ SOA ns admin 1 2 3 4 5\n", "no NS"),
        (START + "www.other. A 192.0.2.1\n", "outside"),
        (START + "x CNAME y\nx TXT z\n", "a CNAME and other records"),
        (START + "x TXT z\nx CNAME y\n", "^x.example. has a CNAME and other records "),
        (START + "x CNAME y\nx CNAME z\n", "^x.example. has several CNAMEs "),
        (START + "x DNAME y\nx DNAME z\n", "several DNAMEs"),
        (START + "x SOA ns admin 1 2 3 4 5\n", "inside"),
        (START + "*.x NS ns.other.\n", "wildcard"),
        (START + "x NS ns.x\n", "no address"),
        (START + "@ NS ns2\n", "no address"),
        (START + "x NS al\nal CNAME ns\n", "alias"),
    ],
)
def test_refused(text: str, why: str) -> None:
    with pytest.raises(ZoneError, match=why):
        zone(text)


def test_a_name_server_outside_needs_no_glue() -> None:
    built = zone(START + "x NS ns.other.\nx NS ns.y\ny NS ns\n")
    assert len(built.nodes[b"x", b"example"][Type.NS].rdatas) == 2


@pytest.mark.parametrize("types", [["DNAME"], ["DNAME", "TXT"], ["TXT", "DNAME"], ["TXT", "DNAME", "MX"]])
def test_a_dname_beside_other_records(types: list[str]) -> None:
    rdata = {"DNAME": "y", "TXT": "z", "MX": "10 ns"}
    built = zone(START + "".join(f"x {kind} {rdata[kind]}\n" for kind in types))
    assert set(built.nodes[b"x", b"example"]) == {Type[kind] for kind in types}  # RFC 6672 §2.4


def test_the_root_zone() -> None:
    built = zone(f"$ORIGIN .\n{TOP}a.b TXT x\n", ".")
    assert set(built.nodes) == {(), (b"ns",), (b"a", b"b"), (b"b",)}


def test_the_lowest_ttl() -> None:
    assert zone(START + "x 0 TXT y\n").nodes[b"x", b"example"][Type.TXT].ttl == 0


def test_the_highest_ttl() -> None:
    assert zone(START + "x 2147483647 TXT y\n").nodes[b"x", b"example"][Type.TXT].ttl == 2147483647


def test_a_ttl_out_of_range() -> None:
    apex = Name.parse("example.")
    good = zone(START)
    records = [
        Record(rrset.owner, rrset.ttl, rdata)
        for node in good.nodes.values()
        for rrset in node.values()
        for rdata in rrset.rdatas
    ]
    with pytest.raises(ZoneError, match="TTL"):
        Zone.build(apex, [replace(records[0], ttl=1 << 31), *records[1:]])


def test_the_nearest_zone() -> None:
    parent = zone(START)
    child = zone(f"$ORIGIN sub.example.\n{TOP}", "sub.example.")
    catalog = Catalog.of((parent, child))
    assert catalog.nearest((b"a", b"sub", b"example")) is child
    assert catalog.nearest((b"sub", b"example")) is child
    assert catalog.nearest((b"xsub", b"example")) is parent
    assert catalog.nearest((b"test",)) is None
    assert catalog.nearest(()) is None
