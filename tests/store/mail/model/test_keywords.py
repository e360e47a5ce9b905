from __future__ import annotations

from postroad_store.mail.model.flags import FIRST_KEYWORD, SEEN
from postroad_store.mail.model.keywords import Keywords


def bit(number: int) -> int:
    return 1 << FIRST_KEYWORD + number


def test_numbers_and_names() -> None:
    keywords = Keywords([(2, "Work"), (0, "$Junk"), (5000, "far")])
    assert len(keywords) == 3
    assert keywords.names() == ["$Junk", "Work", "far"]
    assert keywords.names_in(SEEN | bit(5000) | bit(0)) == ["$Junk", "far"]
    assert (keywords.bit("WORK"), keywords.bit("far"), keywords.bit("none")) == (bit(2), bit(5000), 0)


def test_a_number_that_means_nothing_is_left_out() -> None:
    assert Keywords([(1, "a")]).names_in(bit(0) | bit(1)) == ["a"]


def test_learning() -> None:
    keywords = Keywords()
    version = keywords.version
    assert not keywords.learn([])
    assert keywords.learn([(0, "a"), (1, "b")])
    assert not keywords.learn([(1, "b")])
    assert keywords.learn([(0, "a"), (1, "b"), (2, "after what is known")])
    assert keywords.learn([(2, None)])
    version += 2
    assert keywords.version == version + 1
    assert keywords.learn([(0, None), (1, None), (1, "C"), (3, None)])
    assert (keywords.names(), keywords.bit("a"), keywords.bit("b"), keywords.bit("c")) == (["C"], 0, 0, bit(1))
    assert keywords.version == version + 2
