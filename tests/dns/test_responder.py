from __future__ import annotations

import dns.flags
import dns.message
import dns.opcode
import dns.rcode
import pytest

from postroad_dns import responder
from postroad_dns.responder import Responder
from tests.dns.test_wire import NAME, OPT, packet
from tests.dns.world import golden_catalog

RESPONDER = Responder(golden_catalog())


def udp(message: dns.message.Message) -> dns.message.Message:
    octets = RESPONDER.udp(message.to_wire())
    assert octets is not None
    response = dns.message.from_wire(octets)
    assert message.is_response(response)
    return response


def test_flags_of_the_query_are_not_the_response_s() -> None:
    query = dns.message.make_query("example.", "SOA", use_edns=False)
    query.flags = dns.flags.RD | dns.flags.AD | dns.flags.CD | dns.flags.RA | dns.flags.TC | dns.flags.AA | 0x40
    assert udp(query).flags == dns.flags.QR | dns.flags.AA | dns.flags.RD
    query.flags = 0
    assert udp(query).flags == dns.flags.QR | dns.flags.AA


def test_opt_is_answered_with_opt_and_only_then() -> None:
    assert udp(dns.message.make_query("example.", "SOA", use_edns=False)).edns == -1
    for do in (False, True):
        response = udp(dns.message.make_query("example.", "SOA", use_edns=0, want_dnssec=do, payload=4096))
        assert (response.edns, response.payload, bool(response.ednsflags & dns.flags.DO)) == (0, 1232, do)


def test_badvers() -> None:
    response = udp(dns.message.make_query("example.", "SOA", use_edns=1))
    assert response.rcode() == dns.rcode.BADVERS
    assert response.edns == 0
    assert response.answer == []


@pytest.mark.parametrize(
    ("name", "kind", "cls", "rcode"),
    [
        ("example.", "SOA", "CH", "REFUSED"),
        ("version.bind.", "TXT", "CH", "REFUSED"),
        ("example.", "SOA", "ANY", "REFUSED"),
        ("example.", "AXFR", "IN", "REFUSED"),
        ("example.", "IXFR", "IN", "REFUSED"),
        ("example.", "MAILA", "IN", "NOTIMP"),
        ("example.", "MAILB", "IN", "NOTIMP"),
        ("example.", "OPT", "IN", "FORMERR"),
        ("other.test.", "A", "IN", "REFUSED"),
        ("example.", "SOA", "IN", "NOERROR"),
    ],
)
def test_rcode(name: str, kind: str, cls: str, rcode: str) -> None:
    response = udp(dns.message.make_query(name, kind, rdclass=cls, use_edns=0))
    assert dns.rcode.to_text(response.rcode()) == rcode
    assert bool(response.flags & dns.flags.AA) is (rcode == "NOERROR")


@pytest.mark.parametrize("opcode", [1, 2, 4, 5, 6, 15])
def test_other_opcodes(opcode: int) -> None:
    octets = RESPONDER.udp(packet(NAME + b"\0\6\0\1" + OPT, flags=opcode << 11, counts=(1, 0, 0, 1)))
    assert octets is not None
    assert octets[2:4] == bytes((0x80 | opcode << 3, 4))
    assert octets[10:12] == b"\0\1"  # its OPT
    # RFC 8906 §8.1.4: no flag comes back, RD included: nobody knows what it means with another opcode.
    for flags in (0x0100, 0x07B0, 0x06B0):
        octets = RESPONDER.udp(packet(b"", flags=opcode << 11 | flags, counts=(0, 0, 0, 0)))
        assert octets == packet(b"", flags=0x8000 | opcode << 11 | 4, counts=(0, 0, 0, 0))
    short = RESPONDER.udp(packet(b"\xff", flags=opcode << 11))
    assert short == packet(b"", flags=0x8000 | opcode << 11 | 4, counts=(0, 0, 0, 0))


def test_formerr() -> None:
    assert RESPONDER.udp(packet(b"")) == packet(b"", flags=0x8101, counts=(0, 0, 0, 0))
    # Nothing asked: not even with EDNS (RFC 7873 §5.4 asks for cookies so, and there are none here)
    octets = RESPONDER.udp(packet(OPT, counts=(0, 0, 0, 1)))
    assert octets is not None
    assert octets[:12] == packet(b"", flags=0x8101, counts=(0, 0, 0, 1))
    octets = RESPONDER.udp(packet(NAME + b"\0\1\0\1" + OPT + OPT, counts=(1, 0, 0, 2)))
    assert octets is not None
    assert octets[3] == 1
    assert dns.message.from_wire(octets).edns == 0


def test_silence() -> None:
    for octets in (b"", b"\0" * 11, packet(flags=0x8100)):
        assert RESPONDER.udp(octets) is None
        assert RESPONDER.tcp(octets) is None
        assert responder.servfail(octets) is None


def test_servfail() -> None:
    assert responder.servfail(packet() + b"junk") == packet(b"", flags=0x8102, counts=(0, 0, 0, 0))


def test_large_answers() -> None:
    text = "$ORIGIN example.\n@ SOA ns a 1 2 3 4 5\n@ NS ns\nns A 192.0.2.1\n"
    text += "".join(f"big TXT {chr(97 + number) * 200}\n" for number in range(10))
    from postroad.dns.zone import Catalog
    from tests.dns.world import zone

    large = Responder(Catalog.of((zone(text),)))
    for edns, size in ((False, 512), (0, 1232)):
        query = dns.message.make_query("big.example.", "TXT", use_edns=edns, payload=4096 if edns == 0 else None)
        octets = large.udp(query.to_wire())
        assert octets is not None
        assert len(octets) <= size
        assert dns.message.from_wire(octets).flags & dns.flags.TC
        octets = large.tcp(query.to_wire())
        assert octets is not None
        response = dns.message.from_wire(octets)
        assert not response.flags & dns.flags.TC
        assert len(response.answer[0]) == 10
