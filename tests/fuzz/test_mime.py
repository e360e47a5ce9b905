"""The MIME parser on any octets: it never fails, and what it says is about the octets it was given."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from hypothesis import given, settings
from hypothesis import strategies as st

from postroad.mime.addresses import _common, _Parser, address_list
from postroad.mime.part import Kind, Part
from postroad.mime.structure import parse, unpack
from postroad.mime.text import decode_words, is_plain, text

if TYPE_CHECKING:
    from collections.abc import Iterator

EXAMPLES = settings(max_examples=300)

# Octets that mean something somewhere, more often than others.
_PIECES = [
    b"\r\n",
    b"\n",
    b"\r",
    b"\r\n\r\n",
    b" ",
    b"\t",
    b"--a",
    b"--a--",
    b"--ab",
    b"--b--",
    b"Content-Type: multipart/mixed; boundary=a\r\n",
    b'Content-Type: multipart/digest; boundary="ab"\r\n',
    b"Content-Type: multipart/mixed; boundary*0=b; boundary*1*=''%61\r\n",
    b"Content-Type: message/rfc822\r\n",
    b"Content-Type: text/html; charset=utf-16\r\n",
    b"Content-Transfer-Encoding: base64\r\n",
    b"Content-Transfer-Encoding: quoted-printable\r\n",
    b"Content-Disposition: x; filename=",
    b"From: ",
    b"Subject: =?utf-8?q?=C3?= =?utf-8?b?qQ?=",
    b"Date: 1 Jan 2024",
    b"\xff",
    b"\x00",
    b'"',
    b"\\",
    b"(",
    b")",
    b"<",
    b">",
    b"@",
    b",",
    b";",
    b":",
    b"=?",
    b"?=",
    b"word",
]
octets = st.lists(st.sampled_from(_PIECES) | st.binary(max_size=3), max_size=60).map(b"".join)
values = st.lists(st.sampled_from([*b'ab \t"\\()<>@,;:.[]\xc3\xa9']), max_size=30).map(bytes)


def parts(part: Part) -> Iterator[Part]:
    yield part
    for child in part.children:
        yield from parts(child)


@EXAMPLES
@given(octets)
def test_offsets_lie_in_the_content_and_in_order(content: bytes) -> None:
    parsed = parse(content)
    root = unpack(parsed.parts, parsed.header_size, len(content))
    assert (root.start, root.body) == (0, parsed.header_size)
    assert root.end == len(content)
    for part in parts(root):
        assert 0 <= part.start <= part.body <= part.end <= len(content)
        position = part.body
        for child in part.children:
            assert position <= child.start
            assert child.end <= part.end
            position = child.end
        if part.kind is Kind.MESSAGE:
            (inside,) = part.children
            assert (inside.start, inside.end) == (part.body, part.end)


@EXAMPLES
@given(octets)
def test_what_is_written_is_well_formed(content: bytes) -> None:
    parsed = parse(content)
    for written in (parsed.envelope, parsed.body, parsed.bodystructure):
        assert well_formed(written)


_ITEM = re.compile(rb'\(|\)|NIL|\d+|"[^"\\\x00\r\n\x80-\xff]*"|\{(\d+)\}\r\n| ')


def well_formed(written: bytes) -> bool:
    """Whether it is one parenthesized list of strings, numbers and lists."""
    depth = position = 0
    while position < len(written):
        match = _ITEM.match(written, position)
        if match is None:
            return False
        position = match.end()
        if match[1]:
            literal = written[position : position + int(match[1])]
            if len(literal) < int(match[1]) or b"\0" in literal:
                return False
            position += int(match[1])
        depth += (match[0] == b"(") - (match[0] == b")")
        if depth == 0 and position < len(written):
            return False
    return depth == 0


@EXAMPLES
@given(octets)
def test_text_to_be_searched(content: bytes) -> None:
    parsed = parse(content)
    header, body = text(content, parsed)
    header.decode()
    body.decode()
    if is_plain(content, parsed):  # then the message itself has the same text
        assert body == content[parsed.header_size :].lower()


@EXAMPLES
@given(values)
def test_addresses(value: bytes) -> None:
    assert not (addresses := address_list(value)) or well_formed(b"(" + addresses + b")")
    common = _common(value)
    assert common is None or common == _Parser(value).run()


@EXAMPLES
@given(octets)
def test_encoded_words(value: bytes) -> None:
    decode_words(value)


def test_the_check_itself() -> None:
    assert well_formed(b'(NIL "a" (1 {2}\r\n"))("x"))')
    for broken in (b"(", b"())", b"(a)", b'("\xff")', b"({9}\r\nx)", b"() ()"):
        assert not well_formed(broken)
