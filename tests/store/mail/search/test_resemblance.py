from __future__ import annotations

import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from postroad_store.mail.search.resemblance import MAX_KNOWN, MAX_WORDS, Resemblance, mistakes, word_of

LETTERS = st.text("abcdé", max_size=9)


@pytest.mark.parametrize(
    ("needle", "text", "nearness"),
    [
        ("helo", "helo", 1),
        ("helo", "say helo there", 1),
        ("helo", "xhelox", 1),
        ("helo", "say hello there", 0.475),
        ("helo", "help", 0.475),
        ("helo", "hero", 0.475),
        ("helo", "hlo", 0.475),
        ("helo", "ehlo", 0.475),  # two have changed places
        ("helo", "hleo", 0.475),  # across the cut
        ("helo", "heol", 0.475),
        ("helo", "hole", 0),
        ("helo", "shells", 0),  # words are compared whole
        ("helo", "h elo", 0.475),
        ("the", "teh", 0),  # short words have no mistakes
        ("the", "theme", 1),
        ("abcd", "acbd", 0.95 / 2),
        ("abcdefg", "bacdefg", 0.95 / 2),
        ("abcdefg", "bacdegf", 0),
        ("abcdefgh", "bacdefhg", 0.95 / 3),
        ("quarterly", "quartely", 0.95 * 2 / 3),
        ("quarterly", "qartely", 0.95 / 3),
        ("quarterly", "quart", 0),
        ("mu\u0308ller", "muller", 0.475),
        ("muller", "mu\u0308ller", 0.475),
        ("imap break", "imap break", 1),
        ("imap break", "break imap", 0.95),
        ("imap break", "broken imap", 0.475),
        ("imap break", "imap brek", 0.95 * 0.75),
        ("imap break", "other", 0),
        ("one two three", "one", 0),  # half of the words at least
        ("one two three", "one two", 0.95 * 2 / 3),
        ("foo-bar", "foo bar", 0.95),
        ("@@", "a @@ b", 1),
        ("@@", "a @ b", 0),
        ("", "anything", 1),
        ("x" * 40, "x" * 40, 1),
        ("x" * 32, "x" * 31, 0.95 * 2 / 3),
        ("x" * 33, "x" * 32, 0),
        ("x" * 40, "x" * 39, 0),  # long words have no mistakes either
    ],
)
def test_how_near_a_text_comes(needle: str, text: str, nearness: float) -> None:
    assert Resemblance(needle.encode()).of(text.encode()) == pytest.approx(nearness)


def test_words_may_be_spread_over_several_texts() -> None:
    assert Resemblance(b"imap break").of(b"imap", b"break") == pytest.approx(0.95)
    assert Resemblance(b"imap break").of(b"", b"imap break") == 1


def test_octets_that_are_no_utf_8_resemble_nothing() -> None:
    assert Resemblance(b"helo").of(b"hel\xff") == pytest.approx(0.475)
    assert Resemblance(b"helo").of(b"hel\xff\xfe") == 0
    assert Resemblance(b"\xff\xfe").of(b"hello") == 0


@given(LETTERS, LETTERS, st.integers(0, 3))
def test_mistakes_are_counted_up_to_a_limit(word: str, other: str, most: int) -> None:
    counted = mistakes(word, other, 20)
    assert mistakes(word, other, most) == min(counted, most + 1)
    assert mistakes(other, word, 20) == counted
    assert (counted == 0) is (word == other)
    assert counted <= max(len(word), len(other))


@given(st.text("abcdefgh", min_size=4, max_size=12), st.data())
def test_every_single_mistake_is_forgiven(word: str, data: st.DataObject) -> None:
    at = data.draw(st.integers(0, len(word) - 2))
    for wrong in (
        word[:at] + word[at + 1 :],
        word[:at] + "x" + word[at:],
        word[:at] + "x" + word[at + 1 :],
        word[:at] + word[at + 1] + word[at] + word[at + 2 :],
    ):
        assert Resemblance(word.encode()).of(b"some text, " + wrong.encode() + b"; more") > 0


@given(st.lists(st.text("abcdé", min_size=1, max_size=9), min_size=1, max_size=3), st.text("abcdé ", max_size=30))
def test_what_resembles_has_one_of_the_texts_that_are_asked_for(words: list[str], text: str) -> None:
    wanted = Resemblance(" ".join(words).encode())
    if wanted.of(text.encode()):
        assert any(asked in text.encode() for asked in wanted.asked)


def test_a_text_without_words_is_asked_for_itself() -> None:
    assert Resemblance(b"@@").asked == (b"@@",)
    assert Resemblance(b"").asked == (b"",)


def test_only_so_many_words_are_looked_for() -> None:
    assert len(Resemblance(b" ".join(b"w%d" % number for number in range(100))).words) == MAX_WORDS


def test_nearness_of_words_is_remembered_within_bounds() -> None:
    word = word_of("helo")
    for number in range(MAX_KNOWN + 10):
        assert word.nearness(b"helx%d" % number) == 0
    assert len(word._known) == MAX_KNOWN
    assert word.nearness(b"help") == 0.5
    assert word.nearness(b"help") == 0.5


@pytest.mark.parametrize("text", [b"he" * 500_000, b"he " * 300_000, b"\xc3\xa9" * 500_000, b"lo" * 500_000])
def test_texts_made_to_be_slow_are_not(text: bytes) -> None:
    began = time.process_time()
    Resemblance(b"helo " * 20).of(text)
    assert time.process_time() - began < 1
