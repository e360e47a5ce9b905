"""An administrator's hand in the queue, on a real spool with a courier under the test's hand."""

from __future__ import annotations

import asyncio
import errno
import os
import shutil
import threading
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from postroad.clock import Clock
from postroad.journal import Kind
from postroad.mail.address import parse_address
from postroad.mail.content import SPILL_AT, Content
from postroad.mail.envelope import Envelope, Recipient
from postroad.smtp.client.session import Session
from postroad_relay.queue import administration
from postroad_relay.queue.administration import (
    Administration,
    ConflictError,
    NotQueuedError,
    NotWrittenError,
)
from postroad_relay.queue.capacity import Capacity
from postroad_relay.queue.spool import Message, QueueId, Spool, SpoolError
from tests.relay.queue.test_manager import BUSY, CONTENT, DOWN, NO_USER, TARGET, Bench, until

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from postroad_relay.queue.spool import Entry


class Office(Bench):
    """A bench with an administrator."""

    def open(self) -> None:
        super().open()
        self.hand = Administration(self.manager)

    def entry(self, ident: str) -> Entry:
        entry = self.spool.find(QueueId(ident))
        assert entry is not None
        return entry

    async def waiting(self, *recipients: str, sender: str | None = "alice@alpha.test") -> Entry:
        """Put a message that is deferred, and return its entry."""
        self.courier.outcomes |= dict.fromkeys(recipients or ("busy@beta.test",), BUSY)
        ident = await self.put(*(recipients or ("busy@beta.test",)), sender=sender)
        await until(lambda: self.entry(ident).attempts == 1 and not self.manager.active)
        return self.entry(ident)

    async def under_way(self, *recipients: str) -> Entry:
        """Put a message whose attempts wait for the gates of beta.test, and return its entry."""
        self.courier.gated |= {"beta.test"}
        ident = await self.put(*(recipients or ("bob@beta.test",)))
        await until(lambda: self.courier.running > 0)
        return self.entry(ident)

    async def reopen(self) -> None:
        await self.close()
        self.open()
        self.manager.start(self.spool.entries())

    def kinds_since(self, kind: str, ident: str) -> list[str]:
        kinds = self.notes.kinds(ident)
        return kinds[kinds.index(kind) :]


@pytest.fixture
async def office(tmp_path: Path) -> AsyncIterator[Office]:
    office = Office(tmp_path, waits=(1000.0,))
    yield office
    await office.close()


class BadDisk:
    """A disk that can't be written."""

    def __init__(self, spool: Spool) -> None:
        self.bad = True
        spool.log.writev = self.writev

    def writev(self, handle: int, buffers: Any, offset: int) -> int:
        if self.bad:
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        return os.pwritev(handle, buffers, offset)


# -- attempt now --------------------------------------------------------------------------------------------------


async def test_a_message_that_waits_is_attempted_now(office: Office) -> None:
    entry = await office.waiting()
    office.courier.outcomes.clear()
    assert office.hand.retry(entry)
    assert not office.hand.retry(entry)  # it is under way
    await office.idle()
    assert len(office.courier.deliveries) == 2


async def test_it_is_attempted_though_its_domain_rests(tmp_path: Path) -> None:
    office = Office(tmp_path, waits=(1000.0,), capacity=Capacity(rest=1000.0))
    office.courier.outcomes = {"u0@beta.test": DOWN}
    await office.put("u0@beta.test")
    await office.notes.until(lambda: bool(office.notes.find(Kind.DEFERRED)))
    for number in range(1, 4):
        await office.put(f"u{number}@beta.test")
    assert office.manager.waiting == 4
    last = office.spool.entries()[-1]
    assert office.manager.lanes.lane_of(last) is not None
    assert office.hand.retry(last)
    await office.notes.until(lambda: len(office.notes.find(Kind.DELIVERED)) == 3)
    assert office.courier.deliveries[1] == ("u3@beta.test",)
    assert [entry.attempts for entry in office.spool.entries()] == [1]
    await office.close()


