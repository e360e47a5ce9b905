"""A message while attempts are made: its outcomes so far, and what is kept of them."""

from __future__ import annotations

import pytest

from postroad.mail.address import Address
from postroad.mail.envelope import Envelope, Recipient
from postroad.mail.reply import Reply
from postroad.smtp.client.outcome import Delivered, Outcome, deferred, failed
from postroad_relay.queue.active import Active, Expired, period
from postroad_relay.queue.spool import Entry, Stored
from postroad_relay.queue.spool.record import Message, Progress, QueueId

TO = tuple(Recipient(Address(name, "beta.test")) for name in "abcd")
DELIVERED = Delivered("mx.beta.test[127.0.0.25]", Reply(250, None, ("OK",)))
DEFERRED = deferred("4.4.1", "connection refused", "mx.beta.test")
FAILED = failed("5.1.1", "no such user")


def active(progress: Progress = Progress()) -> Active:  # noqa: B008 - frozen
    ident = QueueId("1")
    message = Message(ident, 100.0, Envelope(None, TO), None, 7)
    return Active(Entry(ident, 100.0, spilled=False), Stored(message, progress, b"content"))


@pytest.mark.parametrize(
    ("outcomes", "final"),
    [
        ([], False),
        ([DEFERRED], False),
        ([DELIVERED], True),
        ([FAILED], True),
        ([DELIVERED, DEFERRED], True),
        ([DEFERRED, FAILED], True),
        ([DEFERRED, DEFERRED], False),
    ],
)
def test_whether_an_outcome_is_final(outcomes: list[Outcome], final: bool) -> None:
    assert active().note(range(len(outcomes)), outcomes) is final


def test_what_the_spool_is_to_keep() -> None:
    message = active(Progress(0.0, 1, frozenset({0}), {}, {1: DEFERRED, 2: DEFERRED}))
    message.note([1, 3], [DELIVERED, FAILED])
    assert message.progress(due=200.0, attempts=2) == Progress(200.0, 2, frozenset({0, 1}), {3: FAILED}, {2: DEFERRED})
    assert message.news == [(1, DELIVERED), (3, FAILED)]
    again = active(message.progress(due=200.0, attempts=2))
    assert (again.done, again.failed, again.deferred) == ({0, 1}, {3: FAILED}, {2: DEFERRED})


def test_who_is_left() -> None:
    message = active(Progress(0.0, 1, frozenset({0}), {2: FAILED}, {1: DEFERRED}))
    assert message.left == [1, 3]


def test_expiry_fails_what_is_deferred_and_says_why() -> None:
    message = active(Progress(0.0, 1, frozenset(), {0: FAILED}, {1: DEFERRED}))
    message.expire(432_000)
    assert not message.deferred
    assert message.failed[0] == FAILED
    expired = message.failed[1]
    assert isinstance(expired, Expired)
    assert (str(expired.status), expired.host) == ("5.4.7", "mx.beta.test")
    assert expired.reason == "gave up after 5 days: connection refused"
    assert message.news == [(1, expired)]


def test_it_is_untouched_while_its_only_domain_has_not_been_attempted() -> None:
    two, untouched, attempted = active(), active(), active()
    two.jobs, untouched.jobs, attempted.jobs = 2, 1, 1
    attempted.note([0], [DEFERRED])
    noted = active()
    noted.jobs, noted.noted = 1, True
    assert [message.is_untouched for message in (two, untouched, attempted, noted)] == [False, True, False, False]


def test_what_is_held_in_memory() -> None:
    message = active()
    assert message.octets == 0
    message.stored = Stored(message.message, Progress(), b"content")
    assert message.octets == 7


@pytest.mark.parametrize(
    ("seconds", "words"),
    [
        (0, "0 seconds"),
        (119.4, "119 seconds"),
        (120, "2 minutes"),
        (7199, "120 minutes"),
        (7200, "2 hours"),
        (172_799, "48 hours"),
        (172_800, "2 days"),
        (432_000, "5 days"),
    ],
)
def test_periods(seconds: float, words: str) -> None:
    assert period(seconds) == words
