"""Tags, cleaned and found."""

from __future__ import annotations

import pytest

from postroad_web.catalog.tags import cleaned, tags_of


@pytest.mark.parametrize(
    ("tag", "clean"),
    [
        ("red", "red"),
        (" a/b ", "a b"),
        ("a  b", "a b"),
        ("Grün", "Gr n"),
        ("x-y_z.1@", "x-y_z.1@"),
        ("//", ""),
        ("", ""),
    ],
)
def test_cleaned(tag: str, clean: str) -> None:
    assert cleaned(tag) == clean


def test_one_that_is_too_long_is_cut() -> None:
    assert cleaned("x" * 101) == "x" * 100
    assert cleaned("x" * 99 + " y") == "x" * 99


def test_what_is_empty_is_no_tag() -> None:
    assert tags_of(["", " , ,//"], ["bob+@b.test", "+@b.test"]) == ()
    assert tags_of([",a,"], []) == ("a",)


def test_tags_of_a_message() -> None:
    assert tags_of(["b, A,,a"], ["bob+x+y@b.test", "bob@b.test", "+@b.test", "bob+a@b+c.test"]) == ("A", "b", "x", "y")
    assert len(tags_of([",".join(map(str, range(200)))], [])) == 100
