"""The POP3 engine, octets in and out. What needs the mail is answered by `answer`, as the session would."""

from __future__ import annotations

import base64
from ipaddress import IPv4Network
from itertools import pairwise
from typing import TYPE_CHECKING

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from postroad.mail.address import Address
from postroad.sasl.mechanism import MAX_RESPONSE
from postroad.sasl.oauth import OAUTHBEARER
from postroad.sasl.plain import PLAIN
from postroad.world.world import Account, World
from postroad_store.mail.model.message import UID
from postroad_store.pop3 import engine as engine_module
from postroad_store.pop3.authorization import MAX_ERRORS, MAX_LOGINS
from postroad_store.pop3.capabilities import Offer, Policy
from postroad_store.pop3.commands import RULES, State
from postroad_store.pop3.engine import MAX_AUTH_LINE, MAX_LINE, MAX_UNKNOWN, Engine
from postroad_store.pop3.events import ListAll, Login, PlaintextRefused, Retrieve, Update
from postroad_store.pop3.maildrop import Maildrop
from postroad_store.protocol.contract import Close, Event, StartTls
from tests.harness.sasl import channel, sasl

if TYPE_CHECKING:
    from collections.abc import Sequence

    from postroad.sasl.offer import Mechanism

ALICE = Account(Address("alice", "alpha.test"), "secret")
MAIL = [b"Subject: one\r\n\r\n.dot\r\n", b"Subject: two\r\n\r\n", b"x\r\n"]


def answer(engine: Engine, event: Event) -> None:
    match event:
        case Login(claim) if claim.login == "alice" and claim.proof.proves(ALICE):
            engine.logged_in(Maildrop(1, [UID(n) for n in range(1, len(MAIL) + 1)], [len(message) for message in MAIL]))
        case Login(claim) if claim.login == "busy":
            engine.refuse("[IN-USE] locked")
        case Login():
            engine.login_failed()
        case Retrieve(number, None):
            engine.message(MAIL[number - 1])
        case Retrieve(number):
            content = MAIL[number - 1]
            engine.begin_message(len(content))
            for index in range(len(content)):
                engine.message_piece(content[index : index + 1])
            engine.end_message()
        case ListAll(numbers, unique_ids):
            assert engine.in_message
            for number in numbers:
                engine.list_piece([number], unique_ids=unique_ids)
            engine.end_list()
        case Update(numbers):
            engine.updated(len(numbers))


class Talk:
    """One connection: `say` gives what the server answers."""

    def __init__(
        self,
        *,
        secure: bool = True,
        apop: bool = False,
        policy: Policy | None = None,
        without: tuple[str, ...] = (),
        mechanisms: Sequence[Mechanism] = (PLAIN,),
        **options: bool,
    ) -> None:
        world = World(IPv4Network("127.0.0.0/24"), {}, {}, forms=frozenset({"scrypt"}))
        plaintext_auth = options.get("plaintext_auth", False)
        authentication = sasl("pop", world.account, lambda: world, list(mechanisms), plaintext_auth=plaintext_auth)
        self.engine = Engine(authentication, Offer([*without, *["APOP"] * (not apop)]), policy or Policy(), **options)
        self.secure = secure
        self.engine.greet(lambda: channel(secure=self.secure), secure=secure)
        self.events: list[Event] = []
        self.greeting = self.engine.data_to_send()

    def say(self, octets: bytes) -> bytes:
        self.engine.receive_data(octets)
        while (event := self.engine.next_event()) is not None:
            self.events.append(event)
            answer(self.engine, event)
        return self.engine.data_to_send()

    @property
    def closed(self) -> bool:
        return any(isinstance(event, Close) for event in self.events)


def logged_in(policy: Policy | None = None) -> Talk:
    talk = Talk(policy=policy)
    assert talk.say(b"USER alice\r\nPASS secret\r\n") == b"+OK\r\n+OK Logged in.\r\n"
    talk.events.clear()
    return talk


def plain(text: str) -> bytes:
    return base64.b64encode(text.encode())


def test_greeting_has_no_timestamp() -> None:
    assert Talk().greeting == b"+OK Postroad ready.\r\n"