async def test_all_are_attempted_now(tmp_path: Path) -> None:
    office = Office(tmp_path, waits=(1000.0,), capacity=Capacity(rest=1000.0, active=2))
    office.courier.outcomes = {"down@gamma.test": DOWN}
    await office.put("down@gamma.test")
    await office.notes.until(lambda: bool(office.notes.find(Kind.DEFERRED)))
    await office.put("x@gamma.test")
    for number in range(4):
        await office.waiting(f"u{number}@beta.test")
    held = await office.waiting("held@beta.test")
    await office.hand.hold(held)
    office.courier.outcomes.clear()
    assert office.hand.retry_all() == 6
    await office.notes.until(lambda: len(office.notes.find(Kind.DELIVERED)) == 6)
    assert office.spool.entries() == [held]
    assert office.hand.retry_all() == 0
    with pytest.raises(ConflictError, match="is held"):
        office.hand.retry(held)
    await office.close()


async def test_one_has_to_wait_for_room(tmp_path: Path) -> None:
    office = Office(tmp_path, waits=(1000.0,), capacity=Capacity(active=1))
    entry = await office.waiting()
    await office.under_way()
    office.courier.outcomes.clear()
    assert office.hand.retry(entry)
    assert entry.turn is not None
    office.courier.gates["beta.test"].set()
    await office.idle()
    await office.close()


# -- hold and release ---------------------------------------------------------------------------------------------


async def test_a_message_that_is_held_stays_so_over_a_restart(office: Office) -> None:
    entry = await office.waiting("busy@beta.test", "bob@beta.test")
    await office.hand.hold(entry)
    await office.hand.hold(entry)
    assert (entry.held, entry.turn, office.spool.held) == (True, None, 1)
    office.clock.push(50_000.0)
    await office.reopen()
    office.clock.push(200_000.0)  # it would have expired
    (entry,) = office.spool.entries()
    progress = office.spool.read(entry).progress
    assert (entry.held, progress.held, entry.attempts, office.spool.held) == (True, True, 1, 1)
    assert set(progress.deferred) == {0, 1}
    office.courier.outcomes.clear()
    await office.hand.release(entry)
    await office.idle()
    assert office.kinds_since("held", entry.queue_id) == [
        "held",
        "released",
        "resolved",
        "attempted",
        "delivered",
        "delivered",
    ]
    assert office.spool.held == 0


async def test_one_that_is_released_stays_so_over_a_restart(office: Office) -> None:
    entry = await office.waiting()
    await office.hand.release(entry)  # which it is
    await office.hand.hold(entry)
    office.manager._stopping = True
    await office.hand.release(entry)
    await office.reopen()
    (entry,) = office.spool.entries()
    assert (entry.held, entry.steered) == (False, False)
    assert office.notes.kinds().count("released") == 1


async def test_the_attempt_under_way_goes_to_its_end(office: Office) -> None:
    office.courier.outcomes["busy@beta.test"] = BUSY
    entry = await office.under_way("bob@beta.test", "busy@beta.test")
    await office.hand.hold(entry)
    assert entry.held
    office.courier.gates["beta.test"].set()
    await until(lambda: not office.manager.active)
    assert office.kinds_since("held", entry.queue_id) == ["held", "delivered", "deferred"]
    stored = office.spool.read(entry)
    assert (entry.held, stored.progress.held, stored.progress.pending(stored.message)) == (True, True, [1])
    assert office.manager.due.next_at is None
    await office.reopen()
    assert office.manager.due.next_at is None


async def test_it_may_be_delivered_and_is_done(office: Office) -> None:
    entry = await office.under_way()
    await office.hand.hold(entry)
    office.courier.gates["beta.test"].set()
    await office.idle()
    assert office.kinds_since("held", entry.queue_id) == ["held", "delivered"]
    assert office.spool.held == 0


async def test_a_held_message_can_fail_and_never_expires(office: Office) -> None:
    office.courier.outcomes |= {"busy@beta.test": BUSY, "nobody@beta.test": NO_USER}
    entry = await office.under_way("busy@beta.test", "nobody@beta.test")
    await office.hand.hold(entry)
    office.clock.push(200_000.0)
    office.courier.gates["beta.test"].set()
    await office.notes.until(lambda: bool(office.notes.find(Kind.REPORTED)))
    assert office.notes.find(Kind.EXPIRED) == []
    assert entry.held
    office.courier.gated.clear()
    office.courier.outcomes = {"busy@beta.test": BUSY}
    await office.hand.release(entry)
    await office.notes.until(lambda: bool(office.notes.find(Kind.EXPIRED)))


