"""Strangers' text on a terminal."""

from __future__ import annotations

import json
import sys
import unicodedata

import pytest

from postroad.harmless import harmless


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("", ""),
        ("plain words, 'quoted' and \\ as they are", "plain words, 'quoted' and \\ as they are"),
        ("Jürgen@bücher.test 日本 😀", "Jürgen@bücher.test 日本 😀"),
        ("\x1b[2J\r\n\t\x00", r"\x1b[2J\x0d\x0a\x09\x00"),
        ("\x7f\x85\x9b31m", r"\u007f\u0085\u009b31m"),
        ("\u2028\u2029\ufeff", r"\u2028\u2029\ufeff"),
        ("a\u202eb\u2066c\u200fd", r"a\u202eb\u2066c\u200fd"),  # bidirectional controls, category Cf
        ("\ud800", r"\ud800"),
        ("\U000e0041", r"\udb40\udc41"),  # a tag character, category Cf
    ],
)
def test_shown(text: str, shown: str) -> None:
    assert harmless(text) == shown


def test_nothing_that_a_terminal_obeys_is_left() -> None:
    everything = "".join(map(chr, range(sys.maxunicode + 1)))
    left = harmless(everything)
    assert left.isprintable()
    assert {unicodedata.category(character) for character in left}.isdisjoint({"Cc", "Cf", "Cs", "Zl", "Zp"})


def test_a_json_string_stays_one() -> None:
    text = "".join(chr(code) for code in range(sys.maxunicode + 1) if not 0xD800 <= code < 0xE000)
    assert json.loads(harmless(json.dumps(text, ensure_ascii=False))) == text
