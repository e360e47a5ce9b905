"""The structure of a part, found in that of the message."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from postroad.mime.bodies import body_of, elements
from postroad.mime.part import Kind
from postroad.mime.structure import parse, unpack

MESSAGE = (
    b'Subject: "a" (b\r\nContent-Type: multipart/mixed; boundary=x\r\n\r\n'
    b'--x\r\nContent-Type: text/html; charset="a)b"\r\nContent-Description: \xc3\xa4 )\r\n\r\none\r\n'
    b"--x\r\nContent-Type: message/rfc822\r\n\r\nSubject: in\r\nContent-Type: multipart/alternative; boundary=y\r\n\r\n"
    b"--y\r\n\r\nplain\r\n--y\r\nContent-Type: image/png\r\n\r\nxyz\r\n--y--\r\n"
    b"--x\r\nContent-Type: message/rfc822\r\n\r\nSubject: single\r\n\r\nalone\r\n"
    b"--x\r\nContent-Type: message/rfc822\r\nContent-Transfer-Encoding: base64\r\n\r\nSubject: single\r\n\r\nalone\r\n"
    b"--x\r\nContent-Type: message/delivery-status\r\n\r\nReporting-MTA: dns; x\r\n"
    b"--x--\r\n"
)


def test_elements() -> None:
    assert elements(b'("a b" NIL (x (y)) {3}\r\n)"( 12)') == [b'"a b"', b"NIL", b"(x (y))", b'{3}\r\n)"(', b"12"]
    assert elements(b"()") == []
    assert elements(b"({ x)") == [b"{", b"x"]


@pytest.mark.parametrize(
    ("numbers", "begins"),
    [
        ((), b"(("),
        ((1,), b'("text" "html" ("charset" "a)b") NIL {4}\r\n\xc3\xa4 ) "7bit" 3 0'),
        ((2,), b'("message" "rfc822" '),
        ((2, 1), b'("text" "plain" '),
        ((2, 2), b'("image" "png" NIL NIL NIL "7bit" 3)'),
        ((2, 3), None),
        ((3, 1), b'("text" "plain" '),
        ((3, 1, 1), None),
        ((3, 2), None),
        ((4, 1), b'("text" "plain" '),
        ((5,), b'("message" "delivery-status" '),
        ((5, 1), None),
        ((6,), None),
        ((1, 1), None),
    ],
)
def test_parts(numbers: tuple[int, ...], begins: bytes | None) -> None:
    structure = body_of(parse(MESSAGE).body, numbers)
    assert (structure is None) == (begins is None)
    assert begins is None or structure is not None
    if begins is not None and structure is not None:
        assert structure.startswith(begins)


def test_a_message_that_is_nothing_but_a_message() -> None:
    body = parse(b"Content-Type: message/rfc822\r\n\r\nSubject: single\r\n\r\nalone\r\n").body
    inner = body_of(body, (1, 1))
    assert body_of(body, (1,)) == body
    assert inner is not None
    assert inner.startswith(b'("text" "plain" ')
    assert body_of(body, (1, 2)) is None


def test_the_only_part() -> None:
    body = parse(b"Content-Type: multipart/mixed; boundary=x\r\n\r\n--x\r\n\r\none\r\n--x--\r\n").body
    structure = body_of(body, (1,))
    assert structure is not None
    assert structure.startswith(b'("text" "plain" ')
    assert body_of(body, (2,)) is None


TEXT = st.sampled_from([b"a", b'"', b"(", b")", b"\\", b"{3}", b" ", b"\xe4", b"\0"])


@given(st.lists(TEXT, max_size=8).map(b"".join), st.lists(st.integers(1, 3), max_size=3).map(tuple))
def test_the_tree_agrees(words: bytes, numbers: tuple[int, ...]) -> None:
    content = MESSAGE.replace(b"xyz", words).replace(b"one", words).replace(b"Subject: in", b"Subject: " + words)
    content = content.replace(b"image/png", b"image/png; name=" + words)
    parsed = parse(content)
    part = unpack(parsed.parts, parsed.header_size, len(content)).find(numbers)
    structure = body_of(parsed.body, numbers)
    assert (part is None) == (structure is None)
    if part is not None and structure is not None and part.kind is Kind.LEAF and numbers:
        assert b" %d" % (part.end - part.body) in structure
