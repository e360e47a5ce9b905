from __future__ import annotations

import pytest

from postroad_store.mail.mime.fields import (
    MAX_PARAMETERS,
    disposition,
    fields,
    header_end,
    media_type,
    token,
    tokens,
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
    found = media_type(value)
    assert (None if found is None else (found.value, found.subtype, found.parameters)) == read


def test_long_media_types_are_not_cached_and_parameters_are_bounded() -> None:
    found = media_type(b"text/plain" + b"; a=b" * 1000)
    assert found is not None
    assert len(found.parameters) == MAX_PARAMETERS


@pytest.mark.parametrize(
    ("value", "boundary"),
    [
        (b"m/x; boundary=b; Boundary=c", b"b"),
        (b"m/x; BOUNDARY=b", b"b"),
        (b"m/x; boundary*=us-ascii''b%20c", b"b c"),
        (b"m/x; boundary*0=b; boundary*1=c", b"bc"),
        (b"m/x; boundary*1*=%41; boundary*0*=x'y'%20; boundary*0=z", b" A"),
        (b"m/x; boundary*x=b", None),
        (b"m/x", None),
    ],
)
def test_parameter_in_all_its_forms(value: bytes, boundary: bytes | None) -> None:
    found = media_type(value)
    assert found is not None
    assert found.parameter(b"boundary") == boundary


def test_disposition() -> None:
    found = disposition(b'(c) attachment (d); filename="a b"')
    assert found is not None
    assert (found.value, found.parameters) == (b"attachment", ((b"filename", b"a b"),))
    assert disposition(b"; filename=x") is None


def test_tokens() -> None:
    assert token(b"(c) Base64 x") == b"Base64"
    assert token(b"") is None
    assert tokens(b"en, (x) de-CH,") == [b"en", b"de-CH"]
