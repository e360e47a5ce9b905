"""Long tapes are cut without having been read, where an observer understands what is left."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from postroad.tap import Carried, Read
from postroad.transcript.cutting import (
    _ANSWERED,
    ENTRY,
    Passing,
    _dialogues,
    _is_answered,
    cut_at,
    dialogues,
    transactions,
)
from postroad.transcript.view import whole
from tests.common.transcript.said import opened
from tests.common.transcript.test_recorder import consistent, recorder

if TYPE_CHECKING:
    from postroad.transcript.cutting import Block
    from postroad.transcript.tape import Tape

GREETING = {"imap": b"* OK ready\r\n", "pop3": b"+OK ready\r\n", "managesieve": b"OK\r\n"}


def texts(tape: Tape) -> list[str]:
    return [line["text"] for line in whole(tape, None)["lines"]]


def begun(protocol: str, size: int) -> Tape:
    tape = recorder(size=size).opened(opened(protocol))
    tape.sent(GREETING[protocol], 1.0, tls=False)
    return tape


@pytest.mark.parametrize(
    ("protocol", "command", "answer"),
    [
        ("imap", b"a%d FETCH 1 BODY[]\r\n", b"* 1 FETCH (BODY[] {3000}\r\n" + b"x" * 3000 + b")\r\na%d OK done\r\n"),
        ("pop3", b"TOP %d 0\r\n", b"+OK %d\r\n" + b"x" * 3000 + b"\r\n.\r\n"),
        ("managesieve", b'GETSCRIPT "s%d"\r\n', b"{3000}\r\n" + b"x" * 3000 + b'\r\nOK "%d"\r\n'),
    ],
)
def test_old_commands_go_unread(protocol: str, command: bytes, answer: bytes) -> None:
    tape = begun(protocol, 40_000)
    for number in range(100):
        tape.received(command % number, 1.0, tls=False)
        tape.sent(answer % number, 1.0, tls=False)
    assert tape.lines == []
    assert tape.held <= 40_000
    shown = texts(tape)
    assert shown[0] == GREETING[protocol].decode().strip()
    said = [line["text"] for line in whole(tape, None)["lines"] if line["from"] == "client"]
    assert said[-1] == (command % 99).decode().strip()
    assert 3 < len(said) < 20
    assert not any("x" in text for text in shown if len(text) > 1000)
    assert tape.omitted > 0
    assert consistent(tape._recorder)


@given(
    st.lists(st.sampled_from([b"a", b" ", b"OK", b"+OK", b"-ERR", b".", b"*", b"\r", b"\n", b"\r\n", b" NO "])).map(
        b"".join
    )
)
def test_the_last_line_says_whether_a_command_is_answered(tail: bytes) -> None:
    for pattern in _ANSWERED.values():
        assert _is_answered(tail, pattern) == (pattern.search(tail) is not None)


SAID = [
    (True, b"a NOOP\r\n", 1.0, False),
    (True, b"of a literal\r\n", 1.0, False),
    (False, b"a OK done\r\n", 1.0, False),
    (False, b"* 1 EXISTS\r\n" * 50, 1.0, False),
    (False, b"* 1 EXISTS\r\n" * 50 + b"a OK done\r\n", 1.0, False),
    None,
]


@given(st.lists(st.sampled_from(SAID), max_size=30), st.sampled_from([0, 1, 300, 2000, 10_000]))
def test_an_end_is_where_it_would_be_found_by_looking_at_each(blocks: list[Block], room: int) -> None:
    assert dialogues(blocks, room, "imap") == _dialogues(blocks, room, "imap", least=0)


def test_one_long_answer_is_passed_over() -> None:
    tape = begun("imap", 40_000)
    tape.received(b"a LOGIN bob builder\r\n", 1.0, tls=False)
    tape.sent(b"a OK in\r\n", 1.0, tls=False)
    tape.received(b"b FETCH 1:* BODY[]\r\n", 1.0, tls=False)
    for number in range(100):
        tape.sent(b"* %d FETCH (BODY[] {3000}\r\n" % number + b"x" * 3000 + b")\r\n", 1.0, tls=False)
    tape.noted(Read("bob", "INBOX", 7, "1:100", "default"))
    tape.received(b"c NOOP\r\n", 1.0, tls=False)  # the answer is not over
    tape.sent(b"b OK done\r\n", 1.0, tls=False)
    tape.sent(b"c OK done\r\n", 1.0, tls=False)
    tape.received(b"builder\r\n", 1.0, tls=False)  # the rest of something
    tape.sent(b"* BAD what\r\n", 1.0, tls=False)
    assert tape.lines == []
    tape.received(b"d NOOP\r\n", 1.0, tls=False)
    tape.sent(b"d OK done\r\n", 1.0, tls=False)
    tape.received(b"e NOOP\r\n", 1.0, tls=False)
    tape.sent(b"e OK done\r\n", 1.0, tls=False)
    tape.received(b"builder again\r\n", 1.0, tls=False)
    tape.closed(2.0)
    shown = texts(tape)
    assert shown[-3:] == ["e NOOP", "e OK done", "{?line}"]
    assert "builder" not in str(shown)
    (fact,) = whole(tape, None)["facts"]
    assert shown[fact["line"] - 1] == "b FETCH 1:* BODY[]"
    assert tape.omitted > 250_000


def test_a_command_takes_the_record_up_again() -> None:
    tape = begun("imap", 20_000)
    tape.received(b"a FETCH 1:* BODY[]\r\n", 1.0, tls=False)
    for _ in range(20):
        tape.sent(b"* 1 FETCH (BODY[] {3000}\r\n" + b"x" * 3000 + b")\r\n", 1.0, tls=False)
    tape.sent(b"a OK ", 1.0, tls=False)
    tape.sent(b"done\r\n", 1.0, tls=False)
    tape.received(b"b NOOP\r\n", 1.0, tls=False)
    tape.sent(b"b OK done\r\n", 1.0, tls=False)
    assert texts(tape)[-2:] == ["b NOOP", "b OK done"]


def test_what_a_gap_may_end_with() -> None:
    passing = Passing("pop3", b"x")
    assert not passing.over(b"NOOP\r\n", from_client=True)
    assert not passing.over(b"+OK what\r\n", from_client=False)
    assert not passing.over(b"no command\r\n", from_client=True)
    assert not passing.over(b"x\r\n.\r\n", from_client=False)
    assert passing.over(b"QUIT\r\n", from_client=True)


def test_nothing_to_cut() -> None:
    assert dialogues([], 10, "imap") == (-1, -1, 0)
    assert cut_at([None, (True, b"abc", 1.0, False)], 1000) == (2, 0)
    assert cut_at([(True, b"abc", 1.0, False), None], 10) == (0, 243)


def said(*texts: str) -> list[tuple[bool, bytes, float, bool]]:
    """Return blocks of SMTP: `C: ` is the client's."""
    return [(text[0] == "C", text[3:].encode() + b"\r\n", 1.0, False) for text in texts]


