"""The numbers of the events, and reading by them."""

from __future__ import annotations

import itertools
import os
import signal
import subprocess
import sys
import threading
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import orjson
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from postroad.clock import Clock
from postroad.journal import Journal, JournalReader, Kind
from postroad.journal import files as files_module
from postroad.journal.files import first_number_from, last_number, number_of, offset_after
from postroad.journal.numbered import MOST_OCTETS, PLACES, NumberedLines

if TYPE_CHECKING:
    from collections.abc import Iterator

START = 1_767_225_600.0  # 2026-01-01T00:00:00Z
FIRST = 1_767_225_600_000_000
CLOCK = Clock(wall=lambda: START)


def write(directory: Path, *queue_ids: str, rotate_at: int = 64 << 20, kept: int = 4) -> Journal:
    journal = Journal(directory, service="relay", clock=CLOCK, rotate_at=rotate_at, kept=kept)
    for queue_id in queue_ids:
        journal.record(Kind.STORED, queue_id)
    journal.close()
    return journal


def reader_of(journal: Journal) -> NumberedLines:
    return NumberedLines(journal.path, journal.kept, journal.files)


def numbers(octets: bytes) -> list[int]:
    return [orjson.loads(line)["n"] for line in octets.splitlines()]


def numbers_in(directory: Path) -> list[int | None]:
    return [entry.number for entry in JournalReader(directory).entries()]


# Writing


def test_numbers_grow_by_one_over_restarts_and_rotations(tmp_path: Path) -> None:
    for _ in range(8):
        write(tmp_path, "a", "b", "c", rotate_at=300, kept=9)
    assert numbers_in(tmp_path) == list(range(FIRST, FIRST + 24))


def test_a_service_that_starts_without_a_journal_repeats_no_number(tmp_path: Path) -> None:
    write(tmp_path, "a")
    (tmp_path / "relay" / "relay.jsonl").unlink()
    journal = Journal(tmp_path, service="relay", clock=Clock(wall=lambda: START + 60))
    assert journal.last == FIRST + 60_000_000 - 1
    journal.record(Kind.STORED)
    assert journal.last == FIRST + 60_000_000
    journal.close()
    assert numbers_in(tmp_path) == [FIRST + 60_000_000]


def test_a_file_that_is_removed_while_it_is_written_takes_no_number_with_it(tmp_path: Path) -> None:
    journal = Journal(tmp_path, service="relay", clock=CLOCK)
    written = threading.Event()
    journal.listener = written.set
    journal.record(Kind.STORED)
    assert written.wait(10)
    journal.path.unlink()
    journal.record(Kind.STORED)
    journal.close()
    assert numbers_in(tmp_path) == [FIRST + 1]


def test_the_number_of_a_torn_line_is_not_given_again(tmp_path: Path) -> None:
    write(tmp_path, "a", "b")
    path = tmp_path / "relay" / "relay.jsonl"
    path.write_bytes(path.read_bytes()[:-1])  # whole, but for its line end
    write(tmp_path, "c")
    assert numbers_in(tmp_path) == [FIRST, FIRST + 1, FIRST + 2]
    path.write_bytes(path.read_bytes()[:-30])
    write(tmp_path, "d")
    assert numbers_in(tmp_path) == [FIRST, FIRST + 1, FIRST + 3]


def test_a_line_torn_before_its_number_is_as_if_it_were_not(tmp_path: Path) -> None:
    write(tmp_path, "a")
    with (tmp_path / "relay" / "relay.jsonl").open("ab") as file:
        file.write(b'{"n":17672')
    journal = write(tmp_path, "b")
    assert numbers_in(tmp_path) == [FIRST, FIRST + 1]
    assert numbers(reader_of(journal).read(0, 10).octets) == [FIRST, FIRST + 1]


def test_a_file_of_an_older_version_is_gone_on_with(tmp_path: Path) -> None:
    (tmp_path / "relay").mkdir()
    (tmp_path / "relay" / "relay.jsonl").write_text(
        '{"time":"2026-01-01T00:00:00Z","service":"relay","kind":"stored"}\n' * 3
    )
    journal = write(tmp_path, "a")
    assert numbers_in(tmp_path) == [None, None, None, FIRST]
    assert numbers(reader_of(journal).read(0, 10).octets) == [FIRST]


