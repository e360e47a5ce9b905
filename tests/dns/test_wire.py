from __future__ import annotations

import struct

import dns.message
import dns.name
import dns.rdatatype
import pytest
from dnslib import DNSLabel

from postroad.dns import masterfile
from postroad.dns.name import ROOT, Name
from postroad.dns.rdata import IN, TXT, Opaque, Type
from postroad.dns.zone import RRset
from postroad_dns import wire
from postroad_dns.lookup import Answer, Rcode
from postroad_dns.wire import Edns, Query, Question

NAME = b"\3www\7example\0"
OPT = b"\0\0\x29\x04\xd0\0\0\x80\0\0\0"


def packet(
    body: bytes = NAME + b"\0\1\0\1", flags: int = 0x0100, counts: tuple[int, int, int, int] = (1, 0, 0, 0)
) -> bytes:
    return struct.pack("!6H", 0x1234, flags, *counts) + body


QUESTION = Question(Name.parse("www.example."), 1, 1)


@pytest.mark.parametrize(
    ("octets", "expected"),
    [
        (packet(), Query(0x1234, 0, True, QUESTION)),
        (packet(flags=0), Query(0x1234, 0, False, QUESTION)),
        (packet(flags=0x7FFF & ~0x7800), Query(0x1234, 0, True, QUESTION)),
        (packet(NAME + b"\0\1\0\1" + OPT, counts=(1, 0, 0, 1)), Query(0x1234, 0, True, QUESTION, Edns(0, 1232, True))),
        # RFC 6891 §6.2.3: below 512 is 512
        (
            packet(NAME + b"\0\1\0\1\0\0\x29\0\x10\0\x05\0\0\0\0", counts=(1, 0, 0, 1)),
            Query(0x1234, 0, True, QUESTION, Edns(5, 512, False)),
        ),
        # options that nobody knows, whole ones
        (
            packet(NAME + b"\0\1\0\1" + OPT[:-1] + b"\x06\xff\xf0\0\2ab", counts=(1, 0, 0, 1)),
            Query(0x1234, 0, True, QUESTION, Edns(0, 1232, True)),
        ),
        # another additional record before OPT, its owner compressed
        (
            packet(NAME + b"\0\1\0\1\xc0\x0c\0\1\0\1\0\0\0\0\0\4abcd" + OPT, counts=(1, 0, 0, 2)),
            Query(0x1234, 0, True, QUESTION, Edns(0, 1232, True)),
        ),
        # a pointer to a pointer
        (
            packet(
                NAME + b"\0\1\0\1\xc0\x0c\0\1\0\1\0\0\0\0\0\4abcd\1x\xc0\x1d\0\1\0\1\0\0\0\0\0\0", counts=(1, 0, 0, 2)
            ),
            Query(0x1234, 0, True, QUESTION),
        ),
        # another opcode: its sections are its own affair
        (packet(flags=0x2800, counts=(1, 0, 0, 0)), Query(0x1234, 5, False, QUESTION)),
        (packet(b"", flags=0x2800, counts=(0, 0, 0, 0)), Query(0x1234, 5, False)),
    ],
)
def test_decode(octets: bytes, expected: Query) -> None:
    assert wire.decode(octets) == expected


