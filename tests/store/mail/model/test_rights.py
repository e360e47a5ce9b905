"""Access control lists as texts, and the rights that come of them (RFC 4314 §2)."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from postroad_store.mail.model.flags import DELETED, SEEN, FlagSet
from postroad_store.mail.model.rights import (
    ALL,
    NONE,
    ORDER,
    REQUIRED,
    entries_of,
    flags_mask,
    parse_rights,
    permitted,
    rights_of,
    text_of,
    told,
)

RIGHTS = st.frozensets(st.sampled_from(ORDER))
IDENTIFIERS = st.text(st.characters(exclude_categories=["C"]), min_size=1)


@pytest.mark.parametrize(
    ("text", "rights"),
    [("", ""), ("lr", "lr"), ("c", "kx"), ("d", "te"), ("lrswipcda", ORDER), ("kk", "k")],
)
def test_letters(text: str, rights: str) -> None:
    assert parse_rights(text) == frozenset(rights)


@pytest.mark.parametrize("text", ["q", "L", "0", "l r", "é", "+l"])
def test_what_is_no_right(text: str) -> None:
    assert parse_rights(text) is None


@pytest.mark.parametrize(
    ("rights", "text"), [("lrswipkxtea", "lrswipacd"), ("lr", "lr"), ("kx", "c"), ("t", "d"), ("lx", "lc"), ("", "")]
)
def test_a_server_of_old_tells_virtual_rights_alone(rights: str, text: str) -> None:
    """RFC 2086 §3 had c and d; what RFC 4314 has made of them is left out."""
    assert told(frozenset(rights), newer=False) == text


@pytest.mark.parametrize(
    ("rights", "text"), [("", ""), ("rl", "lr"), ("x", "xc"), ("k", "kc"), ("e", "ed"), (ORDER, ORDER + "cd")]
)
def test_how_they_are_told(rights: str, text: str) -> None:
    assert told(frozenset(rights)) == text


@given(st.dictionaries(IDENTIFIERS, RIGHTS))
def test_a_list_is_what_its_text_says(entries: dict[str, frozenset[str]]) -> None:
    text = text_of(entries)
    assert (text is None) == (not entries)
    assert text is None or entries_of(text) == entries


@pytest.mark.parametrize(
    ("acl", "login", "owns", "rights"),
    [
        (None, "a", True, ORDER),
        (None, "a", False, ""),
        ("lr a", "a", True, "lra"),
        ("lr a\ns anyone", "a", False, "lrs"),
        ("lr a\ns anyone", "b", False, "s"),
        ("lr a\nr -a", "a", False, "l"),
        ("lrs anyone\nr -b", "a", False, "lrs"),
        ("lrs anyone\nrs -anyone", "a", False, "l"),
        ("w -a", "a", True, ORDER.replace("w", "")),
        ("la -a", "a", True, ORDER),
    ],
)
def test_whose_rights(acl: str | None, login: str, owns: bool, rights: str) -> None:
    assert rights_of(acl, login, owns=owns) == frozenset(rights)


@given(st.dictionaries(IDENTIFIERS, RIGHTS), IDENTIFIERS)
def test_nobody_gets_more_than_somebody_has_given(entries: dict[str, frozenset[str]], login: str) -> None:
    acl = text_of(entries)
    assert rights_of(acl, login, owns=False) <= entries.get(login, NONE) | entries.get("anyone", NONE)
    assert rights_of(acl, login, owns=True) >= REQUIRED


@pytest.mark.parametrize(("rights", "keywords"), [("", ()), ("s", ()), ("t", ()), ("w", ("k",)), (ORDER, ("k",))])
def test_which_flags_may_be_set(rights: str, keywords: tuple[str, ...]) -> None:
    flags = FlagSet(31, ("k",))
    got = permitted(flags, frozenset(rights))
    assert got.keywords == keywords
    assert got.system == flags.system & flags_mask(frozenset(rights))
    assert bool(got.system & SEEN) == ("s" in rights)
    assert bool(got.system & DELETED) == ("t" in rights)
    assert bool(got.system & ~(SEEN | DELETED)) == ("w" in rights)
    assert flags_mask(ALL) == -1
