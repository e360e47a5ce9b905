from __future__ import annotations

import pytest

from postroad_relay.queue.schedule import Schedule

SCHEDULE = Schedule((1.0, 5.0, 60.0), 1000.0)
WARNING = Schedule((1.0, 5.0, 60.0), 1000.0, 400.0)


def test_a_sender_is_warned_after_a_time() -> None:
    assert not WARNING.is_delayed(now=499.0, arrived=100.0)
    assert WARNING.is_delayed(now=500.0, arrived=100.0)
    assert not SCHEDULE.is_delayed(now=1e9, arrived=100.0)


def test_a_message_is_attempted_to_warn_its_sender_and_to_expire() -> None:
    assert WARNING.deadline(arrived=100.0, warned=False) == 500.0
    assert WARNING.deadline(arrived=100.0, warned=True) == 1100.0
    assert SCHEDULE.deadline(arrived=100.0, warned=False) == 1100.0


@pytest.mark.parametrize(
    ("now", "attempts", "chance", "due"),
    [
        (100.0, 1, 0.0, 101.0),
        (100.0, 2, 0.0, 105.0),
        (100.0, 3, 0.0, 160.0),
        (100.0, 4, 0.0, 160.0),  # the last wait repeats
        (100.0, 99, 0.0, 160.0),
        (100.0, 1, 1.0, 101.1),
        (100.0, 3, 0.5, 163.0),
        (1050.0, 3, 1.0, 1100.0),  # the last attempt is just at the expiry
        (1099.9, 1, 0.0, 1100.0),
        (1100.0, 1, 0.0, None),
        (5000.0, 1, 0.0, None),
        (0.0, 1, 0.0, 1.0),  # a clock that was set back
    ],
)
def test_next_attempt(now: float, attempts: int, chance: float, due: float | None) -> None:
    assert SCHEDULE.next_attempt(now=now, arrived=100.0, attempts=attempts, chance=chance) == pytest.approx(due)


@pytest.mark.parametrize(
    ("now", "due", "attempts", "left"),
    [
        (100.0, 103.0, 2, 3.0),
        (100.0, 90.0, 2, -10.0),  # it fell due while the relay was stopped; what is due longest comes first
        (100.0, 105.5, 2, 5.5),  # the whole step with its jitter
        (100.0, 86_505.5, 2, 5.5),  # the clock was set back by a day
        (100.0, 86_400.0, 9, 66.0),
        (100.0, 86_400.0, 0, 0.0),  # the first attempt waits for nothing
        (100.0, 99.0, 0, -1.0),
    ],
)
def test_what_is_left_of_a_wait_is_never_more_than_its_step(now: float, due: float, attempts: int, left: float) -> None:
    assert SCHEDULE.wait_left(now=now, due=due, attempts=attempts) == pytest.approx(left)
