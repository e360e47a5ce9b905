"""No secret is in a transcript, however it comes: in which command, over which blocks, in a literal, pipelined."""

from __future__ import annotations

import base64
from typing import TYPE_CHECKING

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from postroad.transcript.dialogue import dialogue_of
from postroad.transcript.line import Side
from postroad.transcript.observers import observer_of
from postroad.transcript.recorder import Recorder
from postroad.transcript.secrets import LATEST, MOST, Secrets, mechanism_in
from postroad.transcript.view import whole
from tests.common.transcript.said import opened, pieces

if TYPE_CHECKING:
    from collections.abc import Callable

    from postroad.transcript.line import Line

# Octets that a password may have (a bare LF ends no line), and that no name of ours or of the protocols has.
SECRETS = st.text("qxzQXZ0189 =+/!\n", min_size=6, max_size=30).map(lambda text: f"k9{text.strip()}w7".encode())


def coded(octets: bytes) -> bytes:
    return base64.b64encode(octets)


def quoted(octets: bytes) -> bytes:
    return b'"' + octets.replace(b"\\", b"\\\\").replace(b'"', b'\\"') + b'"'


Said = list[tuple[str, bytes]]

# Each is a session with a secret: what is said by (C)lient and (S)erver.
SMTP: dict[str, Callable[[bytes], Said]] = {
    "plain": lambda s: [("C", b"AUTH PLAIN " + coded(b"\0bob\0" + s) + b"\r\n"), ("S", b"235 2.7.0 OK\r\n")],
    "plain late": lambda s: [
        ("C", b"auth plain\r\n"),
        ("S", b"334 \r\n"),
        ("C", coded(b"\0bob\0" + s) + b"\r\n"),
        ("S", b"535 5.7.8 no\r\n"),
        ("C", b"QUIT\r\n"),
    ],
    "login pipelined": lambda s: [
        ("C", b"AUTH LOGIN\r\n" + coded(b"bob") + b"\r\n" + coded(s) + b"\r\n"),
        ("S", b"334 VXNlcm5hbWU6\r\n334 UGFzc3dvcmQ6\r\n235 2.7.0 OK\r\n"),
    ],
    "refused": lambda s: [
        ("C", b"AUTH LOGIN\r\n" + coded(b"bob") + b"\r\n" + coded(s) + b"\r\n"),
        ("S", b"538 5.7.11 TLS\r\n500 5.5.2 what\r\n500 5.5.2 what\r\n"),
    ],
    "no mechanism": lambda s: [("C", b"AUTH " + s + b"\r\n"), ("S", b"504 5.5.4 no such\r\n")],
    "not coded": lambda s: [("C", b"auth plain " + s + b"\r\n"), ("S", b"501 5.5.2 no\r\n")],
    "unheard of": lambda s: [
        ("C", b"AUTH UNHEARD-OF\r\n"),
        ("S", b"334 x\r\n"),
        ("C", coded(s) + b"\r\n"),
        ("S", b"334 y\r\n"),
        ("C", b"*\r\n"),
        ("S", b"501 cancelled\r\n"),
    ],
    "no mechanism at all": lambda s: [("C", b"AUTH\r\n"), ("S", b"334 x\r\n"), ("C", coded(s) + b"\r\n")],
    "in plain": lambda s: [("C", b"AUTH bob " + s + b"\r\n"), ("S", b"504 5.5.4 no such\r\n")],
    "another protocol's": lambda s: [
        ("C", b"USER bob\r\nPASS " + s + b"\r\n"),
        ("S", b"500 5.5.2 what\r\n500 5.5.2 what\r\n"),
    ],
    "token": lambda s: [
        ("C", b"AUTH XOAUTH2 " + coded(b"user=bob\1auth=Bearer " + s + b"\1\1") + b"\r\n"),
        ("S", b"334 eyJzdGF0dXMiOiI0MDAifQ==\r\n"),
        ("C", b"\r\n"),
        ("S", b"535 5.7.8 no\r\n"),
    ],
    "torn": lambda s: [("C", b"AUTH PLAIN\r\n"), ("S", b"334 \r\n"), ("C", coded(s))],
    "torn early": lambda s: [("C", b"AUTH PLAIN\r\n" + coded(s))],
    "repeated": lambda s: [
        ("C", b"AUTH PLAIN " + coded(s) + b"\r\n"),
        ("S", b"501 5.5.2 cannot decode " + coded(s) + b"\r\n"),
        ("C", b"NOOP " + coded(s) + b"\r\n"),
    ],
}
POP3: dict[str, Callable[[bytes], Said]] = {
    "pass": lambda s: [("C", b"USER bob\r\nPASS " + s + b"\r\n"), ("S", b"+OK\r\n+OK\r\n")],
    "small": lambda s: [("C", b"user bob\r\npass " + s + b"\r\n"), ("S", b"+OK\r\n-ERR no\r\n")],
    "torn": lambda s: [("C", b"USER bob\r\n"), ("S", b"+OK\r\n"), ("C", b"PASS " + s)],
    "apop": lambda s: [("C", b"APOP bob " + s + b"\r\n"), ("S", b"+OK\r\n")],
    "apop without name": lambda s: [("C", b"APOP " + s.replace(b" ", b"") + b"\r\n"), ("S", b"-ERR\r\n")],
    "auth": lambda s: [("C", b"AUTH PLAIN " + coded(s) + b"\r\n"), ("S", b"+OK\r\n")],
    "unheard of": lambda s: [
        ("C", b"AUTH UNHEARD-OF\r\n"),
        ("S", b"+ x\r\n"),
        ("C", coded(s) + b"\r\n"),
        ("S", b"+ y\r\n"),
        ("C", b"*\r\n"),
        ("S", b"-ERR cancelled\r\n"),
    ],
    "no mechanism at all": lambda s: [("C", b"AUTH\r\n"), ("S", b"+ x\r\n"), ("C", coded(s) + b"\r\n")],
    "empty arguments": lambda s: [
        ("C", b"PASS \r\nPASS\r\nAPOP\r\nAPOP bob\r\nAUTH \r\nAUTH PLAIN =\r\n"),
        ("S", b"-ERR\r\n-ERR\r\n-ERR\r\n-ERR\r\n-ERR\r\n+ \r\n"),
        ("C", coded(s) + b"\r\n"),
    ],
    "auth not coded": lambda s: [("C", b"auth plain " + s + b"\r\n"), ("S", b"-ERR\r\n")],
    "small apop": lambda s: [("C", b"apop bob " + s + b"\r\n"), ("S", b"-ERR\r\n")],
    "auth in steps": lambda s: [
        ("C", b"AUTH LOGIN\r\n"),
        ("S", b"+ VXNlcm5hbWU6\r\n"),
        ("C", coded(b"bob") + b"\r\n"),
        ("S", b"+ UGFzc3dvcmQ6\r\n"),
        ("C", coded(s) + b"\r\n"),
        ("S", b"+OK\r\n"),
    ],
    "auth refused": lambda s: [("C", b"AUTH LOGIN\r\n" + coded(s) + b"\r\n"), ("S", b"-ERR\r\n-ERR\r\n")],
    "no mechanism": lambda s: [("C", b"AUTH " + s + b"\r\n"), ("S", b"-ERR\r\n")],
    "misspelt": lambda s: [("C", b"USER bob\r\nPAS " + s + b"\r\n"), ("S", b"+OK\r\n-ERR\r\n")],
    "torn answer": lambda s: [("C", b"AUTH LOGIN\r\n"), ("S", b"+ \r\n"), ("C", coded(s))],
}
IMAP: dict[str, Callable[[bytes], Said]] = {
    "quoted": lambda s: [("C", b"a LOGIN bob " + quoted(s) + b"\r\n"), ("S", b"a OK\r\n")],
    "both quoted": lambda s: [("C", b'a login "bob \\" x" ' + quoted(s) + b"\r\n"), ("S", b"a NO\r\n")],
    "atom": lambda s: [("C", b"a LOGIN bob " + s.replace(b" ", b"") + b"\r\n"), ("S", b"a OK\r\n")],
    "literals": lambda s: [
        ("C", b"a LOGIN {3}\r\n"),
        ("S", b"+ go\r\n"),
        ("C", b"bob {%d}\r\n" % len(s)),
        ("S", b"+ go\r\n"),
        ("C", s + b"\r\n"),
        ("S", b"a OK\r\n"),
    ],
    "literals at once": lambda s: [
        ("C", b"a LOGIN {3+}\r\nbob {%d+}\r\n" % len(s) + s + b"\r\n"),
        ("S", b"a OK\r\n"),
    ],
    "literal and quoted": lambda s: [("C", b"a LOGIN {3+}\r\nbob " + quoted(s) + b"\r\n"), ("S", b"a OK\r\n")],
    "refused literal": lambda s: [
        ("C", b"a LOGIN bob {%d}\r\n" % len(s)),
        ("S", b"a BAD no\r\n"),
        ("C", s + b"\r\n"),
        ("S", b"* BAD what\r\n"),
    ],
    "refused literal that is taken for a tag": lambda s: [
        ("C", b"a LOGIN bob {%d}\r\n" % len(s)),
        ("S", b"a BAD no\r\n"),
        ("C", s + b"\r\n"),
        ("S", s.partition(b" ")[0] + b" BAD what\r\n"),
    ],
    "one argument": lambda s: [("C", b"a LOGIN " + s.replace(b" ", b"") + b"\r\n"), ("S", b"a BAD\r\n")],
    "no tag": lambda s: [("C", b"LOGIN bob " + s + b"\r\n"), ("S", b"LOGIN BAD\r\n")],
    "with response": lambda s: [("C", b"a AUTHENTICATE PLAIN " + coded(s) + b"\r\n"), ("S", b"a OK\r\n")],
    "unheard of": lambda s: [
        ("C", b"a AUTHENTICATE UNHEARD-OF\r\n"),
        ("S", b"+ x\r\n"),
        ("C", coded(s) + b"\r\n"),
        ("S", b"+ y\r\n"),
        ("C", b"*\r\n"),
        ("S", b"a BAD cancelled\r\n"),
    ],
    "no mechanism at all": lambda s: [
        ("C", b"a AUTHENTICATE\r\nb AUTHENTICATE \r\n"),
        ("S", b"a BAD\r\n+ x\r\n"),
        ("C", coded(s) + b"\r\n"),
    ],
    "empty arguments": lambda s: [
        ("C", b'a LOGIN\r\nb LOGIN bob\r\nc LOGIN bob ""\r\nd LOGIN "" ' + quoted(s) + b"\r\ne LOGIN bob \r\n"),
        ("S", b"a BAD\r\nb BAD\r\nc NO\r\nd NO\r\ne BAD\r\n"),
    ],
    "repeated": lambda s: [
        ("C", b"a LOGIN bob " + quoted(s) + b"\r\n"),
        ("S", b"a NO not " + s + b"\r\n"),
        ("C", b"b NOOP " + s + b"\r\n"),
    ],
    "equal ends": lambda s: [("C", b"a LOGIN bob xsecretx\r\n"), ("S", b"a NO not xsecretx nor secret\r\n")],
    "more arguments": lambda s: [("C", b"a LOGIN bob " + s + b" " + s + b" {3+}\r\nxyz " + s + b"\r\n")],
    "half quoted": lambda s: [("C", b'a LOGIN bob "' + s + b"\r\nb LOGIN bob " + s + b'"\r\n')],
    "not coded": lambda s: [("C", b"a authenticate plain " + s + b"\r\n"), ("S", b"a BAD\r\n")],
    "in steps": lambda s: [
        ("C", b"a AUTHENTICATE LOGIN\r\n"),
        ("S", b"+ VXNlcm5hbWU6\r\n"),
        ("C", coded(b"bob") + b"\r\n"),
        ("S", b"+ UGFzc3dvcmQ6\r\n"),
        ("C", coded(s) + b"\r\n"),
        ("S", b"a OK\r\n"),
    ],
    "pipelined": lambda s: [
        ("C", b"a AUTHENTICATE PLAIN\r\n" + coded(s) + b"\r\nb NOOP\r\n"),
        ("S", b"+ \r\na OK\r\nb OK\r\n"),
    ],
    "refused": lambda s: [
        ("C", b"a AUTHENTICATE PLAIN\r\n" + coded(s) + b"\r\n"),
        ("S", b"a NO\r\n* BAD\r\n"),
    ],
    "no mechanism": lambda s: [("C", b"a AUTHENTICATE " + s + b"\r\n"), ("S", b"a BAD\r\n")],
    "token in a URL": lambda s: [
        ("C", b"a LOGIN bob builder\r\n"),
        ("S", b"a OK\r\n* GENURLAUTH imap://bob@h/INBOX/;uid=1;urlauth=anonymous:internal:6b39717a77\r\n"),
        ("C", b"b URLFETCH imap://bob@h/INBOX/;uid=1;urlauth=anonymous:internal:6b39717a77\r\n"),
        ("S", s and b"b OK\r\n"),
    ],
    "torn": lambda s: [("C", b"a LOGIN bob " + quoted(s))],
    "torn answer": lambda s: [("C", b"a AUTHENTICATE PLAIN\r\n"), ("S", b"+ \r\n"), ("C", coded(s))],
    "torn literal": lambda s: [("C", b"a LOGIN bob {99+}\r\n" + s)],
    "unknown": lambda s: [("C", b"a LOGIN bob x\r\na XLOGIN {%d+}\r\n" % len(s) + s + b"\r\n"), ("S", b"a BAD\r\n")],
}
MANAGESIEVE: dict[str, Callable[[bytes], Said]] = {
    "quoted": lambda s: [("C", b'AUTHENTICATE "PLAIN" ' + quoted(coded(s)) + b"\r\n"), ("S", b"OK\r\n")],
    "literal": lambda s: [
        ("C", b'AUTHENTICATE "PLAIN" {%d+}\r\n' % len(coded(s)) + coded(s) + b"\r\n"),
        ("S", b'NO "x"\r\n'),
    ],
    "unheard of": lambda s: [
        ("C", b'AUTHENTICATE "UNHEARD-OF"\r\n'),
        ("S", b'"x"\r\n'),
        ("C", quoted(coded(s)) + b"\r\n"),
        ("S", b'"y"\r\n'),
        ("C", b'"*"\r\n'),
        ("S", b"NO cancelled\r\n"),
    ],
    "no mechanism at all": lambda s: [
        ("C", b"AUTHENTICATE\r\n" + quoted(s) + b'\r\nAUTHENTICATE \r\n"*"\r\n'),
        ("S", b"NO\r\nNO\r\n"),
    ],
    "empty response": lambda s: [
        ("C", b'AUTHENTICATE "PLAIN" ""\r\n' + quoted(s) + b"\r\n"),
        ("S", b"NO\r\n"),
    ],
    "not coded": lambda s: [("C", b'authenticate "plain" ' + quoted(s) + b"\r\n"), ("S", b"NO\r\n")],
    "bare": lambda s: [("C", b"authenticate plain " + s + b"\r\n"), ("S", b"NO\r\n")],
    "in steps": lambda s: [
        ("C", b'AUTHENTICATE "LOGIN"\r\n'),
        ("S", b'"VXNlcm5hbWU6"\r\n'),
        ("C", quoted(coded(b"bob")) + b"\r\n"),
        ("S", b"{12}\r\nUGFzc3dvcmQ6\r\n"),
        ("C", b"{%d+}\r\n" % len(coded(s)) + coded(s) + b"\r\n"),
        ("S", b"OK\r\n"),
    ],
    "no mechanism": lambda s: [("C", b"AUTHENTICATE " + quoted(s) + b"\r\n"), ("S", b"NO\r\n")],
    "refused": lambda s: [
        ("C", b'AUTHENTICATE "PLAIN"\r\n' + quoted(coded(s)) + b"\r\n"),
        ("S", b"NO\r\nNO\r\n"),
    ],
    "misspelt": lambda s: [
        ("C", b'AUTHENTICATE "PLAIN" "="\r\n'),
        ("S", b"NO\r\n"),
        ("C", b"LOGIN bob " + s + b"\r\n"),
    ],
    "torn": lambda s: [("C", b'AUTHENTICATE "PLAIN" "' + coded(s))],
}
CASES = [
    (protocol, name)
    for protocol, cases in (("smtp", SMTP), ("pop3", POP3), ("imap", IMAP), ("managesieve", MANAGESIEVE))
    for name in cases
]
ALL = {"smtp": SMTP, "pop3": POP3, "imap": IMAP, "managesieve": MANAGESIEVE}
GREETING = {"smtp": b"220 x\r\n", "pop3": b"+OK x\r\n", "imap": b"* OK x\r\n", "managesieve": b"OK\r\n"}


