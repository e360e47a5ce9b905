"""SMTP as a transcript shows it."""

from __future__ import annotations

import pytest

from postroad.tap import Carried, LoggedIn
from postroad.transcript.line import Side
from postroad.transcript.observer import Turn
from postroad.transcript.observers import observer_of
from tests.common.transcript.said import observed, opened, shown, steps_of, told

HELLO = """
S: 220 mx.test ESMTP
C: EHLO client.test
S: 250-mx.test
S: 250 PIPELINING
"""
MESSAGE = """
C: MAIL FROM:<a@alpha.test>
C: RCPT TO:<b@beta.test>
C: DATA
S: 250 OK
S: 250 OK
S: 354 Go
C: Subject: x
C:
C: ..y
C: .
S: 250 queued as Q1
"""


def test_content_is_measured_without_dots() -> None:
    lines = told("smtp", HELLO + MESSAGE)
    assert lines[-3:] == ["C <18>", "C .", "S 250 queued as Q1"]


def test_transactions_are_counted() -> None:
    lines = observed("smtp", steps_of(f"{HELLO}{MESSAGE}C: RSET\nS: 250 OK\n{MESSAGE}C: QUIT\nS: 221 bye\n")).lines
    groups = {line.text: line.group for line in lines}
    assert groups["EHLO client.test"] == groups["QUIT"] == groups["RSET"] == 0
    assert [line.group for line in lines if line.text == "DATA"] == [1, 2]
    assert lines[-1].state == "ready"


def test_a_refused_sender_ends_the_transaction() -> None:
    text = f"{HELLO}C: MAIL FROM:<x@x.test>\nS: 550 no\nC: MAIL FROM:<y@x.test>\nS: 250 OK\n"
    assert [line.group for line in observed("smtp", steps_of(text)).lines if line.text.startswith("MAIL")] == [1, 2]


def test_a_nested_sender_does_not() -> None:
    text = f"{HELLO}C: MAIL FROM:<x@x.test>\nS: 250 OK\nC: MAIL FROM:<y@x.test>\nS: 503 nested\n"
    assert [line.group for line in observed("smtp", steps_of(text)).lines if line.text.startswith("MAIL")] == [1, 1]


def test_lmtp_has_a_reply_for_each_recipient() -> None:
    text = """
    S: 220 mx.test LMTP
    C: LHLO client.test
    S: 250 mx.test
    C: MAIL FROM:<>
    C: RCPT TO:<a@beta.test>
    C: RCPT TO:<b@beta.test>
    C: DATA
    S: 250 OK
    S: 250 OK
    S: 250 OK
    S: 354 Go
    C: x
    C: .
    C: MAIL FROM:<>
    S: 250 one
    S: 550 two
    S: 250 OK
    """
    lines = observed("lmtp", steps_of(text.replace("    ", ""))).lines
    assert [(line.text, line.group) for line in lines[-3:]] == [("250 one", 1), ("550 two", 1), ("250 OK", 2)]


@pytest.mark.parametrize("between", ["", "C: RSET\nS: 250 OK\n", "C: LHLO again.test\nS: 250 mx.test\n"])
@pytest.mark.parametrize("replies", [2, 1])
def test_lmtp_counts_the_recipients_of_each_transaction_anew(between: str, replies: int) -> None:
    recipients = "".join(
        f"C: RCPT TO:<{name}@beta.test>\nS: {code} x\n" for name, code in (("a", 250), ("b", 250), ("c", 550))
    )
    envelope = f"C: MAIL FROM:<>\nS: 250 OK\n{recipients}"
    sent = f"{envelope}C: DATA\nS: 354 Go\nC: .\n" + "S: 250 stored\n" * replies
    text = f"S: 220 mx.test LMTP\nC: LHLO a.test\nS: 250 mx.test\n{envelope}C: RSET\nS: 250 OK\n{sent}"
    assert observed("lmtp", steps_of(text)).turn is (Turn.COMMAND if replies == 2 else Turn.SERVER)
    if replies == 2:
        observer = observed("lmtp", steps_of(f"{text}{between}{sent}C: QUIT\nS: 221 bye\n"))
        assert (observer.turn, observer.state) == (Turn.COMMAND, "closed")


def test_a_line_that_is_refused_before_its_end_gets_one_reply() -> None:
    octets = [(Side.SERVER, b"220 x\r\n"), (Side.CLIENT, b"NOOP " + b"x" * 2000), (Side.SERVER, b"500 too long\r\n")]
    octets += [(Side.CLIENT, b"x\r\nDATA\r\n"), (Side.SERVER, b"503 first\r\n"), (Side.CLIENT, b"QUIT\r\n")]
    observer = observer_of(opened())
    for side, piece in octets:
        observer.take(side, piece, 0.0, tls=False)
    observer.take(Side.SERVER, b"221 bye\r\n", 0.0, tls=False)
    assert shown(observer.lines)[-3:] == ["S 503 first", "C QUIT", "S 221 bye"]
    assert observer.state == "closed"


