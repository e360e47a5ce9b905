"""The queue of a world is kept and put back: the real manager and spool, with a next hop that obeys the test."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pytest

from postroad.journal import Kind
from postroad.mail.address import parse_address
from postroad.mail.envelope import Envelope, Recipient
from postroad_relay.queue import freezing
from postroad_relay.queue.administration import Administration, NotWrittenError
from postroad_relay.queue.snapshots import NoSuchSnapshotError, QueueSnapshots, SnapshotError
from postroad_relay.queue.spool import Message, SpoolError
from postroad_relay.queue.spool.kept import KeptQueues, Restoring
from tests.relay.office import DAY, HOUR, Office

if TYPE_CHECKING:
    from collections.abc import AsyncIterator
    from pathlib import Path

    from postroad_relay.queue.spool import Entry, Stored


class Kept(Office):
    """The same with snapshots."""

    def open(self) -> None:
        super().open()
        self.dropped: set[str] = set()
        self.snapshots = QueueSnapshots(
            self.manager, KeptQueues(self.directory), last=lambda: 7, exists=lambda world: world not in self.dropped
        )

    async def restart(self) -> None:
        await self.close()
        self.open()
        await self.snapshots.start()
        self.manager.start(self.spool.entries())

    async def take(self, name: str = "seeded", world: str = "shop") -> None:
        await self.snapshots.freezer.freeze(world)
        await self.snapshots.take(world, name, f"t-{name}")
        self.snapshots.freezer.thaw(world)

    async def begin(self, name: str = "seeded", restore: str = "r1", world: str = "shop") -> None:
        await self.snapshots.freezer.freeze(world)
        await self.snapshots.begin(Restoring(world, name, f"t-{name}", restore, fresh=False))

    async def restore(self, name: str = "seeded", restore: str = "r1", world: str = "shop") -> int:
        await self.begin(name, restore, world)
        return await self.snapshots.finish(world, restore)

    def queue(self, world: str = "shop") -> list[tuple[Any, ...]]:
        """Return what the queue of a world is, with times relative to its clock."""
        clock = self.spool.clocks.of(world)
        queue = []
        for entry in self.spool.entries():
            if entry.world == world:
                stored = self.spool.read(entry)
                assert stored.message.arrived == entry.arrived
                age = clock.monotonic() - entry.since
                left = entry.due - clock.now()
                facts = replace(stored.message, arrived=0.0), replace(stored.progress, due=0.0)
                queue.append((*facts, b"".join(stored.blocks()), round(age / 5), round(left / 5), entry.held))
        return queue

    async def put_spilled(self) -> Entry:
        path = self.spool.incoming / "large"
        path.write_bytes(b"x" * 500_000)
        recipient = Recipient(parse_address("bob@shop.test"))
        envelope = Envelope(parse_address("alice@alpha.test"), (recipient,), world="shop")
        start = b"Received: here\r\n\r\n"
        message = Message(self.spool.new_id(), self.clock.now(), envelope, None, len(start) + 500_000)
        entry, durable = await self.spool.add_spilled(message, start, Adopted(path))  # type: ignore[arg-type]
        await durable
        self.manager.accepted(entry, self.spool.read(entry))
        return entry


class Adopted:
    """A content that has spilled."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def adopt(self, path: Path) -> None:
        self.path.rename(path)


@pytest.fixture
async def office(tmp_path: Path) -> AsyncIterator[Kept]:
    office = Kept(tmp_path)
    yield office
    office.hop.may_answer.set()
    await office.close()


