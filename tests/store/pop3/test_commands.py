"""POP3's command lines."""

from __future__ import annotations

import re

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from postroad_store.pop3.commands import RULES, Command, CommandError, State, parse

A, T = State.AUTHORIZATION, State.TRANSACTION

GOOD = [
    (b"USER alice@alpha.test", A, Command("USER", text="alice@alpha.test")),
    (b"user alice", A, Command("USER", text="alice")),
    (b"UsEr alice", A, Command("USER", text="alice")),
    (b"PASS two words ", A, Command("PASS", text="two words ")),
    (b"PASS  leading", A, Command("PASS", text=" leading")),
    ("PASS pässwörd".encode(), A, Command("PASS", text="pässwörd")),
    (b"APOP a b %s " % (b"0aF9" * 8), A, Command("APOP", text="a b", initial=b"0aF9" * 8)),
    (b"AUTH", A, Command("AUTH")),
    (b"AUTH plain", A, Command("AUTH", text="PLAIN")),
    (b"AUTH PLAIN =", A, Command("AUTH", text="PLAIN", initial=b"=")),
    (b"AUTH PLAIN AGEAYg==", A, Command("AUTH", text="PLAIN", initial=b"AGEAYg==")),
    (b"STLS", A, Command("STLS")),
    (b"CAPA", A, Command("CAPA")),
    (b"CAPA", T, Command("CAPA")),
    (b"QUIT", A, Command("QUIT")),
    (b"QUIT ", T, Command("QUIT")),
    (b"STAT", T, Command("STAT")),
    (b"LIST", T, Command("LIST")),
    (b"LIST ", T, Command("LIST")),
    (b"LIST 1", T, Command("LIST", 1)),
    (b"LIST 007 ", T, Command("LIST", 7)),
    (b"UIDL", T, Command("UIDL")),
    (b"UIDL 2", T, Command("UIDL", 2)),
    (b"RETR 9999999999", T, Command("RETR", 9999999999)),
    (b"LANG", A, Command("LANG")),
    (b"LANG ", T, Command("LANG")),
    (b"LANG de", T, Command("LANG", text="de")),
    (b"LANG  XX  ", A, Command("LANG", text="XX")),
    (b"UTF8", A, Command("UTF8")),
    (b"AUTH  XOAUTH2X  ", A, Command("AUTH", text="XOAUTH2X")),
    (b"AUTH PLAIN  =", A, Command("AUTH", text="PLAIN", initial=b" =")),
    (b"APOP X %s" % (b"0" * 32), A, Command("APOP", text="X", initial=b"0" * 32)),
    (b"STAT   ", T, Command("STAT")),
    (b"retr  1", T, Command("RETR", 1)),
    (b"DELE 1", T, Command("DELE", 1)),
    (b"TOP 1 0", T, Command("TOP", 1, 0)),
    (b"TOP 1  10", T, Command("TOP", 1, 10)),
    (b"TOP 1 99999999999", T, Command("TOP", 1, 99999999999)),
    (b"NOOP", T, Command("NOOP")),
    (b"RSET", T, Command("RSET")),
]

BAD = [
    (b"", A, "Unknown command."),
    (b" USER alice", A, "Unknown command."),
    (b"HELO x", A, "Unknown command."),
    (b"\xff\xfe", A, "Unknown command."),
    (b"USER", A, "USER takes an argument."),
    (b"USER ", A, "USER takes an argument."),
    (b"USER \xff", A, "The argument is not UTF-8."),
    (b"USER a\x00b", A, "The argument has characters that are not allowed."),
    (b"PASS a\rb", A, "The argument has characters that are not allowed."),
    *(
        (b"APOP " + rest, A, "APOP takes a name and a digest of 32 hexadecimal digits.")
        for rest in (
            b"0" * 32,
            b" " + b"0" * 32,
            b"a " + b"0" * 31,
            b"a " + b"0" * 33,
            b"a " + b"g" * 32,
            b"a " + b"0" * 32 + b"X",
        )
    ),
    (b"STAT", A, "STAT is not allowed in AUTHORIZATION state."),
    (b"USER alice", T, "USER is not allowed in TRANSACTION state."),
    (b"STLS", T, "STLS is not allowed in TRANSACTION state."),
    (b"STAT 1", T, "STAT takes no arguments."),
    (b"RETR", T, "Invalid message number: "),
    (b"RETR 0", T, "Invalid message number: 0"),
    (b"RETR -1", T, "Invalid message number: -1"),
    (b"RETR 1 2", T, "Invalid message number: 1 2"),
    (b"RETR 12345678901", T, "Invalid message number: 12345678901"),
    ("RETR \u0661".encode(), T, "Invalid message number: ??"),
    (b"LIST \x00", T, "Invalid message number: ?"),
    (b"DELE " + b"x" * 500, T, "Invalid message number: " + "x" * 40),
    (b"RETR X1X", T, "Invalid message number: X1X"),
    (b"LIST X", T, "Invalid message number: X"),
    (b"TOP 1 X2X", T, "Invalid number of lines: X2X"),
    (b"TOP X 1X", T, "Invalid message number: X"),
    (b"NOOP X", T, "NOOP takes no arguments."),
    (b"LANG \xff", A, "The argument is not UTF-8."),
    (b"TOP 1", T, "TOP takes a message number and a number of lines."),
    (b"TOP 1 x", T, "Invalid number of lines: x"),
    (b"TOP 1 -1", T, "Invalid number of lines: -1"),
    (b"TOP x 1", T, "Invalid message number: x"),
]


@pytest.mark.parametrize(("line", "state", "command"), GOOD)
def test_good(line: bytes, state: State, command: Command) -> None:
    assert parse(line, state) == command


@pytest.mark.parametrize(("line", "state", "text"), BAD)
def test_bad(line: bytes, state: State, text: str) -> None:
    with pytest.raises(CommandError) as caught:
        parse(line, state)
    assert str(caught.value) == text


def test_no_command_is_legal_in_update() -> None:
    for keyword in RULES:
        with pytest.raises(CommandError):
            parse(keyword.encode() + b" 1 1", State.UPDATE)


@given(st.binary(max_size=40), st.sampled_from([A, T]), st.sampled_from([b"", *(k.encode() for k in RULES)]))
@settings(max_examples=150)
def test_any_line_is_a_command_or_a_short_refusal(line: bytes, state: State, keyword: bytes) -> None:
    refusal = ""
    try:
        command = parse(keyword + line, state)
    except CommandError as error:
        refusal = str(error)
    else:
        assert state in RULES[command.keyword].states
    # RFC 1939 §3: a response is at most 512 octets
    assert len(f"-ERR {refusal}\r\n".encode()) <= 512
    assert refusal.isprintable()


def test_every_command_names_its_rfc() -> None:
    assert [
        name for name, rule in RULES.items() if not re.fullmatch(r"RFC \d{4} §\d(\.\d)?(, §\d)?", rule.source)
    ] == []
