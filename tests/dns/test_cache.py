from __future__ import annotations

import dns.edns
import dns.message
import pytest

from postroad_dns.cache import Cache, without_options
from postroad_dns.responder import Responder
from tests.dns.golden import QUESTIONS, query
from tests.dns.test_wire import NAME, OPT, packet
from tests.dns.world import golden_catalog

RESPONDER = Responder(golden_catalog())


class Counting:
    """The responder, with a count of how often it was asked."""

    def __init__(self) -> None:
        self.calls = 0

    def __call__(self, octets: bytes) -> bytes | None:
        self.calls += 1
        return RESPONDER.udp(octets)


def plain(name: str, ident: int = 0, **edns: object) -> bytes:
    return dns.message.make_query(name, "A", id=ident, use_edns=0, **edns).to_wire()  # type: ignore[arg-type]


@pytest.mark.parametrize("question", QUESTIONS)
def test_the_cache_says_what_the_responder_says(question: str) -> None:
    cache = Cache(RESPONDER.udp)
    for ident in (1, 2, 0xFFFF):
        asked = query(question)
        asked.id = ident
        assert cache.respond(asked.to_wire()) == RESPONDER.udp(asked.to_wire())
    octets = asked.to_wire()
    known = cache.young.get(octets[2:])
    if known is not None:
        assert octets[:2] + known == RESPONDER.udp(octets)


def test_asked_once_for_all_ids_and_cookies() -> None:
    counting = Counting()
    cache = Cache(counting)
    for ident in range(50):
        options: list[dns.edns.Option] = [dns.edns.CookieOption(ident.to_bytes(8, "big"), b"")]
        asked = plain("www.example.", ident, options=options)
        assert cache.respond(asked) == RESPONDER.udp(asked)
    assert counting.calls == 1
    assert len(cache.young) == 1


def test_what_differs_is_asked_apart() -> None:
    counting = Counting()
    cache = Cache(counting)
    different = [
        plain("mail.example."),
        plain("MAIL.example."),
        plain("mail.example.", payload=512),
        plain("mail.example.", want_dnssec=True),
        dns.message.make_query("mail.example.", "A", use_edns=False, id=0).to_wire(),
        dns.message.make_query("mail.example.", "A", use_edns=0, id=0, flags=0).to_wire(),
    ]
    for octets in different * 2:
        response = cache.respond(octets)
        assert response == RESPONDER.udp(octets)
        assert response is not None
        assert response[12:30] == octets[12:30]
    assert counting.calls == len(different)


@pytest.mark.parametrize(
    "octets",
    [
        packet(b""),
        packet(flags=0x2800),
        packet(NAME + b"\0\xfd\0\1"),
        packet(NAME + b"\0\1\0\1" + OPT + OPT, counts=(1, 0, 0, 2)),
        packet() + b"x" * 300,
        packet(NAME + b"\0\1\0\1" + b"\0\0\x10\0\1\0\0\0\0\1\2" + bytes(258), counts=(1, 0, 0, 1)),
        packet(flags=0x8000),
        b"short",
    ],
)
def test_what_is_not_worth_keeping(octets: bytes) -> None:
    cache = Cache(RESPONDER.udp)
    assert cache.respond(octets) == RESPONDER.udp(octets)
    assert cache.young == {}


def test_long_responses_are_not_kept() -> None:
    cache = Cache(lambda octets: octets[:2] + b"\x80\0" + b"x" * 2000)
    cache.respond(packet())
    assert cache.young == {}


def test_the_bound() -> None:
    counting = Counting()
    cache = Cache(counting, limit=4)
    for number in range(100):
        cache.respond(plain(f"n{number}.example."))
        assert cache.respond(plain("mail.example.")) is not None
        assert len(cache.young) <= 4
    # What is asked for again and again survives; it came back from the old generation each time.
    assert counting.calls == 101


@pytest.mark.parametrize(
    ("tail", "stripped"),
    [
        (OPT, OPT),
        (OPT[:-1] + b"\6\0\x0a\0\2ab", OPT),
        (OPT[:-1] + b"\5\0\x0a\0\2ab", None),
        (OPT[:-1] + b"\5\0\x0a\0\2a", None),
        (OPT[:-1] + b"\4\0\x0a\0\1", None),
        (b"\1" + OPT[1:], None),
        (OPT[:-1] + b"\x05\0\x0a\0\1a", OPT),
        (OPT[:-2] + b"\1\4\0\x0c\1\0" + bytes(256), OPT),
        (OPT[:-2], None),
        (OPT[:-1], None),
        (b"\0\0\1\0\1\0\0\0\0\0\6\0\x0a\0\2ab", None),
        (b"", None),
        (b"\0\0\1\0\1\0\0\0\0\0\4abcd", None),
    ],
)
def test_without_options(tail: bytes, stripped: bytes | None) -> None:
    octets = packet(NAME + b"\0\1\0\1" + tail, counts=(1, 0, 0, 1))
    assert without_options(octets) == (
        octets if stripped is None else packet(NAME + b"\0\1\0\1" + stripped, counts=(1, 0, 0, 1))
    )


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"\3ab",
        b"\xc0\x0c\0\1\0\1" + OPT,
        b"\x3f",
        b"\x40" + b"x" * 64 + b"\0\0\1\0\1" + OPT[:-1] + b"\5\0\x0a\0\1a",
    ],
)
def test_without_options_of_what_has_no_name(body: bytes) -> None:
    octets = packet(body, counts=(1, 0, 0, 1))
    assert without_options(octets) == octets