async def test_it_is_released_while_its_attempt_is_under_way(office: Office) -> None:
    office.courier.outcomes["busy@beta.test"] = BUSY
    entry = await office.under_way("busy@beta.test")
    await office.hand.hold(entry)
    await office.hand.release(entry)
    assert not entry.held
    office.courier.gates["beta.test"].set()
    await until(lambda: not office.manager.active)
    assert office.manager.waiting == 1
    assert office.kinds_since("held", entry.queue_id) == ["held", "released", "deferred"]


async def test_domains_that_were_not_attempted_wait_too(tmp_path: Path) -> None:
    office = Office(tmp_path, waits=(1000.0,), capacity=Capacity(workers=1))
    entry = await office.under_way("bob@beta.test", "x@gamma.test")
    await office.hand.hold(entry)
    office.courier.gates["beta.test"].set()
    await until(lambda: not office.manager.active)
    stored = office.spool.read(entry)
    assert stored.progress.pending(stored.message) == [1]
    await office.hand.release(entry)
    await office.idle()
    assert office.courier.deliveries == [("bob@beta.test",), ("x@gamma.test",)]
    await office.close()


async def test_one_that_no_worker_has_begun_is_held_at_once(tmp_path: Path) -> None:
    office = Office(tmp_path, waits=(1000.0,), capacity=Capacity(workers=1))
    await office.under_way()
    other = office.entry(await office.put("x@gamma.test"))
    await office.hand.hold(other)
    assert (other.held, other.attempts) == (True, 0)
    assert other.queue_id not in office.manager.active
    office.courier.gates["beta.test"].set()
    await until(lambda: len(office.spool) == 1)
    assert office.courier.deliveries == [("bob@beta.test",)]
    await office.hand.release(other)
    await office.idle()
    await office.close()


async def test_one_whose_domain_rests_is_held(tmp_path: Path) -> None:
    office = Office(tmp_path, waits=(1000.0,), capacity=Capacity(rest=1000.0))
    office.courier.outcomes = {"u0@beta.test": DOWN}
    await office.put("u0@beta.test")
    await office.notes.until(lambda: bool(office.notes.find(Kind.DEFERRED)))
    entry = office.entry(await office.put("u1@beta.test"))
    await office.hand.hold(entry)
    assert office.manager.lanes.lane_of(entry) is None
    await office.put("x@beta.test", "y@gamma.test")
    await office.notes.until(lambda: len(office.notes.find(Kind.DELIVERED)) == 2)
    assert entry.held
    await office.close()


async def test_a_conclusion_on_its_way_to_the_disk_is_waited_for(office: Office) -> None:
    gate = Gate(office.spool)
    office.courier.outcomes["busy@beta.test"] = BUSY
    entry = office.entry(await office.put("busy@beta.test"))
    gate.close()
    await until(lambda: any(active.concluding for active in office.manager.active.values()))
    holding = asyncio.create_task(office.hand.hold(entry))
    await asyncio.sleep(0.01)
    assert not holding.done()
    gate.open()
    await holding
    assert (entry.held, entry.attempts) == (True, 1)
    assert office.notes.kinds(entry.queue_id)[-2:] == ["deferred", "held"]


@pytest.mark.parametrize("change", ["hold", "drop"])
async def test_a_message_that_has_just_been_delivered(office: Office, change: str) -> None:
    gate = Gate(office.spool)
    entry = office.entry(await office.put())
    gate.close()
    await until(lambda: any(active.concluding for active in office.manager.active.values()))
    changing = asyncio.create_task(
        office.hand.hold(entry) if change == "hold" else office.hand.drop(entry, report=True)
    )
    await until(lambda: entry.steered)
    gate.open()
    with pytest.raises(NotQueuedError):
        await changing
    assert office.notes.kinds(entry.queue_id)[-1] == "delivered"
    assert office.hand.under_way == 0


class Gate:
    """A disk that waits until it is let go."""

    def __init__(self, spool: Spool) -> None:
        self._event = threading.Event()
        self._event.set()
        self._fsync = spool.log.fsync
        spool.log.fsync = self.fsync

    def close(self) -> None:
        self._event.clear()

    def open(self) -> None:
        self._event.set()

    def fsync(self, handle: int) -> None:
        assert self._event.wait(10)
        self._fsync(handle)