async def test_the_queue_is_as_it_was(office: Kept) -> None:
    await office.put()
    await office.put_spilled()
    held = await office.put()
    other = await office.put("other")
    await office.settled()
    await Administration(office.manager).hold(held)
    before = office.queue()
    await office.take()
    assert office.queue() == before
    for number, push in enumerate((HOUR, 10 * DAY)):
        await office.pushes.push("shop", push)
        await office.put()
        await office.settled()
        assert office.queue() != before
        assert await office.restore(restore=f"r{number}") == 3
        assert office.queue() == before
        await office.restart()
        assert office.queue() == before
    assert office.spool.find(other.queue_id) is not None
    restored = office.notes.find(Kind.RESTORED)
    assert len(restored) == 6
    assert (
        restored[0]["recipients"][0].items() >= {"address": "bob@shop.test", "state": "deferred", "attempt": 1}.items()
    )
    office.hop.takes = True
    await office.pushes.push("shop", DAY)
    assert [entry.held for entry in office.spool.entries() if entry.world == "shop"] == [True]
    assert sum(b"x" * 500_000 in content for content in office.hop.contents) == 1


async def test_what_was_delivered_since_is_in_the_queue_again(office: Kept) -> None:
    entry = await office.put()
    await office.settled()
    await office.take()
    office.hop.takes = True
    await office.pushes.push("shop", HOUR)
    assert not len(office.spool)
    await office.restore()
    (again,) = office.spool.entries()
    assert (again.queue_id, again.attempts) == (entry.queue_id, 1)
    await office.restart()
    assert [waiting.queue_id for waiting in office.spool.entries()] == [entry.queue_id]
    await office.pushes.push("shop", HOUR)
    assert len(office.hop.contents) == 2


async def test_no_attempt_is_under_way_in_a_world_that_is_frozen(office: Kept) -> None:
    office.hop.may_answer.clear()
    entry = await office.put()
    office.hop.takes = True
    await office.snapshots.freezer.freeze("shop")
    assert office.manager.active == {}
    assert (entry.attempts, office.spool.find(entry.queue_id)) == (0, entry)  # it was cut off
    late = await office.put()  # comes, and waits
    await office.put("other")
    await office.notes.until(lambda: len(office.hop.contents) == 1)
    assert Administration(office.manager).retry(late)
    office.manager.refill()
    assert all(active.entry.world == "other" for active in office.manager.active.values())
    assert office.manager.due.first(5) == [entry, late]
    office.snapshots.freezer.thaw("shop")
    await office.notes.until(lambda: len(office.hop.contents) == 3)
    office.snapshots.freezer.thaw("shop")  # harmless


async def test_a_message_that_a_person_is_dropping_is_waited_for(office: Kept) -> None:
    office.hop.may_answer.clear()
    entry = await office.put()
    administration = Administration(office.manager)
    drop = asyncio.ensure_future(administration.drop(entry, report=False))
    freeze = asyncio.ensure_future(office.snapshots.freezer.freeze("shop"))
    await asyncio.gather(drop, freeze)
    assert office.spool.find(entry.queue_id) is None
    assert office.manager.active == {}
    office.snapshots.freezer.thaw("shop")


async def test_messages_of_a_domain_that_rests_are_kept_too(office: Kept) -> None:
    office.hop.away = True
    for _ in range(30):
        await office.put()
    await office.settled()
    assert office.manager.lanes.waiting_count
    await office.take()
    assert await office.restore() == 30


async def test_a_push_and_a_freeze_take_turns(office: Kept) -> None:
    await office.put()
    push = office.pushes.push("shop", HOUR)
    await asyncio.sleep(0)
    await office.snapshots.freezer.freeze("shop")
    assert push.done()
    second = office.pushes.push("shop", HOUR)
    await asyncio.sleep(0)
    assert office.spool.clocks.of("shop").ahead == HOUR
    office.snapshots.freezer.thaw("shop")
    await second
    assert office.spool.clocks.of("shop").ahead == 2 * HOUR


async def test_a_world_that_nobody_thaws_goes_on(office: Kept, caplog: pytest.LogCaptureFixture) -> None:
    await office.put()
    await office.snapshots.freezer.freeze("shop")
    office.clock.push(freezing.LEASE)
    await asyncio.sleep(0)
    await asyncio.sleep(0)
    assert not office.snapshots.freezer.is_frozen("shop")
    assert "the queue of the world shop goes on" in caplog.text
    with pytest.raises(SnapshotError, match="does not stand still"):
        await office.snapshots.take("shop", "late", "t")


