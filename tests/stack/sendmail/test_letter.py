"""Messages as programs hand them to sendmail."""

from __future__ import annotations

import io

import pytest

from postroad_stack.sendmail.letter import Letter, addresses_of, read


@pytest.mark.parametrize(
    ("octets", "dots", "expected"),
    [
        (b"a\nb\r\nc", False, b"a\r\nb\r\nc\r\n"),
        (b"a\n.\nb\n", False, b"a\r\n"),
        (b"a\n.\nb\n", True, b"a\r\n.\r\nb\r\n"),
        (b"a\n..\n.b\n", False, b"a\r\n..\r\n.b\r\n"),
        (b"a\rb\n", True, b"a\rb\r\n"),  # the server says that it takes no bare CR
        (b"", False, b""),
    ],
)
def test_read(octets: bytes, dots: bool, expected: bytes) -> None:
    assert read(io.BytesIO(octets), dots=dots) == expected


LETTER = b"""\
To: Bob <bob@beta.test>,\r
 "Dave, the second" <dave@beta.test>\r
Subject: x\r
Bcc: carol@alpha.test\r
Cc: team: a@b.test, c@d.test;\r
From: alice@alpha.test\r
Return-Path: <x@y.test>\r
\r
Bcc: not a field\r
"""


def test_recipients_and_content() -> None:
    letter = Letter(LETTER)
    assert letter.recipients() == ["bob@beta.test", "dave@beta.test", "carol@alpha.test", "a@b.test", "c@d.test"]
    content = letter.content("me@here.test", "Me")
    assert content.startswith(b"To: Bob <bob@beta.test>,\r\n ")
    assert b"carol" not in content
    assert b"Return-Path" not in content
    assert content.endswith(b"From: alice@alpha.test\r\n\r\nBcc: not a field\r\n")


def test_a_message_that_is_sent_again() -> None:
    letter = Letter(b"Resent-To: again@b.test\r\nTo: first@b.test\r\n\r\n")
    assert letter.recipients() == ["again@b.test"]


@pytest.mark.parametrize(
    ("octets", "content"),
    [
        (b"hello\r\n", b"From: Me <me@here.test>\r\n\r\nhello\r\n"),
        (b"hello there: x\r\n", b"From: Me <me@here.test>\r\n\r\nhello there: x\r\n"),
        (b" hello\r\n", b"From: Me <me@here.test>\r\n\r\n hello\r\n"),
        (b"\r\nhello\r\n", b"From: Me <me@here.test>\r\n\r\nhello\r\n"),
        (b"Subject: x\r\nhello\r\n", b"From: Me <me@here.test>\r\nSubject: x\r\n\r\nhello\r\n"),
        (b"From root Thu Jan 1\r\nFROM : b\r\n\r\nx\r\n", b"FROM : b\r\n\r\nx\r\n"),
        (b"Subject: x\r\n", b"From: Me <me@here.test>\r\nSubject: x\r\n\r\n"),
        (b"", b"From: Me <me@here.test>\r\n\r\n"),
    ],
)
def test_what_is_missing_is_added(octets: bytes, content: bytes) -> None:
    assert Letter(octets).content("me@here.test", "Me") == content


def test_a_name_that_is_not_ascii() -> None:
    assert Letter(b"").content("me@here.test", "Zoë").startswith(b"From: =?utf-8?")
    assert Letter(b"").content("me@here.test", 'A "b" c').startswith(b'From: "A \\"b\\" c" <me@here.test>')


def test_addresses_of_the_command_line() -> None:
    assert addresses_of(["a@b.test, c@d.test", "Bob <bob@beta.test>", "root"]) == [
        *("a@b.test", "c@d.test", "bob@beta.test", "root")
    ]
