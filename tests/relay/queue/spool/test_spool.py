from __future__ import annotations

import asyncio
import errno
import os
import random
from typing import TYPE_CHECKING

import pytest

from postroad.clock import Clock
from postroad.mail.address import Address
from postroad.mail.content import SPILL_AT, Content
from postroad.mail.envelope import Envelope, Recipient
from postroad.smtp.client.outcome import deferred, failed
from postroad_relay.queue.spool import Entry, Message, Progress, QueueId, Spool, SpoolError
from postroad_relay.queue.spool.record import queue_id

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path

ENVELOPE = Envelope(
    Address("alice", "alpha.test"), (Recipient(Address("bob", "beta.test")), Recipient(Address("dave", "beta.test")))
)


@pytest.fixture
def directory(tmp_path: Path) -> Path:
    return tmp_path / "spool"


@pytest.fixture
def spool(directory: Path) -> Iterator[Spool]:
    spool = Spool(directory)
    yield spool
    spool.close()


def message(spool: Spool, *, size: int = 7) -> Message:
    return Message(spool.new_id(), 1000.0, ENVELOPE, "<a@alpha.test>", size)


async def put(spool: Spool, content: bytes = b"content") -> Entry:
    entry, durable = spool.add(message(spool, size=len(content)), (content[:3], content[3:]))
    await durable
    return entry


async def put_spilled(spool: Spool, start: bytes, octets: bytes) -> Entry:
    content = Content(spool.incoming)
    content.write(octets)
    entry, durable = await spool.add_spilled(message(spool, size=len(start) + len(octets)), start, content)
    await durable
    content.close()
    return entry


def again(spool: Spool, directory: Path, *, segment_size: int = 32 << 20) -> Spool:
    """The spool that the next process finds."""
    spool.close()
    return Spool(directory, segment_size=segment_size)


async def test_a_message_is_read_back(spool: Spool) -> None:
    entry = await put(spool)
    stored = spool.read(entry)
    assert stored.message.envelope == ENVELOPE
    assert stored.progress == Progress(due=1000.0)
    assert b"".join(stored.blocks()) == b"content"
    assert len(spool) == 1
    assert spool.find(entry.queue_id) is entry
    assert spool.find(QueueId("none")) is None


async def test_a_message_is_there_after_a_restart(spool: Spool, directory: Path) -> None:
    ids = [(await put(spool, b"%d" % number)).queue_id for number in range(20)]
    later = again(spool, directory)
    assert [entry.queue_id for entry in later.entries()] == ids
    assert [later.read(entry).start for entry in later.entries()] == [b"%d" % number for number in range(20)]
    assert later.new_id() > max(ids)
    later.close()


async def test_what_is_done_stays_done(spool: Spool, directory: Path) -> None:
    done, left = await put(spool), await put(spool)
    await spool.finish(done)
    assert [entry.queue_id for entry in spool.entries()] == [left.queue_id]
    later = again(spool, directory)
    assert [entry.queue_id for entry in later.entries()] == [left.queue_id]
    later.close()


async def test_progress_is_kept(spool: Spool, directory: Path) -> None:
    entry = await put(spool)
    await spool.update(entry, Progress(1500.0, 1, deferred={0: deferred("4.0.0", "first")}))
    progress = Progress(2000.0, 2, frozenset({0}), {}, {1: deferred("4.4.1", "refused")})
    await spool.update(entry, progress)
    assert (entry.due, entry.attempts) == (2000.0, 2)
    assert spool.read(entry).progress == progress
    later = again(spool, directory)
    (kept,) = later.entries()
    assert (kept.due, kept.attempts) == (2000.0, 2)
    assert later.read(kept).progress == progress
    later.close()


async def test_a_report_comes_with_the_end_of_what_it_reports(spool: Spool, directory: Path) -> None:
    entry, other = await put(spool), await put(spool)
    report = message(spool)
    await spool.finish(entry, report=(report, b"report!"))
    second = message(spool)
    await spool.update(other, Progress(failed={0: failed("5.0.0", "no")}), report=(second, b"another"))
    for opened in (spool, later := again(spool, directory)):
        assert [each.queue_id for each in opened.entries()] == [other.queue_id, report.queue_id, second.queue_id]
        reported = opened.find(report.queue_id)
        assert reported is not None
        if opened is later:
            assert later.read(reported).start == b"report!"
    later.close()


async def test_a_large_content_stays_in_its_file(spool: Spool, directory: Path) -> None:
    octets = random.Random(2).randbytes(SPILL_AT + 100_000)
    entry = await put_spilled(spool, b"start", octets)
    path = directory / "content" / entry.queue_id
    assert path.stat().st_size == len(octets)
    assert b"".join(spool.read(entry).blocks()) == b"start" + octets
    assert list((directory / "incoming").iterdir()) == []
    later = again(spool, directory)
    (kept,) = later.entries()
    stored = later.read(kept)
    assert b"".join(stored.blocks()) == b"start" + octets
    assert max(map(len, stored.blocks())) <= 64 * 1024
    await later.finish(kept)
    assert not path.exists()
    later.close()


