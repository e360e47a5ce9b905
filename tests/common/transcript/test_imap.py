"""IMAP as a transcript shows it."""

from __future__ import annotations

import hashlib

import pytest

from postroad.tap import LoggedIn, Read
from postroad.transcript.imap import COMMANDS
from postroad.transcript.line import INLINE, LONGEST, Reference, Side
from postroad.transcript.observer import Observer, Turn
from postroad.transcript.observers import observer_of
from postroad_store.imap.registry import SPECS
from tests.common.transcript.said import opened, shown, told


def heard(*said: tuple[str, bytes]) -> Observer:
    observer = observer_of(opened("imap"))
    for side, octets in said:
        observer.take(Side.CLIENT if side == "C" else Side.SERVER, octets, 0.0, tls=False)
    return observer


GREETING = ("S", b"* OK ready\r\n")


def test_states() -> None:
    observer = heard(GREETING)
    steps = [
        (b"a LOGIN x y\r\n", b"a OK\r\n", "authenticated"),
        (b"b SELECT INBOX\r\n", b"b OK\r\n", "selected"),
        (b"c SELECT nope\r\n", b"c NO\r\n", "selected"),
        (b"d CLOSE\r\n", b"d OK\r\n", "authenticated"),
        (b"e UNAUTHENTICATE\r\n", b"e OK\r\n", "not authenticated"),
        (b"f LOGOUT\r\n", b"f OK\r\n", "logout"),
    ]
    assert observer.state == "not authenticated"
    for client, server, state in steps:
        observer.take(Side.CLIENT, client, 0.0, tls=False)
        observer.take(Side.SERVER, server, 0.0, tls=False)
        assert observer.state == state
    assert heard(("S", b"* PREAUTH hello\r\n")).state == "authenticated"


def test_literals_of_both_sides() -> None:
    lines = told(
        "imap",
        "S: * OK\nC: a APPEND INBOX {4}\nS: + go\nc: abcd\nC:\nS: a OK\nC: b SEARCH SUBJECT {2+}\nc: ab\nC:\nS: b OK\n"
        f"S: * 1 FETCH (BODY[] {{600}}\nS: {'x' * 598}\nS:  FLAGS ())\nS: * 2 FETCH (BODY[] {{4}}\nS: ab\nS: )\n",
    )
    assert lines == [
        "S * OK", "C a APPEND INBOX {4}", "S + go", "C~<4>", "C ", "S a OK", "C b SEARCH SUBJECT {2+}", "C~ab", "C ",
        "S b OK", "S * 1 FETCH (BODY[] {600}", "S~<600>", "S  FLAGS ())", "S * 2 FETCH (BODY[] {4}", "S ab", "S )",
    ]  # fmt: skip


def test_text_that_looks_like_a_literal() -> None:
    assert told("imap", "S: * OK what {5}\nC: a NOOP\nS: a OK {5}\nC: b NOOP\n")[-1] == "C b NOOP"
    assert told("imap", "S: * OK\nS: + {5}\nS: * 1 EXISTS\n")[-1] == "S * 1 EXISTS"


def test_a_literal_that_is_refused_does_not_come() -> None:
    for refusal in ("a NO [TOOBIG] no", "* BAD what", "* BYE bye"):
        lines = told("imap", f"S: * OK\nC: a APPEND INBOX {{999}}\nS: {refusal}\nC: b NOOP\nS: b OK\n")
        assert lines[-2:] == ["C b NOOP", "S b OK"]


def test_content_that_breaks_off() -> None:
    observer = heard(GREETING, ("C", b"a APPEND INBOX {9+}\r\nabc"), ("S", b"* 1 FETCH (BODY[] {9}\r\nab"))
    assert heard(GREETING).open
    observer.end()
    assert shown(observer.lines)[-2:] == ["C~<3>", "S~ab"]
    assert not observer.open
    observer = heard(GREETING, ("C", b"a SEARCH TEXT {2+}\r\nab SUB"), ("S", b"* O"))
    observer.end()
    assert shown(observer.lines)[-2:] == ["C~ SUB", "S~* O"]
    observer = heard(GREETING, ("C", b"a NOO"))
    observer.end()
    assert shown(observer.lines)[-1] == "C~a NOO"


def test_tls_forgets_what_was_said_before() -> None:
    observer = heard(GREETING, ("C", b"a STARTTLS\r\nb NOOP\r\n"), ("S", b"a OK\r\n"), ("C", b"c NOOP\r\n"))
    assert shown(observer.lines)[-1] == "C c NOOP"
    assert "C b NOOP" not in shown(observer.lines)
    observer = heard(GREETING, ("C", b"a STARTTLS\r\n"), ("S", b"a NO\r\n"), ("C", b"c NOOP\r\n"))
    assert shown(observer.lines)[-1] == "C c NOOP"


