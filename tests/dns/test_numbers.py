"""The numbers of types and response codes are those that the registries have given: other programs read them."""

from __future__ import annotations

import dns.rcode
import dns.rdatatype

from postroad.dns.rdata import Type
from postroad_dns.lookup import Rcode


def test_record_types_have_their_numbers() -> None:
    assert {member.name: member.value for member in Type} == {
        member.name: dns.rdatatype.from_text(member.name).value for member in Type
    }


def test_response_codes_have_their_numbers() -> None:
    assert {member.name: member.value for member in Rcode} == {
        member.name: dns.rcode.from_text(member.name).value for member in Rcode
    }