async def test_a_large_content_that_is_short_or_gone_is_an_error(spool: Spool, directory: Path) -> None:
    entry = await put_spilled(spool, b"start", b"x" * (SPILL_AT + 100))
    path = directory / "content" / entry.queue_id
    with path.open("r+b") as file:
        file.truncate(100)
    with pytest.raises(SpoolError, match="octets short"):
        list(spool.read(entry).blocks())
    path.unlink()
    with pytest.raises(SpoolError, match="can't be read"):
        list(spool.read(entry).blocks())


async def test_beginning_has_the_header_section_and_so_many_octets(spool: Spool) -> None:
    header = b"Subject: " + b"x" * 100_000 + b"\r\n\r\n"
    entry = await put_spilled(spool, b"Received: x\r\n", header + b"y" * SPILL_AT)
    assert spool.read(entry).beginning(1000).startswith(b"Received: x\r\n" + header)
    assert len(spool.read(entry).beginning(1000)) < 200_000
    assert len(spool.read(entry).beginning(150_000)) > 150_000
    small = await put(spool, b"A: b\r\n\r\nbody")
    assert spool.read(small).beginning(1000) == b"A: b\r\n\r\nbody"


async def test_what_was_arriving_or_orphaned_is_swept_at_the_start(spool: Spool, directory: Path) -> None:
    entry = await put_spilled(spool, b"", b"x" * (SPILL_AT + 1))
    (directory / "incoming" / "content-half").write_bytes(b"half")
    (directory / "content" / "0000000000001").write_bytes(b"orphan")
    later = again(spool, directory)
    assert list((directory / "incoming").iterdir()) == []
    assert [path.name for path in (directory / "content").iterdir()] == [entry.queue_id]
    later.close()


async def test_queue_ids_are_never_used_twice(directory: Path) -> None:
    spool = Spool(directory, clock=Clock(wall=lambda: 1.0))
    ids = [spool.new_id() for _ in range(1000)]
    assert ids == sorted(set(ids))
    entry, durable = spool.add(Message(ids[-1], 0.0, ENVELOPE, None, 1), (b"x",))
    await durable
    await spool.finish(entry)
    later = again(spool, directory)
    later._clock = Clock(wall=lambda: 0.0)  # the clock was set back
    assert later.new_id() > ids[-1]
    later.close()


async def test_a_caller_that_goes_away_takes_nothing_with_it(spool: Spool) -> None:
    async def caller() -> None:
        _, durable = spool.add(message(spool), (b"content",))
        await asyncio.shield(durable)

    tasks = [asyncio.create_task(caller()) for _ in range(10)]
    await asyncio.sleep(0)
    for task in tasks:
        task.cancel()
    await asyncio.wait(tasks)
    await put(spool)
    assert len(spool) == 11


# -- a disk that is full or broken --------------------------------------------------------------------------------


class FullDisk:
    """Takes nothing longer than `room` in one write."""

    def __init__(self, spool: Spool, room: int) -> None:
        self.room = room
        spool.log.writev = self.writev

    def writev(self, handle: int, buffers: Sequence[bytes], offset: int) -> int:
        if sum(map(len, buffers)) > self.room:
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        return os.pwritev(handle, buffers, offset)


async def test_a_full_disk_refuses_messages_and_notes_deliveries(spool: Spool, directory: Path) -> None:
    old = [await put(spool, b"%d" % number) for number in range(3)]
    disk = FullDisk(spool, 300)
    pairs = [spool.add(message(spool, size=1000), (b"x" * 1000,)) for _ in range(3)]
    done = [spool.finish(entry) for entry in old[:2]]
    results = await asyncio.gather(*(durable for _, durable in pairs), *done, return_exceptions=True)
    assert [isinstance(outcome, OSError) for outcome in results] == [True, True, True, False, False]
    assert spool.entries() == [old[2]]
    disk.room = 10
    with pytest.raises(OSError, match="No space left"):
        await spool.finish(old[2])
    assert spool.entries() == [old[2]]
    disk.room = 1 << 20
    await put(spool, b"again")
    later = again(spool, directory)
    assert [later.read(entry).start for entry in later.entries()] == [b"2", b"again"]
    later.close()


async def test_a_full_disk_leaves_no_large_content_behind(spool: Spool, directory: Path) -> None:
    FullDisk(spool, 10)
    content = Content(spool.incoming)
    content.write(b"x" * (SPILL_AT + 1))
    _, durable = await spool.add_spilled(message(spool), b"", content)
    with pytest.raises(OSError, match="No space left"):
        await durable
    content.close()
    assert list((directory / "content").iterdir()) == []
    assert list((directory / "incoming").iterdir()) == []


