"""POP3 and ManageSieve as a transcript shows them, and what the observers have in common."""

from __future__ import annotations

import pytest

from postroad.tap import LoggedIn, Read
from postroad.transcript.dialogue import dialogue_of
from postroad.transcript.line import Side, text_of
from postroad.transcript.observer import Observer, Turn
from postroad.transcript.observers import observer_of
from postroad.transcript.script import expand, said
from tests.common.transcript.said import opened, shown, told

LOGIN = "S: +OK ready\nC: USER bob\nS: +OK\nC: PASS builder\nS: +OK\n"
SIEVE = 'S: "SIEVE" "x"\nS: OK\n'


def heard(protocol: str, *said: tuple[str, bytes]) -> Observer:
    observer = observer_of(opened(protocol))
    for side, octets in said:
        observer.take(Side.CLIENT if side == "C" else Side.SERVER, octets, 0.0, tls=False)
    return observer


def turns(protocol: str, *said: tuple[str, bytes]) -> list[Turn]:
    return [heard(protocol, *said[:count]).turn for count in range(len(said) + 1)]


def test_a_message_is_measured_and_lists_are_shown() -> None:
    lines = told(
        "pop3", f"{LOGIN}C: LIST\nS: +OK\nS: 1 9\nS: .\nC: RETR 1\nS: +OK\nS: ..a\nS: b\nS: .\nC: QUIT\nS: +OK\n"
    )
    assert lines[5:] == ["C LIST", "S +OK", "S 1 9", "S .", "C RETR 1", "S +OK", "S <7>", "S .", "C QUIT", "S +OK"]


def test_the_shortest_password_is_a_secret() -> None:
    assert told("pop3", "S: +OK\nC: PASS x\nS: +OK\nC: PASS\nS: -ERR\n")[1::2] == ["C PASS {?password}", "C PASS"]


def test_what_follows_a_message_in_one_block() -> None:
    said = ("S", b"+OK\r\n"), ("C", b"RETR 1\r\nNOOP\r\n"), ("S", b"+OK\r\na\r\n.\r\n+OK noop\r\n")
    assert shown(heard("pop3", *said).lines)[-3:] == ["S <3>", "S .", "S +OK noop"]


@pytest.mark.parametrize(
    ("protocol", "login", "challenge", "success", "noop"),
    [
        ("pop3", b"AUTH LOGIN\r\n", b"+ \r\n", b"+OK in\r\n", b"NOOP"),
        ("smtp", b"AUTH LOGIN\r\n", b"334 \r\n", b"235 in\r\n", b"NOOP"),
        ("imap", b"a AUTHENTICATE LOGIN\r\n", b"+ \r\n", b"a OK in\r\n", b"b NOOP"),
    ],
)
def test_responses_that_are_sent_before_their_challenges_are_secrets(
    protocol: str, login: bytes, challenge: bytes, success: bytes, noop: bytes
) -> None:
    greeting = {"pop3": b"+OK\r\n", "smtp": b"220 x\r\n", "imap": b"* OK\r\n"}[protocol]
    responses = b"Ym9iYnk=\r\nYnVpbGRlcg==\r\n" + noop + b"\r\n"
    observer = heard(protocol, ("S", greeting), ("C", login + responses), ("S", challenge * 2 + success))
    assert [line for line in shown(observer.lines) if line[0] == "C"] == [
        f"C {login.decode().strip()}", "C {?login}", "C {?login.2}", f"C {noop.decode()}",
    ]  # fmt: skip


def test_what_breaks_off() -> None:
    observer = heard("pop3", ("S", b"+OK\r\n"), ("C", b"RETR 1\r\n"), ("S", b"+OK\r\nab"))
    observer.end()
    assert shown(observer.lines) == ["S +OK", "C RETR 1", "S +OK", "S~<2>"]
    observer = heard("pop3", ("S", b"+OK\r\n"), ("C", b"RETR 1\r\n"), ("S", b"+OK\r\nab"), ("C", b"NOO"))
    observer.end()
    assert shown(observer.lines)[-2:] == ["C~NOO", "S~<2>"]
    observer = heard("pop3", ("S", b"+OK\r\n"), ("C", b"STLS\r\nNOO"))
    observer.end()
    assert shown(observer.lines)[-2:] == ["C STLS", "C~NOO"]
    observer = heard("pop3", ("S", b"+OK\r\n"), ("C", b"RETR 1\r\n"), ("S", b"+OK\r\n"))
    observer.end()
    assert shown(observer.lines)[-1] == "S~<0>"
    for tail, line in ((b"+O", "S~+O"),):
        observer = heard("pop3", ("S", tail))
        observer.end()
        assert shown(observer.lines)[-1] == line
    observer = heard("pop3", ("S", b"+OK\r\n"), ("C", b"NOO"))
    observer.end()
    assert shown(observer.lines)[-1] == "C~NOO"
    observer = heard("pop3", ("S", b"+OK\r\n"), ("C", b"AUTH PLAIN\r\nsecret\r\n"))
    observer.end()
    assert shown(observer.lines)[-1] == "C~{?plain}"


