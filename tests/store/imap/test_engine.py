"""The engine alone: framing, literals, order, limits."""

from __future__ import annotations

import base64

import pytest

from postroad.engine import LocalProtocolError
from postroad_store.imap.commands.append import Append
from postroad_store.imap.commands.append.grammar import More
from postroad_store.imap.commands.authenticate import Authenticate
from postroad_store.imap.commands.capability import Capability
from postroad_store.imap.commands.idle import Idle
from postroad_store.imap.commands.login import Login
from postroad_store.imap.commands.logout import Logout
from postroad_store.imap.commands.noop import Noop
from postroad_store.imap.commands.select import Select
from postroad_store.imap.commands.starttls import StartTls as StartTlsCommand
from postroad_store.imap.engine import Engine
from postroad_store.imap.events import Announcing, Bad, Command, Done, Octets, Response
from postroad_store.imap.framing import Limits
from postroad_store.imap.offer import Offer
from postroad_store.imap.registry import Registry
from postroad_store.imap.states import State
from postroad_store.protocol.contract import Close as CloseConnection
from postroad_store.protocol.contract import Event, StartTls

OFFER = Offer(Registry())
SMALL = Limits(line=200, line_before_login=100, literal=50, literal_before_login=20)


class Peer:
    """An engine, and a session that says OK to everything."""

    def __init__(self, state: State = State.NOT_AUTHENTICATED, limits: Limits | None = None) -> None:
        self.engine = Engine(OFFER, limits)
        for step in (State.AUTHENTICATED, State.SELECTED):
            if state is not State.NOT_AUTHENTICATED and self.engine.state is not state:
                self.engine.enter(step)
        self.events: list[Event] = []

    def say(self, octets: bytes) -> bytes:
        self.engine.receive_data(octets)
        while (event := self.engine.next_event()) is not None:
            self.events.append(event)
            self.answer(event)
        return self.engine.data_to_send()

    def answer(self, event: Event) -> None:
        if isinstance(event, Announcing) and event.size is not None:
            self.engine.take_literal()
        elif isinstance(event, Bad) and event.tag is None:
            self.engine.untagged_bad(event.text.encode())
        elif isinstance(event, Bad):
            self.engine.complete(event.tag or b"", b"BAD " + event.text.encode())
        elif isinstance(event, Command) and not isinstance(event, Octets):
            self.engine.complete(event.tag, b"OK")


def selected(limits: Limits | None = None) -> Peer:
    return Peer(State.SELECTED, limits)


def test_a_command_in_pieces() -> None:
    peer = Peer()
    for octet in b"a NOOP\r":
        assert peer.say(bytes([octet])) == b""
    assert peer.say(b"\nb NO") == b"a OK\r\n"
    assert peer.say(b"OP\r\n") == b"b OK\r\n"
    assert peer.events == [Noop(b"a"), Noop(b"b")]


def test_it_waits_for_the_answer() -> None:
    engine = Engine(OFFER)
    engine.receive_data(b"a NOOP\r\nb CAPABILITY\r\n")
    assert engine.next_event() == Noop(b"a")
    assert engine.next_event() is None
    engine.receive_data(b"c LOGOUT\r\n")
    assert engine.next_event() is None
    engine.complete(b"a", b"OK")
    assert engine.next_event() == Capability(b"b")
    engine.proceed()
    assert engine.next_event() == Logout(b"c")
    engine.complete_earlier(b"b", b"OK late")
    assert engine.next_event() is None
    engine.send(b"* BYE\r\n")
    engine.complete(b"c", b"OK")
    assert engine.data_to_send() == b"a OK\r\nb OK late\r\n* BYE\r\nc OK\r\n"
    assert engine.data_to_send() == b""


def test_literals() -> None:
    peer = Peer()
    assert peer.say(b"a LOGIN {3}\r\n") == b"+ OK\r\n"
    assert peer.say(b"bo") == b""
    assert peer.say(b"b {0+}\r\n\r\n") == b"a OK\r\n"
    assert peer.say(b"a LOGIN {3+}\r\n\r\n  {2+}\r\nxy\r\n") == b"a OK\r\n"
    assert peer.events == [Login(b"a", b"bob", b""), Login(b"a", b"\r\n ", b"xy")]


def test_a_command_inside_a_literal_is_not_executed() -> None:
    peer = selected()
    inside = b"x LOGOUT\r\n"
    for line in (
        b"a SELECT {%d+}\r\n%b\r\n",
        b"a NOOP {%d+}\r\n%b\r\n",
        b"a FOO {%d+}\r\n%b\r\n",
        b"a FETCH 1 {%d+}\r\n%b\r\n",
    ):
        peer.say(line % (len(inside), inside))
    assert not [event for event in peer.events if isinstance(event, Logout)]
    assert [type(event) for event in peer.events] == [Select, Bad, Bad, Bad]
    assert peer.say(b"z NOOP\r\n") == b"z OK\r\n"