@pytest.mark.parametrize(
    ("octets", "question"),
    [
        (packet(b"", counts=(0, 0, 0, 0)), False),
        (packet(b""), False),
        (packet(NAME * 2, counts=(2, 0, 0, 0)), False),
        (packet((NAME + b"\0\1\0\1") * 2, counts=(2, 0, 0, 0)), False),
        (packet(NAME + b"\0\1\0"), False),
        (packet(NAME[:-1]), False),
        (packet(NAME[:5]), False),
        (packet(b"\x3f" + b"x" * 62), False),
        (packet(b"\xc0\x0c\0\1\0\1"), False),  # points at itself
        (packet(b"\xc0\x0e\0\1\0\1"), False),  # points forwards
        (packet(b"\xc0\x00\0\1\0\1"), False),  # points into the header
        (packet(b"\xc0"), False),
        (packet(b"\x01a\xc0\x0c\0\1\0\1"), False),  # points at its own beginning
        (packet(b"\x40a\0\0\1\0\1"), False),  # RFC 6891 §5: label types that are no more
        (packet(b"\x40" + b"x" * 64 + b"\0\0\1\0\1"), False),
        (packet(b"\x80a\0\0\1\0\1"), False),
        (packet(b"\x3f" + b"x" * 63 + (b"\x3f" + b"x" * 63) * 3 + b"\0\0\1\0\1"), False),  # 257 octets
        (packet() + b"\0", True),
        (packet(counts=(1, 0, 0, 1)), True),
        (packet(counts=(1, 65535, 65535, 65535)), True),
        (packet(NAME + b"\0\1\0\1\0\0\1\0\1\0\0\0\0\0\4abcd", counts=(1, 1, 0, 0)), True),
        (packet(NAME + b"\0\1\0\1\0\0\1\0\1\0\0\0\0\0\4abcd", counts=(1, 0, 1, 0)), True),
        (packet(NAME + b"\0\1\0\1\0\0\1\0\1\0\0\0\0\0\5abcd", counts=(1, 0, 0, 1)), True),
        # a label type that is no more, in front of what a pointer would lead to
        (packet(NAME + b"\0\1\0\1\x80\x0c\0\1\0\1\0\0\0\0\0\4abcd", counts=(1, 0, 0, 1)), True),
    ],
)
def test_malformed(octets: bytes, question: bool) -> None:
    query = wire.decode(octets)
    assert query is not None
    assert query.malformed
    assert (query.question is not None) is question


@pytest.mark.parametrize(
    "opt",
    [
        OPT + OPT,
        b"\1x" + OPT,
        OPT[:-1] + b"\1\0",
        OPT[:-1] + b"\4\0\1\0\1",
        OPT[:-1] + b"\5\0\1\0\2\0",
    ],
)
def test_a_malformed_opt_is_told_with_opt(opt: bytes) -> None:
    # RFC 6891 §7: "the response MUST include an OPT record"
    count = 2 if opt == OPT + OPT else 1
    query = wire.decode(packet(NAME + b"\0\1\0\1" + opt, counts=(1, 0, 0, count)))
    assert query is not None
    assert query.malformed
    assert query.edns is not None


@pytest.mark.parametrize("octets", [b"", b"x" * 11, packet(flags=0x8000), packet(flags=0x8180)])
def test_nothing_is_said_to_it(octets: bytes) -> None:
    assert wire.decode(octets) is None
    assert wire.decode_header(octets) is None


@pytest.mark.parametrize(("pointers", "malformed"), [(127, False), (128, True)])
def test_chains_of_pointers_end(pointers: int, malformed: bool) -> None:
    # Each points to the one before, the first to the question's name; they stand in the RDATA of a record.
    chain = b"".join(struct.pack("!H", 0xC000 | (12 if n == 0 else 38 + 2 * n)) for n in range(pointers - 1))
    hider = b"\0\0\x10\0\1\0\0\0\0" + struct.pack("!H", len(chain)) + chain
    last = struct.pack("!H", 0xC000 | (38 + len(chain))) + b"\0\x10\0\1\0\0\0\0\0\0"
    octets = packet(NAME + b"\0\1\0\1" + hider + last, counts=(1, 0, 0, 2))
    assert octets.index(chain) == 40
    query = wire.decode(octets)
    assert query is not None
    assert query.malformed is malformed


def test_pointers_that_lead_to_each_other_end() -> None:
    # Two that lead to each other behind a label that hides one of them: dnslib recurses without end.
    loop = packet(b"\x04\1a\xc0\x0c\xc0\x0d\0\1\0\1")
    looped = wire.decode(loop)
    assert looped is not None
    assert looped.malformed


QUERY = Query(7, 0, True, QUESTION, Edns(0, 1232, False))


def txt(owner: str, count: int) -> RRset:
    return RRset(Name.parse(owner), Type.TXT, 5, tuple(TXT((bytes((65 + n % 26,)) * 250,)) for n in range(count)))


def test_what_does_not_fit_is_cut_with_tc() -> None:
    octets = wire.encode(QUERY, Answer(Rcode.NOERROR, authoritative=True, answer=(txt("www.example.", 5),)), 1232)
    response = dns.message.from_wire(octets)
    assert response.flags & 0x0200
    assert (response.answer, response.authority) == ([], [])
    assert response.question[0].name == dns.name.from_text("www.example.")
    assert response.edns == 0
    whole = wire.encode(QUERY, Answer(Rcode.NOERROR, authoritative=True, answer=(txt("www.example.", 5),)), 65535)
    assert not dns.message.from_wire(whole).flags & 0x0200
    assert len(whole) > 1232


