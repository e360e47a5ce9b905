"""The letters that Sieve writes, octet by octet; POSTROAD_GOLDEN=write writes them anew."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from postroad_store.sieve import letters
from postroad_store.sieve.actions import Respond
from postroad_store.sieve.message import Message

HERE = Path(__file__).parent / "sieve"
ORIGIN = letters.Origin("mx.beta.test", "bob@beta.test", 1_700_000_000.0, "u1")
KNOWN = b"\r\n ".join(b"<%d@a>" % number for number in range(25))
PLAIN = Message(b"Subject: Hi\r\nMessage-ID: <1@a>\r\nReferences: <0@a>\r\n <x@a>\r\n\r\nbody\r\n")
REPLY = Message(b"Message-ID: <1@a>\r\nIn-Reply-To: <0@a>\r\n\r\nbody\r\n")
LONG = Message(
    b"Subject: %b\r\nMessage-ID: <1@a>\r\nReferences:\r\n %b\r\n <%b@a>\r\n\r\n" % (b"s" * 600, KNOWN, b"x" * 500)
)
BARE = Message(b"\r\nbody\r\n")
SENT = b"Return-Path: <a@b>\r\nSubject: Hi\r\n\r\nbody\r\n"


def vacation(reason: str, *, subject: str = "Away", mime: bool = False) -> Respond:
    return Respond("h", 7, reason, subject, "Bob <bob@beta.test>", mime)


LETTERS = {
    "vacation": letters.response(ORIGIN, PLAIN, vacation("Gone.\rBack\nsoon\r\n"), "alice@alpha.test"),
    "vacation-mime": letters.response(
        ORIGIN, BARE, vacation("Content-Type: text/html\r\n\r\n<p>Gone\0", mime=True), "alice@alpha.test"
    ),
    "vacation-long": letters.response(
        ORIGIN, LONG, vacation("Grüße " * 200 + "\n" + "x" * 989 + "\n" + "y" * 990, subject="ü" * 1200), "a@b"
    ),
    "vacation-reply": letters.response(ORIGIN, REPLY, vacation("Gone."), "alice@alpha.test"),
    "reject": letters.disposition(ORIGIN, PLAIN, "No,  thanks", "alice@alpha.test", "bob@beta.test"),
    "reject-bare": letters.disposition(ORIGIN, BARE, "Nein, größer", "alice@alpha.test", "bob@beta.test"),
    "ereject": letters.refusal(ORIGIN, PLAIN, "No", "alice@alpha.test", "bob@beta.test"),
    "ereject-long": letters.refusal(ORIGIN, LONG, "No", "alice@alpha.test", "bob@beta.test"),
    "redirect": letters.redirected(ORIGIN, SENT, SENT.index(b"body")),
}


@pytest.mark.parametrize("name", LETTERS)
def test_letters_are_the_golden_ones(name: str) -> None:
    path = HERE / f"{name}.eml"
    if os.environ.get("POSTROAD_GOLDEN") == "write":
        HERE.mkdir(exist_ok=True)
        path.write_bytes(LETTERS[name])
    assert LETTERS[name] == path.read_bytes()
    assert max(map(len, LETTERS[name].split(b"\r\n"))) <= 998  # RFC 5322 §2.1.1


def test_what_no_letter_may_have_is_left_out() -> None:
    letter = letters.response(ORIGIN, PLAIN, vacation("a\0b\rc\r\nd\n\n"), "alice@alpha.test")
    assert letter.partition(b"\r\n\r\n")[2] == b"ab\r\nc\r\nd\r\n\r\n"


def test_each_part_ends_with_its_own_line_end() -> None:
    for message, shown in ((b"Subject: x\r\n\r\nbody", b"Subject: x\r\n\r\n"), (b"Subject: x", b"Subject: x\r\n")):
        letter = letters.refusal(ORIGIN, Message(message), "No", "alice@alpha.test", "bob@beta.test")
        assert letter.endswith(b"Content-Type: text/rfc822-headers\r\n\r\n" + shown + b"\r\n--=_u1--\r\n")


def test_no_more_of_a_header_section_is_returned_than_so_much() -> None:
    long = Message(b"X: %b\r\n\r\n" % (b"x" * letters.RETURNED))
    assert letters.refusal(ORIGIN, long, "No", "a@b", "c@d").count(b"x") < letters.RETURNED + 100