def lines_of(protocol: str, said: Said, sizes: list[int]) -> list[Line]:
    observer = observer_of(opened(protocol))
    observer.take(Side.SERVER, GREETING[protocol], 0.0, tls=False)
    for turn, (side, octets) in enumerate(said):
        for piece in pieces(octets, sizes[turn % len(sizes)]):
            observer.take(Side.CLIENT if side == "C" else Side.SERVER, piece, 0.0, tls=False)
    observer.end()
    return observer.lines


@pytest.mark.parametrize(("protocol", "name"), CASES, ids=lambda value: value.replace(" ", "-"))
@given(secret=SECRETS, sizes=st.lists(st.sampled_from([1, 2, 3, 5, 8, 13, 1000]), min_size=1, max_size=6))
@settings(max_examples=25)
def test_no_secret_is_in_a_transcript(protocol: str, name: str, secret: bytes, sizes: list[int]) -> None:
    lines = lines_of(protocol, ALL[protocol][name](secret), sizes)
    text = "\n".join(line.text for line in lines)
    for form in (secret, coded(secret), coded(b"\0bob\0" + secret), secret.replace(b" ", b""), quoted(secret)[1:-1]):
        assert form.decode() not in text
        assert form.decode()[:8] not in text
    assert any(line.blank for line in lines)
    assert "6b39717a77" not in text


