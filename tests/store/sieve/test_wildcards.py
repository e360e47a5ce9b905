"""`:matches` beside a plain model of it: each "*" stands for as little as it can (RFC 5228 §2.7.1, RFC 5229 §3.2)."""

from __future__ import annotations

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from postroad_store.sieve.comparators import ASCII_CASEMAP, OCTET, Comparator
from postroad_store.sieve.matching import MATCHES
from postroad_store.sieve.message import Message
from postroad_store.sieve.run import Run
from tests.store.sieve.toy import MESSAGE, Around, decide


def matched(value: str, pattern: str, comparator: Comparator = OCTET) -> tuple[str, ...] | None:
    assert MATCHES.find is not None
    return MATCHES.find(Run(Message(MESSAGE), Around()), comparator, value, pattern)


def model(value: str, pattern: str, *, folds: bool = False) -> tuple[str, ...] | None:
    """Return the same by a regular expression."""
    pieces = re.findall(r"\\.|.", pattern, re.DOTALL)
    wild = {"*": "(.*?)", "?": "(.)"}
    expression = "".join(wild.get(piece) or re.escape(piece[1:] if len(piece) > 1 else piece) for piece in pieces)
    match = re.fullmatch(expression, value, re.DOTALL | (re.IGNORECASE if folds else 0))
    return None if match is None else (value, *match.groups())


@given(st.text("abX*?", max_size=8), st.text("abX*?\\\\", max_size=8))
def test_it_finds_what_the_model_finds(value: str, pattern: str) -> None:
    assert matched(value, pattern) == model(value, pattern)
    assert matched(value, pattern, ASCII_CASEMAP) == model(value, pattern, folds=True)
    assert matched(value.lower(), pattern.upper(), ASCII_CASEMAP) == model(value.lower(), pattern, folds=True)


@pytest.mark.parametrize(
    ("value", "pattern", "groups"),
    [
        ("", "", ()),
        ("", "*", ("",)),
        ("", "?", None),
        ("a", "", None),
        ("ab", "a*b", ("",)),
        ("ab", "a*ab", None),  # nothing is matched twice
        ("ab", "*ab*", ("", "")),
        ("aab", "*ab", ("a",)),
        ("aab", "?*b", ("a", "a")),
        ("abcabc", "*b*", ("a", "cabc")),
        ("abcabc", "*b*b?", ("a", "ca", "c")),
        ("abc", "*?c", ("a", "b")),
        ("abc", "?", None),
        ("abc", "???", ("a", "b", "c")),
        ("abc", "????", None),
        ("abc", "**", ("", "abc")),
        ("X", "X", ()),
        ("a", "X", None),
        ("*", "\\*", ()),
        ("a", "\\*", None),
        ("a\\", "a\\", ()),
    ],
)
def test_wildcards(value: str, pattern: str, groups: tuple[str, ...] | None) -> None:
    assert matched(value, pattern) == (None if groups is None else (value, *groups))


def test_an_action_is_the_same_with_and_without_copy() -> None:
    require = 'require ["copy", "fileinto"]; '
    assert decide(require + 'redirect :copy "a@b.test"; redirect "a@b.test";') == ["redirect a@b.test"]
    assert decide(require + 'redirect "a@b.test"; redirect :copy "a@b.test";') == ["redirect a@b.test"]
    assert decide(require + 'fileinto :copy "Junk"; fileinto "Junk";') == ["fileinto Junk"]
    assert decide(require + 'redirect :copy "a@b.test"; redirect :copy "c@d.test";') == [
        *("redirect a@b.test", "redirect c@d.test", "keep"),
    ]