@pytest.mark.parametrize(
    ("line", "answer"),
    [
        (b"\r\n", b"* BAD Error in IMAP tag: Invalid tag\r\n"),
        (b" NOOP\r\n", b"* BAD Error in IMAP tag: Invalid tag\r\n"),
        (b"+a NOOP\r\n", b"* BAD Error in IMAP tag: Invalid tag\r\n"),
        (b"* NOOP\r\n", b"* BAD Error in IMAP tag: Invalid tag\r\n"),
        (b"\0\r\n", b"* BAD Error in IMAP tag: Invalid tag\r\n"),
        (b"a%b NOOP\r\n", b"* BAD Error in IMAP tag: Invalid tag\r\n"),
        (b"a(\r\n", b"* BAD Error in IMAP tag: Invalid tag\r\n"),
        (b"a\r\n", b"a BAD Error in IMAP command: Invalid command name\r\n"),
        (b"a  NOOP\r\n", b"a BAD Error in IMAP command: Invalid command name\r\n"),
        (b"a NOOP\0\r\n", b"a BAD Error in IMAP command: Invalid command name\r\n"),
        (b"a NO\rOP\r\n", b"a BAD Error in IMAP command: Invalid command name\r\n"),
        (b"a UID\r\n", b"a BAD Error in IMAP command UID: Unknown command\r\n"),
        (b"a UID FOO 1\r\n", b"a BAD Error in IMAP command UID FOO: Unknown command\r\n"),
        (b"a XYZZY\r\n", b"a BAD Error in IMAP command XYZZY: Unknown command\r\n"),
        (b"a FETCH 1 FLAGS\r\n", b"a BAD Please log in first\r\n"),
        (b"a NOOP\n", b"a BAD A line must end in CRLF (with netcat: nc -C)\r\n"),
        (b"\n", b"* BAD A line must end in CRLF (with netcat: nc -C)\r\n"),
        (b"a NOOP x\r\n", b"a BAD Error in IMAP command NOOP: Unexpected argument\r\n"),
        (b"a LOGIN x {99999999999}\r\n", b"a BAD Error in IMAP command LOGIN: Literal too large\r\n"),
        (b"a LOGIN {21}\r\n", b"a BAD Error in IMAP command LOGIN: Literal too large\r\n"),
    ],
)
def test_bad(line: bytes, answer: bytes) -> None:
    peer = Peer(limits=SMALL)
    assert peer.say(line) == answer
    assert peer.say(b"b NOOP\r\n") == b"b OK\r\n"


@pytest.mark.parametrize("end", [b"\r\n", b""])
def test_a_line_too_long(end: bytes) -> None:
    peer = Peer(limits=SMALL)
    assert peer.say(b"a LOGIN x " + b"y" * 100 + end) == b"a BAD Command line too long\r\n"
    if not end:
        assert peer.say(b"z" * 500) == b""
        assert peer.say(b"z" * 500 + b" {11+}\r\n") == b""
        assert peer.say(b"q LOGOUT\r\n!" + b"x" * 40 + b"\r\n") == b""
    assert peer.say(b"b NOOP\r\n") == b"b OK\r\n"


def test_a_line_too_long_has_no_tag() -> None:
    peer = Peer(limits=SMALL)
    assert peer.say(b"(" * 101) == b"* BAD Command line too long\r\n"
    assert peer.say(b"\r\nb NOOP\r\n") == b"b OK\r\n"


def test_many_literals_are_one_long_command() -> None:
    peer = selected(SMALL)
    part = b" TEXT {40+}\r\n" + b"x" * 40
    assert peer.say(b"a SEARCH" + part * 5 + b"\r\n") == b"a BAD Error in IMAP command SEARCH: Literal too large\r\n"
    assert peer.say(b"b NOOP\r\n") == b"b OK\r\n"


def test_a_literal_too_large_is_counted_off() -> None:
    peer = selected(SMALL)
    octets = b"x LOGOUT\r\n" * 30
    answer = peer.say(b"a SELECT {%d+}\r\n" % len(octets) + octets + b" {3+}\r\nabc\r\nb NOOP\r\n")
    assert answer == b"a BAD Error in IMAP command SELECT: Literal too large\r\nb OK\r\n"


@pytest.mark.parametrize(
    ("line", "answer"),
    [
        (b"a LOGIN {21+}\r\n", b"a BAD Error in IMAP command LOGIN: Literal too large\r\n"),
        (b"a LOGIN {99999999999+}\r\n", b"a BAD Error in IMAP command LOGIN: Literal too large\r\n"),
        (b"? {21+}\r\n", b"? BAD Error in IMAP command: Invalid command name\r\n"),
    ],
)
def test_a_stranger_may_not_send_a_large_literal(line: bytes, answer: bytes) -> None:
    peer = Peer(limits=SMALL)
    assert peer.say(line + b"b NOOP\r\n") == answer + b"* BYE [TOOBIG] Literal too large\r\n"
    assert peer.events[1:] == [CloseConnection()]
    assert peer.say(b"c NOOP\r\n") == b""
    assert peer.engine.state is State.LOGOUT