class Wall:
    """A clock that stands still."""

    def now(self) -> float:
        return 5.0


def test_a_recorded_session_and_its_dialogue_have_none_either() -> None:
    recorder = Recorder(Wall(), sessions=10, size=1 << 20, memory=1 << 20)  # type: ignore[arg-type]
    tape = recorder.opened(opened("pop3"))
    tape.sent(b"+OK\r\n", 1.0, tls=False)
    tape.received(b"USER bob\r\nPASS hunter22\r\n", 1.0, tls=False)
    tape.sent(b"+OK\r\n-ERR not hunter22\r\n", 1.0, tls=False)
    shown = whole(tape, None)
    assert "hunter22" not in str(shown)
    text = dialogue_of(shown)
    assert "hunter22" not in text
    assert "C: PASS {?password}" in text
    assert "S: -ERR not {?password}" in text


def test_secrets_have_names() -> None:
    secrets = Secrets()
    assert secrets.name(b"first!", "password") == "{?password}"
    assert secrets.name(b"second", "password") == "{?password.2}"
    assert secrets.name(b"second", "password") == "{?password.2}"
    assert secrets.name(b"ab", "plain") == "{?plain}"  # too short to be looked for elsewhere
    assert secrets.spoken(b"ab first! second") == ("ab {?password} {?password.2}", True)
    assert secrets.spoken(b"nothing") == ("nothing", False)