def test_whose_turn_it_is() -> None:
    observer = heard()
    assert observer.turn is Turn.SERVER
    turns = []
    for side, octets in (
        GREETING,
        ("C", b"a IDLE\r\n"),
        ("S", b"+ idling\r\n"),
        ("C", b"DONE\r\n"),
        ("S", b"a OK\r\n"),
        ("C", b"b AUTHENTICATE PLAIN\r\n"),
        ("S", b"+ \r\n"),
        ("C", b"*\r\n"),
        ("S", b"b BAD\r\n"),
        ("C", b"c APPEND INBOX {3}\r\n"),
        ("S", b"+ go\r\n"),
        ("C", b"abc"),
        ("C", b"\r\n"),
        ("S", b"c OK\r\n"),
    ):
        observer.take(Side.CLIENT if side == "C" else Side.SERVER, octets, 0.0, tls=False)
        turns.append(observer.turn)
    assert turns == [
        Turn.COMMAND, Turn.SERVER, Turn.COMMAND, Turn.SERVER, Turn.COMMAND, Turn.SERVER, Turn.RESPONSE, Turn.SERVER,
        Turn.COMMAND, Turn.SERVER, Turn.CONTENT, Turn.CONTENT, Turn.SERVER, Turn.COMMAND,
    ]  # fmt: skip


def test_facts_of_reading_are_about_fetches_in_their_order() -> None:
    observer = heard(GREETING, ("C", b"a UID FETCH 1 BODY[]\r\nb NOOP\r\nc FETCH 2 BODY[]\r\n"))
    for uid in "1", "2", "3":
        observer.noted(Read("bob", "INBOX", 7, uid, "default"))
    observer.noted(LoggedIn("bob", "default"))
    texts = [observer.lines[note.line - 1].text for note in observer.notes]
    assert texts == ["a UID FETCH 1 BODY[]", "c FETCH 2 BODY[]", "c FETCH 2 BODY[]", "c FETCH 2 BODY[]"]


def test_a_long_line_is_cut_and_measured() -> None:
    observer = heard(GREETING, ("S", b"* SEARCH " + b"1 " * 5000 + b"\r\n"))
    (line,) = observer.lines[1:]
    assert line.reference is not None
    assert (len(line.text), line.reference.size) == (4096, 10009)
    assert line.weight > 4096


@pytest.mark.parametrize(("size", "is_measured"), [(LONGEST - 1, False), (LONGEST, False), (LONGEST + 1, True)])
def test_a_line_of_just_so_many_octets_is_whole(size: int, is_measured: bool) -> None:
    (line,) = heard(GREETING, ("S", b"* " + b"x" * (size - 2) + b"\r\n")).lines[1:]
    assert len(line.text) == min(size, LONGEST)
    assert line.reference == (
        Reference(size, hashlib.sha256(b"* " + b"x" * (size - 2)).hexdigest()) if is_measured else None
    )


def test_a_line_that_never_ends() -> None:
    observer = heard(GREETING, ("C", b"x" * (1 << 20)), ("C", b"y\r\na NOOP\r\n"))
    assert shown(observer.lines)[-1] == "C a NOOP"


def test_every_command_of_the_store_is_known() -> None:
    assert {word for spec in SPECS for word in spec.name.split()[:1]} <= COMMANDS
    for name in b"GETACL XLIST GETJMAPACCESS LANGUAGE COMPARATOR LISTRIGHTS THREAD".split():
        assert name in COMMANDS


@pytest.mark.parametrize("side", ["C", "S"])
@pytest.mark.parametrize("size", [0, 1, INLINE - 1, INLINE, INLINE + 1, 2 * INLINE + 1])
def test_a_short_literal_is_text_and_a_longer_one_is_measured(side: str, size: int) -> None:
    literal = b"x" * size
    for pieces in ([literal], [literal[:3], literal[3:]], [literal[at : at + 1] for at in range(size)]):
        announced = b"a SEARCH TEXT {%d+}\r\n" if side == "C" else b"* 1 FETCH (BODY[] {%d}\r\n"
        observer = heard(GREETING, (side, announced % size), *((side, piece) for piece in pieces), (side, b" \r\n"))
        line, rest = observer.lines[-2:]
        assert rest.text == " "
        assert not line.whole
        if size <= INLINE:
            assert (line.text, line.reference) == (literal.decode(), None)
        else:
            assert (line.text, line.reference) == ("", Reference(size, hashlib.sha256(literal).hexdigest()))


