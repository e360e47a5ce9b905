"""Turns: failures cost time, are forgotten in time, and take no more than so much memory."""

from __future__ import annotations

from postroad.world.turns import FORGOTTEN_AFTER, Turns


def test_failures_are_forgotten_in_time() -> None:
    turns = Turns(free=2, first=1.0, longest=8.0)
    for _ in range(3):
        turns.failed("a", 0.0)
    turns.take("a", 0.0)
    assert turns.wait("a", 0.0) == 2.0
    turns.take("a", FORGOTTEN_AFTER)
    assert turns.wait("a", FORGOTTEN_AFTER) == 1.0
    turns.take("a", 2 * FORGOTTEN_AFTER)
    assert turns.wait("a", 2 * FORGOTTEN_AFTER) == 0.0


def test_memory_is_bounded() -> None:
    turns = Turns(free=0, first=1.0, longest=8.0, kept=10)
    for number in range(100):
        turns.failed(str(number), 0.0)
    assert len(turns) == 10
    turns.failed("90", 0.0)
    turns.failed("new", 0.0)
    turns.take("90", 0.0)
    turns.take("91", 0.0)
    assert turns.wait("90", 0.0) > 0
    assert turns.wait("91", 0.0) == 0  # it was the one that was tried least recently


def test_attempts_that_are_under_way_count_as_failures() -> None:
    turns = Turns(free=2, first=1.0, longest=8.0)
    turns.failed("a", 0.0)
    turns.take("a", 0.0)
    assert turns.wait("a", 0.0) == 0.0
    turns.take("a", 0.0, pending=3)
    assert turns.wait("a", 0.0) == 4.0
    turns.take("a", 0.0, pending=10)
    assert turns.wait("a", 0.0) == 12.0  # the longest, behind the turn before


def test_a_success_clears_the_failures() -> None:
    turns = Turns(free=0, first=1.0, longest=8.0)
    turns.failed("a", 0.0)
    turns.failed("b", 0.0)
    turns.clear("a")
    turns.clear("nobody")
    turns.take("a", 0.0)
    turns.take("b", 0.0)
    assert (len(turns), turns.wait("a", 0.0), turns.wait("b", 0.0)) == (1, 0.0, 2.0)
