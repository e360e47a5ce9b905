"""Which world a question is asked for: an option of EDNS, as dnspython reads and writes it."""

from __future__ import annotations

import dns.edns
import dns.message
import pytest
from hypothesis import given
from hypothesis import strategies as st

from postroad.dns.mark import CODE, mark_in, opt_record

MARK = "shop.0123456789abcdef0123456789abcdef"


def asked(*options: tuple[int, bytes], name: str = "mx.elsewhere.example") -> bytes:
    edns_options: list[dns.edns.Option] = [
        dns.edns.GenericOption(dns.edns.OptionType.make(code), value) for code, value in options
    ]
    return dns.message.make_query(name, "A", id=7, use_edns=0, payload=1232, options=edns_options).to_wire()


@pytest.mark.parametrize("name", ["mx.elsewhere.example", "test", "."])
def test_a_mark_is_read_back(name: str) -> None:
    query = asked((CODE, MARK.encode()), name=name)
    assert query.endswith(opt_record(MARK))
    assert mark_in(query, 12) == mark_in(query[2:], 10) == MARK


@pytest.mark.parametrize(
    "query",
    [
        dns.message.make_query("mx.elsewhere.example", "A", id=7).to_wire(),
        asked(),
        asked((CODE + 1, MARK.encode())),
        asked((CODE, MARK.encode()), (10, b"12345678")),
        asked((CODE, b"\xff")),
        asked((CODE, MARK.encode())) + b"\0",
        asked((CODE, MARK.encode())).replace(b"\0\0\x29", b"\0\0\x2a"),
        b"",
    ],
    ids=["plain", "no option", "another option", "two options", "no text", "more behind", "another type", "nothing"],
)
def test_other_queries_have_none(query: bytes) -> None:
    assert mark_in(query, 12) is None


@given(st.binary(max_size=80), st.integers(8, 14))
def test_octets_of_any_kind(octets: bytes, start: int) -> None:
    mark_in(octets, start)


@given(st.integers(0, 90))
def test_a_query_that_is_cut_off(length: int) -> None:
    whole = asked((CODE, MARK.encode()))
    assert mark_in(whole[: min(length, len(whole) - 1)], 12) is None
