from __future__ import annotations

import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from postroad.mime.collation import casemap, prepared


@pytest.mark.parametrize(
    ("text", "mapped"),
    [
        ("", ""),
        ("Hello", "HELLO"),
        ("étude", "E\u0301TUDE"),
        ("ÉTUDE", "E\u0301TUDE"),
        ("\u01c4", "Dz\u030c"),  # the example of RFC 5051 §2
        ("ß", "ß"),  # UnicodeData.txt has no title case for it
        ("ﬁn", "fiN"),
        ("\u212b", "A\u030a"),
        ("ǆ", "Dz\u030c"),
        ("Ж", "Ж"),
        ("ж", "Ж"),
    ],
)
def test_casemap(text: str, mapped: str) -> None:
    assert casemap(text) == mapped.encode()


def test_order_is_that_of_the_code_points() -> None:
    words = ["b", "A", "é", "Zebra", "", "a", "\U0001f600", "\uffee"]
    assert sorted(words, key=casemap) == ["", "A", "a", "b", "é", "Zebra", "\uffee", "\U0001f600"]


def by_the_letter(text: str) -> str:
    """RFC 5051 §2, character by character."""
    titles = [character.title() for character in text]
    simple = [title if len(title) == 1 else character for title, character in zip(titles, text, strict=True)]
    return "".join(unicodedata.normalize("NFKD", character) for character in simple)


ODD = st.sampled_from("ßẞﬁǄǅǆİıſŉςΣσéÄ\u0301\u0323\u0345\u1e9b\u212a\u2126\uac00\U0001d15e ªK")


@given(st.lists(st.one_of(ODD, st.characters(), st.characters(max_codepoint=0x17F)), max_size=20).map("".join))
def test_whole_texts_are_prepared_as_their_characters_are(text: str) -> None:
    assert prepared(text) == by_the_letter(text)
    assert prepared(text + text) == prepared(text) * 2


def test_every_character_is_prepared_by_the_letter() -> None:
    everything = [chr(code) for code in range(0x110000)]
    for start in range(0, len(everything), 5_000):
        text = "".join(everything[start : start + 5_000])
        assert prepared(text) == by_the_letter(text)
