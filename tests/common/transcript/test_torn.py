"""A session that breaks off anywhere: what was said before stays as it is, and no piece of a secret shows."""

from __future__ import annotations

import pytest

from postroad.transcript.line import Side
from postroad.transcript.observer import Turn
from postroad.transcript.observers import observer_of
from tests.common.transcript.said import opened, shown, steps_of

# Each secret begins with the base64 of "secret"; names and commands do not.
SESSIONS = {
    "smtp": """
S: 220 mx.test ESMTP
C: EHLO client.test
S: 250 mx.test
C: AUTH PLAIN c2VjcmV0MQ==
S: 535 no
C: AUTH LOGIN
S: 334 VXNlcg==
C: c2VjcmV0Mg==
S: 334 UGFzcw==
C: c2VjcmV0Mw==
S: 235 in
C: AUTH UNHEARD-OF c2VjcmV0NA==
S: 504 no
C: MAIL FROM:<a@alpha.test>
S: 250 OK
C: RCPT TO:<b@beta.test>
S: 250 OK
C: DATA
S: 354 Go
C: Subject: x
C:
C: .
S: 250 OK
C: QUIT
S: 221 bye
""",
    "pop3": """
S: +OK ready
C: USER bob
S: +OK
C: PASS c2VjcmV0 with blanks
S: -ERR no
C: APOP bob c2VjcmV0NQ
S: -ERR no
C: AUTH PLAIN c2VjcmV0MQ==
S: -ERR no
C: AUTH LOGIN
S: + VXNlcg==
C: c2VjcmV0Mg==
S: + UGFzcw==
C: c2VjcmV0Mw==
S: +OK in
C: RETR 1
S: +OK
S: Subject: x
S: .
C: QUIT
S: +OK bye
""",
    "imap": """
S: * OK ready
C: a LOGIN bob c2VjcmV0MQ==
S: a NO no
C: b LOGIN "bob" "c2VjcmV0 {2} \\\\" x"
S: b NO no
C: c LOGIN bob {12}
S: + go
c: c2VjcmV0Mg==
C:
S: c NO no
C: d LOGIN {3+}
c: bob
C:  c2VjcmV0Mw==
S: d NO no
C: e AUTHENTICATE PLAIN c2VjcmV0NA==
S: e NO no
C: f AUTHENTICATE LOGIN
S: + VXNlcg==
C: c2VjcmV0NQ==
S: + UGFzcw==
C: c2VjcmV0Ng==
S: f OK in
C: g SEARCH TEXT {2+}
c: ab
C:  SUBJECT x
S: * SEARCH
S: g OK done
C: h APPEND INBOX {3}
S: + go
c: abc
C:
S: h OK done
""",
    "managesieve": """
S: OK ready
C: AUTHENTICATE "PLAIN" "c2VjcmV0MQ=="
S: NO no
C: AUTHENTICATE "PLAIN" {12+}
c: c2VjcmV0Mg==
C:
S: NO no
C: AUTHENTICATE "LOGIN"
S: "VXNlcg=="
C: "c2VjcmV0Mw=="
S: {8}
S: UGFzcw==
C: {12+}
c: c2VjcmV0NA==
C:
S: OK in
C: PUTSCRIPT "x" {3+}
c: abc
C:
S: OK done
""",
}


@pytest.mark.parametrize("protocol", SESSIONS)
def test_a_session_that_breaks_off(protocol: str) -> None:
    said = [
        (Side.CLIENT if step.kind == "C" else Side.SERVER, octet)
        for step in steps_of(SESSIONS[protocol])
        for octet in (step.octets[at : at + 1] for at in range(len(step.octets)))
    ]
    before: list[str] = []
    for count in range(len(said) + 1):
        observer = observer_of(opened(protocol))
        for side, octet in said[:count]:
            observer.take(side, octet, 0.0, tls=False)
        known = shown(observer.lines)
        assert known[: len(before)] == before
        before = known
        observer.end()
        lines = shown(observer.lines)
        torn = lines[len(known) :]
        assert lines[: len(known)] == known
        assert len(torn) <= 1
        assert all(line[1] == "~" for line in torn)
        assert "c2V" not in "".join(lines)
        # Whatever has come is there, as text, as a secret's name or as the size of content.
        assert torn or not count or said[count - 1][1] == b"\n" or known[-1][1] == "~"