def test_transactions_begin_with_mail_behind_a_reply_that_is_no_intermediate_one() -> None:
    transaction = said(
        "C: mail FROM:<a@b>", "S: 250 OK", "C: RCPT TO:<c@d>", "S: 250 OK", "C: DATA", "S: 354 Go", "C: MAIL in it"
    )
    blocks = (
        said("C: EHLO a", "S: 250 mx")
        + transaction
        + said("S: 250 OK")
        + transaction
        + said("S: 250 OK", "C: NOOP", "S: 250 OK")
    )
    octets = sum(ENTRY + len(block[1]) for block in [*transaction, *said("S: 250 OK")])
    assert transactions(blocks, 10_000, inbound=True) == (2, 10, octets)
    assert transactions(blocks, 1, inbound=True) == (2, 10, octets)
    assert transactions([*blocks, *transaction], 10_000, inbound=True)[:2] == (2, 20)
    assert transactions([*blocks, *transaction], octets, inbound=True)[:2] == (2, 10)
    for other in ("C: RSET", "C: NOOP", "C: MAILX"):
        assert transactions(said("S: 250 mx", other, "S: 250 OK", other), 1, inbound=True) == (-1, -1, 0)
    assert transactions(said("S: 220 mx", "C: MAIL FROM:<a@b>"), 1, inbound=True) == (-1, -1, 0)
    assert transactions(said("S: 250 OK\r\n354 Go", "C: MAIL FROM:<a@b>"), 1, inbound=True) == (-1, -1, 0)
    assert transactions(said("S: 250 mx", "C: NOOP", "C: MAIL FROM:<a@b>"), 1, inbound=True) == (-1, -1, 0)


@pytest.mark.parametrize("inbound", [False, True])
def test_the_name_of_a_message_goes_with_its_transaction_if_we_send_it(inbound: bool) -> None:
    named = Carried("Q1", "default")
    mail = said("C: MAIL FROM:<a@b>", "S: 250 OK")
    octets = sum(ENTRY + len(block[1]) for block in mail)
    # The name of the first message may be the tape's first block but one.
    blocks: list[Any] = [*said("S: 250 mx"), named, *mail, named, *mail]
    assert transactions(blocks, 10_000, inbound=inbound) == (
        (2, 5, octets + ENTRY) if inbound else (1, 4, octets + ENTRY)
    )
    assert transactions(blocks, octets + ENTRY, inbound=inbound)[:2] == ((2, 5) if inbound else (1, 4))
    assert transactions([*blocks, named, *mail], octets + ENTRY, inbound=inbound)[1] == (5 if inbound else 4)
    assert transactions([*blocks, named, *mail], octets + ENTRY + 1, inbound=inbound)[1] == (8 if inbound else 7)
