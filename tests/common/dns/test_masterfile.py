from __future__ import annotations

from ipaddress import IPv4Address, IPv6Address

import pytest

from postroad.dns import masterfile as zonefile
from postroad.dns.name import ROOT, Name
from postroad.dns.rdata import AAAA, CNAME, DNAME, MX, NS, PTR, SOA, SRV, TXT, A, Opaque, Rdata, Type
from postroad.dns.words import MAX_RDATA, ZoneFileError, parse_rdata

ORIGIN = Name.parse("example.")
X_TEST = Name.parse("x.test.")


def parsed(text: str) -> tuple[str, int, Rdata]:
    (record,) = zonefile.parse(text, ORIGIN, 7)
    return str(record.owner), record.ttl, record.rdata


def name(text: str) -> Name:
    return Name.parse(text, ORIGIN)


@pytest.mark.parametrize(
    ("text", "owner", "ttl"),
    [
        ("www A 192.0.2.1", "www.example.", 7),
        ("www 60 A 192.0.2.1", "www.example.", 60),
        ("www IN A 192.0.2.1", "www.example.", 7),
        ("www 60 IN A 192.0.2.1", "www.example.", 60),
        ("www IN 60 A 192.0.2.1", "www.example.", 60),
        ("www in 1h30m a 192.0.2.1", "www.example.", 5400),
        ("www 1W2D3H4M5S A 192.0.2.1", "www.example.", 788645),
        ("www 0 A 192.0.2.1", "www.example.", 0),
        ("www 0s A 192.0.2.1", "www.example.", 0),
        ("www 2147483647 A 192.0.2.1", "www.example.", 2147483647),
        ("@ A 192.0.2.1", "example.", 7),
        ("www.other. A 192.0.2.1", "www.other.", 7),
        ("*.x A 192.0.2.1", "*.x.example.", 7),
        ("www\tA\t192.0.2.1 ; a comment", "www.example.", 7),
        ("www A ( ; why not\n 192.0.2.1\n )\n", "www.example.", 7),
        ("\n; nothing\n   ; still nothing\nwww A 192.0.2.1\r\n", "www.example.", 7),
        ("in IN A 192.0.2.1", "in.example.", 7),
        ("7 8 A 192.0.2.1", "7.example.", 8),
    ],
)
def test_owner_ttl_class(text: str, owner: str, ttl: int) -> None:
    assert parsed(text) == (owner, ttl, A(IPv4Address("192.0.2.1")))


