from __future__ import annotations

import logging
from typing import TYPE_CHECKING

from postroad_relay.submission.bound import Bound

if TYPE_CHECKING:
    import pytest


def test_a_full_queue_takes_messages_again_when_it_has_shrunk(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO)
    queue: list[int] = []
    bound = Bound(queue, 100)
    reached = []
    for length in (0, 99, 100, 101, 99, 96, 95, 94, 99, 100):
        queue[:] = [0] * length
        reached.append(bound.is_reached())
    assert reached == [False, False, True, True, True, True, True, False, False, True]
    assert caplog.messages == [
        "the queue is full: it has 100 messages, and POSTROAD_QUEUE is 100",
        "the queue takes messages again: it has 94",
        "the queue is full: it has 100 messages, and POSTROAD_QUEUE is 100",
    ]


def test_a_small_queue_takes_a_message_as_soon_as_one_is_gone() -> None:
    queue = [1, 2]
    bound = Bound(queue, 2)
    assert bound.is_reached()
    queue.pop()
    assert not bound.is_reached()
