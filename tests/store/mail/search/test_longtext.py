"""A text that is made in pieces is the text that is made at once."""

from __future__ import annotations

import base64
import quopri
import re

import pytest

from postroad.mime.structure import parse
from postroad.mime.text import text
from postroad_store.mail.search import longtext
from postroad_store.mail.search.longtext import LongText, LongTexts, long_text

WORDS = "Grüße an Jörg im Café, e\u0301tude Straße, 漢字 und mehr.\r\n" * 5


def message(encoding: bytes, body: bytes, charset: bytes = b"utf-8") -> bytes:
    kind = b"Content-Type: text/plain; charset=%b\r\nContent-Transfer-Encoding: %b\r\n" % (charset, encoding)
    return b"Subject: =?utf-8?q?Gr=C3=BC=C3=9Fe?=\r\n" + kind + b"\r\n" + body


PARTS = b"".join(b"--b\r\nX-Part: %d\r\n\r\nPart %d\r\n" % (number, number) for number in range(30))
MESSAGES = [
    message(b"8bit", WORDS.encode()),
    message(b"base64", base64.encodebytes(WORDS.encode())),
    message(b"base64", base64.encodebytes(WORDS.encode())[:-2] + b"\r\n!!"),
    message(b"base64", b"YWJj" * 20 + b"Y"),
    message(b"base64", re.sub(rb"(.{5})", rb"\1\r\n", base64.b64encode(WORDS.encode()))),  # no line is of whole fours
    message(b"base64", re.sub(rb"(.{7})", rb"\1!\r\n", base64.b64encode(WORDS.encode()))),
    message(b"base64", b"YWJj" * 20 + b"YQ"),
    message(b"quoted-printable", quopri.encodestring(WORDS.encode())),
    message(b"quoted-printable", b"=41=42=C3=A9" * 40),
    message(b"quoted-printable", b"x" * 100),
    message(b"8bit", WORDS.replace("漢字", "").replace("e\u0301", "").encode("latin-1"), b"iso-8859-1"),
    message(b"8bit", WORDS.replace("漢字", "").replace("e\u0301", "").encode("latin-1"), b"us-ascii"),
    message(b"8bit", b"plain words " * 40 + b"\xe9", b"x-none"),
    message(b"7bit", "漢字かな ".encode("iso-2022-jp") * 20, b"iso-2022-jp"),
    message(b"8bit", b"caf\xe9 " * 30),
    message(b"7bit", b""),
    b"Content-Type: image/png\r\n\r\n" + b"x" * 100,
    b"Content-Type: multipart/mixed; boundary=b\r\n\r\n" + PARTS + b"--b--\r\n",
    b"",
]


@pytest.mark.parametrize("content", MESSAGES)
@pytest.mark.parametrize("step", [8, 16, 64, 1 << 16])
def test_pieces(monkeypatch: pytest.MonkeyPatch, content: bytes, step: int) -> None:
    monkeypatch.setattr(longtext, "STEP", step)
    header, body = text(content, parse(content))
    pieced = long_text(content)
    assert (pieced._header, b"".join(pieced._body)) == (header, body)


def test_long_words_are_cut() -> None:
    content = message(b"8bit", b"x" * 5 * longtext.STEP + b"NEEDLE" + b"y" * 3 * longtext.STEP)
    assert len(long_text(content)._body) >= 5
    assert long_text(content).has(b"xneedley", headers=False)


def test_what_it_has() -> None:
    pieced = LongText(b"subject: header\n", [b"abc", b"d", b"", b"efg"])
    for needle in (b"abc", b"c", b"cd", b"cde", b"bcdef", b"abcdefg", b"g", b""):
        assert pieced.has(needle, headers=False)
    for needle in (b"abcdefgh", b"xa", b"ac", b"ce", b"header"):
        assert not pieced.has(needle, headers=False)
    assert pieced.has(b"header", headers=True)
    assert not pieced.has(b"nothing", headers=True)
    assert LongText(b"", []).has(b"", headers=False)
    assert not LongText(b"", []).has(b"x", headers=False)
    assert not LongText(b"", [b"a", b"b"]).has(b"X", headers=False)


def test_one_is_kept_while_searches_go_on() -> None:
    kept, pieced = LongTexts(), LongText(b"", [])
    with kept.in_use():
        with kept.in_use():
            kept.put(1, 2, pieced)
            assert kept.get(1, 2) is pieced
        assert kept.get(1, 2) is pieced
        assert kept.get(2, 2) is None
        kept.put(2, 2, LongText(b"", []))
        assert kept.get(1, 2) is None
    assert kept.get(2, 2) is None