async def test_a_restore_that_has_begun_outlives_the_relay(office: Kept) -> None:
    await office.put()
    await office.settled()
    before = office.queue()
    await office.take()
    await office.put()
    await office.settled()
    await office.begin()
    await office.restart()
    assert office.snapshots.freezer.is_frozen("shop")
    assert office.manager.due.next_at is None
    (restoring,) = office.snapshots.kept.restoring()
    assert restoring == Restoring("shop", "seeded", "t-seeded", "r1", fresh=False)
    with pytest.raises(NoSuchSnapshotError):
        await office.snapshots.finish("shop", "another")
    assert await office.snapshots.finish("shop", "r1") == 1
    assert office.queue() == before
    assert office.snapshots.kept.restoring() == []
    await office.restart()
    assert not office.snapshots.freezer.is_frozen("shop")


async def test_a_restore_may_be_given_up(office: Kept) -> None:
    await office.put()
    await office.take()
    await office.put()
    await office.begin()
    await office.snapshots.cancel("shop", "r1")
    assert len(office.spool) == 2
    assert not office.snapshots.freezer.is_frozen("shop")
    assert office.snapshots.kept.restoring() == []


async def test_what_is_not_there(office: Kept) -> None:
    with pytest.raises(NoSuchSnapshotError):
        await office.begin()
    office.snapshots.freezer.thaw("shop")
    await office.take()
    await office.snapshots.freezer.freeze("shop")
    with pytest.raises(NoSuchSnapshotError):
        await office.snapshots.begin(Restoring("shop", "seeded", "another", "r", fresh=False))
    office.snapshots.freezer.thaw("shop")
    assert await office.snapshots.delete("shop", "seeded")
    assert not await office.snapshots.delete("shop", "seeded")


async def test_snapshots_end_with_their_world(office: Kept) -> None:
    await office.put_spilled()
    await office.take()
    await office.take("other", "other")
    await office.begin()
    await office.snapshots.forget("shop")
    assert not office.snapshots.freezer.is_frozen("shop")
    await office.restart()
    assert office.snapshots.kept.of("shop") == []
    assert [kept.name for kept in office.snapshots.kept.of("other")] == ["other"]
    assert [path.name for path in (office.directory / "snapshots").iterdir()] == ["other"]
    await office.snapshots.forget("nowhere")


async def test_what_is_under_way_in_a_world_that_is_dropped_leaves_nothing(office: Kept) -> None:
    """Whatever comes first, as the web service asks for it: nothing fails, and no file stays."""
    await office.put()
    await office.take()
    snapshots = office.snapshots
    for number in range(20):
        office.dropped.clear()
        await office.take()
        await snapshots.freezer.freeze("shop")
        asked = [
            snapshots.begin(Restoring("shop", "seeded", "t-seeded", f"r{number}", fresh=False)),
            snapshots.take("shop", "late", "t-late"),
            snapshots.delete("shop", "seeded"),
            snapshots.finish("shop", f"r{number}"),
        ]
        turned = asked[number % 4 :] + asked[: number % 4]
        tasks = [asyncio.ensure_future(coroutine) for coroutine in turned]
        for _ in range(number):
            await asyncio.sleep(0)
        office.dropped.add("shop")
        await snapshots.none_under_way("shop")
        await Administration(office.manager).purge("shop")
        await snapshots.forget("shop")
        for outcome in await asyncio.gather(*tasks, return_exceptions=True):
            assert not isinstance(outcome, BaseException) or isinstance(outcome, SnapshotError)
        assert (snapshots.kept.restoring(), office.queue()) == ([], [])
        assert not (office.directory / "snapshots" / "shop").exists()
        assert not snapshots.freezer.is_frozen("shop")


async def test_a_restore_that_cannot_be_read_is_not_finished(office: Kept, caplog: pytest.LogCaptureFixture) -> None:
    await office.take()
    await office.begin()
    (office.directory / "snapshots" / "shop" / "restoring").write_bytes(b"{")
    await office.restart()
    assert office.snapshots.kept.restoring() == []
    assert not office.snapshots.freezer.is_frozen("shop")
    assert "a restore that was under way is not finished" in caplog.text