async def test_a_record_that_rots_is_an_error_when_it_is_read(spool: Spool, directory: Path) -> None:
    entry = await put(spool)
    (path,) = (directory / "log").glob("*.log")
    octets = path.read_bytes()
    path.write_bytes(octets[:-1] + b"!")
    with pytest.raises(SpoolError, match="damaged"):
        spool.read(entry)


async def test_an_entry_that_is_not_durable_yet_cannot_be_read(spool: Spool) -> None:
    entry, durable = spool.add(message(spool), (b"content",))
    with pytest.raises(SpoolError, match="not on disk"):
        spool.read(entry)
    await durable
    assert spool.read(entry).start == b"content"


async def test_rot_in_the_middle_is_reported_and_the_rest_is_there(
    spool: Spool, directory: Path, caplog: pytest.LogCaptureFixture
) -> None:
    for number in range(3):
        await put(spool, b"message %d" % number)
    spool.close()
    (path,) = (directory / "log").glob("*.log")
    path.write_bytes(path.read_bytes().replace(b"message 1", b"message !"))
    later = Spool(directory)
    assert [later.read(entry).start for entry in later.entries()] == [b"message 0", b"message 2"]
    (line,) = caplog.messages
    assert "DAMAGED" in line
    assert "2 messages in it are saved, at most 1 lost" in line
    later.close()


async def test_the_first_4_kib_of_a_segment_may_be_lost(
    spool: Spool, directory: Path, caplog: pytest.LogCaptureFixture
) -> None:
    entries = [await put(spool, b"message %d" % number + b"." * 200) for number in range(101)]
    spilled = await put_spilled(spool, b"start", b"x" * (SPILL_AT + 1))
    spool.close()
    (path,) = (directory / "log").glob("*.log")
    with path.open("r+b") as file:
        file.write(bytes(4096))
    later = Spool(directory)
    saved = [entry.queue_id for entry in later.entries()]
    lost = len(entries) + 1 - len(saved)
    assert 0 < lost < 20
    assert saved == [*(entry.queue_id for entry in entries[lost:]), spilled.queue_id]
    for number, entry in enumerate(later.entries()[:-1], lost):
        assert later.read(entry).start.startswith(b"message %d." % number)
    (line,) = caplog.messages
    assert line.startswith(f"spool: {path.name} is DAMAGED: ")
    assert f"{len(saved)} messages in it are saved, at most {lost} lost" in line
    assert line.endswith(f"the file is kept as {path.stem}.damaged")
    for entry in later.entries():
        await later.finish(entry)
    later.close()
    caplog.clear()
    assert Spool(directory).entries() == []
    assert (directory / "log" / f"{path.stem}.damaged").stat().st_size > 4096


async def test_the_content_of_a_message_whose_record_is_lost_is_kept(
    spool: Spool, directory: Path, caplog: pytest.LogCaptureFixture
) -> None:
    entry = await put_spilled(spool, b"start", b"x" * (SPILL_AT + 1))
    await put(spool)
    spool.close()
    (path,) = (directory / "log").glob("*.log")
    with path.open("r+b") as file:
        file.write(bytes(100))
    for _ in range(2):
        later = Spool(directory)
        assert len(later) == 1
        assert [path.name for path in (directory / "content").iterdir()] == [f"{entry.queue_id}.damaged"]
        later.close()
    assert caplog.text.count(f"the content {entry.queue_id} belongs to no message") == 1


async def test_a_record_of_another_version_is_reported_and_passed_over(
    spool: Spool, directory: Path, caplog: pytest.LogCaptureFixture
) -> None:
    await put(spool)
    spool.log.append([(b"\x09" + bytes(8),)])
    later = again(spool, directory)
    assert len(later) == 1
    assert "not a record" in caplog.text
    later.close()


# -- space comes back ---------------------------------------------------------------------------------------------


def size(directory: Path) -> int:
    return sum(path.stat().st_size for path in (directory / "log").iterdir())


async def drain(spool: Spool) -> None:
    """Have the writer finish everything, compaction included."""
    for _ in range(100):
        await asyncio.sleep(0.001)
        if not spool._reclaiming:
            return


async def test_segments_go_when_their_messages_are_done(directory: Path) -> None:
    spool = Spool(directory, segment_size=10_000)
    for _ in range(30):
        entries = [await put(spool, b"x" * 1000) for _ in range(10)]
        for entry in entries:
            await spool.finish(entry)
    await drain(spool)
    assert size(directory) < 40_000
    assert len(spool) == 0
    later = again(spool, directory)
    assert len(later) == 0
    later.close()