def test_replies_that_nobody_asked_for() -> None:
    lines = told("smtp", f"{HELLO}S: 421 4.4.2 timeout\nS: 354 what\nS: no reply\n")
    assert lines[-3:] == ["S 421 4.4.2 timeout", "S 354 what", "S no reply"]


def test_a_354_is_the_reply_to_data_whatever_came_before() -> None:
    lines = told("smtp", f"{HELLO}C: NOOP\nC: DATA\nS: 354 Go\nC: x\nC: .\nS: 250 OK\n")
    assert lines[-3:] == ["C <3>", "C .", "S 250 OK"]


def test_a_session_that_ends_within_content() -> None:
    data = "\n".join(MESSAGE.splitlines()[:7])
    assert told("smtp", f"{HELLO}{data}\nC: Subject: x\nC: y\n")[-1] == "C~<15>"
    assert told("smtp", f"{HELLO}{data}\n")[-1] == "C~<0>"
    assert told("smtp", f"{HELLO}c: NOO\n")[-1] == "C~NOO"
    assert told("smtp", "S: 220 x\n" + "s: 25\n".replace("s", "S"))[-1] == "S 25"


def test_tls_forgets_what_was_said_before() -> None:
    observer = observer_of(opened())
    observer.take(Side.SERVER, b"220 x\r\n", 0.0, tls=False)
    observer.take(Side.CLIENT, b"STARTTLS\r\nNOOP\r\n", 0.0, tls=False)
    observer.take(Side.SERVER, b"220 go\r\n", 0.0, tls=False)
    observer.take(Side.CLIENT, b"EHLO x\r\n", 0.0, tls=True)
    assert shown(observer.lines) == ["S 220 x", "C STARTTLS", "S 220 go", "C EHLO x"]
    assert [line.tls for line in observer.lines] == [False, False, False, True]
    observer.take(Side.SERVER, b"250 x\r\n", 0.0, tls=True)
    observer.take(Side.CLIENT, b"STARTTLS\r\n", 0.0, tls=True)
    observer.take(Side.SERVER, b"503 no\r\n", 0.0, tls=True)
    observer.take(Side.CLIENT, b"NOOP\r\n", 0.0, tls=True)
    assert shown(observer.lines)[-1] == "C NOOP"


def test_a_refused_greeting() -> None:
    assert observed("smtp", steps_of("S: 554 no\nC: QUIT\nS: 221 bye\n")).lines[1].state == "refused"


def test_facts_are_about_the_transaction_whose_content_has_ended() -> None:
    observer = observer_of(opened())
    steps = steps_of(f"{HELLO}{MESSAGE}")
    for step in steps[:-1]:
        observer.take(Side.CLIENT if step.kind == "C" else Side.SERVER, step.octets, 0.0, tls=False)
    observer.take(Side.CLIENT, b"MAIL FROM:<next@alpha.test>\r\n", 0.0, tls=False)
    fact = Carried("Q1", "default")
    observer.noted(fact)
    observer.take(Side.SERVER, steps[-1].octets, 0.0, tls=False)
    (note,) = observer.notes
    assert observer.lines[note.line - 1].text == "MAIL FROM:<a@alpha.test>"
    assert note.fact == fact
    observer.noted(LoggedIn("alice", "default"))
    assert observer.notes[1].line == observer.count


def test_outbound_facts_are_about_the_next_transaction() -> None:
    observer = observer_of(opened(outbound=True))
    for step in steps_of(HELLO):
        observer.take(Side.CLIENT if step.kind == "C" else Side.SERVER, step.octets, 0.0, tls=False)
    observer.noted(Carried("Q1", "default"))
    assert observer.notes == []
    for step in steps_of(MESSAGE):
        observer.take(Side.CLIENT if step.kind == "C" else Side.SERVER, step.octets, 0.0, tls=False)
    (note,) = observer.notes
    assert observer.lines[note.line - 1].text == "MAIL FROM:<a@alpha.test>"


def test_transactions_of_long_ago_are_forgotten() -> None:
    observer = observer_of(opened(outbound=True))
    for step in steps_of(HELLO + MESSAGE * 70):
        observer.take(Side.CLIENT if step.kind == "C" else Side.SERVER, step.octets, 0.0, tls=False)
    assert observer.group == 0
    assert max(line.group for line in observer.lines) == 70
    assert len(vars(observer)["_mails"]) == 64


