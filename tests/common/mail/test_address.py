"""Paths and mailboxes: the fast path against the full parser, and the grammar's edges."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from postroad.mail.address import (
    Address,
    AddressError,
    domain_key,
    parse_address,
    parse_full_path,
    parse_path,
    parse_reverse_path,
    quote_local_part,
)

GOOD = [
    ("a@b.test", Address("a", "b.test")),
    ("A.b.C@Sub.Domain.test", Address("A.b.C", "Sub.Domain.test")),
    ("!#$%&'*+-/=?^_`{|}~@b.test", Address("!#$%&'*+-/=?^_`{|}~", "b.test")),
    ('"a b"@b.test', Address("a b", "b.test")),
    ('"a@b"@b.test', Address("a@b", "b.test")),
    ('"a>b"@b.test', Address("a>b", "b.test")),
    ('"a\\"b\\\\c"@b.test', Address('a"b\\c', "b.test")),
    ('"plain"@b.test', Address("plain", "b.test")),
    ('""@b.test', Address("", "b.test")),
    ("a@[192.0.2.1]", Address("a", "[192.0.2.1]")),
    ("a@[IPv6:2001:db8::1]", Address("a", "[IPv6:2001:db8::1]")),
    ("a@[ipv6:::1]", Address("a", "[ipv6:::1]")),
    ("a@localhost", Address("a", "localhost")),
    ("a@1.2.3.test", Address("a", "1.2.3.test")),
    ("a@xn--bcher-kva.test", Address("a", "xn--bcher-kva.test")),
    ("jürgen@bücher.test", Address("jürgen", "bücher.test")),
    ('"ü ü"@b.test', Address("ü ü", "b.test")),
    ("x" * 64 + "@b.test", Address("x" * 64, "b.test")),
    ("a@" + "x" * 63 + ".test", Address("a", "x" * 63 + ".test")),
    ("a@" + ("x" * 49 + ".") * 5 + "xy", Address("a", ("x" * 49 + ".") * 5 + "xy")),  # a path of 256 octets
]
BAD = [
    "", "a", "@", "a@", "@b.test", "a@b@c.test", ".a@b.test", "a.@b.test", "a..b@b.test", "a b@b.test", "a@b..test",
    "a@.b.test", "a@b.test.", "a@-b.test", "a@b-.test", "a@b_c.test", "a@b c.test", 'a"b@b.test', '"a@b.test',
    '"a"b@b.test', '"a\\"@b.test', '"a\x01"@b.test', "a\x7f@b.test", "a@[1.2.3]", "a@[1.2.3.4", "a@[1.2.3.256]",
    "a@[IPv6:x]", "a@[IPv6:fe80::1%eth0]", "a@[tag:x]", "a(c)@b.test", "a,b@b.test", "a:b@b.test", "a;b@b.test",
    "<a@b.test>", "x" * 65 + "@b.test", "ü" * 33 + "@b.test", "a@" + "x" * 64 + ".test", "a@bü..test", "a@ü-.test",
    "a@" + ("x" * 49 + ".") * 5 + "xyz",
]  # fmt: skip


@pytest.mark.parametrize(("text", "address"), GOOD)
def test_good(text: str, address: Address) -> None:
    assert parse_address(text) == address
    assert parse_path(f"<{text}>") == address
    assert parse_full_path(f"<{text}>") == address
    assert parse_reverse_path(f"<{text}>") == address
    assert parse_address(str(address)) == address


@pytest.mark.parametrize("text", BAD)
def test_bad(text: str) -> None:
    with pytest.raises(AddressError):
        parse_address(text)
    for parse in (parse_path, parse_full_path):
        with pytest.raises(AddressError):
            parse(f"<{text}>")


@pytest.mark.parametrize(
    "text",
    [
        "a@b.test",
        "<a@b.test",
        "a@b.test>",
        "<>",
        "< a@b.test>",
        "<a@b.test> ",
        "<a@b.test>\n",
        "xa@b.test>",
        "<a@b.testx",
    ],
)
def test_bad_path(text: str) -> None:
    with pytest.raises(AddressError):
        parse_path(text)


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ('"a"b@b.test', "a quoted local-part must be followed by @"),
        ('"a@b.test', "a quoted local-part must be followed by @"),
        ('"@b.test', "a quoted local-part must be followed by @"),
        ("@b.test", "an address is local-part@domain"),
        ("a", "an address is local-part@domain"),
        ("a b@b.test", "the local-part is not valid"),
    ],
)
def test_why_it_is_bad(text: str, why: str) -> None:
    with pytest.raises(AddressError, match=f"^{why}$"):
        parse_address(text)


def test_null_reverse_path() -> None:
    assert parse_reverse_path("<>") is None


@pytest.mark.parametrize(
    "route", ["@one.test:", "@one.test,@two.test:", "@ONE.test,@two.test,@three.test:", "@bücher.test:"]
)
def test_source_route_is_ignored(route: str) -> None:
    assert parse_path(f"<{route}a@b.test>") == Address("a", "b.test")


@pytest.mark.parametrize(
    "route", ["@one.test", "@one.test,", "@one.test,two.test:", "@:", "@one..test:", "@one.test.:"]
)
def test_bad_source_route(route: str) -> None:
    with pytest.raises(AddressError):
        parse_path(f"<{route}a@b.test>")


def test_a_route_counts_in_the_path() -> None:
    with pytest.raises(AddressError, match="256"):
        parse_path("<@" + "x" * 60 + ".test," + "@" + "x" * 60 + ".test:" + "y" * 64 + "@" + "z" * 60 + ".test>")


ALPHABET = st.text(alphabet='aB1.-_@"\\<> ü[]:,%', max_size=20)


@settings(max_examples=300)
@given(st.one_of(ALPHABET, st.builds("{}@{}".format, ALPHABET, ALPHABET), st.text(max_size=10)))
def test_fast_path_agrees_with_the_full_parser(text: str) -> None:
    def outcome(parse: object) -> object:
        try:
            return parse(f"<{text}>")  # type: ignore[operator]
        except AddressError:
            return None

    assert outcome(parse_path) == outcome(parse_full_path)


@settings(max_examples=100)
@given(st.text(alphabet=st.characters(min_codepoint=0x20, max_codepoint=0x7E), max_size=40))
def test_quoting_round_trip(local_part: str) -> None:
    assert parse_address(f"{quote_local_part(local_part)}@b.test").local_part == local_part


@pytest.mark.parametrize(
    ("domain", "key"),
    [
        ("B.Test", "b.test"),
        ("b.test.", "b.test"),
        ("Bücher.test", "xn--bcher-kva.test"),
        ("XN--BCHER-KVA.test", "xn--bcher-kva.test"),
    ],
)
def test_domain_key(domain: str, key: str) -> None:
    assert domain_key(domain) == key


def test_the_longest_domain() -> None:
    longest = ("x" * 50 + ".") * 5
    assert domain_key(f"{longest[:-1]}x") == f"{longest[:-1]}x"  # 255 octets; RFC 5321 §4.5.3.1.2
    with pytest.raises(AddressError, match="is not a domain name"):
        domain_key(f"{longest}x")


def test_keys_of_two_spellings_agree() -> None:
    assert Address("Jürgen", "Bücher.TEST").key == Address("jÜRGEN", "xn--bcher-kva.test").key
    assert Address("a", "[IPv6:2001:DB8::1]").key == Address("A", "[IPV6:2001:db8::1]").key


def test_properties() -> None:
    assert Address("a", "b.test").is_ascii
    assert not Address("ü", "b.test").is_ascii
    assert not Address("a", "ü.test").is_ascii
    assert Address("a", "[192.0.2.1]").is_literal
    assert not Address("a", "b.test").is_literal
