"""What a row of the table of records becomes."""

from __future__ import annotations

from typing import Any

import pytest

from postroad_web.catalog.journey import Journey, Recipient
from postroad_web.catalog.record import Address, Digest, Origin
from postroad_web.catalog.rows import digest_columns, journey_of, record_of

DIGEST = Digest(
    subject="Hi",
    from_=(Address("A", "a@a.test"),),
    to=(Address("", "To@b.test"),),
    cc=(Address("", "cc@b.test"),),
    bcc=(Address("", "bcc@b.test"),),
    reply_to=(Address("", "re@a.test"),),
    date=5.0,
    snippet="Hello",
    attachments=3,
    inline=2,
    tags=("blue",),
)
RECIPIENTS = ["to@b.test", "Hidden@b.test", "bcc@b.test"]


def row(digested: int) -> tuple[Any, ...]:
    journey = Journey("R1", 7, Origin.SUBMISSION, 9.0, "w1")
    journey.peer, journey.client, journey.reports = "::1", "x", ["R2"]
    journey.recipients = [Recipient(address) for address in RECIPIENTS]
    facts = (7, "R1", "w1", "submission", 9.0, "s@a.test", "<1@a.test>", 99, "app", None, digested, journey.pack())
    columns = digest_columns(DIGEST, RECIPIENTS)
    return (*facts, 1, '["red"]', *columns[:4], *columns[5:])  # Bcc is only for searches


@pytest.mark.parametrize(("digested", "known", "gone"), [(0, False, False), (1, True, False), (2, False, True)])
def test_a_content_is_not_read_yet_or_read_or_gone(digested: int, known: bool, gone: bool) -> None:
    record = record_of(row(digested))
    assert (record.digest is not None, record.gone) == (known, gone)


def test_everything_of_a_row() -> None:
    record = record_of(row(1))
    assert (record.number, record.id, record.world, record.origin) == (7, "R1", "w1", Origin.SUBMISSION)
    assert (record.arrived, record.sender, record.message_id, record.size) == (9.0, "s@a.test", "<1@a.test>", 99)
    assert (record.login, record.about, record.read, record.tags) == ("app", None, True, ("red",))
    assert (record.peer, record.client, record.reports) == ("::1", "x", ("R2",))
    assert record.digest is not None
    assert record.digest == DIGEST
    assert journey_of(row(1)).digested == 1


def test_recipients_that_no_field_names_are_searched_as_bcc() -> None:
    assert digest_columns(DIGEST, RECIPIENTS)[4] == '[["","bcc@b.test"],["","Hidden@b.test"]]'
