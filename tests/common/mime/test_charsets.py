from __future__ import annotations

import encodings

import pytest

from postroad.mime import charsets
from postroad.mime.charsets import codec_of


@pytest.mark.parametrize(
    ("charset", "codec"),
    [
        (b"utf-8", "utf-8"),
        (b"UTF8", "utf-8"),
        (b"US-ASCII", "ascii"),
        (b"ANSI_X3.4-1968", "ascii"),
        (b"iso-8859-1", "iso8859-1"),
        (b"ISO_8859-15", "iso8859-15"),
        (b"ISO_8859-1:1987", "iso8859-1"),
        (b"Windows-1252", "cp1252"),
        (b"koi8-u", "koi8-u"),
        (b"iso-2022-jp", "iso2022_jp"),
        (b"Shift_JIS", "shift_jis"),
        (b"big5", "big5"),
        (b"gb18030", "gb18030"),
        (b"euc-kr", "euc_kr"),
        (b"utf-16le", "utf-16-le"),
        (b"utf-7", "utf-7"),
    ],
)
def test_charsets_of_mail(charset: bytes, codec: str) -> None:
    assert codec_of(charset) == codec


@pytest.mark.parametrize(
    "charset",
    [
        *(b"idna", b"punycode", b"unicode_escape", b"raw-unicode-escape", b"undefined", b"charmap"),
        *(b"base64", b"hex", b"rot13", b"zip", b"aliases", b"mbcs"),
        *(b"", b"\xff", b"\0", b"x-none", b"..", b"utf-8" * 100, b"utf" + b"-" * 100 + b"8"),
        *(b"utf:8", b"utf/8", b"utf,8", b"utf\t8", b"utf-8\n", b"koi8:r"),
    ],
)
def test_what_is_none(charset: bytes) -> None:
    assert codec_of(charset) is None


def test_the_longest_name() -> None:
    assert codec_of(max(charsets._KNOWN, key=len).encode()) is not None


def test_names_of_strangers_are_not_remembered() -> None:
    codec_of(b"utf-8")
    known = dict(encodings._cache)
    for number in range(100):
        codec_of(b"x-%d" % number)
        codec_of(b"utf" + b"-" * (number % 10) + b"8")
    assert encodings._cache == known
