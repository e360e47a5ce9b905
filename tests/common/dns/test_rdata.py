"""Types of RDATA: their numbers, as dnspython has them, and the hosts that they name."""

from __future__ import annotations

from ipaddress import IPv4Address

import dns.rdatatype
import pytest

from postroad.dns.name import Name
from postroad.dns.rdata import CNAME, MX, NS, PTR, SRV, A, Rdata, Type, host_named

HOST = Name.parse("host.example.")


def test_the_numbers_are_iana_s() -> None:
    """One test for all: a test's name must not hold the number that it asserts."""
    assert {kind.name: kind.value for kind in Type} == {
        kind.name: dns.rdatatype.from_text(kind.name).value for kind in Type
    }


@pytest.mark.parametrize("rdata", [NS(HOST), MX(1, HOST), SRV(1, 2, 3, HOST)])
def test_records_that_name_a_host(rdata: Rdata) -> None:
    assert host_named(rdata) == HOST


@pytest.mark.parametrize("rdata", [CNAME(HOST), PTR(HOST), A(IPv4Address("192.0.2.1"))])
def test_records_that_name_no_host(rdata: Rdata) -> None:
    assert host_named(rdata) is None


def test_rdata_of_different_types_differ() -> None:
    assert len({NS(HOST), CNAME(HOST), PTR(HOST)}) == 3
    assert len({NS(HOST), NS(Name.parse("HOST.example."))}) == 1
