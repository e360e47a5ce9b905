from __future__ import annotations

import pytest

from postroad_web.mailhog.search import search
from postroad_web.search.sql import condition
from postroad_web.search.tree import MAX_QUERY, InHeader, Or, Recipient, Sender


@pytest.mark.parametrize("kind", ["from", "to", "containing"])
def test_what_can_be_asked(kind: str) -> None:
    assert search(kind, "x" * MAX_QUERY) is not None
    assert search(kind, "\N{LATIN SMALL LETTER E WITH ACUTE}" * (MAX_QUERY // 2)) is not None
    for query in ("", "x" * (MAX_QUERY + 1), "\N{LATIN SMALL LETTER E WITH ACUTE}" * (MAX_QUERY // 2 + 1)):
        assert search(kind, query) is None
    assert search(kind.title(), "x") is None


def test_who_is_asked_for() -> None:
    """By the envelope or by the header, and by a part of an address, in either case."""
    asked = search("to", "Bob@X")
    assert asked is not None
    assert asked.where() == condition(Or((Recipient("bob@x", whole=False), InHeader("to", "Bob@X"))))
    asked = search("from", "Bob@X")
    assert asked is not None
    assert asked.where() == condition(Or((Sender("Bob@X", whole=False), InHeader("from", "Bob@X"))))


def test_nul_is_no_character_of_a_query() -> None:
    first, second = search("from", "a\0b"), search("from", "a b")
    assert first is not None
    assert second is not None
    assert first.where() == second.where()