@pytest.mark.parametrize(
    ("text", "rdata"),
    [
        ("AAAA 2001:db8::1", AAAA(IPv6Address("2001:db8::1"))),
        ("NS ns", NS(name("ns"))),
        ("CNAME www.other.", CNAME(name("www.other."))),
        ("DNAME other.", DNAME(name("other."))),
        ("PTR www", PTR(name("www"))),
        ("MX 10 mail", MX(10, name("mail"))),
        ("MX 0 .", MX(0, ROOT)),
        ("SRV 1 2 65535 @", SRV(1, 2, 65535, ORIGIN)),
        ("SOA ns admin 4294967295 1h 10m 1w 5m", SOA(name("ns"), name("admin"), 4294967295, 3600, 600, 604800, 300)),
        (r"SOA ns Action\.domains 1 2 3 4 5", SOA(name("ns"), name(r"Action\.domains"), 1, 2, 3, 4, 5)),
        ("TXT plain", TXT((b"plain",))),
        ('TXT "v=spf1 mx -all"', TXT((b"v=spf1 mx -all",))),
        ('TXT one "two" three', TXT((b"one", b"two", b"three"))),
        ('TXT "a;b(c)" "d\\"e\\\\f" \\010', TXT((b"a;b(c)", b'd"e\\f', b"\n"))),
        ('TXT ""', TXT((b"",))),
        ('TXT "' + "x" * 255 + '"', TXT((b"x" * 255,))),
        (r"TXT \255", TXT((b"\xff",))),
        ("TXT grüße", TXT(("grüße".encode(),))),
        ('TXT "two\nlines"', TXT((b"two\nlines",))),
        ('CAA 128 issue "ca.example; x=1"', Opaque(Type.CAA, b"\x80\x05issueca.example; x=1")),
        ("TLSA 3 1 1 ab CD ef", Opaque(Type.TLSA, b"\x03\x01\x01\xab\xcd\xef")),
        ("SSHFP 4 2 abcdef", Opaque(Type.SSHFP, b"\x04\x02\xab\xcd\xef")),
        ('HINFO "PDP 11" UNIX', Opaque(Type.HINFO, b"\x06PDP 11\x04UNIX")),
        ("HINFO %s y" % ("x" * 255), Opaque(Type.HINFO, b"\xff" + b"x" * 255 + b"\x01y")),
        ('NAPTR 1 2 "S" "x+y" "" a', Opaque(Type.NAPTR, b"\0\1\0\2\1S\3x+y\0\1a\7example\0")),
        ("RP admin @", Opaque(Type.RP, b"\5admin\7example\0\7example\0")),
        ('SPF "v=spf1" -all', Opaque(Type.SPF, b"\6v=spf1\4-all")),
        (r"TYPE65280 \# 3 abcd ef", Opaque(65280, b"\xab\xcd\xef")),
        (r"TYPE65280 \# 0", Opaque(65280, b"")),
        (r"CAA \# 2 0000", Opaque(Type.CAA, b"\0\0")),
    ],
)
def test_rdata(text: str, rdata: Rdata) -> None:
    assert parsed(f"x {text}") == ("x.example.", 7, rdata)


@pytest.mark.parametrize(
    "text",
    [
        "www",
        "www 60",
        "www IN",
        "www 60 60 A 192.0.2.1",
        "www CH A 192.0.2.1",
        "www A",
        "www A 192.0.2.256",
        "www A 192.0.2.1 192.0.2.2",
        "www AAAA 192.0.2.1",
        "www AAAA fe80::1%eth0",
        f"www TXT {' '.join(['x' * 255] * 257)}",
        "www MX mail",
        "www MX 65536 mail",
        "www SRV 65536 0 0 x",
        "www SRV 0 65536 0 x",
        "www SRV 0 0 65536 x",
        "www NAPTR 65536 0 a b c d",
        "www NAPTR 0 65536 a b c d",
        "www TLSA 256 0 0 ab",
        "www SSHFP 0 256 ab",
        "www MX ten mail",
        "www MX ² mail",
        "www MX 10",
        "www MX 10 a..b",
        "www TXT",
        'www TXT "' + "x" * 256 + '"',
        'www TXT "open',
        "www TXT \\999",
        "www TXT x\\",
        "www A ( 192.0.2.1",
        "www A 192.0.2.1 )",
        "www BOGUS x",
        "www 1x A 192.0.2.1",
        "www 2147483648 A 192.0.2.1",
        "www 99999w A 192.0.2.1",
        "www SOA ns admin 1 2 3 4",
        "www SOA ns admin 4294967296 2 3 4 5",
        'www HINFO "' + "x" * 256 + '" y',
        "www CAA 0 is-sue x",
        "www CAA 0 issue",
        "www TLSA 3 1 1 xyz",
        r"www TYPE65280 \# 4 abcdef",
        r"www TYPE65280 \# 1 xx",
        r"www TYPE1 \# 4 c0000201",
        r"www A \# 4 c0000201",
        r"www OPT \# 0",
        r"www TYPE255 \# 0",
        r"www TYPE0 \# 0",
        r"www TYPE65536 \# 0",
        r"www BOGUS \# 0",
        " A 192.0.2.1",
        "$INCLUDE other",
        "$INCLUDE 5",
        "$TTL",
        "$TTL 1 2",
        "$TTL x",
        "$ORIGIN",
    ],
)
def test_refused(text: str) -> None:
    with pytest.raises(ZoneFileError):
        zonefile.parse(text, ORIGIN, 7)