async def test_one_change_at_a_time(office: Office) -> None:
    gate = Gate(office.spool)
    entry = await office.waiting()
    gate.close()
    holding = asyncio.create_task(office.hand.hold(entry))
    await until(lambda: entry.steered)
    assert not office.hand.retry(entry)
    with pytest.raises(ConflictError, match="is being changed already"):
        await office.hand.drop(entry, report=False)
    assert office.hand.under_way == 1
    purging = asyncio.create_task(office.hand.purge())  # waits for it
    await asyncio.sleep(0)
    gate.open()
    await holding
    assert await purging == 1
    assert office.notes.kinds(entry.queue_id)[-2:] == ["held", "dropped"]


async def test_what_is_just_accepted_can_be_held_before_it_is_taken_up(office: Office) -> None:
    """The spool has a message a moment before the manager gets it."""
    accepted = office.manager.accepted
    holding: list[asyncio.Task[None]] = []

    def late(entry: Entry, stored: Any) -> None:
        holding.append(asyncio.create_task(office.hand.hold(entry)))
        asyncio.get_running_loop().call_soon(accepted, entry, stored)

    office.manager.accepted = late  # type: ignore[method-assign]
    ident = await office.put()
    await asyncio.gather(*holding)
    assert office.courier.deliveries == []
    assert office.entry(ident).held


async def test_a_disk_that_is_full_refuses_a_change_and_loses_nothing(tmp_path: Path) -> None:
    office = Office(tmp_path, waits=(1000.0,), capacity=Capacity(retry_write=0.01))
    waiting, held = await office.waiting(), await office.waiting("u@gamma.test")
    await office.hand.hold(held)
    office.courier.outcomes.clear()
    under_way = await office.under_way()
    disk = BadDisk(office.spool)
    for change in (
        office.hand.hold(waiting),
        office.hand.release(held),
        office.hand.hold(under_way),
        office.hand.drop(held, report=True),
    ):
        with pytest.raises(NotWrittenError, match="can't be written"):
            await change
    assert (waiting.held, held.held, under_way.held) == (False, True, False)
    disk.bad = False
    office.courier.gates["beta.test"].set()
    await until(lambda: len(office.spool) == 1)  # the one that waited was attempted at once
    await office.hand.release(held)
    await office.idle()
    assert office.notes.kinds().count("delivered") == 3
    await office.close()


async def test_a_release_that_fails_under_way(tmp_path: Path) -> None:
    office = Office(tmp_path, waits=(1000.0,), capacity=Capacity(retry_write=0.01))
    entry = await office.under_way()
    await office.hand.hold(entry)
    disk = BadDisk(office.spool)
    with pytest.raises(NotWrittenError):
        await office.hand.release(entry)
    assert office.manager.active[entry.queue_id].held
    disk.bad = False
    await office.close()


