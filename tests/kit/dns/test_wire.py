"""DNS messages of the kit: against the name server's own writer in test_world; here the corners."""

from __future__ import annotations

import struct

import dns.rdatatype
import pytest

from postroad_kit.dns.wire import TYPES, query, read

NAME = b"\4shop\4test\0"


def answer(*records: tuple[int, bytes], flags: int = 0x8400, ident: int = 7) -> bytes:
    head = struct.pack("!6H", ident, flags, 1, len(records), 0, 0) + NAME + struct.pack("!2H", 1, 1)
    return head + b"".join(
        b"\xc0\x0c" + struct.pack("!2HIH", number, 1, 60, len(data)) + data for number, data in records
    )


def test_a_query() -> None:
    assert query(7, "shop.test.", "mx") == struct.pack("!6H", 7, 0x0100, 1, 0, 0, 0) + NAME + b"\0\x0f\0\1"
    assert b"\x0exn--mnchen-3ya\4test\0" in query(7, "münchen.test", "A")
    with pytest.raises(ValueError, match="ANY is no type that can be asked for: A, NS"):
        query(7, "shop.test", "ANY")
    with pytest.raises(ValueError, match="longer than 63"):
        query(7, f"{'a' * 64}.test", "A")


@pytest.mark.parametrize(
    ("number", "data", "kind", "text"),
    [
        (1, bytes([172, 30, 0, 9]), "A", "172.30.0.9"),
        (28, bytes(15) + b"\1", "AAAA", "::1"),
        (2, b"\2ns\xc0\x0c", "NS", "ns.shop.test."),
        (5, b"\3www\xc0\x0c", "CNAME", "www.shop.test."),
        (12, b"\0", "PTR", "."),
        (15, b"\0\x0a\2mx\xc0\x0c", "MX", "10 mx.shop.test."),
        (16, b"\3v=1\4 \xc3\xa4!", "TXT", "v=1 ä!"),
        (33, struct.pack("!3H", 1, 2, 143) + b"\0", "SRV", "1 2 143 ."),
        (6, b"\0\0" + struct.pack("!5I", 1, 2, 3, 4, 5), "SOA", ". . 1 2 3 4 5"),
        (65, b"\0\1", "TYPE65", "\\# 2 0001"),
    ],
)
def test_records(number: int, data: bytes, kind: str, text: str) -> None:
    response = read(answer((number, data)), 7)
    assert response.rcode == "NOERROR"
    assert response.records == (("shop.test.", kind, text),)
    assert response.of(kind) == [text]
    assert response.of("OTHER") == []


def test_records_one_after_the_other() -> None:
    response = read(answer((15, b"\0\x0a\2mx\xc0\x0c"), (16, b"\1b\1c"), (16, b"\1a"), (1, bytes(4))), 7)
    assert [(kind, text) for _, kind, text in response.records] == [
        ("MX", "10 mx.shop.test."), ("TXT", "bc"), ("TXT", "a"), ("A", "0.0.0.0"),
    ]  # fmt: skip
    assert response.of("TXT") == ["a", "bc"]


@pytest.mark.parametrize(
    ("flags", "rcode", "truncated"),
    [(0x8403, "NXDOMAIN", False), (0x8605, "REFUSED", True), (0x8409, "RCODE9", False)],
)
def test_flags(flags: int, rcode: str, truncated: bool) -> None:
    response = read(answer(flags=flags), 7)
    assert (response.rcode, response.truncated) == (rcode, truncated)


@pytest.mark.parametrize(
    ("octets", "said"),
    [
        (b"", "cut off"),
        (answer(ident=8), "no answer to the query"),
        (answer(flags=0x0100), "no answer to the query"),
        (answer(flags=0x7FFF), "no answer to the query"),
        (answer((1, bytes(4)))[:-1], "cut off"),
        (answer((2, b"\4sho"))[:-3], "cut off"),
        (answer((2, b"\xc0\x27")), "without an end"),
    ],
)
def test_what_is_no_answer(octets: bytes, said: str) -> None:
    with pytest.raises(ValueError, match=said):
        read(octets, 7)


def test_types_and_codes_are_those_of_the_dns() -> None:
    assert {name: int(dns.rdatatype.from_text(name)) for name in TYPES} == TYPES
    for name, code in (("NOERROR", 0), ("FORMERR", 1), ("SERVFAIL", 2), ("NXDOMAIN", 3), ("NOTIMP", 4), ("REFUSED", 5)):
        assert read(answer(flags=0x8400 | code), 7).rcode == name
