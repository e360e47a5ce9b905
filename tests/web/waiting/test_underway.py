"""What is under way, in sentences."""

from __future__ import annotations

import pytest

from postroad_web.catalog.record import State
from postroad_web.waiting.underway import of_queue, of_records, sentence
from tests.web.some import recipient, record


@pytest.mark.parametrize(
    ("state", "reason", "host", "due", "words"),
    [
        ("deferred", "451 Later", "mx.beta.test", 104.4, "deferred by mx.beta.test: 451 Later, next try in 4 s"),
        ("deferred", "no such host", "", None, "deferred: no such host"),
        ("deferred", "gone", None, 90.0, "deferred: gone, next try in 0 s"),
        ("queued", "", "", None, "no attempt has ended yet"),
        ("held", "whatever", "x", 1.0, "held by an administrator"),
    ],
)  # fmt: skip
def test_sentences(state: str, reason: str, host: str | None, due: float | None, words: str) -> None:
    assert sentence(state=state, reason=reason, host=host, due=due, now=100.0) == words


def test_of_records() -> None:
    waiting = record(
        recipients=(recipient("bob@beta.test"), recipient("eve@dead.test", State.DEFERRED, reason="451", host="mx")),
        state=State.DEFERRED,
    )
    assert of_records([record(), waiting], 100.0) == [
        {"id": "q1", "recipient": "eve@dead.test", "state": "deferred", "detail": "deferred by mx: 451"}
    ]


def test_of_the_queue() -> None:
    def entry(held: bool, *states: str) -> dict[str, object]:
        recipients = [{"address": f"{state}@x", "state": state, "reason": "", "host": None} for state in states]
        return {"queue_id": "q1", "held": held, "due": None, "recipients": recipients}

    assert [
        (delivery["recipient"], delivery["state"])
        for delivery in of_queue([entry(False, "pending", "delivered", "deferred")], 0.0)
    ] == [("pending@x", "queued"), ("deferred@x", "deferred")]
    assert of_queue([entry(True, "pending", "failed")], 0.0) == [
        {"id": "q1", "recipient": "pending@x", "state": "held", "detail": "held by an administrator"}
    ]