@pytest.mark.parametrize("protocol", SESSIONS)
def test_a_client_that_waits_for_no_reply_breaks_off(protocol: str) -> None:
    greeting, *steps = steps_of(SESSIONS[protocol])
    octets = b"".join(step.octets for step in steps if step.kind == "C")
    for count in range(1, len(octets)):
        observer = observer_of(opened(protocol))
        observer.take(Side.SERVER, greeting.octets, 0.0, tls=False)
        observer.take(Side.CLIENT, octets[:count], 0.0, tls=False)
        observer.end()
        lines = shown(observer.lines)
        assert len(lines) > 1
        assert "c2V" not in "".join(lines)


@pytest.mark.parametrize("protocol", SESSIONS)
def test_octets_that_are_lost_anywhere_leave_nothing_behind(protocol: str) -> None:
    """Behind the gap all is as behind the greeting, but what is no command may be a secret."""
    greeting, *rest = steps_of(SESSIONS[protocol])
    command, answer = AFTER[protocol]
    for step in range(1, len(rest)):
        observer = observer_of(opened(protocol))
        for spoken in [greeting, *rest[:step]]:
            observer.take(Side.CLIENT if spoken.kind == "C" else Side.SERVER, spoken.octets, 0.0, tls=False)
        for side in Side:
            observer.take(side, b"{9", 0.0, tls=False)
        observer.skip()
        assert protocol != "smtp" or observer.state == "ready"
        turns = [observer.turn]
        count = len(observer.lines)
        for side, octets in ((Side.CLIENT, command), (Side.SERVER, answer)):
            observer.take(side, octets, 0.0, tls=False)
            turns.append(observer.turn)
        assert turns == [Turn.COMMAND, Turn.SERVER, Turn.COMMAND]
        observer.take(Side.CLIENT, b"c2VjcmV0\r\n", 0.0, tls=False)
        assert shown(observer.lines[count:]) == [
            f"C {command.decode().strip()}",
            f"S {answer.decode().strip()}",
            "C {?line}",
        ]


AFTER = {
    "smtp": (b"NOOP\r\n", b"250 OK\r\n"),
    "pop3": (b"NOOP\r\n", b"+OK\r\n"),
    "imap": (b"z NOOP\r\n", b"z OK\r\n"),
    "managesieve": (b"NOOP\r\n", b"OK\r\n"),
}


@pytest.mark.parametrize(
    ("protocol", "command", "answer", "after"),
    [
        ("smtp", b"STARTTLS\r\n", b"220 go\r\n", (b"EHLO a\r\n", b"250 mx\r\n")),
        ("pop3", b"STLS\r\n", b"+OK\r\n", (b"CAPA\r\n", b"+OK\r\n")),
        ("imap", b"a STARTTLS\r\n", b"a OK\r\n", (b"b NOOP\r\n", b"b OK\r\n")),
        ("managesieve", b"STARTTLS\r\n", b"OK\r\n", (b"NOOP\r\n", b"OK\r\n")),
    ],
)
def test_tls_forgets_what_either_side_has_said_before(
    protocol: str, command: bytes, answer: bytes, after: tuple[bytes, bytes]
) -> None:
    # RFC 3207 §4.2, RFC 2595 §2.1 and §4, RFC 5804 §2.2
    observer = observer_of(opened(protocol))
    observer.take(Side.SERVER, steps_of(SESSIONS[protocol])[0].octets, 0.0, tls=False)
    observer.take(Side.CLIENT, command + b"x INJECTED\r\nmore", 0.0, tls=False)
    observer.take(Side.SERVER, answer + b"250 x INJECTED\r\nmore", 0.0, tls=False)
    for side, octets in zip(Side, after, strict=True):
        observer.take(side, octets, 0.0, tls=True)
    said = [octets.decode().strip() for octets in (command, answer, *after)]
    assert [line.text for line in observer.lines[1:]] == said
    assert [line.tls for line in observer.lines[1:]] == [False, False, True, True]