def test_errors_name_their_line() -> None:
    with pytest.raises(ZoneFileError, match=r"^line 4: type BOGUS"):
        zonefile.parse("a A 192.0.2.1\nb TXT ( x\n )\nc BOGUS x\n", ORIGIN, 7)
    with pytest.raises(ZoneFileError, match=r"^line 2: .*parenthesis"):
        zonefile.parse("a A 192.0.2.1\nb TXT ( x\n", ORIGIN, 7)
    with pytest.raises(ZoneFileError, match=r"^line 4: a quote is left open"):
        zonefile.parse('a A 192.0.2.1\n\nb TXT ( x\n "open )\n', ORIGIN, 7)
    with pytest.raises(ZoneFileError, match=r"^line 3: an opening parenthesis within"):
        zonefile.parse("a A 192.0.2.1\nb TXT ( x\n ( y ) )\n", ORIGIN, 7)
    with pytest.raises(ZoneFileError, match=r"^line 2: type \$TTL is not known"):
        zonefile.parse("a A 192.0.2.1\n $TTL 5\n", ORIGIN, 7)  # no directive, since it does not begin the line


def test_the_owner_and_the_controls_hold_on() -> None:
    records = zonefile.parse("a A 192.0.2.1\n  A 192.0.2.2\n$ORIGIN sub\n$TTL 1m\nb A 192.0.2.3\n", ORIGIN, 7)
    assert [(str(record.owner), record.ttl) for record in records] == [
        ("a.example.", 7),
        ("a.example.", 7),
        ("b.sub.example.", 60),
    ]


# Single records, as the world file has them

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
def test_a_record(text: str) -> None:
    record = zonefile.parse_record(text, X_TEST, 300)
    assert [record] == zonefile.parse(text, X_TEST, 300)


BAD = [
    ("", "begins with its owner name"),
    (" A 192.0.2.1", "begins with its owner name"),
    ("; nothing", "begins with its owner name"),
    ("x A 192.0.2.1\ny A 192.0.2.2", "on one line"),
    ("x A 192.0.2.1\r", "on one line"),
    ("$TTL 300", "a directive"),
    *((f"www {name} A 192.0.2.1", f"the class is IN, not {name}") for name in ("CS", "HS", "any", "NONE")),
    ("a..b A 192.0.2.1", "not a domain name"),
    (f"{'a' * 64} A 192.0.2.1", "not a domain name"),
    (f"{'a.' * 130}b A 192.0.2.1", "not a domain name"),
    ("bü A 192.0.2.1", "not a domain name"),
    ("www", "no type"),
    ("www 300 IN", "no type"),
    ("www 300 300 A 192.0.2.1", "type 300 is not known"),
    ("www 2147483648 A 192.0.2.1", "over 2147483647"),
    ("www CH A 192.0.2.1", "the class is IN"),
    ("www TXTT hello", "type TXTT is not known"),
    ("@ SOA a b 1 2 3 4", "SOA takes 7 fields, not 6"),
    ("www A 192.0.2.256", "not an IPv4 address"),
    ("www A 192.0.2.1 192.0.2.2", "A takes 1 field, not 2"),
    ("www A", "A takes 1 field, not 0"),
    ("www AAAA 192.0.2.1", "not an IPv6 address"),
    ("www MX mx", "MX takes 2 fields, not 1"),
    ("www MX 65536 mx", "not a number from 0 to 65535"),
    ("www MX ten mx", "not a number from 0 to 65535"),
    ("@ CAA 256 issue x", "not a number from 0 to 255"),
    ("www TXT", "TXT takes 1 field or more, not 0"),
    (f"www TXT {'ä' * 128}", "over 255 octets"),
    ('www TXT "open', "a quote is left open"),
    ("www TXT open\\", "ends in a backslash"),
    ("www TXT ( a", "opening parenthesis without its closing one"),
    ("www TXT a )", "a closing parenthesis too many"),
    ("www TXT ((a))", "within parentheses"),
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
    ("www ٣ A 192.0.2.1", "type ٣ is not known"),
    ("www\u00a0A 192.0.2.1", "not a domain name"),
    ("a\\300 A 192.0.2.1", "300 is no octet"),
    ("a\\30 A 192.0.2.1", "not a domain name"),
    ('"a" A 192.0.2.1', "not a domain name"),
    (f"{'a.' * 123}b A 192.0.2.1", "not a domain name"),
    ("www AAAA fe80::1%eth0", "not an IPv6 address"),
    (f"www MX {'1' * 5000} mx", "not a number from 0 to 65535"),
    ('www TXT "\\256"', "256 is no octet"),
    (f"www TXT {' '.join(['x' * 255] * 257)}", "over 65535 octets together"),
    (f"www HINFO {'x' * 256} y", "over 255 octets"),
    ("@ CAA 0 is-sue x", "letters and digits"),
    ("x TYPE65280 abc", "RFC 3597"),
    ("x TYPE65280 \\# 2 abc", "not hexadecimal"),
    ("x TYPE65280 \\#", "RFC 3597"),
    ("x TYPE65280 \\# 2 abcdef", "has 3 octets, not 2"),
    ('www A "192.0.2.1"', "not an IPv4 address"),
    ('www MX 10 "mx"', "not a domain name: it is in quotes"),
    ('www "A" 192.0.2.1', 'type "A" is not known'),
    ("www \u017fPF x", "type \u017fPF is not known"),  # a long s, whose capital is ASCII
    ("www \u0131n A 192.0.2.1", "is not known"),  # an i without its dot, likewise
    ('x TLSA 3 1 1 "ab cd"', "not hexadecimal"),
    ("www SOA a b \u0663 2 3 4 5", "not a number"),
    ("www 1x A 192.0.2.1", "1x is not a TTL"),
    ("$ORIGIN x.", "a directive"),
    ("www X25 311061700956", "type X25 is not known"),
    ("www IN IN A 192.0.2.1", "type IN is not known"),
]


