"""Transfer encodings, undone in pieces."""

from __future__ import annotations

import base64
import quopri

import pytest
from hypothesis import given
from hypothesis import strategies as st

from postroad.mime.decoding import MAX_LINE, Decoder, decoder, encoding_of

LINES = (b"utf-8", b"iso-8859-1", b"x-unknown", b"utf-7", b"iso-2022-jp")
NO_LINES = (b"utf-16", b"UTF-16LE", b"utf-32be", b"cp037")


def decoded(octets: bytes, encoding: bytes, *, is_text: bool = False, size: int = 1 << 20) -> bytes:
    undo = decoder(encoding, is_text=is_text)
    assert undo is not None
    pieces = [undo.feed(octets[at : at + size]) for at in range(0, len(octets), size)]
    return b"".join([*pieces, undo.finish()])


@pytest.mark.parametrize(
    ("octets", "expected"),
    [
        (b"YWJj", b"abc"),
        (b"YW Jj\r\nZGVm\r\n", b"abcdef"),
        (b"YQ==", b"a"),
        (b"YWI=", b"ab"),
        (b"YQ", b"a"),
        (b"YWI", b"ab"),
        (b"YWJjZ", b"abc"),  # half an octet
        (b"YWJj!!Z*GVm", b"abcdef"),
        (b"YQ==YQ==", b"a"),  # padding ends the data
        (b"=YQ==", b"a"),
        (b"=YWJj=YQ==", b"abca"),
        (b"=YWJj", b"abc"),  # an equals sign that pads nothing
        (b"=Y=WJj=ZGVm", b"abcdef"),
        (b"", b""),
        (b"=====", b""),
    ],
)
@pytest.mark.parametrize("size", [1, 2, 5, 100])
def test_base64(octets: bytes, expected: bytes, size: int) -> None:
    assert decoded(octets, b"base64", size=size) == expected


@pytest.mark.parametrize(
    ("octets", "expected"),
    [
        (b"a=3Db", b"a=b"),
        (b"=e4", b"\xe4"),
        (b"soft=\r\nline", b"softline"),
        (b"soft=\nline", b"softline"),
        (b"soft= \t\r\nline", b"softline"),
        (b"end  \r\nnext\t\r\n", b"end\r\nnext\r\n"),
        (b"end \n x", b"end\n x"),
        (b"endX \r\nX \r\n", b"endX\r\nX\r\n"),
        (b"last  ", b"last"),
        (b"last=", b"last"),
        (b"a=ZZb=3D", b"a=ZZb="),
        (b"a==3D", b"a=="),
        (b"a=\rb", b"a=\rb"),
        (b"a=\rb=3D=\r\n", b"a=\rb="),
        (b"a_b", b"a_b"),
        (b"a\rb \r\n", b"a\rb\r\n"),
    ],
)
@pytest.mark.parametrize("size", [1, 2, 5, 100])
def test_quoted_printable(octets: bytes, expected: bytes, size: int) -> None:
    assert decoded(octets, b"quoted-printable", size=size) == expected


@pytest.mark.parametrize(
    ("tail", "rest", "expected"),
    [
        (b"=", b"3D", b"="),
        (b"=3", b"D", b"="),
        (b"=3D", b"", b"="),
        (b"=3D3D", b"=3D", b"=3D="),
        (b" \t", b"", b""),
        (b" \t", b"x", b" \tx"),
        (b"x", b"", b"x"),
        (b"= ", b"", b""),
        (b"=", b"\r\nx", b"x"),
    ],
)
def test_long_line(tail: bytes, rest: bytes, expected: bytes) -> None:
    line = b"x" * (MAX_LINE + 10) + tail
    undo = decoder(b"quoted-printable", is_text=False)
    assert undo is not None
    first = undo.feed(line)
    assert len(first) >= MAX_LINE
    assert first + undo.feed(rest) + undo.finish() == b"x" * (MAX_LINE + 10) + expected


def test_a_long_line_behind_others() -> None:
    assert decoded(b"a\r\n" + b"=3D" * 30_000, b"quoted-printable") == b"a\r\n" + b"=" * 30_000