def test_a_line_that_is_refused_before_its_end() -> None:
    observer = heard("pop3", ("S", b"+OK\r\n"), ("C", b"NOOP" + b"x" * 2000), ("S", b"-ERR too long\r\n"))
    observer.take(Side.CLIENT, b"x\r\nQUIT\r\n", 0.0, tls=False)
    assert observer.turn is Turn.SERVER
    observer.take(Side.SERVER, b"+OK bye\r\n", 0.0, tls=False)
    assert observer.state == "update"


def test_stls_forgets_what_was_said_before() -> None:
    said = ("S", b"+OK\r\n"), ("C", b"STLS\r\nNOOP\r\n"), ("S", b"+OK\r\n"), ("C", b"CAPA\r\n")
    assert shown(heard("pop3", *said).lines)[-2:] == ["S +OK", "C CAPA"]


def test_facts_of_reading_are_about_retrievals_in_their_order() -> None:
    observer = heard("pop3", ("S", b"+OK\r\n"), ("C", b"RETR 1\r\nNOOP\r\nRETR 2\r\n"))
    for uid in "1", "2", "3":
        observer.noted(Read("bob", "INBOX", 7, uid, "default"))
    observer.noted(LoggedIn("bob", "default"))
    assert [observer.lines[note.line - 1].text for note in observer.notes] == ["RETR 1", "RETR 2", "RETR 2", "RETR 2"]


def test_whose_turn_it_is() -> None:
    said = (
        ("S", b"+OK\r\n"), ("C", b"AUTH LOGIN\r\n"), ("S", b"+ \r\n"), ("C", b"*\r\n"), ("S", b"-ERR\r\n"),
        ("C", b"LIST\r\n"), ("S", b"+OK\r\n"), ("S", b".\r\n"), ("C", b"TOP 1 1\r\n"), ("S", b"+OK\r\na\r\n"),
        ("S", b".\r\n"),
    )  # fmt: skip
    server, command = Turn.SERVER, Turn.COMMAND
    assert turns("pop3", *said) == [
        server, command, server, Turn.RESPONSE, server, command, server, server, command, server, server, command,
    ]  # fmt: skip


def test_managesieve() -> None:
    lines = told(
        "managesieve",
        f'{SIEVE}C: PUTSCRIPT "x" {{3+}}\nc: abc\nC:\nS: OK\nC: GETSCRIPT "x"\nS: {{3}}\ns: abc\nS:\nS: OK\n'
        "C: LOGOUT\nS: OK\n",
    )
    assert lines[2:] == [
        'C PUTSCRIPT "x" {3+}', "C~<3>", "C ", "S OK", 'C GETSCRIPT "x"', "S {3}", "S~<3>", "S ", "S OK", "C LOGOUT",
        "S OK",
    ]  # fmt: skip


def test_states_and_tls_of_managesieve() -> None:
    observer = heard(
        "managesieve", ("S", b"OK\r\n"), ("C", b"STARTTLS\r\nNOOP\r\n"), ("S", b"OK\r\n"), ("S", b"OK hello\r\n")
    )
    assert "C NOOP" not in shown(observer.lines)
    states = []
    for client, server in (
        (b'AUTHENTICATE "PLAIN" "x"\r\n', b"NO\r\n"),
        (b'AUTHENTICATE "PLAIN" "x"\r\n', b"OK\r\n"),
        (b"STARTTLS\r\n", b"NO\r\n"),
        (b"UNAUTHENTICATE\r\n", b"NO\r\n"),
        (b"UNAUTHENTICATE\r\n", b"OK\r\n"),
        (b"LOGOUT\r\n", b"OK\r\nBYE\r\n"),
    ):
        observer.take(Side.CLIENT, client, 0.0, tls=False)
        observer.take(Side.SERVER, server, 0.0, tls=False)
        states.append(observer.state)
    assert states == ["non-authenticated", *["authenticated"] * 3, "non-authenticated", "logout"]
    observer.noted(LoggedIn("bob", "default"))
    assert observer.notes[0].line == observer.count