@pytest.mark.parametrize(("text", "reason"), BAD)
def test_no_record(text: str, reason: str) -> None:
    with pytest.raises(ZoneFileError, match=reason):
        zonefile.parse_record(text, X_TEST, 300)


def test_one_record_in_several_spellings() -> None:
    plain = zonefile.parse_record("ab\\.c.x.test. 300 IN CNAME b", X_TEST, 1)
    assert zonefile.parse_record("\\065\\B\\.C 5m in cname B.X.test.", X_TEST, 1) == plain


@pytest.mark.parametrize(("size", "fits"), [(MAX_RDATA, True), (MAX_RDATA + 1, False)])
def test_the_most_octets_of_an_unknown_type(size: int, fits: bool) -> None:
    words = ["\\#", str(size), "ab" * size]
    if fits:
        assert parse_rdata("TYPE65280", words, ORIGIN) == Opaque(65280, b"\xab" * size)
    else:
        with pytest.raises(ZoneFileError, match="octets, not 65536, or over 65535"):
            parse_rdata("TYPE65280", words, ORIGIN)


def test_the_most_octets_of_strings() -> None:
    words = ["x" * 255] * 255 + ["x" * 254]  # with the octet before each: 65,535
    assert parse_rdata("TXT", words, ORIGIN) == TXT(tuple(word.encode() for word in words))
    with pytest.raises(ZoneFileError, match="over 65535 octets together"):
        parse_rdata("TXT", [*words[:-1], "x" * 255], ORIGIN)


@pytest.mark.parametrize("code", [0, 3, 127, 128, 255, 256, 65_535, 65_536])
def test_which_types_are_data(code: int) -> None:
    if code in {3, 127, 256, 65_535}:
        assert parse_rdata(f"TYPE{code}", ["\\#", "0"], ORIGIN) == Opaque(code, b"")
    else:
        with pytest.raises(ZoneFileError, match="is no type of data"):  # RFC 6895 §3.1
            parse_rdata(f"TYPE{code}", ["\\#", "0"], ORIGIN)