def test_white_space_without_end() -> None:
    undo = decoder(b"quoted-printable", is_text=False)
    assert undo is not None
    assert undo.feed(b" " * (MAX_LINE + 1)) == b" " * (MAX_LINE + 1)
    assert undo.feed(b" " * MAX_LINE) == b""
    assert undo.feed(b"\n") == b"\n"


@pytest.mark.parametrize("encoding", [b"7bit", b"8bit", b"binary"])
@pytest.mark.parametrize("is_text", [True, False])
def test_identity(encoding: bytes, is_text: bool) -> None:
    assert decoded(b"a\nb\r\n\0", encoding, is_text=is_text) == b"a\nb\r\n\0"


def test_unknown() -> None:
    assert decoder(b"x-uuencode", is_text=True) is None


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (b"a\nb\n", b"a\r\nb\r\n"),
        (b"a\r\nb\n", b"a\r\nb\r\n"),
        (b"\n\n", b"\r\n\r\n"),
        (b"a\rb", b"a\rb"),
        (b"a\r\n", b"a\r\n"),
        (b"ab\rcd\n", b"ab\rcd\r\n"),
        (b"ab\r\ncd\n", b"ab\r\ncd\r\n"),
        (b"", b""),
    ],
)
@pytest.mark.parametrize("size", [1, 2, 3, 4, 8, 100])
def test_lines_of_text(text: bytes, expected: bytes, size: int) -> None:
    assert decoded(base64.b64encode(text), b"base64", is_text=True, size=size) == expected
    assert decoded(base64.b64encode(text), b"base64", size=size) == text


@given(st.binary(), st.sampled_from([b"base64", b"quoted-printable", b"8bit"]), st.booleans(), st.integers(1, 9))
def test_pieces_and_whole_are_one(octets: bytes, encoding: bytes, is_text: bool, size: int) -> None:
    assert decoded(octets, encoding, is_text=is_text, size=size) == decoded(octets, encoding, is_text=is_text)


@given(st.binary(), st.integers(1, 9))
def test_what_is_encoded_comes_back(octets: bytes, size: int) -> None:
    assert decoded(base64.encodebytes(octets), b"base64", size=size) == octets
    # quopri takes a CRLF for an LF and leaves it; encode as binary, where no line end is left
    binary = quopri.encodestring(octets).replace(b"\n", b"\r\n") if b"\n" not in octets and b"\r" not in octets else b""
    if binary:
        assert decoded(binary, b"quoted-printable", size=size) == octets


@given(st.binary(), st.integers(0, 40), st.sampled_from([b"base64", b"quoted-printable"]), st.booleans())
def test_fork_keeps_the_place(octets: bytes, at: int, encoding: bytes, is_text: bool) -> None:
    undo = decoder(encoding, is_text=is_text)
    assert undo is not None
    undo.feed(octets[:at])
    other: Decoder = undo.fork()
    rest = undo.feed(octets[at:]) + undo.finish()
    assert other.feed(octets[at:]) + other.finish() == rest


@pytest.mark.parametrize(
    ("header", "expected"),
    [
        (b"\r\n", (b"7bit", True)),
        (b"Content-Type: text/html\r\nContent-Transfer-Encoding: BASE64\r\n\r\n", (b"base64", True)),
        (b"Content-Type: image/png\r\nContent-Transfer-Encoding: base64 (x)\r\n\r\n", (b"base64", False)),
        (b"Content-Type: image/png\r\nContent-Type: text/plain\r\n\r\n", (b"7bit", False)),
        (b"Content-Type: nothing\r\nContent-Transfer-Encoding: x-foo\r\n\r\n", (b"x-foo", True)),
        *((b"Content-Type: text/plain; charset=%b\r\n\r\n" % charset, (b"7bit", True)) for charset in LINES),
        *((b"Content-Type: text/plain; charset=%b\r\n\r\n" % charset, (b"7bit", False)) for charset in NO_LINES),
        (b"Content-Type: image/svg; charset=utf-8\r\n\r\n", (b"7bit", False)),
    ],
)
def test_encoding_of(header: bytes, expected: tuple[bytes, bool]) -> None:
    assert encoding_of(header) == expected
