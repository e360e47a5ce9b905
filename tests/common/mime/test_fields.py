from __future__ import annotations

import pytest

from postroad.mime.fields import (
    MAX_PARAMETERS,
    disposition,
    fields,
    header_end,
    media_type,
    tokens,
    transfer_encoding,
    unfold,
    without_comments,
)


@pytest.mark.parametrize(
    ("content", "end"),
    [
        (b"", 0),
        (b"\r\nbody", 2),
        (b"\nbody", 1),
        (b"A: b\r\n\r\nbody\r\n\r\nmore", 8),
        (b"A: b\n\nbody", 6),
        (b"A: b\n\r\nbody", 7),
        (b"A: b\r\nC: d\n\nx\r\n\r\n", 12),  # the first empty line counts, whatever its line ends
        (b"A: b\r\n\n\r\nbody", 7),  # one empty line behind another
        (b"A: b\r\n", 6),
        (b"A: b", 4),
    ],
)
def test_header_section_ends_after_the_first_empty_line(content: bytes, end: int) -> None:
    assert header_end(content, 0, len(content)) == end


def test_header_section_ends_at_the_limit() -> None:
    assert header_end(b"xxA: b\r\n\r\nbody", 2, 6) == 6


def test_unfolding_takes_line_ends_only() -> None:
    assert unfold(b"A: b\r\n c\r\n\td\nE: f\n g") == b"A: b c\td\nE: f g"


def test_fields_in_order_with_lower_case_names() -> None:
    assert fields(b"LynX: 1\r\n") == [(b"lynx", b"1")]
    assert fields(b"B: 1\r\nA :  2 \r\nnone\r\nb:\r\n 3\r\n\r\n") == [(b"b", b"1"), (b"a", b"2"), (b"b", b"3")]


@pytest.mark.parametrize(
    ("value", "without"),
    [
        (b"a", b"a"),
        (b"a (b) c", b"a   c"),
        (b"a (b (c) d) e", b"a   e"),
        (b'"(" (x) "\\")"', b'"("   "\\")"'),
        (b"a (b\\) c) d", b"a   d"),
        (b"a (never closed", b"a "),
        (b"a) b", b"a) b"),
        (b"\\(a", b"\\(a"),
        (b"\\(a) (b)", b"\\(a)  "),
        (b"\\((b)", b"\\( "),
        (b'"(a)" (b)', b'"(a)"  '),
        (b'a (b " c) d "e"', b'a   d "e"'),
    ],
)
def test_comments(value: bytes, without: bytes) -> None:
    assert without_comments(value) == without


@pytest.mark.parametrize(
    ("value", "read"),
    [
        (b"text/plain", (b"text", b"plain", ())),
        (b"text/plain; charset=utf-8", (b"text", b"plain", ((b"charset", b"utf-8"),))),
        (b'text/html; charset="a b"', (b"text", b"html", ((b"charset", b"a b"),))),
        (b'text/html; x="a\\"b"', (b"text", b"html", ((b"x", b'a"b'),))),
        (b"multipart/mixed; boundary=a=b?c", (b"multipart", b"mixed", ((b"boundary", b"a=b?c"),))),
        (b"text / plain (c) ; a = b ; junk ; c=d", (b"text", b"plain", ((b"a", b"b"), (b"c", b"d")))),
        (b'text/plain; a="never closed', (b"text", b"plain", ((b"a", b"never closed"),))),
        (b"text/plain;;", (b"text", b"plain", ())),
        (b"text/plain; a=", (b"text", b"plain", ((b"a", b""),))),
        (b"text", None),
        (b"text/", None),
        (b"", None),
    ],
)
def test_media_type(value: bytes, read: tuple[bytes, bytes, tuple[tuple[bytes, bytes], ...]] | None) -> None:
    media = media_type(value)
    assert (None if media is None else (media.value, media.subtype, media.parameters)) == read


def test_long_media_types_are_not_cached_and_parameters_are_bounded() -> None:
    media = media_type(b"text/plain" + b"; a=b" * 1000)
    assert media is not None
    assert len(media.parameters) == MAX_PARAMETERS


@pytest.mark.parametrize(
    ("value", "boundary"),
    [
        (b"m/x; boundary=b; Boundary=c", b"b"),
        (b"m/x; BOUNDARY=b", b"b"),
        (b"m/x; boundary*=us-ascii''b%20c", b"b c"),
        (b"m/x; boundary*=us-ascii'en'b'c'd", b"b'c'd"),
        (b"m/x; boundary*0=b; boundary*1=c", b"bc"),
        (b"m/x; boundary*1*=%41; boundary*0*=x'y'%20; boundary*0=z", b" A"),
        (b"m/x; boundary*x=b", None),
        (b"m/x", None),
    ],
)
def test_parameter_in_all_its_forms(value: bytes, boundary: bytes | None) -> None:
    media = media_type(value)
    assert media is not None
    assert media.parameter(b"boundary") == boundary


Pairs = tuple[tuple[bytes, bytes], ...]