KILLED = """
import sys
from pathlib import Path
from postroad.journal import Journal, Kind
journal = Journal(Path(sys.argv[1]), service="relay", rotate_at=100_000, kept=500)
first = journal.written
while True:
    journal.record(Kind.STORED, "q", text="x" * 300)
    if first is not None and journal.written > first + 1000:
        print("go", flush=True)
        first = None
"""


def test_kill_repeats_no_number(tmp_path: Path) -> None:
    for _ in range(3):
        process = subprocess.Popen([sys.executable, "-c", KILLED, str(tmp_path)], stdout=subprocess.PIPE)
        with process:
            assert process.stdout is not None
            assert process.stdout.readline() == b"go\n"
            process.send_signal(signal.SIGKILL)
    journal = Journal(tmp_path, service="relay", rotate_at=100_000, kept=500)
    journal.record(Kind.STORED)
    journal.close()
    recorded = [number for number in numbers_in(tmp_path) if number is not None]
    assert len(recorded) > 100
    assert all(first < second for first, second in itertools.pairwise(recorded))


def test_what_is_lost_is_told_and_its_numbers_are_missing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    journal = Journal(tmp_path, service="relay", clock=CLOCK)
    full = threading.Event()
    write = os.write

    def write_or_fail(handle: int, data: bytes) -> int:
        if b"lost" in data and not full.is_set():
            full.set()
            raise OSError(28, "No space left on device")
        return write(handle, data)

    monkeypatch.setattr(os, "write", write_or_fail)
    journal.record(Kind.STORED, "lost")
    assert full.wait(10)
    journal.record(Kind.STORED, "kept")
    journal.close()
    stored, lost = JournalReader(tmp_path).entries()
    assert (stored.queue_id, stored.number) == ("kept", FIRST + 1)
    assert (lost.kind, lost.number, lost.detail) == (Kind.LOST, FIRST + 2, {"count": 1})
    assert journal.dropped == 1