def test_by_what_the_relay_names_a_world_is_no_ones_to_read() -> None:
    lines = lines_of("smtp", [("C", b"MAIL FROM:<a@x.test> SIZE=9 XWORLD=shop.0123abcd0123abcd\r\n")], [7])
    assert lines[-1].text == "MAIL FROM:<a@x.test> SIZE=9 XWORLD=shop.{?xworld}"
    assert lines[-1].blank


def test_nor_is_it_in_a_session_that_carries_the_mail_of_many_worlds() -> None:
    """Relay and store keep a session for as long as there is mail, and each world has a MAC of its own."""
    secrets = Secrets()
    for number in range(1, MOST + 100):
        name = "{?xworld}" if number == 1 else f"{{?xworld.{number}}}"
        mail = b"MAIL FROM:<> XWORLD=w%d.%032x" % (number, number)
        assert secrets.spoken(mail) == (f"MAIL FROM:<> XWORLD=w{number}.{name}", True)
        assert secrets.spoken(b"%032x?" % number) == (f"{name}?", True)
    first_of_latest = MOST + 100 - LATEST
    assert secrets.spoken(b"%032x" % first_of_latest) == (f"{{?xworld.{first_of_latest}}}", True)
    assert secrets.spoken(b"%032x" % (first_of_latest - 1)) == (f"{first_of_latest - 1:032x}", False)


