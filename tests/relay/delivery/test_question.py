"""Questions as octets, and plain answers: what is read here dnspython reads alike, and all else is left to it."""

from __future__ import annotations

import dns.edns
import dns.exception
import dns.flags
import dns.message
import dns.rrset
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from postroad.dns.mark import CODE
from postroad.world.world import MX
from postroad_relay.delivery.question import Plain, answer, marked, question
from postroad_relay.delivery.resolver import read
from postroad_relay.delivery.routing import Records

ID = 4711


def asked(name: str = "Beta.test", rdtype: str = "MX") -> bytes:
    octets = question(ID, name, rdtype)
    assert octets is not None
    return octets


def response(query: bytes, *records: str, additional: tuple[str, ...] = ()) -> bytes:
    message = dns.message.make_response(dns.message.from_wire(query))
    message.flags |= dns.flags.AA
    for section, texts in ((message.answer, records), (message.additional, additional)):
        for text in texts:
            owner, ttl, kind, rdata = text.split(" ", 3)
            section.append(dns.rrset.from_text(owner, int(ttl), "IN", kind, rdata))
    return message.to_wire()


@pytest.mark.parametrize("rdtype", ["A", "MX"])
@pytest.mark.parametrize("name", ["beta.test", "a-b._c.x1.test", "test", ".".join(["a" * 63] * 3 + ["b" * 61])])
def test_a_question_is_the_one_that_dnspython_asks(name: str, rdtype: str) -> None:
    assert question(ID, name, rdtype) == dns.message.make_query(name, rdtype, id=ID).to_wire()


@pytest.mark.parametrize("name", ["", ".", "a..b", "a.", "é.test", "a b.test", "a" * 64, ".".join(["a" * 63] * 4)])
def test_other_names_are_for_dnspython(name: str) -> None:
    assert question(ID, name, "A") is None


def test_plain_answers_are_read() -> None:
    query = asked()
    answered = answer(
        response(
            query,
            "Beta.test. 300 MX 10 A.beta.test.",
            "Beta.test. 300 MX 20 mx.gamma.test.",
            additional=("a.beta.test. 5 A 127.0.0.1", "mx.gamma.test. 5 AAAA ::1"),
        ),
        query,
    )
    assert answered == Plain(Records(mx=(MX(10, "a.beta.test"), MX(20, "mx.gamma.test"))), 300.0)
    longest = ".".join(["a" * 63] * 3 + ["b" * 61])  # 253 characters
    for exchange in ("mx.gamma.example", "x", longest):  # no name before it ends alike: no pointer
        answered = answer(response(query, f"Beta.test. 1 MX 65535 {exchange}."), query)
        assert answered == Plain(Records(mx=(MX(65535, exchange),)), 1.0)
    query = asked("a.test", "A")
    answered = answer(response(query, "a.test. 0 A 127.0.0.1"), query)
    assert answered is not None
    assert (*map(str, answered.records.addresses), answered.ttl) == ("127.0.0.1", 0.0)


OPT = b"\0\0\x29\x04\xd0\0\0\0\0\0\0"


def test_answers_to_marked_questions_are_read_too() -> None:
    query = asked()
    options: list[dns.edns.Option] = [dns.edns.GenericOption(dns.edns.OptionType.make(CODE), b"shop.0123")]
    asks = dns.message.make_query("Beta.test", "MX", id=ID, use_edns=0, payload=1232, options=options)
    assert marked(query, "shop.0123") == asks.to_wire()
    plain = response(query, "Beta.test. 300 MX 10 A.beta.test.", additional=("a.beta.test. 5 A 127.0.0.1",))
    packet = plain[:11] + b"\2" + plain[12:] + OPT
    answered = answer(packet, query)
    assert answered == answer(plain, query) == Plain(Records(mx=(MX(10, "a.beta.test"),)), 300.0)
    assert read(dns.message.from_wire(packet), "MX") == answered
    twice = plain[:11] + b"\3" + plain[12:] + OPT + OPT
    for odd in (packet[:-1], packet + b"\0", packet[:-1] + b"\4", packet[:-6] + b"\1" + packet[-5:], twice):
        assert answer(odd, query) is None
    extended = bytearray(packet)
    extended[-6] = 1  # the high octet of the RCODE: BADVERS
    assert answer(bytes(extended), query) is None


