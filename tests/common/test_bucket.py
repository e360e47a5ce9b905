"""A token bucket."""

from __future__ import annotations

from postroad.bucket import Bucket
from postroad.clock import Clock


def passes(bucket: Bucket) -> int:
    """Return how many may pass now."""
    count = 0
    while bucket.take():
        count += 1
    return count


def test_a_burst_passes_and_then_so_many_per_second() -> None:
    clock = Clock(steady=lambda: 100.0)
    bucket = Bucket(clock, 2.0, 5)
    assert passes(bucket) == 5
    clock.push(0.25)
    assert passes(bucket) == 0
    clock.push(0.25)
    assert passes(bucket) == 1
    clock.push(1000.0)
    assert passes(bucket) == 5


def test_one_that_is_given_back_may_pass_again_and_makes_no_burst_larger() -> None:
    bucket = Bucket(Clock(steady=lambda: 100.0), 2.0, 3)
    bucket.give_back()
    assert passes(bucket) == 3
    bucket.give_back()
    assert passes(bucket) == 1
