from __future__ import annotations

import errno
import os
import random
import struct
import zlib
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pytest

from postroad_relay.queue.spool.log import Damage, Log, LogError, Position
from postroad_relay.queue.spool.segment import Frame, name_of, number_in, open_segment

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

HEADER = 32  # octets of a segment's header
FRAME = 20


class Reader:
    """What recovery finds."""

    def __init__(self, directory: Path, **options: Any) -> None:
        self.log = Log(directory, **options)
        self.records: list[bytes] = []
        self.positions: list[Position] = []
        self.damages: list[Damage] = self.log.recover(self.visit)

    def visit(self, position: Position, record: memoryview) -> None:
        self.positions.append(position)
        self.records.append(bytes(record))


def new_log(directory: Path, **options: Any) -> Log:
    log = Log(directory, **options)
    assert log.recover(lambda position, record: None) == []
    return log


def segments(directory: Path) -> list[Path]:
    return sorted(directory.glob("*.log"))


def test_what_was_appended_is_read_back(tmp_path: Path) -> None:
    log = new_log(tmp_path)
    positions = log.append([(b"one",), (b"t", b"w", b"o"), (b"",)])
    positions += log.append([(b"three" * 1000,)])
    assert [log.read(position) for position in positions] == [b"one", b"two", b"", b"three" * 1000]
    log.close()
    reader = Reader(tmp_path)
    assert reader.records == [b"one", b"two", b"", b"three" * 1000]
    assert reader.positions == positions
    assert reader.damages == []
    assert [reader.log.read(position) for position in positions] == reader.records
    assert reader.log.records(1) == 4
    reader.log.append([(b"five",), (b"six",)])
    assert reader.log.records(2) == 2


def open_files() -> set[str]:
    return set(os.listdir("/dev/fd"))  # noqa: PTH208 - names alone


def test_no_file_is_left_open(tmp_path: Path) -> None:
    before = open_files()
    log = new_log(tmp_path, segment_size=40)
    for _ in range(4):
        log.append([(b"x",)])
    log.delete(2)
    Disk(log, 10)
    with pytest.raises(OSError, match="No space left"):
        log.append([(b"x",)])
    log.close()
    assert open_files() == before
    name, octets = first_format(9, [b"lost"])
    (tmp_path / name).write_bytes(b"?" + octets[1:])
    segments(tmp_path)[0].write_bytes(b"")
    Reader(tmp_path).log.close()
    assert open_files() == before