def test_long_lists_come_in_pieces(monkeypatch: pytest.MonkeyPatch) -> None:
    lists = b"LIST\r\nUIDL\r\nNOOP\r\n"
    at_once = logged_in()
    said = at_once.say(lists)
    assert at_once.events == []
    monkeypatch.setattr(engine_module, "MANY", 2)
    talk = logged_in()
    assert talk.say(lists) == said
    assert talk.events == [ListAll([1, 2, 3], unique_ids=False), ListAll([1, 2, 3], unique_ids=True)]


def test_maildrop_commands() -> None:
    talk = logged_in()
    assert talk.say(b"STAT\r\n") == b"+OK 3 41\r\n"
    assert talk.say(b"LIST\r\n") == b"+OK 3 messages:\r\n1 22\r\n2 16\r\n3 3\r\n.\r\n"
    assert talk.say(b"LIST 2\r\n") == b"+OK 2 16\r\n"
    assert talk.say(b"UIDL 2\r\n") == b"+OK 2 0000000200000001\r\n"
    assert talk.say(b"DELE 2\r\n") == b"+OK Marked to be deleted.\r\n"
    assert talk.say(b"UIDL\r\n") == b"+OK\r\n1 0000000100000001\r\n3 0000000300000001\r\n.\r\n"
    assert talk.say(b"STAT\r\n") == b"+OK 2 25\r\n"
    for command in (b"LIST", b"UIDL", b"RETR", b"DELE"):
        assert talk.say(command + b" 2\r\n") == b"-ERR Message is deleted.\r\n"
    assert talk.say(b"TOP 2 0\r\n") == b"-ERR Message is deleted.\r\n"
    assert talk.say(b"RETR 4\r\n") == b"-ERR There's no message 4.\r\n"
    assert talk.say(b"NOOP\r\n") == b"+OK\r\n"
    assert talk.say(b"RSET\r\n") == b"+OK\r\n"
    assert talk.say(b"STAT\r\n") == b"+OK 3 41\r\n"
    assert talk.events == []


def test_retr_and_top() -> None:
    talk = logged_in()
    assert talk.say(b"RETR 1\r\n") == b"+OK 22 octets\r\nSubject: one\r\n\r\n..dot\r\n.\r\n"
    assert talk.say(b"TOP 2 5\r\n") == b"+OK 16 octets\r\nSubject: two\r\n\r\n.\r\n"
    assert talk.events == [Retrieve(1, None), Retrieve(2, 5)]


@pytest.mark.parametrize(("expire", "removed"), [(None, (2,)), (0, (1, 2)), (1, (2,))])
def test_what_was_retrieved_may_expire_at_once(expire: int | None, removed: tuple[int, ...]) -> None:
    """RFC 2449 §6.7: what RETR has sent, and not what TOP has."""
    talk = logged_in(Policy(expire=expire))
    talk.say(b"RETR 1\r\nTOP 3 100\r\nDELE 2\r\nQUIT\r\n")
    assert talk.events[-2] == Update(removed)


def test_quit_removes_what_is_marked_and_closes() -> None:
    talk = logged_in()
    said = talk.say(b"DELE 3\r\nDELE 1\r\nQUIT\r\nNOOP\r\n")
    assert said == b"+OK Marked to be deleted.\r\n" * 2 + b"+OK Logging out, messages deleted.\r\n"
    assert talk.events == [Update((1, 3)), Close()]
    assert talk.say(b"NOOP\r\n") == b""
    assert talk.engine.state is State.UPDATE


def test_quit_with_nothing_marked() -> None:
    talk = logged_in()
    assert talk.say(b"QUIT\r\n") == b"+OK Logging out.\r\n"
    assert talk.events == [Update(()), Close()]


def test_quit_before_login_is_no_update() -> None:
    talk = Talk()
    assert talk.say(b"QUIT\r\nQUIT\r\n") == b"+OK Logging out\r\n"
    assert talk.events == [Close()]


def test_an_update_that_fails_closes_as_well() -> None:
    engine = logged_in().engine
    engine.receive_data(b"DELE 1\r\nQUIT\r\n")
    assert engine.next_event() == Update((1,))
    assert engine.next_event() is None
    engine.refuse("[SYS/TEMP] not removed")
    assert engine.next_event() == Close()
    assert engine.next_event() is None
    assert engine.data_to_send().endswith(b"-ERR [SYS/TEMP] not removed\r\n")


