"""SMTP under Hypothesis: the engine never fails, and how the octets were cut makes no difference."""

from __future__ import annotations

import ipaddress
import re
from itertools import pairwise

from hypothesis import example, given, settings
from hypothesis import strategies as st

from postroad.engine import Wait
from postroad.mail.address import Address
from postroad.mail.reply import BAD_CONTENT, NO_SUCH_USER, RECIPIENT_OK, SENDER_OK, Reply, reply
from postroad.smtp.extensions import EXTENSIONS
from postroad.smtp.server.data import TEXT_LINE_TOO_LONG, MailData
from postroad.smtp.server.engine import Engine
from postroad.smtp.server.events import (
    Authenticate,
    Block,
    Close,
    Connected,
    Discard,
    Flush,
    Mail,
    Message,
    Rcpt,
    StartTls,
)
from postroad.smtp.server.profile import Profile
from postroad.smtp.server.service import Limits, Purpose, Session
from tests.harness.sasl import TLS, nobodys

LIMITS = Limits(message_size=300, recipients=3, header_size=60, header_lines=4, line=40, errors=8)
PROFILE = Profile(
    hostname="mx.test",
    limits=LIMITS,
    postmaster=Address("postmaster", "mx.test"),
    starttls=True,
    sasl=nobodys("smtp"),
    extensions=EXTENSIONS,
)


class Caller:
    """Drives an engine, and remembers what came out: octets sent, contents taken."""

    def __init__(self) -> None:
        self.session = Session(Purpose.SUBMISSION, ipaddress.ip_address("192.0.2.1"), 1, "1")
        self.engine = Engine(PROFILE, self.session)
        self.sent = b""
        self.content = b""
        self.taken: list[object] = []
        self.feed(b"")

    def feed(self, octets: bytes) -> None:
        self.engine.receive_data(octets)
        while not isinstance(event := self.engine.next_event(), Wait):
            self.carry_out(event)
        self.sent += self.engine.data_to_send()

    def carry_out(self, event: object) -> None:
        engine = self.engine
        match event:
            case Connected():
                engine.answer(PROFILE.greeting)
            case Authenticate(claim):
                engine.answer_authentication(None if claim.login == "no" else object())  # type: ignore[arg-type]
            case Mail():
                engine.answer(SENDER_OK)
            case Rcpt(_, recipient):
                engine.answer(NO_SUCH_USER if recipient.address.local_part == "no" else RECIPIENT_OK)
            case Block(octets):
                assert octets
                self.content += octets
            case Discard():
                self.content = b""
                self.taken.append(event)
            case Message(envelope):
                self.taken.append((envelope, self.content))
                engine.answer(reply(250, "2.0.0", f"{len(self.content)}"))
                self.content = b""
            case StartTls():
                self.sent += engine.data_to_send()
                engine.tls_started("TLSv1.3", "x", TLS)
            case Flush():
                self.sent += engine.data_to_send()
            case Close():
                self.taken.append(event)

    @property
    def outcome(self) -> tuple[bytes, list[object]]:
        return self.sent, self.taken


WORDS = st.sampled_from(
    [
        b"EHLO x", b"HELO x", b"MAIL FROM:<a@b.test>", b"MAIL FROM:<> SIZE=5 BODY=7BIT", b"RCPT TO:<b@c.test>",
        b"RCPT TO:<no@c.test>", b"DATA", b"RSET", b"NOOP", b"QUIT", b"STARTTLS", b"AUTH PLAIN", b"AUTH LOGIN",
        b"AUTH PLAIN AGEAYg==", b"AUTH PLAIN AG5vAGI=", b"YQ==", b"*", b"VRFY x", b"HELP", b".", b"..", b".x", b"x",
        b"Subject: x", b"", b"\xff", b"x" * 39, b"x" * 60, b"x" * 600, b"x" * 13000, b"\0", b"\n", b"\r", b" ",
    ]
)  # fmt: skip
ENDS = st.sampled_from([b"\r\n", b"\r\n", b"\r\n", b"\r\n", b"\r\n", b"\n", b"\r", b"\r\r\n", b""])
SCRIPTS = st.lists(st.one_of(WORDS, st.binary(max_size=6)).flatmap(lambda word: ENDS.map(word.__add__)), max_size=40)
OPENING = b"EHLO x\r\nMAIL FROM:<a@b.test>\r\nRCPT TO:<b@c.test>\r\nDATA\r\n"