def test_append() -> None:
    peer = selected(SMALL)
    assert peer.say(b"a APPEND INBOX {300}\r\n") == b"+ OK\r\n"
    assert peer.say(b"x" * 200) == b""
    assert peer.say(b"x" * 100) == b""
    assert peer.say(b"\r\n") == b"a OK\r\n"
    assert b"".join(event.octets for event in peer.events if isinstance(event, Octets)) == b"x" * 300
    assert isinstance(peer.events[0], Append)
    assert isinstance(peer.events[-1], More)


def test_append_with_non_synchronizing_literals() -> None:
    peer = selected()
    assert (
        peer.say(b"a APPEND {1+}\r\nx {2+}\r\nhi\r\nb APPEND x {0+}\r\n\r\nc NOOP\r\n") == b"a OK\r\nb OK\r\nc OK\r\n"
    )
    assert [type(event) for event in peer.events] == [
        *(Append, Octets, More),
        *(Append, Octets, More),
        Noop,
    ]


@pytest.mark.parametrize(
    ("octets", "text"),
    [
        (b"a APPEND x {2+}\r\nhi foo {2+}\r\nyo\r\n", b"Error in IMAP command APPEND: Invalid literal"),
        (b"a APPEND x {2+}\r\nhi) {2}\r\n", b"Error in IMAP command APPEND: Unexpected argument"),
        (b"a APPEND x {2+}\r\nhi {2+}\r\nyo.\r\n", b"Error in IMAP command APPEND: Unexpected argument"),
        (
            b"a APPEND x CATENATE (TEXT {2+}\r\nhi URL {70+}\r\n%b\r\n" % (b"x" * 70),
            b"Error in IMAP command APPEND: Literal too large",
        ),
        (b"a APPEND x CATENATE (TEXT {2+}\r\nhi URL {2+}\r\nxx\r\n", b"Error in IMAP command APPEND: Missing argument"),
        (b"a APPEND x {2+}\r\nhi\n", b"A line must end in CRLF (with netcat: nc -C)"),
        (b"a APPEND x {2+}\r\n\0i\r\n", b"Error in IMAP command APPEND: NUL in the message"),
        (b"a APPEND x (\\Recent) {2+}\r\nhi\r\n", b"Error in IMAP command APPEND: Invalid system flag \\RECENT"),
        (b"a APPEND x {2}\n", b"A line must end in CRLF (with netcat: nc -C)"),
        (b"a APPEND x\r\n", b"Error in IMAP command APPEND: Missing argument"),
        (b"a APPEND x {2+}\r\nhi" + b"x" * 201 + b"\r\n", b"Command line too long"),
    ],
)
def test_append_malformed(octets: bytes, text: bytes) -> None:
    peer = selected(SMALL)
    assert peer.say(octets) == b"a BAD " + text + b"\r\n"
    assert not any(isinstance(event, More) and event.size is None for event in peer.events)
    assert peer.say(b"b NOOP\r\n") == b"b OK\r\n"


class Refuser(Peer):
    def answer(self, event: Event) -> None:
        if isinstance(event, Append):
            self.engine.complete(event.tag, b"NO")
        else:
            super().answer(event)


def test_append_refused() -> None:
    peer = Refuser(State.AUTHENTICATED)
    assert peer.say(b"a APPEND x {9}\r\n") == b"a NO\r\n"
    assert peer.say(b"b NOOP\r\n") == b"b OK\r\n"
    assert peer.say(b"c APPEND x {10+}\r\nx LOGOUT\r\n {3+}\r\nx\r\n\r\nd NOOP\r\n") == b"c NO\r\nd OK\r\n"


def test_starttls_forgets_what_was_pipelined() -> None:
    engine = Engine(OFFER)
    engine.receive_data(b"a STARTTLS\r\nb LOGIN x y\r\n")
    assert engine.next_event() == StartTlsCommand(b"a")
    engine.start_tls(b"a")
    assert engine.next_event() == StartTls()
    assert engine.data_to_send() == b"a OK Begin TLS negotiation now.\r\n"
    engine.receive_data(b"c LOGIN x y\r\n")
    assert engine.next_event() is None
    engine.tls_started()
    assert engine.secure
    assert engine.next_event() is None
    engine.receive_data(b"d NOOP\r\n")
    assert engine.next_event() == Noop(b"d")


