"""What is decided about a message once its attempt is over."""

from __future__ import annotations

import pytest

from postroad.mail.address import Address
from postroad.mail.envelope import Envelope, Recipient
from postroad.mail.reply import Reply
from postroad.smtp.client.outcome import Delivered, Outcome, deferred, failed
from postroad_relay.queue.active import Active
from postroad_relay.queue.conclusion import Conclusion, conclude
from postroad_relay.queue.spool import Entry, Stored
from postroad_relay.queue.spool.record import Message, Progress, QueueId

TO = tuple(Recipient(Address(name, "beta.test")) for name in "abcd")
DELIVERED = Delivered("mx.beta.test[127.0.0.25]", Reply(250, None, ("OK",)))
DEFERRED = deferred("4.4.1", "connection refused", "mx.beta.test")
FAILED = failed("5.1.1", "no such user")


def active(*outcomes: Outcome, reported: frozenset[int] = frozenset()) -> Active:
    """A message at its third attempt, with what became of its recipients."""
    ident = QueueId("1")
    stored = Stored(Message(ident, 100.0, Envelope(None, TO), None, 7), Progress(0.0, 2, reported=reported), b"content")
    entry = Entry(ident, 100.0, spilled=False)
    entry.attempts = 2
    message = Active(entry, stored)
    message.note(range(len(outcomes)), outcomes)
    return message


def test_nothing_is_left() -> None:
    assert conclude(active(DELIVERED), None, due=None, resume_at=0.0) == Conclusion(None, None, 0.0)


def test_who_failed_is_done_and_in_the_report() -> None:
    message = active(DELIVERED, FAILED, DEFERRED, reported=frozenset({3}))
    message.held = message.warned = True
    assert conclude(message, None, due=200.0, resume_at=7.0) == Conclusion(
        Progress(
            200.0, 3, frozenset({0, 1}), deferred={2: DEFERRED}, reported=frozenset({1, 3}), held=True, warned=True
        ),
        None,
        7.0,
    )


@pytest.mark.parametrize(
    ("outcomes", "withdrawn", "attempts"),
    [((DEFERRED,), False, 3), ((), False, 3), ((DEFERRED,), True, 3), ((), True, 2)],
)
def test_an_attempt_counts_unless_nobody_was_attempted(
    outcomes: tuple[Outcome, ...], *, withdrawn: bool, attempts: int
) -> None:
    message = active(*outcomes)
    message.withdrawn = withdrawn
    progress = conclude(message, None, due=200.0, resume_at=7.0).progress
    assert progress is not None
    assert progress.attempts == attempts
    assert (progress.held, progress.warned, progress.reported) == (False, False, frozenset())