def test_nothing_is_answered_before_its_turn() -> None:
    engine = logged_in().engine
    engine.receive_data(b"RETR 1\r\nNOOP\r\n")
    assert engine.next_event() == Retrieve(1, None)
    assert engine.next_event() is None
    engine.receive_data(b"STAT\r\n")
    assert engine.next_event() is None
    assert engine.data_to_send() == b""
    engine.message(b"x\r\n")
    assert engine.next_event() is None
    assert engine.data_to_send() == b"+OK 3 octets\r\nx\r\n.\r\n+OK\r\n+OK 3 41\r\n"


def test_in_message_says_that_no_error_may_follow() -> None:
    engine = logged_in().engine
    engine.receive_data(b"RETR 1\r\n")
    engine.next_event()
    seen = [engine.in_message]
    engine.begin_message(4)
    engine.message_piece(b"ab")
    seen.append(engine.in_message)
    engine.message_piece(b"\r\n")
    engine.end_message()
    seen.append(engine.in_message)
    assert seen == [False, True, False]


class TestAuthorization:
    def test_user_and_pass(self) -> None:
        talk = Talk()
        assert talk.say(b"PASS secret\r\n") == b"-ERR No username given.\r\n"
        assert talk.say(b"USER alice\r\nPASS wrong\r\n") == b"+OK\r\n-ERR [AUTH] Authentication failed.\r\n"
        assert talk.say(b"PASS secret\r\n") == b"-ERR No username given.\r\n"
        assert talk.say(b"USER busy\r\nPASS x\r\n") == b"+OK\r\n-ERR [IN-USE] locked\r\n"
        assert talk.say(b"USER bob\r\nUSER alice\r\nPASS secret\r\n") == b"+OK\r\n+OK\r\n+OK Logged in.\r\n"

    def test_auth_plain(self) -> None:
        talk = Talk()
        assert talk.say(b"AUTH PLAIN\r\n") == b"+ \r\n"
        assert talk.say(plain("\0alice\0secret") + b"\r\n") == b"+OK Logged in.\r\n"
        assert talk.say(b"AUTH PLAIN\r\n") == b"-ERR AUTH is not allowed in TRANSACTION state.\r\n"

    def test_auth_plain_with_initial_response(self) -> None:
        assert Talk().say(b"AUTH PLAIN " + plain("\0alice\0secret") + b"\r\n") == b"+OK Logged in.\r\n"

    @pytest.mark.parametrize(
        ("said", "heard"),
        [
            (b"AUTH PLAIN =\r\n", b"-ERR Response is not as PLAIN wants it\r\n"),
            (b"AUTH PLAIN\r\n*\r\n", b"+ \r\n-ERR Authentication cancelled\r\n"),
            (b"AUTH PLAIN\r\n=AAA\r\n", b"+ \r\n-ERR Response is not BASE64\r\n"),
            (b"AUTH GSSAPI\r\n", b"-ERR Unsupported authentication mechanism.\r\n"),
            (b"AUTH\r\n", b"+OK\r\nPLAIN\r\n.\r\n"),
            (b"AUTH PLAIN " + plain("\0alice\0wrong") + b"\r\n", b"-ERR [AUTH] Authentication failed.\r\n"),
        ],
    )
    def test_auth_that_does_not_lead_in(self, said: bytes, heard: bytes) -> None:
        talk = Talk()
        assert talk.say(said) == heard
        assert talk.say(b"USER alice\r\n") == b"+OK\r\n"

    @pytest.mark.parametrize("end", [b"*", b"!", b"=AAA"])
    def test_an_exchange_that_was_broken_off_leaves_nothing_behind(self, end: bytes) -> None:
        """Its mechanism has a last word for a login that fails, which must not be said of a password."""
        talk = Talk(mechanisms=[OAUTHBEARER, PLAIN])
        for name in (b"OAUTHBEARER", b"OAUTHBEARER"):
            assert talk.say(b"AUTH " + name + b"\r\n") == b"+ \r\n"
            assert talk.say(end + b"\r\n").startswith(b"-ERR ")
            assert talk.say(b"USER alice\r\nPASS wrong\r\n") == b"+OK\r\n-ERR [AUTH] Authentication failed.\r\n"
        assert talk.say(b"USER alice\r\nPASS secret\r\n") == b"+OK\r\n+OK Logged in.\r\n"

    def test_a_long_response_is_taken_after_a_challenge(self) -> None:
        talk = Talk()
        response = plain("\0alice\0" + "x" * 1024)
        assert len(response) > MAX_LINE
        assert talk.say(b"AUTH PLAIN\r\n" + response + b"\r\n") == b"+ \r\n-ERR [AUTH] Authentication failed.\r\n"

    def test_no_password_without_tls(self) -> None:
        talk = Talk(secure=False)
        refused = b"-ERR [AUTH] Plaintext authentication disallowed on non-secure (SSL/TLS) connections.\r\n"
        assert talk.say(b"USER alice\r\n") == refused
        assert talk.say(b"PASS secret\r\n") == refused
        assert talk.say(b"AUTH PLAIN\r\n") == refused
        assert talk.say(b"AUTH PLAIN AGEAYg==\r\n") == refused
        assert talk.say(b"AUTH\r\n") == b"+OK\r\n.\r\n"
        assert talk.events == [PlaintextRefused("alice"), *[PlaintextRefused(None)] * 3]

    def test_password_without_tls_where_the_settings_say_so(self) -> None:
        talk = Talk(secure=False, plaintext_auth=True)
        assert talk.say(b"USER alice\r\nPASS secret\r\n") == b"+OK\r\n+OK Logged in.\r\n"

    def test_guessing_ends(self) -> None:
        talk = Talk()
        said = talk.say(b"USER alice\r\nPASS wrong\r\n" * (MAX_LOGINS + 1))
        assert said.count(b"-ERR [AUTH]") == MAX_LOGINS
        assert talk.closed

    def test_state_of_each_command(self) -> None:
        for keyword, rule in RULES.items():
            if State.AUTHORIZATION not in rule.states:
                assert Talk().say(f"{keyword} 1 1\r\n".encode()).startswith(b"-ERR")
            if State.TRANSACTION not in rule.states:
                assert logged_in().say(f"{keyword} 1 1\r\n".encode()).startswith(b"-ERR")