ODD: dict[str, tuple[str, ...]] = {
    "no record": (),
    "the null MX": ("Beta.test. 1 MX 0 .",),
    "an exchange with another octet": (r"Beta.test. 1 MX 1 a\.b.test.",),
    "a CNAME": ("Beta.test. 1 CNAME a.test.", "a.test. 1 MX 1 b.test."),
    "another type": ("Beta.test. 1 TXT x",),
    "an address": ("Beta.test. 1 A 127.0.0.1",),
    "two types": ("Beta.test. 1 MX 1 a.test.", "Beta.test. 1 A 127.0.0.1"),
    "another name's": ("Beta.test. 1 MX 1 a.test.", "b.test. 1 MX 1 a.test."),
}


@pytest.mark.parametrize("records", ODD.values(), ids=ODD)
def test_other_answers_are_for_dnspython(records: tuple[str, ...]) -> None:
    assert answer(response(asked(), *records), asked()) is None


GOOD = response(asked(), "Beta.test. 1 MX 1 a.test.", additional=("a.test. 1 A 127.0.0.1",))
START = len(asked())  # of the answer: its owner, type, class, TTL, length, preference, exchange
LONG = b"".join([b"\x3f" + b"a" * 63] * 4) + b"\0"


def changed(at: int, *octets: int) -> bytes:
    return GOOD[:at] + bytes(octets) + GOOD[at + len(octets) :]


BROKEN = {
    "another ID": changed(0, 0),
    "a query": changed(2, GOOD[2] & 0x7F),
    "truncated": changed(2, GOOD[2] | 2),
    "another opcode": changed(2, GOOD[2] | 0x10),
    "an error": changed(3, 3),
    "another question": changed(13, ord("x")),
    "two questions": changed(5, 2),
    "an authority": changed(9, 1),
    "cut off": GOOD[:-1],
    "cut off in the header": GOOD[:9],
    "cut off before the exchange": GOOD[: START + 14],
    "more behind": GOOD + b"\0",
    "another class": changed(START + 5, 3),
    "a TTL of centuries": changed(START + 6, 0x80),
    "a shorter RDATA": changed(START + 11, 3),
    "an RDATA beyond the end": changed(START + 10, 0xFF),
    "an exchange that is its own": changed(START + 14, 0xC0, START + 14),
    "an exchange in the header": changed(START + 14, 0xC0, 2),
    "an exchange of an old type of label": changed(START + 14, 0x41),
    "an address of three octets": GOOD[:-6] + b"\0\x03" + GOOD[-4:-1],
    "an address that is a TXT": GOOD[:-13] + b"\x10" + GOOD[-12:],
    "the same twice": response(asked(), "Beta.test. 1 MX 1 a.test.")[:7] + b"\2" + GOOD[8:11] + b"\0"
    + GOOD[12 : len(GOOD) - 16] + GOOD[START : len(GOOD) - 16],
    "an exchange a character too long": response(asked(), "Beta.test. 1 MX 1 .").replace(
        b"\0\x03\0\x01\0", b"\1\2\0\1" + b"\x3f".join([b"", *[b"a" * 63] * 3]) + b"\x3e" + b"b" * 62 + b"\0"
    ),
    "a long exchange": GOOD[: START + 10] + (len(LONG) + 2).to_bytes(2) + b"\0\1" + LONG
    + b"\xc0" + bytes((START + 14,)) + GOOD[-14:],
}  # fmt: skip


@pytest.mark.parametrize("packet", BROKEN.values(), ids=BROKEN)
def test_what_is_broken_or_odd_is_for_dnspython(packet: bytes) -> None:
    assert answer(GOOD, asked()) is not None
    assert answer(packet, asked()) is None


def test_an_address_has_four_octets() -> None:
    query = asked("a.test", "A")
    packet = response(query, "a.test. 1 A 127.0.0.1")
    assert answer(packet[:-5] + b"\x03" + packet[-4:-1], query) is None
    assert answer(packet[:-5] + b"\x05" + packet[-4:] + b"\0", query) is None
    assert answer(packet[:-1], query) is None


PIECES = st.lists(
    st.tuples(st.integers(0, len(GOOD) + 2), st.integers(0, 3), st.binary(max_size=4)), min_size=1, max_size=3
)


@given(PIECES)
@example([(START + 14, 1, b"\x00")])
def test_what_is_read_dnspython_reads_too(pieces: list[tuple[int, int, bytes]]) -> None:
    packet = GOOD
    for at, gone, put in pieces:
        packet = packet[:at] + put + packet[at + gone :]
    answered = answer(packet, asked())
    if answered is None:
        return
    try:
        message = dns.message.from_wire(packet)
    except dns.exception.DNSException as error:
        raise AssertionError(packet) from error
    assert dns.message.make_query("beta.test", "MX", id=ID).is_response(message)
    assert read(message, "MX") == (answered.records, answered.ttl)