def test_the_limit_is_met_to_the_octet() -> None:
    answer = Answer(Rcode.NOERROR, authoritative=True, answer=(txt("www.example.", 2),))
    size = len(wire.encode(QUERY, answer, 65535))
    assert len(wire.encode(QUERY, answer, size)) == size
    assert len(wire.encode(QUERY, answer, size - 1)) < 100


def test_additional_records_go_in_silence_and_glue_with_tc() -> None:
    # RFC 2181 §9 and RFC 9471 §3
    first, second = txt("a.example.", 3), txt("b.example.", 3)
    octets = wire.encode(QUERY, Answer(Rcode.NOERROR, authoritative=True, additional=(first, second)), 1232)
    response = dns.message.from_wire(octets)
    assert not response.flags & 0x0200
    assert [str(rrset.name) for rrset in response.additional] == ["a.example."]
    octets = wire.encode(QUERY, Answer(Rcode.NOERROR, authoritative=False, glue=(first, second)), 1232)
    assert dns.message.from_wire(octets).flags & 0x0200


def test_no_pointer_beyond_14_bits() -> None:
    # dnslib's own code writes pointers with their high bits lost past 16 KiB
    sets = tuple(txt(f"n{number % 50}.deep{number % 50}.example.", 2) for number in range(100))
    octets = wire.encode(QUERY, Answer(Rcode.NOERROR, authoritative=True, answer=sets), 65535)
    assert len(octets) > 0x4000 + 20000
    response = dns.message.from_wire(octets, one_rr_per_rrset=True)
    owners = [str(rrset.name) for rrset in response.answer]
    assert owners == [f"n{number % 50}.deep{number % 50}.example." for number in range(100) for _ in range(2)]


@pytest.mark.parametrize(("offset", "size"), [(0x3FFF, 2), (0x4000, 3)])
def test_the_last_name_that_a_pointer_leads_to(offset: int, size: int) -> None:
    packet = wire._Buffer()
    packet.append(bytes(offset))
    packet.encode_name(DNSLabel("a"))
    packet.encode_name(DNSLabel("a"))
    assert packet.offset == offset + 3 + size


def test_names_are_compressed_against_the_question_in_its_case() -> None:
    query = Query(7, 0, False, Question(Name.parse("WwW.eXample."), Type.TXT, IN))
    octets = wire.encode(query, Answer(Rcode.NOERROR, authoritative=True, answer=(txt("www.EXAMPLE.", 1),)), 512)
    assert octets.lower().count(b"example") == 1
    assert dns.message.from_wire(octets).answer[0].name.to_text() == "WwW.eXample."


def test_octets_of_unknown_types_go_as_they_are() -> None:
    rrset = RRset(Name.parse("www.example."), 65280, 5, (Opaque(65280, b"\xab"), Opaque(65280, b"")))
    octets = wire.encode(QUERY, Answer(Rcode.NOERROR, authoritative=True, answer=(rrset,)), 512)
    (decoded,) = dns.message.from_wire(octets).answer
    assert sorted(rdata.to_text().strip() for rdata in decoded) == ["\\# 0", "\\# 1 ab"]


def test_a_name_of_255_octets_and_no_longer() -> None:
    longest = (b"\x3f" + b"x" * 63) * 3 + b"\x3d" + b"x" * 61 + b"\0"
    assert len(longest) == 255
    query = wire.decode(packet(longest + b"\0\1\0\1"))
    assert query is not None
    assert query.question is not None
    assert query.question.name.octets() == longest
    longer = (b"\x3f" + b"x" * 63) * 3 + b"\x3e" + b"x" * 62 + b"\0"
    query = wire.decode(packet(longer + b"\0\1\0\1"))
    assert query is not None
    assert query.malformed


def test_options_of_over_255_octets_are_whole() -> None:
    assert wire.whole_options(b"\0\x0c\1\0" + bytes(256))
    assert not wire.whole_options(b"\0\x0c\1\0" + bytes(255))
    assert wire.whole_options(b"\0\x0c\0\0")
    assert wire.whole_options(b"\0\x0a\0\x08" + bytes(8) + b"\0\x0c\0\1\0")
    assert not wire.whole_options(b"\0\x0a\0\x08" + bytes(8) + b"\0\x0c\0\2\0")


