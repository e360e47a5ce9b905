"""IMAP's engine under Hypothesis: it never fails, and it does not matter how the octets are cut."""

from __future__ import annotations

from itertools import pairwise
from typing import TYPE_CHECKING

from hypothesis import example, given, settings
from hypothesis import strategies as st

from postroad_store.imap.commands.authenticate import Authenticate
from postroad_store.imap.commands.idle import Idle
from postroad_store.imap.commands.logout import Logout
from postroad_store.imap.commands.starttls import StartTls as StartTlsCommand
from postroad_store.imap.engine import Engine
from postroad_store.imap.events import Announcing, Bad, Command, Octets
from postroad_store.imap.framing import Limits
from postroad_store.imap.offer import Offer
from postroad_store.imap.registry import SPECS, Registry
from postroad_store.imap.states import State
from postroad_store.protocol.contract import StartTls

if TYPE_CHECKING:
    from postroad_store.protocol.contract import Event

KNOWN = {each for spec in SPECS for each in (spec.capability, *spec.extensions) if each is not None}
ALL = Registry(asked=[each.name.decode() for each in KNOWN if each.on_request])
OFFERS = [
    Offer(Registry()),
    Offer(Registry(without=["LITERAL+", "LITERAL-"])),
    Offer(Registry(without=["LITERAL+"])),
    Offer(ALL).enabling(KNOWN),
    Offer(Registry(without=[each.name.decode() for each in KNOWN if not each.kept])),
]
SMALL = Limits(line=120, line_before_login=80, literal=40, literal_before_login=20)
WORDS = [
    *(b"a", b"b1", b"*", b"+", b"", b" ", b"  ", b"(", b")", b"()", b"[", b"]", b"<0.9>", b"NIL", b'""', b'"', b"\\"),
    *(b"\r\n", b"\r\n", b"\r\n", b"\n", b"\r", b"\0", b"\xff", b"{3}", b"{3+}", b"{0+}", b"{50+}", b"{99999999999+}"),
    *(b"abc", b"INBOX", b"1:*", b"1,3:4", b"*", b"0", b"UID", b"FLAGS", b"(\\Seen)", b"BODY[", b"BODY[]", b"ALL"),
    *(b"NOOP", b"LOGIN", b"SELECT", b"FETCH", b"STORE", b"SEARCH", b"APPEND", b"APPEND INBOX {3+}", b"IDLE", b"DONE"),
    *(b"AUTHENTICATE PLAIN", b"AGEAYg==", b"STARTTLS", b"LOGOUT", b"COPY", b"LIST", b"STATUS", b"ID", b"OR", b"NOT"),
    *(b"APPEND a CATENATE (TEXT {2+}", b"TEXT {1}", b"URL", b"CATENATE (URL x", b"REPLACE 1 a {2+}", b"~{2+}"),
    *(b"ENABLE", b"COMPRESS DEFLATE", b"APPEND INBOX UTF8 (~{3+}", b"UNAUTHENTICATE", b'"\xc3\xa4"', b"{4097+}"),
    *(b"CHARSET", b"utf-8", b"1-Jan-2020", b'" 1-Jan-2020 00:00:00 +0000"', b"x" * 60),
]
OCTETS = st.lists(st.sampled_from(WORDS) | st.binary(max_size=4), max_size=40).map(
    lambda words: b"".join(word if word.endswith((b"\n", b"(", b"[")) else word + b" " for word in words)
)
LINES = st.lists(
    st.tuples(st.sampled_from([b"a", b"b", b"+"]), st.lists(st.sampled_from(WORDS), max_size=6)).map(
        lambda line: line[0] + b" " + b" ".join(line[1]) + b"\r\n"
    ),
    max_size=12,
).map(b"".join)


def run(octets: bytes, cuts: list[int], state: State, offer: Offer) -> tuple[list[Event], bytes]:
    """Feed the engine in pieces; the session takes every literal, accepts every exchange, and answers OK."""
    engine = Engine(offer, SMALL)
    for step in (State.AUTHENTICATED, State.SELECTED):
        if state is not State.NOT_AUTHENTICATED and engine.state is not state:
            engine.enter(step)
    events: list[Event] = []
    places = [0, *sorted(cut % (len(octets) + 1) for cut in cuts), len(octets)]
    for start, stop in pairwise(places):
        engine.receive_data(octets[start:stop])
        while (event := engine.next_event()) is not None:
            events.append(event)
            answer(engine, event)
    return whole(events), engine.data_to_send()


def answer(engine: Engine, event: Event) -> None:
    match event:
        case Announcing(size=int()):
            engine.take_literal()
        case Idle():
            engine.begin_idle(event.tag)
        case Authenticate(initial=None):
            engine.challenge(event.tag, b"")
        case Bad(tag=None):
            engine.untagged_bad(b"")
        case Bad():
            engine.complete(event.tag or b"", b"BAD")
        case Logout():
            engine.complete(event.tag, b"OK")
            engine.close()
        case StartTlsCommand():
            engine.start_tls(event.tag)
        case Octets():
            pass
        case Command():
            engine.complete(event.tag, b"OK")


def whole(events: list[Event]) -> list[Event]:
    """Put the pieces of a message together."""
    merged: list[Event] = []
    for event in events:
        if isinstance(event, Octets) and merged and isinstance(merged[-1], Octets):
            merged[-1] = Octets(event.tag, merged[-1].octets + event.octets)
        elif not isinstance(event, Octets) or event.octets:
            merged.append(event)
    return merged


@settings(max_examples=150)
@given(
    OCTETS | LINES,
    st.lists(st.integers(0, 10000), max_size=8),
    st.sampled_from(list(State)[:3]),
    st.sampled_from(OFFERS),
)
@example(b"a APPEND INBOX {3+}\r\na\0b\r\n", [21, 22], State.SELECTED, OFFERS[0])
@example(b"a FOO " + b"x" * 100 + b" {5+}\r\nb NOOP\r\n", [60, 108], State.SELECTED, OFFERS[0])
@example(b"a LOGIN {21+}\r\nb NOOP\r\n", [3], State.NOT_AUTHENTICATED, OFFERS[0])
@example(b"a a a " + b"x" * 60 + b" {99999999999+}\r\n", [80], State.NOT_AUTHENTICATED, OFFERS[0])
@example(b"x" * 200 + b" {9+}\r\na NOOP\r\n\r\n", [100, 190, 203, 205], State.AUTHENTICATED, OFFERS[0])
@example(b"x" * 200 + b" {9+}\r\na NOOP\r\n\r\n", [100, 190, 203, 205], State.AUTHENTICATED, OFFERS[1])
def test_how_the_octets_are_cut_does_not_matter(octets: bytes, cuts: list[int], state: State, offer: Offer) -> None:
    events, sent = run(octets, [], state, offer)
    if any(isinstance(event, StartTls) for event in events):
        return  # what comes behind it is plaintext or TLS as time has it
    assert run(octets, cuts, state, offer) == (events, sent)
    assert run(octets, list(range(len(octets))), state, offer) == (events, sent)


@settings(max_examples=100)
@given(st.binary(max_size=300), st.sampled_from(list(State)[:3]), st.sampled_from(OFFERS))
def test_any_octets(octets: bytes, state: State, offer: Offer) -> None:
    run(octets, [], state, offer)