def test_managesieve_that_breaks_off() -> None:
    observer = heard("managesieve", ("S", b"OK\r\n{9}\r\nab"), ("C", b'PUTSCRIPT "x" {9+}\r\nabc'))
    observer.end()
    assert shown(observer.lines)[-2:] == ["C~<3>", "S~<2>"]
    observer = heard("managesieve", ("S", b"OK\r\nO"), ("C", b"NOO"))
    observer.end()
    assert shown(observer.lines)[-2:] == ["C~NOO", "S~O"]


def test_whose_turn_it_is_by_managesieve() -> None:
    said = (
        ("S", b"OK\r\n"), ("C", b'AUTHENTICATE "LOGIN"\r\n'), ("S", b'"VXNlcg=="\r\n'), ("C", b'"x"\r\n'),
        ("S", b"{3}\r\nabc\r\n"), ("C", b'"y"\r\n'), ("S", b"OK\r\n"), ("C", b'PUTSCRIPT "x" {3+}\r\n'),
        ("C", b"abc"), ("C", b"\r\n"), ("S", b"OK\r\n"),
    )  # fmt: skip
    server, command, response, content = Turn.SERVER, Turn.COMMAND, Turn.RESPONSE, Turn.CONTENT
    assert turns("managesieve", *said) == [
        server, command, server, response, server, response, server, command, content, content, server, command,
    ]  # fmt: skip


def test_whose_turn_it_is_by_smtp() -> None:
    said = (
        ("S", b"220 x\r\n"), ("C", b"AUTH LOGIN\r\n"), ("S", b"334 \r\n"), ("C", b"*\r\n"), ("S", b"501 x\r\n"),
        ("C", b"DATA\r\n"), ("S", b"354 x\r\n"), ("C", b".\r\n"), ("S", b"250 x\r\n"),
    )  # fmt: skip
    server, command = Turn.SERVER, Turn.COMMAND
    assert turns("smtp", *said) == [
        server, command, server, Turn.RESPONSE, server, command, server, Turn.CONTENT, server, command,
    ]  # fmt: skip
    observer = heard("smtp", ("S", b"22"))
    observer.end()
    assert shown(observer.lines) == ["S~22"]


@pytest.mark.parametrize(
    "octets",
    [b"plain", b"caf\xc3\xa9", b"\0\x1b[1m\xff", b"(a*3)", b"{\\x41}", b"{?password}", "\u2028".encode(), b"{3+}"],
)
def test_text_means_its_octets(octets: bytes) -> None:
    text = text_of(octets)
    assert expand(text) == octets
    assert text.isprintable()
    assert "{?" not in text


def test_a_session_without_lines_is_an_empty_dialogue() -> None:
    session = {"protocol": "pop3", "id": "s", "peer": "p", "local": "l", "began": "now", "outbound": False}
    assert dialogue_of({**session, "lines": [], "ended": 1.0}) == "# pop3, session s, p to l, now\n"
    literal = {
        "n": 1,
        "from": "client",
        "text": "",
        "tls": False,
        "whole": False,
        "reference": {"size": 3, "sha256": "a"},
    }
    told_ = dialogue_of({**session, "lines": [literal], "ended": None}, lambda _line: b".a\r\n.b")
    assert told_.splitlines()[1:] == ["C: .a", "c: .b"]
    assert dialogue_of({**session, "lines": [literal], "ended": None}).splitlines()[1:] == ["c: {?content 3 a}"]


def test_a_challenge_that_is_a_literal_is_the_clients_turn_once_it_is_whole() -> None:
    said = ("S", b"OK\r\n"), ("C", b'AUTHENTICATE "LOGIN"\r\n'), ("S", b"{3}\r\n"), ("S", b"abc"), ("S", b"\r\n")
    assert turns("managesieve", *said)[-4:] == [Turn.SERVER, Turn.SERVER, Turn.SERVER, Turn.RESPONSE]


def test_a_literal_of_managesieve_that_nobody_asked_for_is_the_servers_turn() -> None:
    assert heard("managesieve", ("S", b"OK\r\n"), ("S", b"{5}\r\nab")).turn is Turn.SERVER


@pytest.mark.parametrize("side", ["C", "S"])
def test_what_is_lost_of_managesieve_may_be_a_literal(side: str) -> None:
    literal = (side, b"GETSCRIPT {9+}\r\nab" if side == "C" else b"{9}\r\nab")
    observer = heard("managesieve", ("S", b"OK\r\n"), literal)
    observer.skip()
    observer.take(Side.CLIENT, b"NOOP\r\n", 0.0, tls=False)
    observer.take(Side.SERVER, b"OK done\r\n", 0.0, tls=False)
    assert shown(observer.lines)[-2:] == ["C NOOP", "S OK done"]
    assert observer.turn is Turn.COMMAND