def test_a_torn_tail_is_gone_for_good_before_anything_new_is_written(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Or it is back after a crash, in a segment that is no longer the last, where nobody takes it for a torn tail."""
    log = new_log(tmp_path)
    log.append([(b"whole",)])
    log.close()
    (path,) = segments(tmp_path)
    size = path.stat().st_size
    path.write_bytes(path.read_bytes() + b"torn")
    synced: list[int] = []
    monkeypatch.setattr(os, "fsync", lambda handle: synced.append(os.fstat(handle).st_size))
    assert [damage.torn for damage in Reader(tmp_path).damages] == [True]
    assert synced == [size]


def test_a_record_may_be_large(tmp_path: Path) -> None:
    """As a DSN is, or progress, where a thousand recipients were refused with many words."""
    log = new_log(tmp_path, segment_size=1000)
    large = os.urandom(5 << 20)
    (position,) = log.append([(large,)])
    assert log.read(position) == large
    log.close()
    reader = Reader(tmp_path)
    assert (reader.records, reader.damages) == ([large], [])


def test_a_later_process_begins_a_new_segment(tmp_path: Path) -> None:
    log = new_log(tmp_path)
    log.append([(b"one",)])
    log.close()
    log = Log(tmp_path)
    log.recover(lambda position, record: None)
    (position,) = log.append([(b"two",)])
    assert position.segment == 2
    assert len(segments(tmp_path)) == 2
    log.close()
    assert Reader(tmp_path).records == [b"one", b"two"]


def test_a_full_segment_is_followed_by_another(tmp_path: Path) -> None:
    log = new_log(tmp_path, segment_size=100)
    positions = [log.append([(b"x" * 80,)])[0] for _ in range(3)]
    assert [position.segment for position in positions] == [1, 2, 3]
    assert list(log.sizes) == [1, 2, 3]
    assert log.records(1) == 1
    log.delete(1)
    assert [number_in(path) for path in segments(tmp_path)] == [2, 3]
    log.delete(3)  # the one that is written to: another is begun
    assert log.append([(b"y",)])[0].segment == 4
    with pytest.raises(LogError, match="segment 1 is not there"):
        log.read(positions[0])


def test_a_segment_that_is_written_to_outlives_the_removal_of_an_older_one(tmp_path: Path) -> None:
    log = new_log(tmp_path, segment_size=100)
    for octets in (b"x" * 80, b"y"):
        log.append([(octets,)])
    log.delete(1)
    assert log.append([(b"z",)])[0].segment == 2


def test_a_log_cut_off_at_any_octet_gives_the_whole_records_before_the_cut(tmp_path: Path) -> None:
    log = new_log(tmp_path / "whole")
    written = [b"first", b"", b"second record", b"the third"]
    positions = log.append([(record,) for record in written])
    log.close()
    (path,) = segments(tmp_path / "whole")
    octets = path.read_bytes()
    ends = [position.offset + FRAME + position.length for position in positions]
    for cut in range(len(octets)):
        directory = tmp_path / f"cut{cut}"
        directory.mkdir()
        (directory / path.name).write_bytes(octets[:cut])
        reader = Reader(directory)
        whole = sum(end <= cut for end in ends)
        assert reader.records == written[:whole]
        clean = cut in {HEADER, *ends}
        begin = max([end for end in ends if end <= cut], default=HEADER if cut > HEADER else 0)
        assert reader.damages == ([] if clean else [Damage(directory / path.name, begin, cut - begin, torn=True)])
        # What was cut off is gone for good, and the log goes on.
        reader.log.append([(b"new",)])
        reader.log.close()
        again = Reader(directory)
        assert again.records == [*written[:whole], b"new"]
        assert again.damages == []


def test_rotten_octets_anywhere_cost_one_record_and_are_reported(tmp_path: Path) -> None:
    log = new_log(tmp_path / "whole")
    written = [b"first", b"second record", b"the third"]
    positions = log.append([(record,) for record in written])
    log.close()
    (path,) = segments(tmp_path / "whole")
    octets = path.read_bytes()
    for index, position in enumerate(positions):
        for offset in range(position.offset, position.offset + FRAME + position.length):
            directory = tmp_path / f"rot{offset}"
            directory.mkdir()
            (directory / path.name).write_bytes(octets[:offset] + bytes([octets[offset] ^ 0x55]) + octets[offset + 1 :])
            reader = Reader(directory)
            assert reader.records == [record for other, record in enumerate(written) if other != index]
            (damage,) = reader.damages
            assert (damage.offset, damage.length) == (position.offset, FRAME + position.length)
            assert damage.torn is (index == len(written) - 1)
            reader.log.close()


def test_rot_in_an_older_segment_is_never_taken_for_a_torn_tail(tmp_path: Path) -> None:
    log = new_log(tmp_path, segment_size=40)
    log.append([(b"old",)])
    log.append([(b"new",)])
    log.close()
    old, _ = segments(tmp_path)
    old.write_bytes(old.read_bytes()[:-1] + b"!")
    reader = Reader(tmp_path)
    assert reader.records == [b"new"]
    assert [damage.torn for damage in reader.damages] == [False]


def first_format(number: int, records: Sequence[bytes]) -> tuple[str, bytes]:
    """The name and octets of a segment as earlier versions wrote it: no salt in its name, no counts in its frames."""
    salt = bytes(range(16))
    octets = struct.pack("<8sQ16s", b"PRSPOOL1", number, salt)
    for record in records:
        checksum = zlib.crc32(record, zlib.crc32(struct.pack("<Q", len(octets)), zlib.crc32(salt)))
        octets += struct.pack("<8sII", salt[:8], len(record), checksum) + record
    return f"{number:012x}.log", octets


def test_a_segment_of_the_first_format_is_read(tmp_path: Path) -> None:
    name, octets = first_format(7, [b"first", b"", b"third"])
    (tmp_path / name).write_bytes(octets)
    reader = Reader(tmp_path)
    assert (reader.records, reader.damages) == ([b"first", b"", b"third"], [])
    assert [reader.log.read(position) for position in reader.positions] == reader.records
    assert reader.log.append([(b"new",)])[0].segment == 8
    reader.log.close()
    assert Reader(tmp_path).records == [b"first", b"", b"third", b"new"]


def test_rot_in_a_segment_of_the_first_format_costs_a_number_that_nobody_knows(tmp_path: Path) -> None:
    name, octets = first_format(7, [b"first", b"second", b"third"])
    (tmp_path / name).write_bytes(octets.replace(b"second", b"?econd"))
    reader = Reader(tmp_path)
    assert reader.records == [b"first", b"third"]
    assert [damage.lost for damage in reader.damages] == [None]


def test_a_segment_that_nothing_tells_the_salt_of_is_set_aside(tmp_path: Path) -> None:
    name, octets = first_format(1, [b"lost"])
    (tmp_path / name).write_bytes(b"?" + octets[1:])
    reader = Reader(tmp_path)
    assert reader.records == []
    (damage,) = reader.damages
    assert (damage.torn, damage.length, damage.lost) == (False, len(octets), None)
    assert [path.name for path in tmp_path.iterdir()] == ["000000000001.damaged"]
    assert damage.kept == tmp_path / "000000000001.damaged"
    assert reader.log.append([(b"new",)])[0].segment == 2


@pytest.mark.parametrize("octets", [1, HEADER, HEADER + 1, 500, 4096])
def test_a_segment_without_its_head_gives_every_frame_behind(tmp_path: Path, octets: int) -> None:
    log = new_log(tmp_path, counted=b"M")
    records = [b"M%04d " % number + b"x" * 90 for number in range(101)]
    positions = log.append([(record,) for record in records])
    log.append([(b"P",)])
    log.close()
    (path,) = segments(tmp_path)
    with path.open("r+b") as file:
        file.write(bytes(octets))
    reader = Reader(tmp_path, counted=b"M")
    saved = [record for record, position in zip(records, positions, strict=True) if position.offset >= octets]
    assert reader.records == [*saved, b"P"]
    (damage,) = reader.damages
    assert (damage.offset, damage.torn, damage.lost) == (0, False, 101 - len(saved))
    assert damage.kept == path.with_suffix(".damaged")
    assert [reader.log.read(position) for position in reader.positions] == reader.records
    # The other name keeps the file when the log has no more need of it.
    reader.log.delete(1)
    assert segments(tmp_path) == []
    assert damage.kept is not None
    kept = open_segment(damage.kept, os.O_RDONLY)
    assert kept is not None
    pieces = list(kept.scan(damage.kept.stat().st_size))
    os.close(kept.handle)
    assert [piece.record for piece in pieces if isinstance(piece, Frame)] == reader.records


def test_a_segment_of_which_nothing_is_left_is_kept(tmp_path: Path) -> None:
    log = new_log(tmp_path)
    log.append([(b"lost",)])
    log.close()
    (path,) = segments(tmp_path)
    size = path.stat().st_size
    path.write_bytes(bytes(size))
    reader = Reader(tmp_path)
    assert reader.records == []
    kept = path.with_suffix(".damaged")
    assert reader.damages == [Damage(path, 0, size, torn=False, lost=None, kept=kept)]
    assert kept.stat().st_size == size
    reader.log.close()
    assert Reader(tmp_path).damages == [Damage(path, 0, size, torn=False, lost=None, kept=kept)]


def test_what_several_gaps_have_cost_is_counted_once(tmp_path: Path) -> None:
    log = new_log(tmp_path, counted=b"M")
    records = [b"M0", b"M1", b"P", b"M2", b"M3", b"M4", b"M5", b"M6"]
    positions = log.append([(record,) for record in records])
    log.close()
    (path,) = segments(tmp_path)
    octets = bytearray(path.read_bytes())
    for lost in (1, 3, 4, 6):
        octets[positions[lost].offset + FRAME] ^= 0x55
    path.write_bytes(octets)
    reader = Reader(tmp_path, counted=b"M")
    assert reader.records == [b"M0", b"P", b"M4", b"M6"]
    assert [damage.lost for damage in reader.damages] == [1, 2, 1]


def test_a_file_system_without_links_keeps_no_second_name(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    log = new_log(tmp_path)
    log.append([(b"lost",), (b"saved",)])
    log.close()
    (path,) = segments(tmp_path)
    octets = path.read_bytes()
    path.write_bytes(bytes(HEADER) + bytes([octets[HEADER] ^ 0xFF]) + octets[HEADER + 1 :])

    def fail(self: Path, target: Path) -> None:
        raise OSError(errno.EPERM, os.strerror(errno.EPERM))

    monkeypatch.setattr(type(path), "hardlink_to", fail)
    reader = Reader(tmp_path)
    assert reader.records == [b"saved"]
    assert [damage.kept for damage in reader.damages] == [None]


def test_octets_that_look_like_a_frame_are_not_taken_for_one(tmp_path: Path) -> None:
    log = new_log(tmp_path)
    log.append([(b"first",)])
    log.close()
    (path,) = segments(tmp_path)
    frame = path.read_bytes()[HEADER:]
    # The same frame again, at another place: the marker is right, the checksum is not that of this offset.
    path.write_bytes(path.read_bytes() + b"x" + frame)
    reader = Reader(tmp_path)
    assert reader.records == [b"first"]
    assert [damage.torn for damage in reader.damages] == [True]


def test_damage_longer_than_a_block_is_stepped_over(tmp_path: Path) -> None:
    log = new_log(tmp_path)
    first, second, third = log.append([(b"first",), (b"x" * 3_000_000,), (b"third",)])
    log.close()
    (path,) = segments(tmp_path)
    octets = bytearray(path.read_bytes())
    octets[second.offset] ^= 1
    path.write_bytes(octets)
    reader = Reader(tmp_path)
    assert reader.records == [b"first", b"third"]
    assert reader.positions == [first, third]


@pytest.mark.parametrize("before", range(10))
def test_a_frame_at_the_edge_of_a_searched_block_is_found(tmp_path: Path, before: int) -> None:
    log = new_log(tmp_path)
    # The search begins at the octet after the damaged frame's first, and goes on in blocks of 1 MiB.
    first, second = log.append([(b"x" * ((1 << 20) + 1 - FRAME - before),), (b"second",)])
    log.close()
    assert second.offset == first.offset + 1 + (1 << 20) - before
    (path,) = segments(tmp_path)
    octets = bytearray(path.read_bytes())
    octets[first.offset] ^= 1
    path.write_bytes(octets)
    assert Reader(tmp_path).records == [b"second"]


def test_numbers_of_segments_are_hexadecimal(tmp_path: Path) -> None:
    assert number_in(tmp_path / name_of(255, bytes(16))) == 255
    assert name_of(255, bytes(16)) == f"0000000000ff-{'0' * 32}.log"


class Disk:
    """A disk that takes so many octets and no more, or fails otherwise."""

    def __init__(self, log: Log, room: int) -> None:
        self.room = room
        self.piece = 1 << 30
        log.writev = self.writev

    def writev(self, handle: int, buffers: Sequence[bytes], offset: int) -> int:
        data = b"".join(buffers)[: min(self.room, self.piece)]
        if not data:
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        self.room -= len(data)
        return os.pwrite(handle, data, offset)


@pytest.mark.parametrize("room", range(60))
def test_a_full_disk_leaves_nothing_half_written(tmp_path: Path, room: int) -> None:
    log = new_log(tmp_path)
    log.append([(b"before",)])
    size = segments(tmp_path)[0].stat().st_size
    disk = Disk(log, room)
    with pytest.raises(OSError, match="No space left"):
        log.append([(b"one" * 10,), (b"two" * 10,)])
    assert segments(tmp_path)[0].stat().st_size == size
    disk.room = 1000
    (position,) = log.append([(b"after",)])
    assert position.segment == 1
    log.close()
    reader = Reader(tmp_path)
    assert reader.records == [b"before", b"after"]
    assert reader.damages == []


def test_short_writes_go_on_where_they_ended(tmp_path: Path) -> None:
    log = new_log(tmp_path)
    disk = Disk(log, 1 << 20)
    dice = random.Random(1)
    records = [(dice.randbytes(dice.randrange(50)), dice.randbytes(dice.randrange(50))) for _ in range(400)]
    for disk.piece in (1, 7, 97):
        positions = log.append(records)
        assert [log.read(position) for position in positions] == [b"".join(pieces) for pieces in records]


def test_a_full_disk_at_a_new_segment_leaves_no_file(tmp_path: Path) -> None:
    log = new_log(tmp_path)
    disk = Disk(log, 10)
    with pytest.raises(OSError, match="No space left"):
        log.append([(b"one",)])
    assert segments(tmp_path) == []
    disk.room = 1000
    log.append([(b"one",)])
    assert len(segments(tmp_path)) == 1


def test_a_segment_is_on_disk_before_its_first_record(tmp_path: Path) -> None:
    log = new_log(tmp_path)
    synced: list[int] = []
    log.fsync = lambda handle: synced.append(os.fstat(handle).st_size)
    log.append([(b"x",)])
    assert synced == [HEADER, HEADER + FRAME + 1]


def test_what_is_cut_off_of_a_full_disk_is_gone_for_good(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    log = new_log(tmp_path)
    log.append([(b"before",)])
    size = segments(tmp_path)[0].stat().st_size
    synced: list[int] = []
    monkeypatch.setattr(
        "postroad_relay.queue.spool.log.fdatasync", lambda handle: synced.append(os.fstat(handle).st_size)
    )
    Disk(log, 20)
    with pytest.raises(OSError, match="No space left"):
        log.append([(b"half of this is written",)])
    assert synced == [size]


def test_after_a_failed_fsync_the_segment_is_left_for_good(tmp_path: Path) -> None:
    log = new_log(tmp_path)
    log.append([(b"before",)])

    def fail(handle: int) -> None:
        raise OSError(errno.EIO, os.strerror(errno.EIO))

    log.fsync = fail
    with pytest.raises(OSError, match="Input/output error"):
        log.append([(b"lost",)])
    log.fsync = os.fdatasync
    (position,) = log.append([(b"after",)])
    assert position.segment == 2
    log.close()
    reader = Reader(tmp_path)
    assert reader.records == [b"before", b"after"]
    assert reader.damages == []


def test_a_segment_that_cannot_be_cut_back_is_left_for_good(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    log = new_log(tmp_path)
    log.append([(b"before",)])
    disk = Disk(log, 20)

    def fail(handle: int, length: int) -> None:
        raise OSError(errno.EIO, os.strerror(errno.EIO))

    with monkeypatch.context() as patch:
        patch.setattr(os, "ftruncate", fail)
        with pytest.raises(OSError, match="No space left"):
            log.append([(b"half of this is written",)])
    disk.room = 1000
    (position,) = log.append([(b"after",)])
    assert position.segment == 2
    log.close()
    reader = Reader(tmp_path)
    assert reader.records == [b"before", b"after"]
    assert [damage.torn for damage in reader.damages] == [False]


def test_a_record_that_rots_after_recovery_is_not_given_out(tmp_path: Path) -> None:
    log = new_log(tmp_path)
    (position,) = log.append([(b"record",)])
    (path,) = segments(tmp_path)
    with path.open("r+b") as file:
        file.seek(position.offset + FRAME)
        file.write(b"R")
    with pytest.raises(LogError, match="damaged"):
        log.read(position)
    (position,) = log.append([(b"another",)])
    for length in (position.length - 1, position.length + 1):
        with pytest.raises(LogError, match="damaged"):
            log.read(replace(position, length=length))
    log.close()
    with pytest.raises(LogError, match="is not there"):
        log.read(position)


def test_a_disk_that_cannot_be_read_is_a_damaged_record(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    log = new_log(tmp_path)
    (position,) = log.append([(b"record",)])

    def fail(handle: int, length: int, offset: int) -> bytes:
        raise OSError(errno.EIO, os.strerror(errno.EIO))

    monkeypatch.setattr(os, "pread", fail)
    with pytest.raises(LogError, match="can't be read"):
        log.read(position)