def test_a_line_may_have_more_secrets_than_are_remembered() -> None:
    url = b"imap://x/;URLAUTH=anonymous:internal:%032x "
    text, blank = Secrets().spoken(b"".join([url % number for number in range(2 * LATEST)]))
    assert blank
    assert text.count("{?urlauth") == 2 * LATEST
    assert "0000" not in text


def test_of_two_secrets_the_longer_one_is_named() -> None:
    secrets = Secrets()
    for secret in (b"secret", b"secrets", b"etsab"):
        secrets.name(secret, "password")
    assert secrets.spoken(b"secretsecretsab secret") == ("{?password.2}ecr{?password.3} {?password}", True)


def test_what_comes_again_where_it_is_written_has_its_name_again() -> None:
    secrets = Secrets()
    assert secrets.name(b"0123abcd", "password") == "{?password}"
    assert secrets.spoken(b"A XWORLD=w.0123abcd B") == ("A XWORLD=w.{?password} B", True)
    assert secrets.spoken(b"A XWORLD=w.0123 B") == ("A XWORLD=w.0123 B", False)  # too short for a MAC
    for _ in range(2):
        assert secrets.spoken(b"A XWORLD=w.01234567 B") == ("A XWORLD=w.{?xworld} B", True)


@pytest.mark.parametrize(
    ("word", "name"),
    [
        (b"plain", "PLAIN"),
        (b"SCRAM-SHA-256-PLUS", "SCRAM-SHA-256-PLUS"),
        (b"SCRAM-SHA-1", "SCRAM-SHA-1"),
        (b"hunter2", None),
    ],
)
def test_mechanisms(word: bytes, name: str | None) -> None:
    assert mechanism_in(word) == name


def test_short_secrets_are_not_looked_for_nor_more_than_so_many() -> None:
    secrets = Secrets()
    assert secrets.name(b"abcd", "password") == "{?password}"
    assert secrets.spoken(b"xabcdx") == ("xabcdx", False)
    assert secrets.name(b"abcde", "password") == "{?password.2}"
    assert secrets.spoken(b"xabcdex") == ("x{?password.2}x", True)
    for number in range(3, MOST + 2):
        secrets.name(b"secret%d." % number, "password")
    assert secrets.spoken(b"secret%d." % MOST) == (f"{{?password.{MOST}}}", True)
    assert secrets.spoken(b"secret%d." % (MOST + 1)) == (f"secret{MOST + 1}.", False)