def test_under_load_writes_are_few(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    journal = Journal(tmp_path, service="relay")
    waits: list[float] = []
    enough = threading.Event()

    class Closing(threading.Event):
        def wait(self, seconds: float | None = None) -> bool:
            waits.append(seconds or 0.0)
            return self.is_set()

    def more() -> None:
        if len(waits) == 8:
            enough.set()
        for _ in range(100 if len(waits) < 5 else 30 if len(waits) == 5 else 10):  # few enough at last
            journal.record(Kind.STORED)

    monkeypatch.setattr(journal, "_closing", Closing())
    journal.listener = more
    journal.record(Kind.STORED)
    assert enough.wait(10)
    journal.listener = None
    journal.close()
    assert waits[:8] == [0.002, 0.002, 0.002, 0.02, 0.02, 0.02, 0.02, 0.002]  # and none before the first write


# The lines of a file


def lines_file(path: Path, *lines: bytes) -> int:
    path.write_bytes(b"".join(lines))
    return os.open(path, os.O_RDONLY)


def line(number: int, size: int = 60) -> bytes:
    start = b'{"n":%d,"text":"' % number
    return start + b"x" * (size - len(start) - 3) + b'"}\n'


@contextmanager
def blocks_of(size: int) -> Iterator[None]:
    """Let blocks be small, so that few lines are many blocks."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(files_module, "BLOCK", size)
        yield


@pytest.mark.parametrize(
    ("octets", "number"),
    [
        (b'{"n":5,"time":""}\n', 5),
        (b'{"n":5}\n', 5),
        (b'{"n":5', None),
        (b'{"n":-5,', None),
        (b'{"n":"5",', None),
        (b'{"n":5e3,', None),
        (b' {"n":5,', None),
        (b'{"time":"","n":5}\n', None),
        (b"", None),
    ],
)
def test_the_number_of_a_line(octets: bytes, number: int | None) -> None:
    assert number_of(octets) == number


@given(
    sizes=st.lists(st.integers(24, 200), max_size=40),
    strange=st.sets(st.integers(0, 39)),
    step=st.integers(1, 3),
    block=st.integers(33, 150),
)
@settings(max_examples=150)
def test_any_number_is_found(
    tmp_path_factory: pytest.TempPathFactory, sizes: list[int], strange: set[int], step: int, block: int
) -> None:
    path = tmp_path_factory.getbasetemp() / "lines"
    pieces, there = [], []
    for index, size in enumerate(sizes):
        if index in strange:  # torn, or of an older version
            pieces.append(b'{"n":%d' % (index * step) + b'{"n":7,' * (size // 8) + b"\n")
        else:
            there.append(index * step)
            pieces.append(line(index * step, size))
    handle = lines_file(path, *pieces)
    try:
        with blocks_of(block):
            assert first_number_from(handle, 0)[0] == (there[0] if there else None)
            assert last_number(handle) == (there[-1] if there else None)
            octets = path.read_bytes()
            for after in range(-1, len(sizes) * step + 1):
                offset = offset_after(handle, after)
                assert offset == 0 or octets[offset - 1 : offset] == b"\n"
                rest = [number_of(part) for part in octets[offset:].splitlines(keepends=True)]
                above = [number for number in there if number > after]
                assert [number for number in rest if number is not None and number > after] == above
                far = sum(
                    len(part)
                    for part, number in zip(octets[offset:].splitlines(keepends=True), rest, strict=True)
                    if number is not None and number <= after
                )
                assert far <= block + 400
    finally:
        os.close(handle)


def test_the_search_for_a_first_number_goes_on_where_it_stopped(tmp_path: Path) -> None:
    path = tmp_path / "lines"
    handle = lines_file(path, b"old\n" * 100, b'{"n":12')
    number, searched = first_number_from(handle, 0)
    assert number is None
    assert 300 < searched < 407
    with path.open("ab") as file:
        file.write(b'34,"x":1}\n')
    assert first_number_from(handle, searched) == (1234, 400)
    os.close(handle)


# Reading by number


def test_reading_goes_on_from_any_number(tmp_path: Path) -> None:
    journal = write(tmp_path, *map(str, range(1000)))
    reader = reader_of(journal)
    for after in (0, FIRST - 1, FIRST, FIRST + 1, FIRST + 500, FIRST + 998, FIRST + 999, FIRST + 5000):
        octets, first, last = reader.read(after, 10)
        above = [number for number in range(FIRST, FIRST + 1000) if number > after]
        assert numbers(octets) == above[:10]
        assert first == FIRST
        assert last == (above[:10][-1] if above else None)
    reader.close()


def test_a_reader_that_follows_reads_no_octet_twice(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    journal = write(tmp_path, *map(str, range(10_000)))
    reader = reader_of(journal)
    after, told = 0, 0
    offsets = []
    pread = os.pread

    def noted(handle: int, size: int, offset: int) -> bytes:
        offsets.append(offset)
        return pread(handle, size, offset)

    while octets := reader.read(after, 2000).octets:
        after = numbers(octets)[-1]
        told += len(numbers(octets))
        if told == 2000:
            monkeypatch.setattr(os, "pread", noted)
    assert told == 10_000
    assert offsets == sorted(offsets)
    assert offsets[0] > 0
    reader.close()


def test_a_block_is_about_a_mebioctet_and_a_long_line_is_whole(tmp_path: Path) -> None:
    journal = Journal(tmp_path, service="relay", clock=CLOCK)
    for _ in range(3):
        journal.record(Kind.STORED, text="x" * 400_000)
    journal.record(Kind.STORED, text="x" * 3_000_000)
    journal.record(Kind.STORED, text="x")
    journal.close()
    reader = reader_of(journal)
    sizes, after = [], 0
    while octets := reader.read(after, 2000).octets:
        after = numbers(octets)[-1]
        sizes.append(len(numbers(octets)))
        assert len(octets) < MOST_OCTETS + 400_200 or sizes[-1] == 1
    assert sizes == [3, 1, 1]
    reader.close()


def test_rotation_under_a_reader(tmp_path: Path) -> None:
    reader = None
    told: list[int] = []
    for number in range(12):
        journal = write(tmp_path, *[f"{number}-{index}" for index in range(20)], rotate_at=1500, kept=20)
        reader = reader or reader_of(journal)
        octets, _, _ = reader.read(told[-1] if told else 0, 17)
        told += numbers(octets)
    assert reader is not None
    while octets := reader.read(told[-1], 17).octets:
        told += numbers(octets)
    assert told == list(range(FIRST, FIRST + 240))
    assert len(reader._files) > 5
    reader.close()


def test_a_number_in_a_rotated_file(tmp_path: Path) -> None:
    for number in range(6):
        journal = write(tmp_path, f"q{number}", f"r{number}", rotate_at=1, kept=9)
    for after in range(FIRST - 1, FIRST + 12):
        reader = reader_of(journal)  # without memory of any place
        assert numbers(reader.read(after, 100).octets) == list(range(after + 1, FIRST + 12))
        reader.close()


def test_a_number_that_is_no_longer_kept(tmp_path: Path) -> None:
    reader = None
    for number in range(6):
        journal = write(tmp_path, f"q{number}", f"r{number}", rotate_at=1, kept=2)
        reader = reader or reader_of(journal)
        octets, first, _ = reader.read(FIRST, 100)
    assert first == FIRST + 6
    assert numbers(octets) == list(range(FIRST + 6, FIRST + 12))
    assert reader is not None
    reader.close()


def test_files_that_an_operator_removes(tmp_path: Path) -> None:
    for number in range(3):
        journal = write(tmp_path, f"q{number}", rotate_at=1, kept=9)
    reader = reader_of(journal)
    assert numbers(reader.read(0, 9).octets) == [FIRST, FIRST + 1, FIRST + 2]
    (tmp_path / "relay" / "relay.jsonl.1").unlink()
    octets, first, _ = reader.read(0, 9)
    assert (numbers(octets), first) == ([FIRST, FIRST + 2], FIRST)
    (tmp_path / "relay" / "relay.jsonl.2").unlink()
    octets, first, _ = reader.read(0, 9)
    assert (numbers(octets), first) == ([FIRST + 2], FIRST + 2)
    journal.path.unlink()
    assert reader.read(0, 9) == (b"", None, None)
    open_files = sum(1 for _ in Path("/proc/self/fd").iterdir())
    for _ in range(5):
        assert reader.read(FIRST + 2, 9) == (b"", None, None)
    assert sum(1 for _ in Path("/proc/self/fd").iterdir()) == open_files
    reader.close()


def test_a_link_in_place_of_a_file_is_not_read(tmp_path: Path) -> None:
    journal = write(tmp_path, "a")
    journal.path.rename(tmp_path / "elsewhere")
    journal.path.symlink_to(tmp_path / "elsewhere")
    reader = reader_of(journal)
    assert reader.read(0, 9) == (b"", None, None)
    reader.close()


def test_half_a_line_is_not_read(tmp_path: Path) -> None:
    journal = write(tmp_path, "a", "b")
    whole = journal.path.read_bytes()
    journal.path.write_bytes(whole[:-5])
    reader = reader_of(journal)
    assert numbers(reader.read(0, 9).octets) == [FIRST]
    assert reader.read(FIRST, 9).octets == b""
    with journal.path.open("ab") as file:
        file.write(whole[-5:])
    assert numbers(reader.read(FIRST, 9).octets) == [FIRST + 1]
    reader.close()


def test_few_readers_are_remembered(tmp_path: Path) -> None:
    journal = write(tmp_path, *map(str, range(300)))
    reader = reader_of(journal)
    for after in range(FIRST, FIRST + 299):
        assert numbers(reader.read(after, 1).octets) == [after + 1]
    assert len(reader._places) == PLACES
    reader.close()


def test_reading_while_it_is_written_and_rotated(tmp_path: Path) -> None:
    """Whatever the two threads do when: each number once, in order."""
    journal = Journal(tmp_path, service="relay", rotate_at=20_000, kept=500)
    written = threading.Semaphore(0)
    journal.listener = written.release
    reader = reader_of(journal)
    told: list[int] = []

    def record() -> None:
        for number in range(6000):
            journal.record(Kind.STORED, f"q{number}", text="x" * 100)

    thread = threading.Thread(target=record)
    thread.start()
    while len(told) < 6000:
        octets = reader.read(told[-1] if told else 0, 100).octets
        told += numbers(octets)
        if not octets:
            assert written.acquire(timeout=10)
    thread.join()
    journal.close()
    assert told == list(range(told[0], told[0] + 6000))
    reader.close()