async def test_a_conclusion_that_does_not_get_to_the_disk(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(administration, "PATIENCE", 0.05)
    office = Office(tmp_path, waits=(1000.0,), capacity=Capacity(retry_write=0.01))
    entry = await office.under_way()
    disk = BadDisk(office.spool)
    office.courier.gates["beta.test"].set()
    await until(lambda: office.manager.active[entry.queue_id].concluding)
    for change in (office.hand.hold(entry), office.hand.drop(entry, report=False), office.hand.purge()):
        with pytest.raises(NotWrittenError, match="the queue can't be written"):
            await change
    disk.bad = False
    await office.idle()
    await office.close()


# -- drop -----------------------------------------------------------------------------------------------------------


async def test_a_message_is_dropped_without_a_word(office: Office) -> None:
    entry = await office.waiting("busy@beta.test", "bob@beta.test")
    await office.hand.drop(entry, report=False)
    assert len(office.spool) == 0
    (detail,) = office.notes.find(Kind.DROPPED)
    assert detail == {"recipients": ["busy@beta.test", "bob@beta.test"], "report": False}
    assert await office.spool.dead.content(entry.queue_id) == CONTENT
    await office.reopen()
    assert len(office.spool) == 0
    assert len(office.courier.deliveries) == 1


async def test_a_message_is_dropped_and_its_sender_hears_of_it(office: Office) -> None:
    office.courier.outcomes["busy@beta.test"] = BUSY
    entry = await office.waiting("busy@beta.test")
    await office.hand.drop(entry, report=True)
    await office.idle()
    assert b"Delivery was cancelled by the administrator" in office.courier.contents[-1]
    assert office.kinds_since("deferred", entry.queue_id) == ["deferred", "failed", "reported", "dropped"]
    assert office.notes.find(Kind.DROPPED)[0]["report"] is True


async def test_nobody_hears_of_a_notification_that_is_dropped(office: Office) -> None:
    entry = await office.waiting(sender=None)
    await office.hand.drop(entry, report=True)
    assert office.kinds_since("deferred", entry.queue_id) == ["deferred", "dropped"]
    assert office.notes.find(Kind.DROPPED)[0]["report"] is False


async def test_an_attempt_under_way_is_cut_off(office: Office) -> None:
    entry = await office.under_way("bob@beta.test", "x@gamma.test")
    await until(lambda: bool(office.courier.deliveries))
    await office.hand.drop(entry, report=False)
    assert office.courier.running == 0
    assert office.courier.deliveries == [("x@gamma.test",)]
    assert office.manager.active == {}
    assert office.manager._octets == 0
    assert office.kinds_since("delivered", entry.queue_id) == ["delivered", "dropped"]
    assert office.notes.find(Kind.DROPPED)[0]["recipients"] == ["bob@beta.test"]
    office.courier.gates["beta.test"].set()
    await office.put("dave@beta.test")  # the workers are well
    await office.idle()
    assert office.courier.deliveries[1:] == [("dave@beta.test",)]


@pytest.mark.parametrize("begun", [True, False])
async def test_a_domain_that_rests_is_probed_on_when_its_probe_is_dropped(tmp_path: Path, begun: bool) -> None:
    office = Office(tmp_path, waits=(1000.0,), capacity=Capacity(rest=0.05, workers=1))
    office.courier.outcomes = {"u0@beta.test": DOWN}
    await office.put("u0@beta.test")
    await office.notes.until(lambda: bool(office.notes.find(Kind.DEFERRED)))
    office.courier.gated = {"beta.test" if begun else "gamma.test"}
    if not begun:
        await office.put("x@gamma.test")  # the one worker is busy
        await until(lambda: office.courier.running == 1)
    entries = [office.entry(await office.put(f"u{number}@beta.test")) for number in (1, 2)]
    await until(lambda: entries[0].queue_id in office.manager.active)
    if begun:
        await until(lambda: office.courier.running == 1)
    await office.hand.drop(entries[0], report=False)
    office.courier.gated.clear()
    office.courier.gates["gamma.test"].set()
    await until(lambda: office.spool.find(entries[1].queue_id) is None)
    await office.close()


async def test_progress_on_its_way_to_the_disk_is_not_lost(tmp_path: Path) -> None:
    """A message of two domains: one has it, the other begins to rest; then the other alone is attempted."""
    office = Office(tmp_path, waits=(1000.0,), capacity=Capacity(rest=1000.0, workers=2, lane=1))
    gate = Gate(office.spool)
    office.courier.gated = {"beta.test", "gamma.test"}
    office.courier.outcomes = {"down@gamma.test": DOWN}
    await office.put("down@gamma.test")
    entry = office.entry(await office.put("bob@beta.test", "x@gamma.test"))
    await until(lambda: office.courier.running == 2)
    gate.close()
    office.courier.gates["beta.test"].set()
    await until(lambda: office.courier.deliveries == [("bob@beta.test",)])
    office.courier.gates["gamma.test"].set()
    await until(lambda: office.courier.running == 0)
    await until(lambda: all(active.concluding for active in office.manager.active.values()))
    office.hand.retry(entry)
    await asyncio.sleep(0.01)  # in which nothing may be attempted
    gate.open()
    await until(lambda: not office.manager.active)
    office.courier.outcomes.clear()
    office.hand.retry_all()
    await office.idle()
    assert office.courier.deliveries.count(("bob@beta.test",)) == 1
    await office.close()


async def test_jobs_that_no_worker_has_begun_are_withdrawn(tmp_path: Path) -> None:
    office = Office(tmp_path, waits=(1000.0,), capacity=Capacity(workers=1))
    await office.under_way()
    other = office.entry(await office.put("x@gamma.test", "y@delta.test"))
    await office.hand.drop(other, report=False)
    office.courier.gates["beta.test"].set()
    await office.idle()
    assert office.courier.deliveries == [("bob@beta.test",)]
    await until(lambda: not len(office.manager.lanes))
    await office.close()


async def test_a_domain_has_one_lane_though_its_jobs_were_withdrawn(tmp_path: Path) -> None:
    office = Office(tmp_path, waits=(1000.0,), capacity=Capacity(workers=1))
    await office.under_way()
    await office.hand.drop(office.entry(await office.put("x@gamma.test")), report=False)
    await office.put("y@gamma.test")
    assert [lane.domain for lane in office.manager.lanes._ring] == ["gamma.test"]
    assert len(office.manager.lanes) == 2
    office.courier.gates["beta.test"].set()
    await office.idle()
    await until(lambda: not len(office.manager.lanes))
    await office.close()


class FinalSession(Session):
    """A session whose server has the whole content."""

    is_final = True


async def test_a_server_that_has_the_content_is_waited_for(office: Office, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("tests.relay.queue.test_manager.Session", FinalSession)
    entry = await office.under_way()
    dropping = asyncio.create_task(office.hand.drop(entry, report=False))
    await asyncio.sleep(0.02)
    assert not dropping.done()
    office.courier.gates["beta.test"].set()
    await dropping
    assert office.kinds_since("attempted", entry.queue_id) == ["attempted", "delivered", "dropped"]
    assert office.notes.find(Kind.DROPPED)[0]["recipients"] == []


async def test_but_not_for_ever(office: Office, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("tests.relay.queue.test_manager.Session", FinalSession)
    monkeypatch.setattr(administration, "FINAL", 0.02)
    entry = await office.under_way()
    await office.hand.drop(entry, report=False)
    assert office.kinds_since("attempted", entry.queue_id) == ["attempted", "dropped"]


def test_a_session_is_final_until_its_outcome_is_taken() -> None:
    async def of_a_new_session() -> bool:
        return Session(TARGET, "relay.test", None, Clock()).is_final

    assert not asyncio.run(of_a_new_session())


async def test_an_unreadable_message_is_dropped_too(office: Office, monkeypatch: pytest.MonkeyPatch) -> None:
    entry = await office.waiting()

    def rotten(entry: Entry) -> Any:
        raise SpoolError("rot")

    monkeypatch.setattr(office.spool, "read", rotten)
    monkeypatch.setattr(office.spool, "facts", rotten)
    with pytest.raises(NotWrittenError, match="rot"):
        await office.hand.hold(entry)
    await office.hand.drop(entry, report=True)
    assert len(office.spool) == 0
    assert office.notes.find(Kind.DROPPED) == [{"report": False}]


async def test_a_drop_that_can_not_be_written_lets_the_message_go_on(tmp_path: Path) -> None:
    office = Office(tmp_path, waits=(1000.0,), capacity=Capacity(retry_write=0.01))
    entry = await office.under_way("bob@beta.test")
    disk = BadDisk(office.spool)
    with pytest.raises(NotWrittenError):
        await office.hand.drop(entry, report=True)
    disk.bad = False
    office.courier.gates["beta.test"].set()
    await office.idle()
    assert office.courier.deliveries == [("bob@beta.test",)]
    assert office.notes.find(Kind.REPORTED) == []
    await office.close()


async def test_a_large_content_is_kept(office: Office) -> None:
    body = b"Subject: large\r\n\r\n" + b"x" * SPILL_AT + b"\r\n"
    envelope = Envelope(parse_address("a@alpha.test"), (Recipient(parse_address("nobody@beta.test")),))
    message = Message(office.spool.new_id(), office.now, envelope, None, len(body) + 3)
    content = Content(office.spool.incoming)
    content.write(body)
    entry, durable = await office.spool.add_spilled(message, b"R:\n", content)
    await durable
    content.close()
    office.courier.outcomes["nobody@beta.test"] = NO_USER
    office.manager.accepted(entry, office.spool.read(entry))
    await office.idle()
    assert await office.spool.dead.content(message.queue_id) == b"R:\n" + body
    assert list((office.directory / "content").iterdir()) == []


# -- purge ----------------------------------------------------------------------------------------------------------


async def test_a_purge_drops_all_there_is(tmp_path: Path) -> None:
    office = Office(tmp_path, waits=(1000.0,), capacity=Capacity(rest=1000.0, workers=3))
    failing = await office.waiting("busy@delta.test")
    await office.hand.drop(failing, report=False)
    assert await office.spool.dead.content(failing.queue_id) == CONTENT
    office.courier.outcomes = {"down@gamma.test": DOWN}
    await office.put("down@gamma.test")
    await office.notes.until(lambda: len(office.notes.find(Kind.DEFERRED)) == 2)
    await office.put("x@gamma.test")
    await office.waiting("busy@epsilon.test")
    await office.hand.hold(await office.waiting("held@epsilon.test"))
    for number in range(700):
        await office.under_way(f"u{number}@beta.test")
    assert office.hand.under_way == len(office.spool) == 704
    assert await office.hand.purge() == 704
    assert (len(office.spool), office.hand.under_way, len(office.manager.due), office.spool.held) == (0, 0, 0, 0)
    assert office.manager.active == {}
    assert len(office.notes.find(Kind.DROPPED)) == 705
    assert await office.spool.dead.content(failing.queue_id) is None
    count = len(office.courier.deliveries)
    office.courier.gates["beta.test"].set()
    office.courier.outcomes.clear()
    await office.put("z@zeta.test")
    await office.idle()
    assert len(office.courier.deliveries) == count + 1
    assert office.notes.find(Kind.REPORTED) == []
    await office.close()


async def test_a_purge_drops_the_notification_that_was_being_written(office: Office) -> None:
    gate = Gate(office.spool)
    office.courier.outcomes["nobody@beta.test"] = NO_USER
    await office.put("nobody@beta.test")
    gate.close()
    await until(lambda: any(active.concluding for active in office.manager.active.values()))
    office.courier.gated = {"alpha.test"}
    purging = asyncio.create_task(office.hand.purge())
    await until(lambda: all(entry.steered for entry in office.spool.entries()))
    gate.open()
    assert await purging == 1
    assert len(office.spool) == 0
    assert office.courier.deliveries == [("nobody@beta.test",)]


async def test_a_purge_waits_for_all_that_is_being_written(office: Office, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(administration, "PATIENCE", 3.0)
    gate = Gate(office.spool)
    for number in range(5):
        await office.under_way(f"u{number}@beta.test")
    gate.close()
    office.courier.gates["beta.test"].set()
    await until(lambda: sum(active.concluding for active in office.manager.active.values()) == 5)
    purging = asyncio.create_task(office.hand.purge())
    await until(lambda: all(entry.steered for entry in office.spool.entries()))
    gate.open()
    assert await purging == 0
    assert len(office.spool) == 0


async def test_a_purge_that_can_not_be_written(tmp_path: Path) -> None:
    office = Office(tmp_path, waits=(1000.0,), capacity=Capacity(retry_write=0.01))
    waiting = await office.waiting("busy@gamma.test")
    await office.under_way()
    disk = BadDisk(office.spool)
    assert await office.hand.purge() == 0
    office.courier.outcomes.clear()
    disk.bad = False
    office.courier.gates["beta.test"].set()
    await office.idle()
    assert office.notes.kinds(waiting.queue_id)[-1] == "delivered"
    assert office.notes.find(Kind.DROPPED) == []
    await office.close()


# -- spools from before ------------------------------------------------------------------------------------------


async def test_a_spool_from_before_messages_could_be_held(tmp_path: Path) -> None:
    shutil.copytree(Path(__file__).parent / "spool" / "before_holding", tmp_path, dirs_exist_ok=True)
    office = Office(tmp_path, waits=(1000.0,), expiry=1e12)
    untried, busy, failed, notification = (
        office.entry(ident) for ident in ("65BFEDA25E7CF", "65BFEDA25EBB7", "65BFEDA25EF9F", "65BFEDA25F387")
    )
    assert len(office.spool) == 4
    for entry in office.spool.entries():
        stored = office.spool.read(entry)
        assert office.spool.facts(entry) == (stored.message, stored.progress)
        assert stored.start == b"Subject: old\r\n\r\nold mail\r\n"
        assert (stored.message.login, entry.held, stored.progress.reported) == (None, False, frozenset())
    assert (untried.attempts, busy.attempts) == (0, 2)
    assert office.spool.read(notification).message.reports == busy.queue_id
    assert set(office.spool.read(failed).progress.failed) == {0}
    await office.hand.hold(busy)
    office.manager.start(office.spool.entries())
    await until(lambda: len(office.spool) == 1)
    await office.reopen()
    (entry,) = office.spool.entries()
    assert (entry.queue_id, entry.held, entry.attempts) == (busy.queue_id, True, 2)
    await office.close()