class TestCapabilities:
    COMMON = b"TOP\r\nUIDL\r\nRESP-CODES\r\nAUTH-RESP-CODE\r\nPIPELINING\r\nEXPIRE NEVER\r\n"
    LAST = b"UTF8 USER\r\nLANG\r\nIMPLEMENTATION Postroad\r\n.\r\n"

    def test_before_tls(self) -> None:
        assert Talk(secure=False).say(b"CAPA\r\n") == b"+OK\r\n" + self.COMMON + b"STLS\r\n" + self.LAST

    def test_before_tls_with_plaintext_login(self) -> None:
        said = Talk(secure=False, plaintext_auth=True).say(b"CAPA\r\n")
        assert said == b"+OK\r\n" + self.COMMON + b"STLS\r\nUSER\r\nSASL PLAIN\r\n" + self.LAST

    def test_over_tls(self) -> None:
        assert Talk().say(b"CAPA\r\n") == b"+OK\r\n" + self.COMMON + b"USER\r\nSASL PLAIN\r\n" + self.LAST

    def test_without_a_certificate(self) -> None:
        assert Talk(secure=False, tls=False).say(b"CAPA\r\n") == b"+OK\r\n" + self.COMMON + self.LAST

    def test_after_login(self) -> None:
        assert logged_in().say(b"CAPA\r\n") == b"+OK\r\n" + self.COMMON + b"USER\r\nSASL PLAIN\r\n" + self.LAST


class TestStls:
    def test_what_is_pipelined_behind_it_is_thrown_away(self) -> None:
        talk = Talk(secure=False)
        assert talk.say(b"STLS\r\nUSER evil\r\nNOOP\r\n") == b"+OK Begin TLS negotiation now.\r\n"
        assert talk.events == [StartTls()]
        assert talk.say(b"USER evil\r\n") == b""
        talk.engine.tls_started()
        assert talk.say(b"PASS secret\r\n") == b"-ERR No username given.\r\n"
        assert talk.say(b"STLS\r\n") == b"-ERR TLS is already active.\r\n"
        assert talk.say(b"USER alice\r\nPASS secret\r\n") == b"+OK\r\n+OK Logged in.\r\n"

    def test_a_user_named_in_plaintext_is_forgotten(self) -> None:
        talk = Talk(secure=False, plaintext_auth=True)
        talk.say(b"USER alice\r\nSTLS\r\n")
        talk.engine.tls_started()
        assert talk.say(b"PASS secret\r\n") == b"-ERR No username given.\r\n"

    def test_without_a_certificate(self) -> None:
        assert Talk(secure=False, tls=False).say(b"STLS\r\n") == b"-ERR TLS is not available.\r\n"


