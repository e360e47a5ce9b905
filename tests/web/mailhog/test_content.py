"""Contents as MailHog reads them."""

from __future__ import annotations

import pytest

from postroad_web.mailhog import content
from postroad_web.mailhog.content import Content, read, text

PLAIN = b"Subject: x\r\n\r\nText."


def parts_of(octets: bytes) -> tuple[Content, ...]:
    parts = read(octets).parts
    assert parts is not None
    return parts


@pytest.mark.parametrize(
    ("octets", "headers", "body"),
    [
        (PLAIN, {"Subject": ["x"]}, b"Text."),
        (b"no header", {}, b"no header"),
        (b"", {}, b""),
        (b"\r\n\r\nBody\r\n\r\nmore", {}, b"Body\r\n\r\nmore"),
        # Names are as they were sent; of several with one name the last counts; continuations keep their blank.
        (b"subJECT: a\r\nX-A: 1\r\nX-A: 2\r\n\tb\r\n c\r\n\r\n", {"subJECT": ["a"], "X-A": ["2\tb c"]}, b""),
        (b"X-A: =?utf-8?q?=C3=BC?=\r\n\r\n", {"X-A": ["=?utf-8?q?=C3=BC?="]}, b""),
        (b" no: field\r\nX-A:no field\r\nX-B: \r\n\r\n", {" no": ["field"], "X-B": [""]}, b""),
        (b"X-A: a: b\xff\r\n\r\n\xff", {"X-A": ["a: b\ufffd"]}, b"\xff"),
    ],
)
def test_header_and_body(octets: bytes, headers: dict[str, list[str]], body: bytes) -> None:
    assert read(octets) == Content(headers, body, len(octets))


def test_octets_that_are_no_utf_8_can_be_said() -> None:
    assert text(b"a\xffb\xc3\xbc") == "a\ufffdbü"


def multipart(*pieces: bytes, kind: bytes = b"multipart/mixed; boundary=xx") -> bytes:
    return b"Content-Type: " + kind + b"\r\n\r\n" + b"".join(pieces)


def test_parts() -> None:
    first, second, end = parts_of(multipart(b"--xx\r\nA: 1\r\n\r\nOne\r\n", b"--xx\r\n\r\nTwo\r\n", b"--xx--\r\n"))
    assert first == Content({"A": ["1"]}, b"One", 11)
    assert second == Content({}, b"Two", 3)
    assert end == Content({}, b"--", 2)  # the end of a multipart is a part too


def test_what_is_in_front_of_the_first_part_is_a_part() -> None:
    assert [part.body for part in parts_of(multipart(b"This is MIME.\r\n", b"--xx\r\nA: 1\r\n\r\nOne\r\n--xx--"))] == [
        b"This is MIME.",
        b"One",
        b"--",
    ]


@pytest.mark.parametrize(
    "kind", [b'MultiPart/alternative; charset=x; boundary="xx"', b"multipart/mixed;\r\n boundary=xx"]
)
def test_boundaries(kind: bytes) -> None:
    assert [part.body for part in parts_of(multipart(b"--xx\r\n\r\nOne", kind=kind))] == [b"One"]


@pytest.mark.parametrize("kind", [b"multipart/mixed", b"multipart/", b'multipart/mixed; boundary=""'])
def test_a_multipart_without_a_boundary_has_no_parts(kind: bytes) -> None:
    assert parts_of(multipart(b"--xx\r\n\r\nOne", kind=kind)) == ()


def test_multiparts_in_one_another() -> None:
    inner = multipart(b"--yy\r\n\r\nDeep\r\n", b"--yy--", kind=b"multipart/mixed; boundary=yy")
    nested, _ = parts_of(multipart(b"--xx\r\n", inner, b"\r\n--xx--"))
    assert nested.parts is not None
    assert [part.body for part in nested.parts] == [b"Deep", b"--"]


def test_depth_and_number_are_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    deep = b"Text"
    for number in range(content.DEEPEST + 2):
        kind = b"multipart/mixed; boundary=b%dx" % number
        deep = multipart(b"--b%dx\r\n" % number, deep, kind=kind)
    depth, entity = 0, read(deep)
    while entity.parts:
        depth, entity = depth + 1, entity.parts[0]
    assert depth == content.DEEPEST
    monkeypatch.setattr(content, "MOST_PARTS", 3)
    assert len(parts_of(multipart(b"--xx\r\n\r\nOne\r\n" * 10))) == 3


def test_values_by_any_case() -> None:
    entity = read(b"content-TYPE: a/b\r\nContent-type: c/d\r\n\r\n")
    assert entity.values("content-type") == ["a/b", "c/d"]
    assert entity.values("subject") == []
