from __future__ import annotations

import pytest

from postroad_store.imap.grammar.responses import astring, nstring, string, text


@pytest.mark.parametrize(
    ("octets", "expected"),
    [
        (b"", b'""'),
        (b"a b", b'"a b"'),
        (b'a"b\\', b'"a\\"b\\\\"'),
        (b'a"b', b'"a\\"b"'),
        (b"a\\b", b'"a\\\\b"'),
        (b"a\r\nb", b"{4}\r\na\r\nb"),
        (b"\xc3\xa4", b"{2}\r\n\xc3\xa4"),
        (b"a\0", b"{2}\r\na\0"),
        (b"x" * 1000, b'"' + b"x" * 1000 + b'"'),
        (b"x" * 1001, b"{1001}\r\n" + b"x" * 1001),
        (b"a\n", b"{2}\r\na\n"),
    ],
)
def test_string(octets: bytes, expected: bytes) -> None:
    assert string(octets) == expected
    assert nstring(octets) == expected


def test_nil() -> None:
    assert nstring(None) == b"NIL"


@pytest.mark.parametrize(
    ("octets", "expected"),
    [
        (b"INBOX", b"INBOX"),
        (b"a/b]", b"a/b]"),
        (b"x%", b'"x%"'),
        (b"a b", b'"a b"'),
        (b"", b'""'),
        (b"nil", b'"nil"'),
        (b"&AOQ-", b"&AOQ-"),
        (b"a\n", b"{2}\r\na\n"),
    ],
)
def test_astring(octets: bytes, expected: bytes) -> None:
    assert astring(octets) == expected


def test_text_cannot_break_its_line() -> None:
    assert text("Mailbox doesn't exist: ä\r\n* BYE") == b"Mailbox doesn't exist: ???* BYE"
    assert text("") == b"?"