def test_starttls_has_no_arguments() -> None:
    engine = Engine(OFFER)
    engine.receive_data(b"a STARTTLS x\r\n")
    assert engine.next_event() == Bad(b"a", "Error in IMAP command STARTTLS: Unexpected argument")


def test_authenticate() -> None:
    engine = Engine(OFFER)
    for line, event in (
        (base64.b64encode(b"\0a\0b"), Response(b"a", b"\0a\0b")),
        (b"", Response(b"a", b"")),
        (b"*", Bad(b"a", "Authentication aborted by client.")),
        (b"!", Bad(b"a", "Invalid base64 data")),
        (b"x {3+}\r\nabc", Bad(b"a", "Invalid base64 data")),
    ):
        engine.receive_data(b"a AUTHENTICATE PLAIN\r\n" + line + b"\r\n")
        assert engine.next_event() == Authenticate(b"a", b"PLAIN", None)
        engine.challenge(b"a", b"")
        assert engine.data_to_send() == b"+ \r\n"
        assert engine.next_event() == event
        engine.complete(b"a", b"BAD")
        assert engine.next_event() is None
        engine.data_to_send()


def test_idle() -> None:
    engine = Peer(State.SELECTED).engine
    for line, event in ((b"done\r\n", Done(b"a")), (b"x\r\n", Bad(b"a", "Expected DONE"))):
        engine.receive_data(b"a IDLE\r\n")
        assert engine.next_event() == Idle(b"a")
        engine.begin_idle(b"a")
        assert engine.in_idle
        engine.send(b"* 1 EXISTS\r\n")
        assert engine.data_to_send() == b"+ idling\r\n* 1 EXISTS\r\n"
        engine.receive_data(line)
        assert engine.next_event() == event
        assert not bool(engine.in_idle)
        engine.complete(b"a", b"OK")
        engine.data_to_send()
    assert engine.next_event() is None


def test_no_way_back() -> None:
    engine = Engine(OFFER)
    with pytest.raises(LocalProtocolError, match="not authenticated does not lead to selected"):
        engine.enter(State.SELECTED)
    engine.bye(b"Logging out")
    engine.close()
    engine.close()
    assert engine.state is State.LOGOUT
    assert engine.next_event() == CloseConnection()
    engine.receive_data(b"a NOOP\r\n")
    assert engine.next_event() == CloseConnection()
    assert engine.next_event() is None


def test_closed_at_once() -> None:
    engine = Engine(OFFER)
    engine.close()
    assert engine.state is State.LOGOUT
    assert engine.next_event() == CloseConnection()


def test_closed_while_octets_wait() -> None:
    engine = Engine(OFFER)
    engine.receive_data(b"a LOGOUT\r\nb NOOP\r\n")
    assert engine.next_event() == Logout(b"a")
    engine.complete(b"a", b"OK")
    engine.close()
    assert [engine.next_event(), engine.next_event()] == [CloseConnection(), None]


@pytest.mark.parametrize(
    ("line", "answer"),
    [
        (b"t" * 64 + b" FOO\r\n", b"t" * 64 + b" BAD Error in IMAP command FOO: Unknown command\r\n"),
        (b"t" * 64 + b"\r\n", b"t" * 64 + b" BAD Error in IMAP command: Invalid command name\r\n"),
        (b"t" * 65 + b"\r\n", b"* BAD Error in IMAP tag: Invalid tag\r\n"),
        (b"t" * 65 + b" NOOP\r\n", b"t" * 65 + b" OK\r\n"),
        (b"t" * 64 + b" NOOP\n", b"t" * 64 + b" BAD A line must end in CRLF (with netcat: nc -C)\r\n"),
        (b"t" * 65 + b" NOOP\n", b"* BAD A line must end in CRLF (with netcat: nc -C)\r\n"),
    ],
)
def test_a_tag_that_is_repeated_is_short(line: bytes, answer: bytes) -> None:
    assert Peer().say(line) == answer


def test_login_raises_the_limits() -> None:
    peer = Peer(limits=SMALL)
    line = b"a LOGIN x " + b"y" * 150 + b"\r\n"
    assert peer.say(line) == b"a BAD Command line too long\r\n"
    peer.engine.enter(State.AUTHENTICATED)
    assert peer.say(line) == b"a BAD Already logged in\r\n"


def test_bye_is_the_logout_state() -> None:
    engine = Engine(OFFER)
    engine.bye(b"Logging out")
    assert engine.state is State.LOGOUT
    assert engine.data_to_send() == b"* BYE Logging out\r\n"


def test_whether_the_client_pipelines() -> None:
    engine = Engine(OFFER)
    engine.receive_data(b"a NOOP\r\nb NOOP\r\n")
    assert engine.next_event() == Noop(b"a")
    assert engine.has_input
    engine.complete(b"a", b"OK")
    assert engine.next_event() == Noop(b"b")
    assert not bool(engine.has_input)
