"""Further records of a domain: what the world file takes, and why it refuses the rest."""

from __future__ import annotations

from ipaddress import IPv4Network

import pytest

from postroad.dns import masterfile as zonefile
from postroad.dns.name import Name
from postroad.records import FurtherRecord, RecordError, clashes, parse_record

GOOD = [
    "www 300 IN A 203.0.113.80",
    "www IN 300 A 203.0.113.80",
    "www in a 203.0.113.80 ; a comment",
    "www 1h30m AAAA 2001:db8::1",
    '@ IN TXT "v=spf1 mx -all"',
    '@ TXT "one" two "th\\"ree"',
    f'@ TXT "{"x" * 255}"',
    "* A 192.0.2.1",
    "a.x.test. CNAME @",
    "x.test. NS ns.elsewhere.test.",
    "_imap._tcp SRV 0 1 143 mx",
    "_443._tcp.www TLSA 3 1 1 ( 00ff 11ee )",
    '@ CAA 0 issue "ca.test"',
    "a\\.b MX 10 mx",
    "a\\032b RP who what",
    "x TYPE65280 \\# 3 abc def",
    "x HINFO \\# 4 01410142",
    "x TYPE65280 \\# 0",
]


@pytest.mark.parametrize("text", GOOD)
def test_good(text: str) -> None:
    record = parse_record(text, "x.test")
    # The name server takes it too, for the same record.
    (served,) = zonefile.parse(text, Name.parse("x.test."), 300)
    assert served.owner == Name.parse(record.owner)


BAD = [
    ("", "begins with its owner name"),
    (" A 192.0.2.1", "begins with its owner name"),
    ("; nothing", "begins with its owner name"),
    ("x A 192.0.2.1\ny A 192.0.2.2", "on one line"),
    ("$TTL 300", "a directive"),
    ("a..b A 192.0.2.1", "not a domain name"),
    (f"{'a' * 64} A 192.0.2.1", "not a domain name"),
    (f"{'a.' * 130}b A 192.0.2.1", "not a domain name"),
    ("bü A 192.0.2.1", "not a domain name"),
    ("www.y.test. A 192.0.2.1", "not in x.test"),
    ("www", "no type"),
    ("www 300 IN", "no type"),
    ("www 300 300 A 192.0.2.1", "300 is no type"),
    ("www 2147483648 A 192.0.2.1", "over 2147483647"),
    ("www CH A 192.0.2.1", "the class is IN"),
    ("www TXTT hello", "TXTT is no type"),
    ("@ SOA a b 1 2 3 4 5", "the SOA"),
    ("www A 192.0.2.256", "not an IPv4 address"),
    ("www A 192.0.2.1 192.0.2.2", "A takes 1 field, not 2"),
    ("www A", "A takes 1 field, not 0"),
    ("www AAAA 192.0.2.1", "not an IPv6 address"),
    ("www MX mx", "MX takes 2 fields, not 1"),
    ("www MX 65536 mx", "not a number from 0 to 65535"),
    ("www MX ten mx", "not a number from 0 to 65535"),
    ("@ CAA 256 issue x", "not a number from 0 to 255"),
    ("www TXT", "one string or more"),
    (f"www TXT {'ä' * 128}", "over 255 octets"),
    ('www TXT "open', "a quote is left open"),
    ("www TXT open\\", "ends in a backslash"),
    ("www TXT ( a", "parentheses"),
    ("www TXT a )", "parentheses"),
    ("www TXT ((a))", "parentheses"),
    ("x TLSA 3 1 1 0xff", "not hexadecimal"),
    ("x A \\# 4 c0000201", "in its own form"),
    ("x TYPE1 \\# 4 c0000201", "in its own form"),
    ("x TYPE65536 \\# 0", "no type of data"),
    ("x TYPE0 \\# 0", "no type of data"),
    ("x TYPE41 \\# 0", "no type of data"),
    ("x TYPE128 \\# 0", "no type of data"),
    ("x TYPE65280 \\# ² abcd", "RFC 3597"),
    (f"x TYPE65280 \\# 65536 {'00' * 65536}", "has 65536 octets"),
    ("www 99999w A 192.0.2.1", "over 2147483647"),
    ("www ٣ A 192.0.2.1", "no type"),
    ("www\u00a0A 192.0.2.1", "not a domain name"),
    ("a\\300 A 192.0.2.1", "300 is no octet"),
    ("a\\30 A 192.0.2.1", "not a domain name"),
    ('"a" A 192.0.2.1', "not a domain name"),
    (f"{'a.' * 123}b A 192.0.2.1", "not a domain name"),
    ("www AAAA fe80::1%eth0", "not an IPv6 address"),
    (f"www MX {'1' * 5000} mx", "not a number from 0 to 65535"),
    ('www TXT "\\256"', "256 is no octet"),
    (f"www TXT {' '.join(['x' * 255] * 257)}", "over 65535 octets together"),
    (f"www HINFO {'x' * 256} y", "255 octets or less"),
    ("@ CAA 0 is-sue x", "letters and digits"),
    ("x TYPE65280 abc", "RFC 3597"),
    ("x TYPE65280 \\# 2 abc", "RFC 3597"),
    ("x TYPE65280 \\#", "RFC 3597"),
    ("x TYPE65280 \\# 2 abcdef", "has 3 octets, not 2"),
]