class TestLines:
    def test_a_bare_lf_ends_a_line_too(self) -> None:
        assert Talk().say(b"USER alice\nPASS secret\n") == b"+OK\r\n+OK Logged in.\r\n"

    def test_an_empty_line(self) -> None:
        assert Talk().say(b"\r\n\n") == b"-ERR Unknown command.\r\n" * 2

    def test_a_line_without_end_closes(self) -> None:
        talk = Talk()
        assert talk.say(b"x" * MAX_LINE) == b""
        assert talk.say(b"x") == b"-ERR Line too long.\r\n"
        assert talk.closed
        assert talk.say(b"NOOP\r\n") == b""

    def test_a_long_line_closes_though_it_has_an_end(self) -> None:
        talk = Talk()
        assert talk.say(b"x" * (MAX_LINE + 1) + b"\r\nNOOP\r\n") == b"-ERR Line too long.\r\n"

    def test_who_speaks_no_pop3_is_let_go(self) -> None:
        talk = Talk()
        said = talk.say(b"HELO\r\n" * 10)
        assert said == b"-ERR Unknown command.\r\n" * (MAX_UNKNOWN - 1) + b"-ERR Too many bad commands.\r\n"
        assert talk.closed

    def test_bad_commands_in_a_row_end_the_session(self) -> None:
        talk = Talk()
        said = talk.say(b"STAT\r\n" * (MAX_ERRORS + 5))
        refused = b"-ERR STAT is not allowed in AUTHORIZATION state.\r\n"
        assert said == refused * (MAX_ERRORS - 1) + b"-ERR Too many bad commands.\r\n"
        assert talk.closed

    def test_unknown_commands_count_in_a_row_alone(self) -> None:
        talk = Talk()
        assert b"Too many" not in talk.say(b"X\r\nY\r\nCAPA\r\nX\r\nY\r\nSTAT\r\nX\r\nY\r\nCAPA\r\n")
        assert not talk.closed

    @pytest.mark.parametrize("line", [b"GET / HTTP/1.1", b"POST /x HTTP/1.0", b"CONNECT a:25 HTTP/1.1", b"OPTIONS *"])
    def test_http_ends_the_session_at_once(self, line: bytes) -> None:
        talk = Talk()
        assert talk.say(line + b"\r\nUSER alice\r\n") == b"-ERR Unknown command.\r\n"
        assert talk.closed

    def test_a_bad_response_to_a_challenge_counts(self) -> None:
        talk = Talk()
        talk.say(b"AUTH PLAIN !\r\n" * MAX_ERRORS)
        assert talk.closed is False  # AUTH itself is a good command each time

    def test_good_commands_between_bad_ones(self) -> None:
        talk = logged_in()
        talk.say(b"BAD\r\nNOOP\r\n" * 50)
        assert not talk.closed


LINES = st.sampled_from(
    [
        b"USER alice\r\n",
        b"PASS secret\r\n",
        b"PASS wrong\r\n",
        b"AUTH PLAIN\r\n",
        b"AUTH PLAIN " + plain("\0alice\0secret") + b"\r\n",
        plain("\0alice\0secret") + b"\r\n",
        b"*\r\n",
        b"CAPA\r\n",
        b"STAT\r\n",
        b"LIST\r\n",
        b"UIDL 2\n",
        b"RETR 1\r\n",
        b"TOP 1 1\r\n",
        b"DELE 1\r\n",
        b"RSET\r\n",
        b"NOOP\r\n",
        b"QUIT\r\n",
        b"\r\n",
        b"RETR x\r\n",
        b"\xff\x00\r\n",
    ]
)


@given(st.lists(LINES, max_size=12), st.lists(st.integers(0, 200), max_size=6))
@settings(max_examples=150)
def test_however_the_octets_are_cut_the_answers_are_the_same(lines: list[bytes], cuts: list[int]) -> None:
    octets = b"".join(lines)
    whole = Talk()
    expected = whole.say(octets)
    edges = [0, *sorted(min(cut, len(octets)) for cut in cuts), len(octets)]
    cut = Talk()
    assert b"".join(cut.say(octets[a:b]) for a, b in pairwise(edges)) == expected
    assert cut.events == whole.events