@pytest.mark.parametrize("secret", ["X", "XX", "X*X", "XsecretX"])
def test_any_response_of_managesieve_is_a_secret(secret: str) -> None:
    lines = told("managesieve", f'{SIEVE}C: AUTHENTICATE "PLAIN" "{secret}"\nS: NO "{secret} is wrong"\n')
    assert lines[2] == 'C AUTHENTICATE "PLAIN" {?plain}'
    if len(secret) > 4:
        assert lines[3] == 'S NO "{?plain} is wrong"'


POP3 = ("S", b"+OK ready\r\n")
SMTP = ("S", b"220 x\r\n")
IMAP = ("S", b"* OK ready\r\n")


@pytest.mark.parametrize(
    ("protocol", "said"),
    [
        ("pop3", [POP3, ("C", b"RETR 1\r\n"), ("S", b"+OK\r\na")]),
        ("pop3", [POP3, ("C", b"LIST\r\n"), ("S", b"+OK\r\n1 2\r\n3")]),
        ("pop3", [POP3, ("C", b"AUTH LOGIN\r\nYQ==")]),
        ("pop3", [POP3, ("C", b"AUTH LOGIN\r\n"), ("S", b"+ \r\n")]),
        ("pop3", [POP3, ("C", b"NOOP" + b"x" * 2000), ("S", b"-ERR too long\r\n")]),
        ("smtp", [SMTP, ("C", b"DATA\r\n"), ("S", b"354 go\r\n"), ("C", b"abc\r\n")]),
        ("smtp", [SMTP, ("C", b"DATA\r\nabc")]),
        ("smtp", [SMTP, ("C", b"AUTH LOGIN\r\n"), ("S", b"334 \r\n")]),
        ("smtp", [SMTP, ("C", b"NOOP" + b"x" * 2000), ("S", b"500 too long\r\n")]),
        ("imap", [IMAP, ("C", b"a APPEND x {9+}\r\nab")]),
        ("imap", [IMAP, ("C", b"a APPEND x {9}\r\nab")]),
        ("imap", [IMAP, ("C", b"a AUTHENTICATE LOGIN\r\n"), ("S", b"+ \r\n")]),
        ("imap", [IMAP, ("C", b"a FETCH 1 BODY[]\r\n"), ("S", b"* 1 FETCH (BODY[] {9}\r\nab")]),
        ("imap", [IMAP, ("C", b"a IDLE\r\n"), ("S", b"+ idling\r\n")]),
    ],
)
def test_whatever_is_lost_the_next_command_is_read(protocol: str, said: list[tuple[str, bytes]]) -> None:
    observer = heard(protocol, *said)
    observer.skip()
    command, answer = {"pop3": ("NOOP", "+OK"), "smtp": ("NOOP", "250 OK"), "imap": ("z NOOP", "z OK")}[protocol]
    observer.take(Side.CLIENT, f"{command}\r\n".encode(), 0.0, tls=False)
    turns = [observer.turn]
    observer.take(Side.SERVER, f"{answer}\r\n".encode(), 0.0, tls=False)
    assert shown(observer.lines)[-2:] == [f"C {command}", f"S {answer}"]
    assert [*turns, observer.turn] == [Turn.SERVER, Turn.COMMAND]


def test_a_plus_asks_for_a_response_only_behind_auth() -> None:
    assert told("pop3", "S: +OK\nC: NOOP\nS: + what\nC: STAT\nS: +OK 0 0\n")[-2:] == ["C STAT", "S +OK 0 0"]


@pytest.mark.parametrize("command", [b"CAPA", b"LIST", b"UIDL", b"LANG", b"AUTH"])
def test_which_answers_have_many_lines(command: bytes) -> None:
    said = POP3, ("C", command + b"\r\n"), ("S", b"+OK\r\n"), ("S", b"TOP\r\n"), ("S", b".\r\n")
    assert turns("pop3", *said)[2:] == [Turn.SERVER, Turn.SERVER, Turn.SERVER, Turn.COMMAND]


def test_what_has_a_line_end() -> None:
    assert [(kind, line.kind, line.whole) for kind in "CcSsTXZ" for line in [said(f"{kind}:")]] == [
        ("C", "C", True), ("c", "C", False), ("S", "S", True), ("s", "S", False), ("T", "T", False),
        ("X", "X", False), ("Z", "Z", False),
    ]  # fmt: skip
