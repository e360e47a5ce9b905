"""Anything may come over the wire: the name server answers it as the standards say, or not at all."""

from __future__ import annotations

import dns.message
import dns.name
from hypothesis import example, given, settings
from hypothesis import strategies as st

from postroad.dns import masterfile as zonefile
from postroad.dns.name import BadName, Name
from postroad.dns.words import ZoneFileError
from postroad_dns import wire
from postroad_dns.cache import Cache, without_options
from postroad_dns.framing import Framing, framed
from postroad_dns.responder import TCP_LIMIT, Responder
from tests.dns.golden import QUESTIONS, query
from tests.dns.test_wire import NAME, OPT, packet
from tests.dns.world import golden_catalog

RESPONDER = Responder(golden_catalog())
CACHE = Cache(RESPONDER.udp, limit=50)
ORIGIN = Name.parse("example.")
GOOD = [query(question).to_wire() for question in QUESTIONS]
LABEL = st.binary(min_size=1, max_size=63)


@st.composite
def damaged(draw: st.DrawFn) -> bytes:
    """A good query with some octets changed, and perhaps cut or with more behind it."""
    octets = bytearray(draw(st.sampled_from(GOOD)))
    for _ in range(draw(st.integers(0, 4))):
        octets[draw(st.integers(0, len(octets) - 1))] = draw(st.integers(0, 255))
    return bytes(octets[: draw(st.integers(0, len(octets)))]) if draw(st.booleans()) else bytes(octets)


def check(octets: bytes) -> None:
    response = RESPONDER.udp(octets)
    assert CACHE.respond(octets) == response
    assert CACHE.respond(octets) == response
    if len(octets) < 12 or octets[2] & 0x80:
        assert response is None
        return
    assert response is not None
    assert len(response) <= wire.PAYLOAD
    assert response[:2] == octets[:2]
    assert response[2] & 0x80
    assert (response[2] ^ octets[2]) & 0x78 == 0  # OPCODE
    assert response[2] & 1 == (0 if octets[2] & 0x78 else octets[2] & 1)  # RD, of a QUERY alone (RFC 8906 §8.1.4)
    assert response[3] & 0xF0 == 0  # RA, Z, AD, CD
    # Another's reader has no complaint. We pass it off as a QUERY: of UPDATE it wants more than our NOTIMP has.
    parsed = dns.message.from_wire(response[:2] + bytes((response[2] & 0x87,)) + response[3:])
    assert len(RESPONDER.tcp(octets) or b"") <= TCP_LIMIT
    if parsed.rcode() == 0 and not octets[2] & 0x78:
        asked = wire.decode(octets)
        assert asked is not None
        assert asked.question is not None
        end = 12 + len(asked.question.name.octets()) + 4
        assert response[12:end] == octets[12:end]  # the case of QNAME too


@given(st.binary(max_size=600))
@settings(max_examples=150)
@example(packet(b"\xc0\x0c\0\1\0\1"))
@example(packet(NAME + b"\0\1\0\1" + OPT * 2, counts=(1, 0, 0, 2)))
def test_octets(octets: bytes) -> None:
    check(octets)
    check(packet(octets, counts=(1, 0, 0, 1)))


@given(damaged())
@settings(max_examples=300)
@example(GOOD[0][:2] + b"\x28" + GOOD[0][3:])  # UPDATE
def test_damaged_queries(octets: bytes) -> None:
    check(octets)


@given(st.lists(LABEL, max_size=5), st.integers(0, 65535), st.integers(0, 65535), st.booleans())
@settings(max_examples=150)
def test_any_question(labels: list[bytes], kind: int, cls: int, edns: bool) -> None:
    tail = kind.to_bytes(2, "big") + cls.to_bytes(2, "big") + (OPT if edns else b"")
    name = b"".join(bytes((len(label),)) + label for label in labels) + b"\0"
    check(packet(name + tail, counts=(1, 0, 0, int(edns))))


@given(st.binary(max_size=80))
def test_options_are_taken_out_of_plain_queries_alone(octets: bytes) -> None:
    asked = packet(NAME + b"\0\1\0\1" + OPT[:-2] + octets, counts=(1, 0, 0, 1))
    plain = without_options(asked)
    assert plain == asked or plain == packet(NAME + b"\0\1\0\1" + OPT, counts=(1, 0, 0, 1))
    assert RESPONDER.udp(plain) == RESPONDER.udp(asked)


@given(st.lists(LABEL, max_size=4))
def test_names_there_and_back(labels: list[bytes]) -> None:
    if sum(map(len, labels)) + len(labels) + 1 > 255:
        return
    name = Name(tuple(labels))
    assert Name.parse(str(name)).labels == name.labels
    assert dns.name.from_wire(name.octets(), 0)[0].labels[:-1] == name.labels


@given(st.text(max_size=60))
@settings(max_examples=150)
@example('x TXT "')
@example("x TXT ((")
def test_master_files(text: str) -> None:
    for zone in (text, f"x TXT {text}", f"x SOA {text}", f"{text} A 192.0.2.1"):
        try:
            zonefile.parse(zone, ORIGIN, 5)
        except ZoneFileError:
            continue


@given(st.text(max_size=60))
def test_name_text(text: str) -> None:
    try:
        name = Name.parse(text, ORIGIN)
    except BadName:
        return
    assert Name.parse(str(name)) == name


@given(st.lists(st.binary(max_size=300), max_size=5), st.integers(1, 50))
def test_framing(messages: list[bytes], size: int) -> None:
    stream = b"".join(map(framed, messages))
    framing, unframed = Framing(), []
    for start in range(0, len(stream), size):
        framing.receive_data(stream[start : start + size])
        while (message := framing.next_message()) is not None:
            unframed.append(message)
    assert unframed == messages
