"""A world's clock is pushed: the real manager and spool, with a next hop that does what the test says."""

from __future__ import annotations

import asyncio
import email
import email.policy
import itertools
import time
from email.utils import parsedate_to_datetime
from typing import TYPE_CHECKING

import pytest

from postroad.journal import Kind
from postroad_relay.queue.administration import Administration
from postroad_relay.queue.capacity import Capacity
from postroad_relay.queue.push import NEXT, PushError
from postroad_relay.queue.schedule import JITTER
from postroad_relay.queue.spool.clocks import FARTHEST
from tests.relay.office import DAY, HOUR, WAITS, Office

if TYPE_CHECKING:
    from collections.abc import AsyncIterator
    from pathlib import Path


@pytest.fixture
async def office(tmp_path: Path) -> AsyncIterator[Office]:
    office = Office(tmp_path)
    yield office
    office.hop.may_answer.set()
    await office.close()


async def test_five_days_of_retries_pass_one_due_time_after_the_other(office: Office) -> None:
    entry = await office.put()
    arrived = entry.arrived
    started = time.process_time()  # whatever else the machine does
    await office.pushes.push("shop", 5 * DAY + HOUR)
    took = time.process_time() - started
    assert not len(office.spool)
    times = office.times(Kind.DEFERRED)
    waits = [after - before for before, after in itertools.pairwise(times)]
    for wait, step in zip(waits[:-1], [*WAITS, *[HOUR] * 200], strict=False):
        assert step - 0.5 <= wait <= step * (1 + JITTER) + 0.5
    assert 100 < len(times) == office.hop.attempts < 125
    assert times[-1] == pytest.approx(arrived + 5 * DAY, abs=1)
    assert office.times(Kind.EXPIRED) == pytest.approx([arrived + 5 * DAY], abs=1)
    assert office.spool.clocks.of("shop").now() == pytest.approx(arrived + 5 * DAY + HOUR, abs=5)
    assert took < 1.0  # seconds; what the issue asks for


async def test_its_notifications_have_the_times_of_the_world(office: Office) -> None:
    entry = await office.put()
    await office.pushes.push("shop", 5 * DAY + HOUR)
    delayed, failed = [email.message_from_bytes(content, policy=email.policy.SMTP) for content in office.hop.contents]
    assert delayed["Subject"] == "Delivery Status Notification (Delay)"
    assert failed["Subject"] == "Delivery Status Notification (Failure)"
    warned, reported = [
        parsedate_to_datetime(str(dsn["Date"])).timestamp() - entry.arrived for dsn in (delayed, failed)
    ]
    assert 4 * HOUR - 1 <= warned <= 5.1 * HOUR  # with the first attempt that fails after four hours
    assert reported == pytest.approx(5 * DAY, abs=2)
    text = office.hop.contents[0].decode()
    assert "Action: delayed\r\nStatus: 4.2.1\r\n" in text
    (until,) = [line.partition(": ")[2] for line in text.splitlines() if line.startswith("Will-Retry-Until")]
    assert parsedate_to_datetime(until).timestamp() == pytest.approx(entry.arrived + 5 * DAY, abs=1)
    reports = office.notes.find(Kind.REPORTED)
    assert [(detail.get("action"), detail["world"]) for detail in reports] == [("delayed", "shop"), (None, "shop")]


async def test_mail_of_other_worlds_does_not_move(office: Office) -> None:
    other = await office.put("other")
    await office.put("shop")
    await office.settled()
    due, turn, attempts = other.due, other.turn, other.attempts
    before = time.time()
    await office.pushes.push("shop", 3 * DAY)
    assert (other.due, other.attempts) == (due, attempts) or time.time() - before > 0.9  # its own second is over
    assert turn is not None
    assert office.spool.clocks.of("other").ahead == 0
    assert office.spool.clocks.of("shop").ahead == 3 * DAY
    assert office.clock.now() == pytest.approx(time.time(), abs=5)


async def test_a_push_to_the_next_attempt_makes_just_that(office: Office) -> None:
    entry = await office.put()
    await office.settled()
    for number in range(2, 6):
        due = office.pushes.next_at("shop")
        assert due == pytest.approx(entry.due, abs=0.1)
        await office.pushes.push("shop", NEXT)
        assert office.hop.attempts == number
        assert office.times(Kind.DEFERRED)[-1] == pytest.approx(due, abs=1)


async def test_a_push_of_a_world_without_mail(office: Office) -> None:
    assert office.pushes.next_at("shop") is None
    await office.pushes.push("shop", NEXT)
    assert office.spool.clocks.of("shop").ahead == 0
    await office.pushes.push("shop", 3650 * DAY)
    assert office.spool.clocks.of("shop").ahead == 3650 * DAY
    entry = await office.put()
    assert entry.arrived == pytest.approx(time.time() + 3650 * DAY, abs=5)


async def test_the_offset_outlives_the_relay_and_ends_with_the_world(office: Office) -> None:
    await office.pushes.push("shop", 2 * DAY)
    entry = await office.put()
    await office.settled()
    await office.restart()
    (kept,) = office.spool.entries()
    assert office.spool.clocks.of("shop").ahead == 2 * DAY
    assert (kept.world, kept.arrived) == ("shop", entry.arrived)
    assert kept.turn is not None
    assert kept.turn <= office.spool.clocks.of("shop").monotonic() + WAITS[0] * (1 + JITTER)
    await office.spool.clocks.forget("shop")
    await office.restart()
    assert office.spool.clocks.of("shop").ahead == 0