@pytest.mark.parametrize(
    ("written", "read"),
    [
        (b'name*0="ab"; name*1="cd.txt"', ((b"name", b"abcd.txt"),)),
        (b"filename*0*=utf-8''%C3%A9; filename*1*=x.pdf", ((b"filename*", b"utf-8''%C3%A9x.pdf"),)),
        (b"name*0=a", ((b"name", b"a"),)),
        (b"NAME*0=a; name*1=b", ((b"NAME", b"ab"),)),
        # by number, whatever the order; the joined ones follow the plain ones
        (b"name*1=b; name*0=a; x=y", ((b"x", b"y"), (b"name", b"ab"))),
        (b"n*10=k;" + b";".join(b"n*%d=%d" % (n, n) for n in range(10)), ((b"n", b"0123456789k"),)),
        (b"b*0=1; a*0=2; a*1=3; b*1=4", ((b"a", b"23"), (b"b", b"14"))),
        # plain pieces among extended ones become extended
        (b"n*0*=utf-8''a; n*1=\"b c%\"", ((b"n*", b"utf-8''ab%20c%25"),)),
        (b'n*0="a%"; n*1*=%20x', ((b"n*", b"''a%25%20x"),)),
        # a gap, or a number twice: as they are
        (b"n*0=a; n*2=c", ((b"n*0", b"a"), (b"n*2", b"c"))),
        (b"x=y; n*0=a; n*2=c", ((b"x", b"y"), (b"n*0", b"a"), (b"n*2", b"c"))),
        (b"n*1=b; n*2=c", ((b"n*1", b"b"), (b"n*2", b"c"))),
        (b"n*0=a; n*0=b", ((b"n*0", b"a"), (b"n*0", b"b"))),
        # no continuations
        (b"n*x=a; n*=utf-8''b; n=c", ((b"n*x", b"a"), (b"n*", b"utf-8''b"), (b"n", b"c"))),
    ],
)
def test_continuations_are_joined(written: bytes, read: Pairs) -> None:
    for field in (media_type(b"text/plain; " + written), disposition(b"attachment; " + written)):
        assert field is not None
        assert field.parameters == read


@pytest.mark.parametrize(
    ("written", "read"),
    [
        (rb"name=\"a.txt\"; x=y", rb"\"a.txt\""),
        (rb"name=\\srv\a.txt; x=y", rb"\\srv\a.txt"),
        (rb"name=\; x=y", b"\\"),
        (rb'name=a"b"c; x=y', b'a"b"c'),
        (rb'name="\\"; x=y', b"\\"),
        (rb'name="\""; x=y', b'"'),
        (rb'name="a"b; x=y', b"a"),
    ],
)
def test_values_of_backslashes_and_quotes(written: bytes, read: bytes) -> None:
    media = media_type(b"text/plain; " + written)
    assert media is not None
    assert media.parameters == ((b"name", read), (b"x", b"y"))


@pytest.mark.parametrize(
    ("written", "type_", "parameters"),
    [
        (b'(c) attachment (d); filename="a b"', b"attachment", ((b"filename", b"a b"),)),
        (b"Inline", b"Inline", ()),
        (b"X", b"X", ()),
        (b"x-own; a=b", b"x-own", ((b"a", b"b"),)),
        # known types with something behind them
        (b"inline, attachment; filename=a", b"inline", ((b"filename", b"a"),)),
        (b"inline foo; a=b", b"inline", ((b"a", b"b"),)),
        (b'attachment filename="a.txt"; x=y', b"attachment", ((b"filename", b"a.txt"), (b"x", b"y"))),
        (b"attachment name*0=a; name*1=b", b"attachment", ((b"name", b"ab"),)),
        # types that cannot be read
        (b"=?utf-8?Q?x?=", b"attachment", ()),
        (b"=?utf-8?Q?inline?=; filename=a", b"attachment", ((b"filename", b"a"),)),
        (b'; filename="a.txt"', b"attachment", ((b"filename", b"a.txt"),)),
        (b"filename=a.txt", b"attachment", ((b"filename", b"a.txt"),)),
        (b'"inline"; filename=x', b"attachment", ((b"filename", b"x"),)),
        (b"foo/bar; a=b", b"attachment", ((b"a", b"b"),)),
        (b"inlined here; a=b", b"attachment", ((b"a", b"b"),)),
    ],
)
def test_disposition(written: bytes, type_: bytes, parameters: Pairs) -> None:
    field = disposition(written)
    assert field is not None
    assert (field.value, field.subtype, field.parameters) == (type_, b"", parameters)


@pytest.mark.parametrize("written", [b"", b" ; ", b"(nothing)", b"(c);"])
def test_disposition_that_says_nothing(written: bytes) -> None:
    assert disposition(written) is None


@pytest.mark.parametrize(
    ("written", "mechanism"),
    [
        (b"base64", b"base64"),
        (b"(c) Base64 (d)", b"Base64"),
        (b"base64,", b"base64"),
        (b"quoted-printable;", b"quoted-printable"),
        (b"base64; x=y", b"base64"),
        (b"BINARY foo", b"BINARY"),
        (b"X-uuencode", b"X-uuencode"),
        (b"base64x", b"base64x"),
        # pieces of something else are no mechanism
        (b"8 bit", b"7bit"),
        (b"quoted printable", b"7bit"),
        (b"text/html", b"7bit"),
        (b"=?us-ascii?q?base64?=", b"7bit"),
        (b'"base64"', b"7bit"),
        (b";base64", b"7bit"),
        (b"x-own foo", b"7bit"),
        (b"(base64)", b"7bit"),
        (b"", b"7bit"),
    ],
)
def test_transfer_encoding(written: bytes, mechanism: bytes) -> None:
    assert transfer_encoding(written) == mechanism


def test_tokens() -> None:
    assert tokens(b"en, (x) de-CH,") == [b"en", b"de-CH"]
    assert tokens(b"=?utf-8?q?en?=, fr de, it") == [b"it"]


@pytest.mark.parametrize("count", [1, 2, 10, 12])
def test_pieces_of_a_parameter_come_in_the_order_of_their_numbers(count: int) -> None:
    # RFC 2231 §3, §4.1
    pieces = [b'boundary*%d="<%d>"' % (number, number) for number in range(count)]
    for order in (pieces, pieces[::-1]):
        media = media_type(b"multipart/mixed; " + b"; ".join(order))
        assert media is not None
        assert media.parameter(b"boundary") == b"".join(b"<%d>" % number for number in range(count))