async def test_a_file_that_is_damaged_is_no_snapshot(office: Kept, caplog: pytest.LogCaptureFixture) -> None:
    await office.put()
    await office.take()
    await office.take("again")
    path = office.directory / "snapshots" / "shop" / "t-seeded.queue"
    octets = bytearray(path.read_bytes())
    octets[-20] ^= 1
    path.write_bytes(octets)
    (path.parent / "x.part").write_bytes(b"not whole")
    (path.parent / "gone").mkdir()
    await office.snapshots.freezer.freeze("shop")
    with pytest.raises(SnapshotError, match="is damaged"):
        await office.snapshots.begin(Restoring("shop", "seeded", "t-seeded", "r", fresh=False))
    office.snapshots.freezer.thaw("shop")
    await office.restart()
    assert [kept.name for kept in office.snapshots.kept.of("shop")] == ["again"]
    assert "the queue of a snapshot is not readable" in caplog.text
    assert sorted(each.name for each in path.parent.iterdir()) == ["t-again.queue", "t-seeded.queue"]


async def test_one_of_the_same_name_takes_its_place(office: Kept) -> None:
    await office.put()
    await office.take()
    office.hop.takes = True
    await office.pushes.push("shop", HOUR)
    await office.snapshots.freezer.freeze("shop")
    await office.snapshots.take("shop", "seeded", "newer")
    office.snapshots.freezer.thaw("shop")
    (kept,) = office.snapshots.kept.of("shop")
    assert (kept.token, kept.messages, kept.last) == ("newer", 0, 7)
    assert [path.name for path in (office.directory / "snapshots" / "shop").iterdir()] == ["newer.queue"]


async def test_a_disk_that_refuses_leaves_all_as_it_was(office: Kept, monkeypatch: pytest.MonkeyPatch) -> None:
    await office.put()
    await office.settled()
    before = office.queue()

    def full(*_: Any) -> None:
        raise OSError(28, "No space left on device")

    def unreadable(entry: Entry) -> Stored:
        raise SpoolError(f"{entry.queue_id} is lost")

    await office.snapshots.freezer.freeze("shop")
    for where, what, error in (
        (office.snapshots.kept, "write", NotWrittenError),
        (office.spool, "read", SnapshotError),
    ):
        with monkeypatch.context() as patched:
            patched.setattr(where, what, full if what == "write" else unreadable)
            with pytest.raises(error):
                await office.snapshots.take("shop", "seeded", "t-seeded")
    assert office.snapshots.kept.of("shop") == []
    office.snapshots.freezer.thaw("shop")
    assert office.queue() == before


async def test_a_world_that_can_not_be_frozen_goes_on(office: Kept, monkeypatch: pytest.MonkeyPatch) -> None:
    async def refuses(_: Any, entries: Any) -> dict[str, Any]:
        raise NotWrittenError("the queue can't be written")

    monkeypatch.setattr(Administration, "halt", refuses)
    with pytest.raises(NotWrittenError):
        await office.snapshots.freezer.freeze("shop")
    assert not office.snapshots.freezer.is_frozen("shop")
    assert not office.manager.turn("shop").locked()


async def test_a_snapshot_that_is_deleted_under_a_restore(office: Kept) -> None:
    await office.put()
    await office.take()
    await office.begin()
    assert await office.snapshots.delete("shop", "seeded")
    with pytest.raises(NoSuchSnapshotError):
        await office.snapshots.finish("shop", "r1")
    await office.snapshots.cancel("shop", "r1")
    assert len(office.spool) == 1


async def test_a_world_is_dropped_while_it_is_pushed(office: Kept) -> None:
    office.hop.may_answer.clear()
    await office.put()
    push = office.pushes.push("shop", HOUR)
    await asyncio.sleep(0)
    await asyncio.sleep(0)
    await office.snapshots.forget("shop")
    await push
    assert office.spool.clocks.of("shop").ahead == 0
