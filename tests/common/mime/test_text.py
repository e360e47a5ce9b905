from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from postroad.mime.collation import casemap
from postroad.mime.structure import parse
from postroad.mime.text import MAX_KEPT, MAX_PLAIN, decode, decode_words, fold, is_plain, kept_text, text


@pytest.mark.parametrize(
    ("content", "plain"),
    [
        (b"Subject: x\r\n\r\nbody", True),
        (b"Content-Type: text/html; charset=UTF-8\r\n\r\nbody", True),
        (b"Content-Type: text/plain; charset=iso-8859-15\r\nContent-Transfer-Encoding: 8bit\r\n\r\nbody", True),
        (b"Subject: =?utf-8?q?x?=\r\n\r\nbody", False),
        (b"Subject: x\r\n\r\n=?", True),
        (b"=?utf-8?q?x?=: y\r\n\r\nbody", False),
        (b"Subject: x\r\n\r\ncaf\xc3\xa9", False),
        (b"Content-Type: text/plain; charset=iso-2022-jp\r\n\r\nbody", False),
        (b"Content-Transfer-Encoding: base64\r\n\r\nYQ==", False),
        (b"Content-Transfer-Encoding: 8 bit\r\n\r\nbody", True),
        (b"Content-Transfer-Encoding: x-own\r\n\r\nbody", False),
        (b"Content-Type: image/png\r\n\r\nbody", False),
        (b"Content-Type: multipart/mixed; boundary=b\r\n\r\n--b--", False),
        (b"Subject: x\r\n\r\n" + b"x" * MAX_PLAIN, False),
    ],
)
def test_plain_messages_are_their_own_text(content: bytes, plain: bool) -> None:
    assert is_plain(content, parse(content)) is plain


@pytest.mark.parametrize(
    ("value", "shown"),
    [
        (b"plain", "plain"),
        (b"caf\xc3\xa9", "café"),
        (b"caf\xe9", "café"),
        (b"=?utf-8?q?caf=C3=A9_x?=", "café x"),
        (b"=?ISO-8859-1*fr?Q?caf=E9?= au lait", "café au lait"),
        (b"=?utf-8?b?Y2Fmw6k=?=", "café"),
        (b"=?utf-8?b?Y2Fmw6k?=", "café"),  # padding forgotten
        (b"=?utf-8?b?Y2Fmw?=", "caf"),  # a character cut off
        (b"a =?utf-8?q?b?= c", "a b c"),
        (b"=?utf-8?q?b?=   =?utf-8?q?c?=", "bc"),
        (b"=?utf-8?b?w6?=", "\ufffd"),
        (b"=?utf-8?q?=C3?= =?utf-8?q?=A9?=", "é"),  # many a mailer splits a character
        (b"=?utf-8?q?b?= =?iso-8859-1?q?=E9?=", "bé"),
        (b"=?x-none?q?a=E9?=", "aé"),
        (b"=?punycode?q?a-b?=", "a-b"),
        (b"=?utf-8?x?b?=", "=?utf-8?x?b?="),
        (b"=?", "=?"),
    ],
)
def test_encoded_words(value: bytes, shown: str) -> None:
    assert decode_words(value) == shown


@pytest.mark.parametrize(
    ("octets", "charset", "shown"),
    [
        (b"a", None, "a"),
        (b"a", b"us-ascii", "a"),
        (b"\x1b$B4A\x1b(B", b"iso-2022-jp", "漢"),
        (b"caf\xe9", b"us-ascii", "café"),
        (b"caf\xe9", b"utf-8", "caf\ufffd"),
        (b"a", b"\xff", "a"),
        (b"6161", b"hex", "6161"),
        (b"a", b"idna", "a"),
        (b"a+2AA-b+2D3eAA-", b"utf-7", "a\ufffdb\U0001f600"),  # half a surrogate pair, and a whole one
    ],
)
def test_charsets(octets: bytes, charset: bytes | None, shown: str) -> None:
    assert decode(octets, charset) == shown


def test_folding() -> None:
    assert fold("ABC") == b"abc"
    assert fold("E\u0301") == fold("é") == "e\u0301".encode()
    assert fold("\udc80") == b"?"
    # RFC 5051 §2: UnicodeData.txt has no title case for a sharp s, and the letters of a ligature stay small
    assert fold("STRASSE") != fold("straße") == "straße".encode()
    assert fold("ﬁn") == b"FIn"
    assert fold("fin") == b"fin"