@given(st.lists(st.one_of(LINES, st.binary(max_size=30)), max_size=15), st.booleans())
@settings(max_examples=150)
def test_never_fails_and_every_answer_has_a_status(pieces: list[bytes], secure: bool) -> None:
    talk = Talk(secure=secure)
    for piece in pieces:
        said = talk.say(piece)
        assert not said or said.startswith((b"+OK", b"-ERR", b"+ "))
        assert said == b"" or said.endswith(b"\r\n")


def test_a_token_may_be_long() -> None:
    """Tokens come as initial responses, though RFC 5034 §4 has them not longer than a command."""
    talk = Talk()
    assert talk.say(b"AUTH PLAIN " + b"A" * 12288 + b"\r\n").startswith(b"-ERR Response is not")
    assert talk.say(b"auth PLAIN " + b"A" * 12292 + b"\r\n") == b"-ERR Response is too long\r\n"
    assert talk.say(b"AUTH " + b"A" * 13000 + b"\r\n") == b"-ERR Line too long.\r\n"


def test_what_a_login_claims() -> None:
    """By which mechanism it was, is in the journal and counts against who guesses."""
    talk = Talk()
    talk.say(b"USER alice\r\nPASS wrong\r\nAUTH PLAIN " + plain("\0bob\0x") + b"\r\n")
    claims = [event.claim for event in talk.events if isinstance(event, Login)]
    assert [(claim.mechanism, claim.login) for claim in claims] == [("PASSWORD", "alice"), ("PLAIN", "bob")]


def test_apop_where_no_password_is_known() -> None:
    talk = Talk(apop=True)
    assert talk.greeting == b"+OK Postroad ready.\r\n"
    assert talk.say(b"APOP alice c4c9334bac560ecc979e58001b3e22fb\r\n").startswith(b"-ERR APOP needs passwords")


def test_a_response_is_no_line_of_a_mechanism() -> None:
    talk = Talk()
    assert talk.say(b"AUTH PLAIN\r\n") == b"+ \r\n"
    assert talk.say(b"!\r\n") == b"-ERR Response is not BASE64\r\n"
    assert talk.say(b"AUTH PLAIN\r\n") == b"+ \r\n"
    assert talk.say(b"A" * 12300) == b"-ERR Line too long.\r\n"


@pytest.mark.parametrize(
    ("without", "failed", "locked"),
    [
        ((), b"-ERR [AUTH] ", b"-ERR [IN-USE] locked\r\n"),
        (("AUTH-RESP-CODE",), b"-ERR ", b"-ERR [IN-USE] locked\r\n"),
        (("RESP-CODES", "AUTH-RESP-CODE"), b"-ERR ", b"-ERR locked\r\n"),
    ],
)
def test_codes_are_said_where_they_are_offered(without: tuple[str, ...], failed: bytes, locked: bytes) -> None:
    """RFC 2449 §6.4 has some of them, RFC 3206 §4 the others."""
    talk = Talk(without=without)
    said = talk.say(b"USER alice\r\nPASS wrong\r\n").partition(b"\r\n")[2]
    assert said.startswith(failed)
    assert (b"[" in said) is (b"[" in failed)
    assert talk.say(b"USER busy\r\nPASS x\r\n") == b"+OK\r\n" + locked


def test_the_longest_lines() -> None:
    """As many octets as are allowed, the CR included."""
    talk = Talk()
    longest = b"AUTH PLAIN ".ljust(MAX_AUTH_LINE - 1, b"A") + b"\r\n"
    assert talk.say(longest) == b"-ERR Response is too long\r\n"
    assert talk.say(b"NOOP".ljust(MAX_LINE - 1) + b"\r\n") != b"-ERR Line too long.\r\n"
    assert talk.say(b"AUTH PLAIN\r\n" + b"A" * (MAX_RESPONSE - 1) + b"\r\n").startswith(b"+ \r\n-ERR Response is ")
    assert not talk.closed
    assert talk.say(longest.replace(b"\r", b"A\r")) == b"-ERR Line too long.\r\n"
    assert talk.closed