@pytest.mark.parametrize(("text", "reason"), BAD)
def test_bad(text: str, reason: str) -> None:
    with pytest.raises(RecordError, match=reason):
        parse_record(text, "x.test")


def test_what_a_record_is_to_others() -> None:
    assert parse_record("WWW 300 in a 192.0.2.1", "x.test") == FurtherRecord("www.x.test", "A", ("192.0.2.1",))
    assert parse_record("@ MX 10 mx", "x.test").owner == "x.test"
    assert parse_record("A.x.test. CNAME b", "x.test").owner == "a.x.test"
    assert parse_record("\\065\\b\\.c CNAME b", "x.test").owner == "ab\\046c.x.test"
    assert parse_record("a NS N\\s.b", "x.test").target == "ns.b.x.test"


@pytest.mark.parametrize(
    ("texts", "said"),
    [
        (["a A 192.0.2.1", "a A 192.0.2.2", "a TXT x", "b CNAME a", "@ MX 10 a", "c DNAME y.test."], []),
        (
            ["a.sub A 192.0.2.1", "sub TXT x"],
            [(0, "a.sub.x.test is in sub.x.test"), (1, "sub.x.test is in sub.x.test")],
        ),
        (["@ NS a"], [(0, "the domain itself has its NS")]),
        (["@ CNAME a"], [(0, "the domain itself has its SOA")]),
        (["mx A 192.0.2.1", "mx TXT x"], [(0, "mx.x.test is a host")]),
        (["mx CNAME a"], [(0, "mx.x.test is a host")]),
        (["a A 127.0.0.9"], [(0, "127.0.0.9 is in the private network")]),
        (["* NS a"], [(0, "NS at a wildcard")]),
        (["a CNAME b", "a TXT x"], [(1, "a.x.test has a CNAME beside")]),
        (["a TXT x", "A CNAME b"], [(1, "a.x.test has a CNAME beside")]),
        (["a DNAME b", "a DNAME c"], [(1, "a.x.test has two DNAMEs")]),
        (["\\097 CNAME b", "a TXT x"], [(1, "a.x.test has a CNAME beside")]),
        (["m\\x A 192.0.2.1"], [(0, "mx.x.test is a host")]),
        (["\\042 NS a"], [(0, "NS at a wildcard")]),
        (["a NS n", "b NS mx", "c NS n.c", "n.c A 192.0.2.1", "d NS n.d", "n.d AAAA 2001:db8::1"], []),
        (["a NS n.a"], [(0, "the name server n.a.x.test has no address here")]),
        (["a NS n", "n CNAME b"], [(0, "the name server n.x.test is an alias")]),
        (["mx NS n.y.test."], [(0, "mx.x.test is given away by its NS, and then nobody finds the host mx.x.test")]),
        (["mx DNAME y.test."], []),
        (["@ DNAME y.test."], [(0, "x.test is given away by its DNAME, and then nobody finds the host mx.x.test")]),
    ],
)
def test_clashes(texts: list[str], said: list[tuple[int, str]]) -> None:
    records = {index: parse_record(text, "x.test") for index, text in enumerate(texts)}
    found = list(clashes("x.test", records, {"x.test", "sub.x.test"}, {"mx.x.test"}, IPv4Network("127.0.0.0/24")))
    assert [index for index, _ in found] == [index for index, _ in said]
    assert all(sentence.startswith(wanted) for (_, sentence), (_, wanted) in zip(found, said, strict=True))