@given(st.text(max_size=5), st.text(max_size=30))
def test_folded_texts_hold_what_the_collation_finds(needle: str, text: str) -> None:
    assert (fold(needle) in fold(text)) is (casemap(needle) in casemap(text))
    assert fold(text[:5]) in fold(text)


@pytest.mark.timeout(4)
def test_long_texts_with_many_marks_take_no_time() -> None:
    marks = "\u0301\u0323" * 50_000
    assert fold("a" + marks) == b"a" + marks.encode()


def test_text_of_a_multipart() -> None:
    content = (
        b"Subject: =?utf-8?q?Caf=C3=A9?=\r\n in town\r\n"
        b"Content-Type: multipart/mixed; boundary=b\r\n\r\nPREAMBLE\r\n--b\r\n"
        b'Content-Type: text/plain; charset=iso-8859-1; name="Notes.TXT"\r\n'
        b"Content-Transfer-Encoding: quoted-printable\r\n\r\nCr=E8me=\r\n br=FBl=E9e\r\n--b\r\n"
        b"Content-Transfer-Encoding: base64\r\n\r\nSGVs bG8=!\r\n--b\r\n"
        b"Content-Type: image/png\r\n\r\nPIXELS\r\n--b\r\n"
        b"Content-Type: message/rfc822\r\n\r\nSubject: Inner\r\n\r\nInside\r\n--b--\r\n"
    )
    header, body = text(content, parse(content))
    main, *parts = header.split(b"\n\n")
    assert "subject: cafe\u0301 in town\n".encode() in main
    assert b"subject: inner" not in main
    assert [b"notes.txt" in part for part in parts] == [True, False, False, False, False]
    assert parts[-1] == b"subject: inner\n"
    for expected in ("cre\u0300me bru\u0302le\u0301e", "hello", "inside"):
        assert expected.encode() in body
    for word in (b"preamble", b"pixels", b"--b", b"notes.txt", b"inner"):
        assert word not in body


@pytest.mark.parametrize(
    ("field", "searched"),
    [(b"", b"ywjj"), (b"8 bit", b"ywjj"), (b"base64,", b"abc"), (b"BASE64", b"abc"), (b"x-own", b"")],
)
def test_text_is_searched_as_its_encoding_says(field: bytes, searched: bytes) -> None:
    """RFC 2045 §6.4: what has an unknown encoding is no text."""
    content = b"Content-Transfer-Encoding: %b\r\n\r\nYWJj" % field
    _, body = text(content, parse(content))
    assert body == searched


@pytest.mark.parametrize("encoded", [b"", b"Y", b"YQ", b"YQ=", b"YQ==", b"YQ==\r\nYQ", b"!!", b"====", b"YQ=Z"])
def test_base64_is_never_refused(encoded: bytes) -> None:
    content = b"Content-Transfer-Encoding: base64\r\n\r\n" + encoded
    text(content, parse(content))


def test_long_texts_are_not_kept() -> None:
    head = b"Content-Type: text/plain; charset=utf-8\r\n\r\n"
    short, long = head + b"\xc3\xa9", head + b"\xc3\xa9" * MAX_KEPT
    assert kept_text(short, parse(short)) == (b"content-type: text/plain; charset=utf-8\n", "e\u0301".encode())
    assert kept_text(long, parse(long)) is None
    kept = b"Content-Type: multipart/mixed; boundary=x\r\n\r\n"  # the text parts as sent, and the header section, count
    image = b"--x\r\nContent-Type: image/png\r\n\r\n" + b"\xff" * MAX_KEPT + b"\r\n--x\r\n\r\n"
    for size, is_kept in ((MAX_KEPT, True), (MAX_KEPT + 1, False)):
        whole = kept + b"--x\r\n\r\none\r\n" + image + b"y" * (size - len(kept) - 3) + b"\r\n--x--\r\n"
        assert (kept_text(whole, parse(whole)) is not None) is is_kept
    image = b"Content-Type: image/png\r\n\r\n" + b"\xff" * 2 * MAX_KEPT
    assert kept_text(image, parse(image)) == (b"content-type: image/png\n", b"")


def test_octets_that_are_no_utf_7_are_replaced() -> None:
    assert decode(b"a\xff", b"utf-7") == "a\N{REPLACEMENT CHARACTER}"