def test_octets_that_are_lost() -> None:
    observer = observer_of(opened())
    for step in steps_of(HELLO):
        observer.take(Side.CLIENT if step.kind == "C" else Side.SERVER, step.octets, 0.0, tls=False)
    observer.take(Side.CLIENT, b"MAIL FROM:<lost@alpha.test>\r\nRCP", 0.0, tls=False)
    observer.skip()
    for step in steps_of(MESSAGE):
        observer.take(Side.CLIENT if step.kind == "C" else Side.SERVER, step.octets, 0.0, tls=False)
    assert shown(observer.lines)[-3:] == ["C <18>", "C .", "S 250 queued as Q1"]
    assert [line.group for line in observer.lines if line.text.startswith("MAIL")] == [1, 2]


def test_recipients_before_anything_else() -> None:
    lines = told("smtp", "S: 220 x\nC: RCPT TO:<a@b.test>\nS: 250 OK\nC: DATA\nS: 354 go\nC: .\nS: 250 OK\n")
    assert lines[-3:] == ["C <0>", "C .", "S 250 OK"]


def test_what_is_no_mechanism_is_a_secret_wherever_it_is_said() -> None:
    lines = told("smtp", f"{HELLO}C: AUTH hunter22\nS: 504 hunter22 is no mechanism\nC: AUTH PLAIN \nS: 501 no\n")
    assert lines[-4:] == ["C AUTH {?sasl}", "S 504 {?sasl} is no mechanism", "C AUTH PLAIN ", "S 501 no"]


def test_a_line_that_was_refused_stays_so_whatever_the_server_says_then() -> None:
    observer = observer_of(opened())
    for side, octets in (
        (Side.SERVER, b"220 x\r\n"),
        (Side.CLIENT, b"NOOP " + b"x" * 2000),
        (Side.SERVER, b"500 too long\r\n421 too slow\r\n"),
        (Side.CLIENT, b"x\r\nQUIT\r\n"),
        (Side.SERVER, b"221 bye\r\n"),
    ):
        observer.take(side, octets, 0.0, tls=False)
    assert observer.state == "closed"


def test_recipients_of_lmtp_before_anything_else() -> None:
    text = "S: 220 x\nC: RCPT TO:<a@b.test>\nS: 250 OK\nC: DATA\nS: 354 go\nC: .\nS: 250 OK\n"
    assert observed("lmtp", steps_of(text)).turn is Turn.COMMAND


def test_what_follows_content_in_one_block() -> None:
    observer = observer_of(opened())
    for side, octets in (
        (Side.SERVER, b"220 x\r\n"),
        (Side.CLIENT, b"DATA\r\n"),
        (Side.SERVER, b"354 go\r\n"),
        (Side.CLIENT, b"x\r\n.\r\nQUIT\r\n"),
    ):
        observer.take(side, octets, 0.0, tls=False)
    assert shown(observer.lines)[-3:] == ["C <3>", "C .", "C QUIT"]


def test_an_empty_line_is_no_secret() -> None:
    lines = told("smtp", f"{HELLO}C: AUTH PLAIN AGIAYw==\nS: 535 no\nC:\nS: 500 what\nC: hunter22\nS: 500 what\n")
    assert lines[-4:] == ["C ", "S 500 what", "C {?line}", "S 500 what"]


def test_a_334_is_the_reply_to_auth_whatever_came_before() -> None:
    lines = told("smtp", f"{HELLO}C: NOOP\nC: AUTH LOGIN\nS: 334 x\nC: YWJj\nS: 235 in\n")
    assert lines[-3:] == ["S 334 x", "C {?login}", "S 235 in"]


def test_a_farewell_in_the_midst_of_a_line_refuses_none() -> None:
    observer = observer_of(opened())
    for side, octets in ((Side.SERVER, b"220 x\r\n"), (Side.CLIENT, b"NOO"), (Side.SERVER, b"421 bye\r\n")):
        observer.take(side, octets, 0.0, tls=False)
    observer.take(Side.CLIENT, b"P\r\n", 0.0, tls=False)
    assert observer.turn is Turn.SERVER


@pytest.mark.parametrize(
    ("octets", "line"),
    [
        (b"DATA\r\nSubj", "C~Subj"),
        (b"STARTTLS\r\nEHL", "C~EHL"),
        (b"PASS hunter22", "C~{?line}"),
        (b"AUTH PLAIN AGIAYw==", "C~AUTH PLAIN {?plain}"),
        (b"AUTH PLAIN\r\nAGIAYw==", "C~{?plain}"),
    ],
)
def test_what_breaks_off_is_a_secret_if_the_whole_were_one(octets: bytes, line: str) -> None:
    observer = observer_of(opened())
    observer.take(Side.SERVER, b"220 x\r\n", 0.0, tls=False)
    observer.take(Side.CLIENT, octets, 0.0, tls=False)
    observer.end()
    assert shown(observer.lines)[-1] == line