def test_what_looks_like_a_literal_behind_authenticate_is_none() -> None:
    lines = told("imap", "S: * OK\nC: a AUTHENTICATE PLAIN {3}\nS: +\nC: AGIAYw==\nS: a OK\nC: b NOOP\nS: b OK\n")
    assert lines[-4:] == ["C {?plain}", "S a OK", "C b NOOP", "S b OK"]


def test_a_continuation_that_nobody_waits_for_asks_for_no_secret() -> None:
    login = "C: a AUTHENTICATE PLAIN\nS: +\nC: AGIAYw==\nS: a OK\n"
    assert told("imap", f"S: * OK\n{login}S: + what\nC: b NOOP\nS: b OK\n")[-2:] == ["C b NOOP", "S b OK"]
    assert told("imap", "S: * OK\nS: + what\nC: b NOOP\nS: b OK\n")[-2:] == ["C b NOOP", "S b OK"]


def test_done_ends_idle_and_is_no_command() -> None:
    said = [GREETING]
    for tag in (b"a", b"b"):
        said += [("C", tag + b" IDLE\r\n"), ("S", b"+ idling\r\n")]
        assert heard(*said).turn is Turn.COMMAND
        said += [("S", b"* 1 EXISTS\r\n"), ("C", b"done\r\n")]
        assert heard(*said).turn is Turn.SERVER
        assert shown(heard(*said).lines)[-1] == "C done"
        said += [("S", tag + b" OK\r\n")]
        assert heard(*said).turn is Turn.COMMAND


def test_another_command_while_the_client_idles_is_answered() -> None:
    said = [GREETING, ("C", b"a IDLE\r\n"), ("S", b"+ idling\r\n"), ("C", b"b NOOP\r\n")]
    assert heard(*said).turn is Turn.SERVER


def test_what_is_no_secret_behind_a_login() -> None:
    lines = told("imap", "S: * OK\nC: a LOGIN bob builder\nS: a OK\nC: b SEARCH TEXT {2+}\nc: ab\nC:  ALL\nS: b OK\n")
    assert lines[1:] == [
        "C a LOGIN bob {?password}", "S a OK", "C b SEARCH TEXT {2+}", "C~ab", "C  ALL", "S b OK",
    ]  # fmt: skip


@pytest.mark.parametrize("password", ["builderX", "XbuilderXX", '"builder X"', "builder X"])
def test_the_whole_password_is_a_secret(password: str) -> None:
    assert told("imap", f"S: * OK\nC: a LOGIN bob {password}\n")[-1] == "C a LOGIN bob {?password}"
    assert told("imap", f"S: * OK\nC: a LOGIN {{3+}}\nc: bob\nC:  {password}\n")[-1] == "C  {?password}"
    # no blank before it: no login, but it is the password nevertheless
    assert told("imap", f"S: * OK\nC: a LOGIN {{3+}}\nc: bob\nC: {password}\n")[-1] == "C {?password}"


def test_uid_alone_is_a_command() -> None:
    lines = told("imap", "S: * OK\nC: a UID\nS: a BAD what\nC: b\nS: b BAD what\n")
    assert lines[1:] == ["C a UID", "S a BAD what", "C b", "S b BAD what"]


def test_preauth_is_a_greeting_alone() -> None:
    said = GREETING, ("C", b"a NOOP\r\n"), ("S", b"* PREAUTH what\r\n")
    assert heard(*said).state == "not authenticated"


def test_starttls_waits_for_its_answer_and_for_nothing_else() -> None:
    said = GREETING, ("C", b"a STARTTLS\r\n"), ("S", b"+ what\r\n"), ("C", b"b NOOP\r\n")
    assert shown(heard(*said).lines)[-1] == "S + what"
    assert shown(heard(*said, ("S", b"a NO not now\r\n")).lines)[-2:] == ["S a NO not now", "C b NOOP"]


def test_a_response_that_breaks_off_is_a_secret() -> None:
    for said in ([], [("S", b"+\r\n")]):
        observer = heard(GREETING, ("C", b"a AUTHENTICATE PLAIN\r\n"), *said, ("C", b"AGIAY"))
        observer.end()
        assert shown(observer.lines)[-1] == "C~{?plain}"


def test_a_quoted_password_is_known_without_its_quotes() -> None:
    lines = told("imap", 'S: * OK\nC: a LOGIN bob "buil\\\\d\\"er"\nS: a NO buil\\d"er is wrong\n')
    assert lines[1:] == ["C a LOGIN bob {?password}", "S a NO {?password} is wrong"]
    lines = told("imap", 'S: * OK\nC: a LOGIN bob "\nS: a NO\nC: b LOGIN bob ""\nS: b NO\nC: c LOGIN bob "\n')
    assert lines[1::2] == ["C a LOGIN bob {?password}", "C b LOGIN bob {?password.2}", "C c LOGIN bob {?password}"]
