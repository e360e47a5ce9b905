"""When a wait is over, by what has been seen."""

from __future__ import annotations

import pytest

from postroad_web.waiting.criteria import Verdict
from postroad_web.waiting.tally import ARRIVALS, FAR, NEAR_MISSES, Decision, Mode, Tally
from tests.web.some import record

MET = Verdict(("recipient",), (), whole=True)
NEAR = Verdict(("recipient",), ("subject",), whole=True)
MISSED = Verdict((), ("recipient",), whole=True)
W, Q, D, T = Decision.WAIT, Decision.IF_QUIET, Decision.DONE, Decision.TOO_MANY
AT_LEAST_2, EXACTLY_2, NONE = Mode(2, None), Mode(2, 2), Mode(0, 0)


@pytest.mark.parametrize(
    ("mode", "matched", "pending", "decision", "when_quiet"),
    [
        (AT_LEAST_2, 0, 0, W, W),
        (AT_LEAST_2, 1, 5, W, W),
        (AT_LEAST_2, 2, 0, D, D),
        (AT_LEAST_2, 3, 1, D, D),
        (EXACTLY_2, 1, 0, W, W),
        (EXACTLY_2, 1, 1, W, W),
        (EXACTLY_2, 2, 0, Q, D),
        (EXACTLY_2, 2, 1, T, T),
        (EXACTLY_2, 3, 0, T, T),
        (EXACTLY_2, 0, 3, T, T),
        (NONE, 0, 0, Q, D),
        (NONE, 0, 1, T, T),
        (NONE, 1, 0, T, T),
    ],
)
def test_the_table(mode: Mode, matched: int, pending: int, decision: Decision, when_quiet: Decision) -> None:
    tally = Tally(mode)
    for number in range(matched):
        tally.see(record(number), MET, settled=True)
    for number in range(pending):
        tally.see(record(100 + number), MET, settled=False)
    assert tally.decide() is decision
    assert tally.decide(quiet=True) is when_quiet


def test_modes_have_words() -> None:
    assert [mode.sentence for mode in (AT_LEAST_2, EXACTLY_2, NONE)] == ["at least 2", "exactly 2", "none"]


def test_a_message_is_counted_as_it_was_seen_last() -> None:
    tally = Tally(EXACTLY_2)
    tally.see(record(1), NEAR, settled=False)
    tally.see(record(1), MET, settled=False)
    assert (tally.matched, tally.pending, tally.near) == ([], [record(1)], [])
    tally.see(record(1), MET, settled=True)
    assert (tally.matched, tally.pending) == ([record(1)], [])
    tally.forget("q1")
    tally.forget("q1")
    assert tally.matched == []


def test_matches_come_in_their_order() -> None:
    tally = Tally(AT_LEAST_2)
    for number in (3, 1, 2):
        tally.see(record(number), MET, settled=True)
        tally.see(record(10 + number), MET, settled=False)
    assert [message.number for message in tally.matched] == [1, 2, 3]
    assert [message.number for message in tally.pending] == [11, 12, 13]


def test_near_misses_are_few_and_the_nearest_first() -> None:
    tally = Tally(AT_LEAST_2)
    nearest = Verdict(("recipient", "body"), ("subject",), whole=True)
    tally.see(record(0), nearest, settled=True)
    tally.see(record(1000), MISSED, settled=True)
    for number in range(1, 100):
        tally.see(record(number), NEAR, settled=True)
    assert [near.record.number for near in tally.near] == [0, *range(99, 99 - NEAR_MISSES + 1, -1)]


def test_without_near_misses_the_newest_are_told() -> None:
    tally = Tally(AT_LEAST_2)
    for number in range(100):
        tally.see(record(number), MISSED, settled=True)
    assert [near.record.number for near in tally.near] == list(range(99, 99 - FAR, -1))
    tally.forget("q99")
    assert tally.near[0].record.number == 98
    tally.see(record(1), NEAR, settled=True)
    assert [near.record.number for near in tally.near] == [1]


@pytest.mark.parametrize(("verdict", "most"), [(NEAR, 10), (MISSED, 3)])
def test_what_is_kept_of_misses_is_enough_to_tell_them_again(verdict: Verdict, most: int) -> None:
    """Twice as many as are told are kept, so that each of those that are forgotten has another in its place."""
    tally = Tally(AT_LEAST_2)
    for number in range(2 * most):
        tally.see(record(number), verdict, settled=True)
    for number in range(2 * most - 1, most - 1, -1):
        tally.forget(f"q{number}")
    assert [near.record.number for near in tally.near] == list(range(most - 1, -1, -1))
    for number in range(100, 101 + most):  # one more than twice as many: those that are not told are forgotten
        tally.see(record(number), verdict, settled=True)
    for number in range(101, 101 + most):
        tally.forget(f"q{number}")
    assert [near.record.number for near in tally.near] == []


def test_an_arrival_that_changes_is_the_latest() -> None:
    tally = Tally(AT_LEAST_2)
    for number in range(1, ARRIVALS + 1):
        tally.see(record(number), MET, settled=True, news=True)
    tally.see(record(1), MET, settled=True, news=True)
    tally.see(record(100), MET, settled=True)  # it was there before
    tally.see(record(50), MET, settled=True, news=True)
    assert [message.number for message in tally.arrived] == [1, *range(3, 21), 50]


def test_arrivals_are_those_since_the_wait_began() -> None:
    tally = Tally(AT_LEAST_2)
    tally.see(record(0), MET, settled=True)
    for number in range(1, 100):
        tally.see(record(number), MISSED, settled=True, news=True)
    tally.see(record(99), MISSED, settled=True, news=True)
    assert [message.number for message in tally.arrived] == list(range(100 - ARRIVALS, 100))
    tally.forget("q99")
    assert len(tally.arrived) == ARRIVALS - 1
    tally.clear()
    assert (tally.arrived, tally.matched) == ([], [])
