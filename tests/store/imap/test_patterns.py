from __future__ import annotations

import re
from itertools import product

import pytest
from hypothesis import given
from hypothesis import strategies as st

from postroad_store.imap.patterns import MAX_PATTERNS, Matching, Pattern, Patterns, root_of
from postroad_store.mail.model.errors import LimitReached

NAMES = [b"INBOX", b"INBOX/x", b"a", b"a/b", b"a/b/c", b"inboxes", b"z/y/x"]


@pytest.mark.parametrize(
    ("reference", "pattern", "expected"),
    [
        (b"", b"*", dict.fromkeys(NAMES, True)),
        (b"", b"%", {b"INBOX": True, b"a": True, b"inboxes": True, b"z": False}),
        (b"", b"%/%", {b"INBOX/x": True, b"a/b": True, b"z/y": False}),
        (b"a/", b"%", {b"a/b": True}),
        (b"a", b"/%", {b"a/b": True}),
        (b"", b"a%", {b"a": True}),
        (b"", b"a*c", {b"a/b/c": True}),
        (b"", b"inbox", {b"INBOX": True}),
        (b"", b"Inbox/%", {b"INBOX/x": True}),
        (b"", b"inb*", {b"INBOX": True, b"INBOX/x": True, b"inboxes": True}),
        (b"i", b"nbox*x", {b"INBOX/x": True}),
        (b"", b"inbox%", {b"INBOX": True, b"inboxes": True}),
        (b"", b"Inbox*x", {b"INBOX/x": True}),
        (b"", b"inb%/x", {b"INBOX/x": True}),
        (b"", b"INBOX*X", {}),
        (b"", b"inboxes*", {b"inboxes": True}),
        (b"", b"inbo/*", {}),
        (b"", b"*%", dict.fromkeys(NAMES, True)),
        (b"", b"%*", dict.fromkeys(NAMES, True)),
        (b"", b"**", dict.fromkeys(NAMES, True)),
        (b"", b"%%", {b"INBOX": True, b"a": True, b"inboxes": True, b"z": False}),
        (b"", b"a%%", {b"a": True}),
        (b"", b"%%%/%%", {b"INBOX/x": True, b"a/b": True, b"z/y": False}),
        (b"", b"%%*", dict.fromkeys(NAMES, True)),
        (b"", b"a%%*c", {b"a/b/c": True}),
        (b"", b"nope", {}),
        (b"", b"z/%/x", {b"z/y/x": True}),
    ],
)
def test_matching(reference: bytes, pattern: bytes, expected: dict[bytes, bool]) -> None:
    matching = Matching(reference, pattern)
    matching.add(NAMES)
    assert dict(matching.found()) == expected


def test_inbox_comes_first() -> None:
    matching = Matching(b"", b"*")
    matching.add([b"a", b"INBOX", b"A"])
    assert [name for name, _ in matching.found()] == [b"INBOX", b"A", b"a"]


@pytest.mark.parametrize(
    ("reference", "root"), [(b"", b""), (b"foo", b""), (b"foo/", b"foo/"), (b"foo/bar", b"foo/"), (b"/x", b"/")]
)
def test_root(reference: bytes, root: bytes) -> None:
    assert root_of(reference) == root


@pytest.mark.parametrize(
    ("pattern", "names", "others"),
    [
        ("ab*ba", ["abba", "abxba"], ["aba", "ab", "ba", "abb"]),  # beginning and end do not share a letter
        ("a%a", ["aa", "axa"], ["a", "a/a"]),
        ("a*a*a", ["aaa", "axaxa"], ["aa", "a", "axa"]),
        ("ab%ab%ab", ["ababab", "abxabxab"], ["abab", "ababa", "ab/abab"]),
        ("*a", ["a", "xa"], ["", "ax"]),
        ("%a*b%c", ["abc", "xxaxxbxxc", "a/bc"], ["xx/abc", "ab/c", "abcd"]),
        ("%x%y*", ["xy", "aaxbby/c"], ["a/xy", "x/y"]),
        ("*x%y%z", ["a/xyz", "xaaybbz"], ["xy/z", "x/yz", "xyza"]),
        ("a%*b", ["ab", "a/b"], ["a", "ba"]),
        ("a*%b", ["ab", "a/x/b"], ["a", "ba"]),
        ("", [""], ["a"]),
        ("abc", ["abc"], ["ab", "abcd", "abC"]),
    ],
)
def test_each_text_of_a_pattern_has_its_own_place(pattern: str, names: list[str], others: list[str]) -> None:
    matched = [name for name in [*names, *others] if Pattern(pattern.encode()).matches(name.encode())]
    assert matched == names


@given(st.text("ab/%*", max_size=8), st.text("ab/", max_size=10))
def test_patterns_are_what_a_regular_expression_says(pattern: str, name: str) -> None:
    expression = "".join({"*": ".*", "%": "[^/]*"}.get(char, re.escape(char)) for char in pattern)
    assert Pattern(pattern.encode()).matches(name.encode()) == bool(re.fullmatch(expression, name))


@pytest.mark.parametrize("pattern", ["a*b%", "%a*b", "*a%b*", "a%b%a", "a%b*a", "a*b*", "ab%*", "%a%"])
def test_patterns_with_several_wildcards(pattern: str) -> None:
    expression = re.compile(pattern.replace("*", ".*").replace("%", "[^/]*"))
    matches = Pattern(pattern.encode()).matches
    for length in range(6):
        for name in map("".join, product("abx/", repeat=length)):
            assert matches(name.encode()) == bool(expression.fullmatch(name)), name


def test_a_hostile_pattern_takes_no_time() -> None:
    assert not Pattern(b"*a" * 400 + b"b").matches(b"a" * 2000)


def test_patterns_are_bounded() -> None:
    with pytest.raises(LimitReached, match="mailbox pattern is too long"):
        Patterns(b"x" * 500, (b"a", b"x" * 501))
    with pytest.raises(LimitReached, match="too many mailbox patterns"):
        Patterns(b"", (b"a",) * (MAX_PATTERNS + 1))
    assert Patterns(b"x" * 500, (b"x" * 500,) * MAX_PATTERNS).match(b"x" * 1000)


def test_several_patterns() -> None:
    patterns = Patterns(b"a/", (b"b", b"%x"))
    assert [name for name in (b"a/b", b"a/b/c", b"a/x", b"b", b"a/yx") if patterns.match(name)] == [
        b"a/b",
        b"a/x",
        b"a/yx",
    ]
    assert not patterns.everything
    assert Patterns(b"", (b"a", b"*")).everything