def turns(octets: bytes) -> list[bytes]:
    """Cut where a client has to wait: behind DATA and STARTTLS (RFC 2920 §3.1)."""
    edges = [0, *(match.end() for match in re.finditer(rb"(?i)(?:DATA|STARTTLS)[ \t]*\r\n", octets)), len(octets)]
    return [octets[start:end] for start, end in pairwise(edges)]


@settings(max_examples=150)
@given(st.booleans(), SCRIPTS, st.randoms(use_true_random=False))
@example(True, [b".\r", b"\n", b"QUIT\r\n"], None)
def test_cuts_make_no_difference(opened: bool, script: list[bytes], random: object) -> None:
    octets = (OPENING if opened else b"") + b"".join(script)
    whole, single, cut = Caller(), Caller(), Caller()
    for turn in turns(octets):
        whole.feed(turn)
        for octet in turn:
            single.feed(bytes([octet]))
        rest = turn
        while rest:
            size = random.randint(1, len(rest)) if random is not None else 1  # type: ignore[attr-defined]
            cut.feed(rest[:size])
            rest = rest[size:]
    assert whole.outcome == single.outcome == cut.outcome


@settings(max_examples=150)
@given(st.lists(st.one_of(st.binary(max_size=50), SCRIPTS.map(b"".join)), max_size=5))
def test_it_never_fails_and_every_line_is_a_reply(pieces: list[bytes]) -> None:
    caller = Caller()
    for piece in pieces:
        caller.feed(piece)
    for line in caller.sent.splitlines(keepends=True):
        assert re.fullmatch(rb"[2-5][0-5][0-9][ -][ -~]*\r\n", line), line
        # RFC 2034 §4: an enhanced status on all but the greeting, EHLO's reply, and 3yz
        assert re.match(rb"(?:220 mx|250[ -](?![0-9]\.)|3\d\d |[245]\d\d[ -][245]\.\d+\.\d+ )", line), line


def reference(octets: bytes) -> tuple[bytes, bytes | None, Reply | None]:
    """Read mail data as RFC 5321 §4.5.2 tells it, line by line."""
    content, refusal, rest = b"", None, octets
    while True:
        line, crlf, rest = rest.partition(b"\r\n")
        if not crlf:
            return content, None, refusal
        if line == b".":
            return content, rest, refusal
        line = line.removeprefix(b".")
        if b"\r" in line or b"\n" in line or b"\0" in line:
            refusal = refusal or BAD_CONTENT
        elif len(line) + 2 > LIMITS.line:
            refusal = refusal or TEXT_LINE_TOO_LONG
        content += line + crlf


@settings(max_examples=400)
@given(
    st.lists(st.sampled_from([b"\r", b"\n", b".", b"\r\n", b"\r\n.", b"\r\n.\r\n", b"x", b"\0", b"y" * 19])).map(
        b"".join
    ),
    st.lists(st.integers(1, 6), min_size=1),
)
def test_mail_data_agrees_with_the_rules(octets: bytes, sizes: list[int]) -> None:
    wide = Limits(line=LIMITS.line)
    expected, expected_rest, expected_refusal = reference(octets)
    data = MailData(wide, None)
    content, rest, left, turn = b"", None, octets, 0
    while left and rest is None:
        size = sizes[turn % len(sizes)]
        block, rest = data.receive(left[:size])
        content += block
        left, turn = left[size:], turn + 1
    assert (rest is None) == (expected_rest is None)
    if rest is not None:
        assert rest + left == expected_rest
        assert (data.refusal is None) == (expected_refusal is None)
        if data.refusal is None:
            assert content == expected
    else:
        assert data.refusal is not None or content.startswith(expected) or expected.startswith(content)