@pytest.mark.parametrize("seed", range(4))
async def test_a_message_that_stays_does_not_keep_the_log(directory: Path, seed: int) -> None:
    dice = random.Random(seed)
    spool = Spool(directory, segment_size=5_000)
    old = {(await put(spool, b"old %d" % number)).queue_id: b"old %d" % number for number in range(5)}
    waiting = spool.entries()
    await spool.update(waiting[2], Progress(77.0, 1, deferred={0: deferred("4.4.1", "refused")}))
    for _ in range(40):
        entries = [await put(spool, b"x" * dice.randrange(2000)) for _ in range(10)]
        if dice.random() < 0.3:
            retried = dice.choice(waiting)
            spool.update(retried, Progress(dice.random(), 2, deferred={1: deferred("4.4.2", "lost")}))
        await asyncio.gather(*(spool.finish(entry) for entry in entries))
    await drain(spool)
    assert size(directory) < 60_000
    before = {entry.queue_id: (entry.due, entry.attempts, spool.read(entry)) for entry in spool.entries()}
    assert {ident: stored.start for ident, (_, _, stored) in before.items()} == old
    later = again(spool, directory, segment_size=5_000)
    after = {entry.queue_id: (entry.due, entry.attempts, later.read(entry)) for entry in later.entries()}
    assert after == before
    for entry in later.entries():
        await later.finish(entry)
    final = again(later, directory)
    assert len(final) == 0
    final.close()


async def test_a_crash_between_moving_and_removing_does_no_harm(directory: Path, tmp_path: Path) -> None:
    spool = Spool(directory, segment_size=2_000)
    entry = await put(spool, b"stays")
    await spool.update(entry, Progress(5.0, 1))
    (first,) = (directory / "log").iterdir()
    kept = first.read_bytes()
    for _ in range(20):
        await spool.finish(await put(spool, b"x" * 1000))
    await drain(spool)
    assert not first.exists()
    spool.close()
    first.write_bytes(kept)  # as if it had not been removed
    later = Spool(directory)
    (left,) = later.entries()
    assert later.read(left).start == b"stays"
    assert (left.due, left.attempts) == (5.0, 1)
    later.close()


async def test_a_segment_that_cannot_be_removed_is_reported(
    directory: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    spool = Spool(directory, segment_size=1_000)

    def fail(number: int) -> None:
        raise OSError(errno.EIO, os.strerror(errno.EIO))

    monkeypatch.setattr(spool.log, "delete", fail)
    for _ in range(4):
        await spool.finish(await put(spool, b"x" * 1000))
    await drain(spool)
    assert "can't be removed" in caplog.text
    spool.close()


async def test_a_message_that_rots_does_not_keep_the_log(directory: Path, caplog: pytest.LogCaptureFixture) -> None:
    spool = Spool(directory, segment_size=1_000)
    await put(spool, b"rots")
    kept = await put(spool, b"stays")
    (path,) = (directory / "log").iterdir()
    path.write_bytes(path.read_bytes().replace(b"rots", b"rot!"))
    for _ in range(20):
        await spool.finish(await put(spool, b"x" * 1000))
    await drain(spool)
    assert "is lost from the spool" in caplog.text
    assert spool.entries() == [kept]
    assert spool.read(kept).start == b"stays"
    assert size(directory) < 10_000
    spool.close()


async def test_a_log_that_cannot_be_compacted_is_reported(directory: Path, caplog: pytest.LogCaptureFixture) -> None:
    now = 0.0
    spool = Spool(directory, clock=Clock(steady=lambda: now), segment_size=1_000)
    kept = await put(spool, b"y" * 1000)

    async def churn() -> None:
        for _ in range(20):
            await spool.finish(await put(spool, b"x" * 500))
        await drain(spool)

    disk = FullDisk(spool, 1000)
    await churn()
    assert caplog.text.count("can't be compacted") == 1
    disk.room = 1 << 20
    await churn()
    assert size(directory) > 10_000
    now = 60.0
    await churn()
    assert size(directory) < 10_000
    assert spool.read(kept).start == b"y" * 1000
    spool.close()


def test_an_id_from_the_log_moves_the_next_one_on(directory: Path) -> None:
    spool = Spool(directory, clock=Clock(wall=lambda: 0.0))
    assert spool.new_id() == queue_id(1)
    spool.close()


async def test_closing_with_work_under_way_is_quiet(directory: Path, caplog: pytest.LogCaptureFixture) -> None:
    spool = Spool(directory, segment_size=1)
    first, second = await put(spool), await put(spool)
    done = asyncio.gather(spool.finish(first), spool.finish(second))
    spool.close()
    await done  # both are told, and what that makes superfluous is left to the next process
    assert caplog.records == []
    later = Spool(directory)
    assert later.entries() == []
    later.close()