async def test_an_attempt_that_is_under_way_is_waited_for_and_counts_at_its_own_time(office: Office) -> None:
    office.hop.may_answer.clear()
    entry = await office.put()
    push = office.pushes.push("shop", HOUR)
    await asyncio.sleep(0)
    await asyncio.sleep(0)
    assert (office.spool.clocks.of("shop").ahead, push.done()) == (0, False)
    office.hop.may_answer.set()
    await push
    first, *_ = office.times(Kind.DEFERRED)
    assert first == pytest.approx(entry.arrived, abs=1)
    assert office.hop.attempts == 3


async def test_pushes_of_a_world_take_turns(office: Office) -> None:
    await office.put()
    first = office.pushes.push("shop", HOUR)
    second = office.pushes.push("shop", HOUR)
    assert office.pushes.last("shop") is second
    await second
    assert first.done()
    assert office.spool.clocks.of("shop").ahead == 2 * HOUR
    await asyncio.sleep(0)
    assert office.pushes.last("shop") is None


async def test_a_push_goes_on_though_its_client_is_gone(office: Office) -> None:
    office.hop.may_answer.clear()
    await office.put()
    push = office.pushes.push("shop", HOUR)
    waiter = asyncio.ensure_future(asyncio.wait([push]))
    await asyncio.sleep(0)
    waiter.cancel()
    office.hop.may_answer.set()
    await push
    assert office.spool.clocks.of("shop").ahead == HOUR


async def test_a_relay_that_stops_leaves_the_clock_where_it_is(office: Office) -> None:
    office.hop.may_answer.clear()
    await office.put()
    push = office.pushes.push("shop", HOUR)
    await asyncio.sleep(0)
    await asyncio.sleep(0)
    await office.manager.close(grace=0.0)
    await push
    assert office.spool.clocks.of("shop").ahead == 0


async def test_messages_for_a_domain_that_rests_go_by_the_schedule(tmp_path: Path) -> None:
    office = Office(tmp_path, capacity=Capacity(lane=2))
    office.hop.away = True
    entries = [await office.put() for _ in range(6)]
    await office.settled()
    assert office.manager.lanes.resting_count == 1
    waiting = office.manager.lanes.waiting_count
    assert waiting > 0
    assert office.pushes.next_at("shop") == pytest.approx(time.time(), abs=2)
    await office.pushes.push("shop", 6 * DAY)
    assert not len(office.spool)
    expired = office.times(Kind.EXPIRED)
    assert len(expired) == len(entries)
    assert expired == pytest.approx([entry.arrived + 5 * DAY for entry in entries], abs=5)
    assert office.hop.attempts <= sum(entry.attempts + 1 for entry in entries)
    await office.close()


async def test_a_held_message_neither_moves_nor_expires(office: Office) -> None:
    entry = await office.put()
    await office.settled()
    administration = Administration(office.manager)
    await administration.hold(entry)
    await office.pushes.push("shop", 20 * DAY)
    assert (entry.held, entry.attempts, office.hop.attempts) == (True, 1, 1)
    office.hop.takes = True
    await administration.release(entry)
    await office.notes.until(lambda: not len(office.spool))
    (delivered,) = office.notes.find(Kind.DELIVERED)
    assert delivered["latency"] == pytest.approx(20 * DAY, abs=5)


async def test_a_message_that_may_not_be_reported_is_warned_about_once_and_to_nobody(office: Office) -> None:
    entry = await office.put(sender=None)
    await office.pushes.push("shop", DAY)
    assert entry.warned
    assert not office.hop.contents
    await office.restart()
    (kept,) = office.spool.entries()
    assert kept.warned


async def test_without_a_notice_there_is_none(tmp_path: Path) -> None:
    office = Office(tmp_path, warning=float("inf"))
    await office.put()
    await office.pushes.push("shop", 4 * DAY)
    assert not office.hop.contents
    await office.close()


async def test_a_full_queue_is_pushed_a_few_messages_at_a_time(tmp_path: Path) -> None:
    office = Office(tmp_path, capacity=Capacity(active=3))
    for _ in range(10):
        await office.put()
    await office.pushes.push("shop", HOUR)
    assert {entry.attempts for entry in office.spool.entries()} == {3}
    # Another world has taken all the room: the push waits for it.
    office.hop.may_answer.clear()
    for _ in range(3):
        await office.put("other")
    push = office.pushes.push("shop", 2 * HOUR)
    for _ in range(5):
        await asyncio.sleep(0)
    assert not push.done()
    office.hop.may_answer.set()
    await push
    assert {entry.attempts for entry in office.spool.entries() if entry.world == "shop"} == {5}
    await office.close()


async def test_a_clock_goes_a_century_ahead_at_most(office: Office) -> None:
    await office.pushes.push("shop", FARTHEST - 1)
    with pytest.raises(PushError, match="36500 days ahead at most"):
        await office.pushes.push("shop", 2)
    assert office.spool.clocks.of("shop").ahead == FARTHEST - 1


async def test_a_disk_that_is_full_stops_the_push(office: Office, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(world: str, ahead: float) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(office.spool.clocks, "_write", full)
    with pytest.raises(OSError, match="No space left"):
        await office.pushes.push("shop", HOUR)
    assert office.spool.clocks.of("shop").ahead == 0
    assert office.manager.pushing == {}