@pytest.mark.parametrize("authoritative", [False, True])
@pytest.mark.parametrize("recursion_desired", [False, True])
@pytest.mark.parametrize("truncated", [False, True])
@pytest.mark.parametrize(("opcode", "rcode"), [(0, 0), (0, 3), (4, 4), (15, 16)])
def test_a_header(*, authoritative: bool, recursion_desired: bool, truncated: bool, opcode: int, rcode: int) -> None:
    query = Query(0xABCD, opcode, recursion_desired, QUESTION, Edns(0, 1232, False))
    answer = Answer(
        Rcode(rcode), authoritative, (txt("www.example.", 2),), (txt("a.example.", 3),), (txt("b.example.", 4),)
    )
    octets = wire.encode(query, answer, 512 if truncated else 65535)
    message_id, flags, *counts = struct.unpack("!6H", octets[:12])
    # RFC 1035 §4.1.1: QR, opcode, AA, TC, RD, and the low bits of the RCODE. RD belongs to QUERY alone.
    recursion = recursion_desired and opcode == 0
    expected = 0x8000 | opcode << 11 | authoritative << 10 | truncated << 9 | recursion << 8 | rcode & 15
    assert (message_id, flags) == (0xABCD, expected)
    assert counts == ([1, 0, 0, 1] if truncated else [1, 2, 3, 5])
    # RFC 6891 §6.1.3: root, OPT, our payload, the RCODE's high bits, version, flags, no option
    assert octets.endswith(b"\0\0\x29\x04\xd0" + bytes([rcode >> 4, 0, 0, 0, 0, 0]))


@pytest.mark.parametrize("edns", [None, Edns(0, 1232, False), Edns(0, 1232, True)])
def test_opt_is_answered_with_opt_and_do_with_do(edns: Edns | None) -> None:
    octets = wire.encode(Query(7, 0, False, QUESTION, edns), Answer(Rcode.NOERROR, authoritative=True), 512)
    opt = b"" if edns is None else b"\0\0\x29\x04\xd0\0\0" + (b"\x80" if edns.dnssec_ok else b"\0") + b"\0\0\0"
    assert octets == struct.pack("!6H", 7, 0x8400, 1, 0, 0, bool(opt)) + NAME + b"\0\1\0\1" + opt  # RFC 3225 §3


@pytest.mark.parametrize("counts", [(1, 1, 0, 0), (1, 0, 1, 0), (1, 1, 1, 0), (1, 1, 0, 1), (1, 0, 1, 1)])
def test_a_query_has_no_answer_and_no_authority(counts: tuple[int, int, int, int]) -> None:
    record = NAME + b"\0\1\0\1\0\0\0\0\0\4abcd"
    octets = packet(NAME + b"\0\1\0\1" + record * sum(counts[1:]), counts=counts)
    query = wire.decode(octets)  # RFC 9619
    assert query is not None
    assert (query.question, query.malformed) == (QUESTION, True)
    other = wire.decode(packet(octets[12:], flags=0x2000, counts=counts))  # of another opcode, all of it is read
    assert other is not None
    assert not other.malformed
    cut = wire.decode(packet(octets[12:-1], flags=0x2000, counts=counts))
    assert cut is not None
    assert cut.malformed


@pytest.mark.parametrize(
    "rdata",
    [
        "SOA ns.example. admin.example. 1 2 3 4 5",
        "NS ns.example.",
        "CNAME a.www.example.",
        "PTR b.example.",
        "MX 10 mx.www.example.",
        "SRV 1 2 3 host.example.",
        "DNAME other.example.",
        "A 192.0.2.1",
        "AAAA 2001:db8::1",
        'TXT "one" "two"',
        "TYPE65280 \\# 3 010203",
    ],
)
def test_rdata_is_what_the_zone_says(rdata: str) -> None:
    (record,) = masterfile.parse(f"www.example. 5 {rdata}\n", ROOT, 3600)
    rrset = RRset(record.owner, record.rdata.type, record.ttl, (record.rdata,))
    octets = wire.encode(QUERY, Answer(Rcode.NOERROR, authoritative=True, answer=(rrset,)), 512)
    (decoded,) = dns.message.from_wire(octets).answer
    assert decoded.to_text() == f"www.example. 5 IN {rdata}"
