"""The journal's writer and reader."""

from __future__ import annotations

import asyncio
import json
import os
import threading
from datetime import UTC, datetime
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from postroad.clock import Clock
from postroad.journal import Entry, Journal, JournalReader, Kind
from postroad.journal.reader import parse_line

START = 1_767_225_600.0  # 2026-01-01T00:00:00Z


def entries(directory: Path) -> list[Entry]:
    return list(JournalReader(directory).entries())


def test_what_is_recorded_is_read(tmp_path: Path) -> None:
    journal = Journal(tmp_path, service="relay", clock=Clock(wall=lambda: START + 0.000001))
    journal.record(
        Kind.DELIVERED, "4c1f", "<a@b.test>", recipient="bob@beta.test", reply="250 2.0.0 ünder", hops=[1, 2]
    )
    journal.record(Kind.STORED)
    journal.close()

    assert entries(tmp_path) == [
        Entry(
            datetime(2026, 1, 1, microsecond=1, tzinfo=UTC),
            "relay",
            Kind.DELIVERED,
            "4c1f",
            "<a@b.test>",
            {"recipient": "bob@beta.test", "reply": "250 2.0.0 ünder", "hops": [1, 2]},
            number=1_767_225_600_000_001,
        ),
        Entry(datetime(2026, 1, 1, microsecond=1, tzinfo=UTC), "relay", Kind.STORED, number=1_767_225_600_000_002),
    ]
    assert journal.dropped == 0


async def test_an_event_in_no_hurry_wakes_nobody_before_it_is_flushed(tmp_path: Path) -> None:
    """To wake the journal's thread for what the loop is about to write would cost more than the writing."""
    journal = Journal(tmp_path, service="relay")
    writers: list[str] = []
    journal.listener = lambda: writers.append(threading.current_thread().name)
    journal.record(Kind.QUEUED, "a", hurry=False)
    journal.record(Kind.RESOLVED, "a", hurry=False)
    assert not journal._wake.is_set()
    journal.flush()
    assert [entry.queue_id for entry in entries(tmp_path)] == ["a", "a"]
    journal.close()
    assert writers == [threading.current_thread().name]


async def test_an_event_in_no_hurry_is_written_a_moment_later_all_the_same(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("postroad.journal.writer.LATER", 0.001)
    journal = Journal(tmp_path, service="relay")
    loop = asyncio.get_running_loop()
    for _ in range(2):
        written = asyncio.Event()
        journal.listener = lambda written=written: loop.call_soon_threadsafe(written.set)
        journal.record(Kind.ATTEMPTED, "a", hurry=False)
        await asyncio.wait_for(written.wait(), 10)
    journal.close()
    assert len(entries(tmp_path)) == 2


async def test_events_in_no_hurry_are_written_once_somebody_asks_for_the_last(tmp_path: Path) -> None:
    journal = Journal(tmp_path, service="relay")
    written = threading.Event()
    journal.listener = written.set
    journal.record(Kind.ATTEMPTED, "a", hurry=False)
    last = journal.last
    assert written.wait(10)
    assert journal.written == last
    journal.close()


async def test_events_in_no_hurry_that_were_flushed_wake_nobody_later(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("postroad.journal.writer.LATER", 0.0)
    journal = Journal(tmp_path, service="relay")
    journal.record(Kind.QUEUED, "a", hurry=False)
    journal.flush()
    later = asyncio.Event()
    asyncio.get_running_loop().call_later(0.0, later.set)  # behind the journal's own
    await later.wait()
    assert journal._later is None
    assert not journal._wake.is_set()
    journal.close()


def test_what_is_flushed_is_in_the_file_at_once(tmp_path: Path) -> None:
    """The journal's own thread has no part in it: here it is held up."""
    journal = Journal(tmp_path, service="relay")
    held_up, go_on = threading.Event(), threading.Event()

    def hold_up() -> None:
        if threading.current_thread() is not threading.main_thread():
            held_up.set()
            go_on.wait(10)

    journal.listener = hold_up
    journal.record(Kind.ACCEPTED, "first")
    assert held_up.wait(10)
    journal.record(Kind.ACCEPTED, "second")
    assert [entry.queue_id for entry in entries(tmp_path)] == ["first"]
    journal.flush()
    assert [entry.queue_id for entry in entries(tmp_path)] == ["first", "second"]
    go_on.set()
    journal.close()
    assert [entry.queue_id for entry in entries(tmp_path)] == ["first", "second"]


def test_a_write_that_hangs_holds_nobody_up(tmp_path: Path) -> None:
    journal = Journal(tmp_path, service="relay")
    hangs, go_on = threading.Event(), threading.Event()

    class Slow:
        def __str__(self) -> str:
            hangs.set()
            go_on.wait(10)
            return "slow"

    journal.record(Kind.ACCEPTED, "first", reply=Slow())
    assert hangs.wait(10)
    journal.record(Kind.ACCEPTED, "second")
    journal.flush()
    assert not entries(tmp_path)
    go_on.set()
    journal.close()
    assert [entry.queue_id for entry in entries(tmp_path)] == ["first", "second"]


def test_each_event_is_one_line_whatever_is_in_it(tmp_path: Path) -> None:
    journal = Journal(tmp_path, service="relay")
    journal.record(Kind.FAILED, "q", reply="550 a\r\nb\u2028c\x00", path=Path("/x"), lone="\udcff", time="x", kind_="y")
    journal.close()

    (line,) = (tmp_path / "relay" / "relay.jsonl").read_bytes().splitlines(keepends=True)
    assert line.count(b"\n") == 1
    (entry,) = entries(tmp_path)
    assert entry.detail["reply"] == "550 a\r\nb\u2028c\x00"
    assert entry.detail["path"] == "/x"
    assert entry.time.year >= 2026


def test_events_of_all_services_come_in_the_order_of_time(tmp_path: Path) -> None:
    for service, times in (("relay", (0, 1, 4)), ("store", (0, 2, 3))):  # the first is asked for the first number
        clock = iter([START + second for second in times])
        journal = Journal(tmp_path, service=service, clock=Clock(wall=clock.__next__))
        journal.record(Kind.ACCEPTED)
        journal.record(Kind.REMOVED)
        journal.close()

    assert [(entry.service, entry.kind) for entry in entries(tmp_path)] == [
        ("relay", Kind.ACCEPTED),
        ("store", Kind.ACCEPTED),
        ("store", Kind.REMOVED),
        ("relay", Kind.REMOVED),
    ]


def test_record_after_close_is_dropped_and_counted(tmp_path: Path) -> None:
    journal = Journal(tmp_path, service="relay")
    journal.close()
    journal.close()
    journal.record(Kind.STORED)
    assert journal.dropped == 1
    assert entries(tmp_path) == []


def test_a_full_queue_drops_and_counts(tmp_path: Path) -> None:
    journal = Journal(tmp_path, service="relay", limit=10)
    for _ in range(1000):
        journal.record(Kind.STORED)
    journal.close()
    assert journal.dropped > 0
    stored = [entry for entry in entries(tmp_path) if entry.kind is Kind.STORED]
    lost = [entry for entry in entries(tmp_path) if entry.kind is Kind.LOST]
    assert len(stored) + journal.dropped == 1000
    assert sum(entry.detail["count"] for entry in lost) == journal.dropped


def test_a_value_without_text_costs_its_event_alone(tmp_path: Path) -> None:
    class Mute:
        def __str__(self) -> str:
            raise RuntimeError

    journal = Journal(tmp_path, service="relay")
    journal.record(Kind.STORED, detail=Mute())
    journal.record(Kind.STORED, "q2")
    journal.close()
    stored, lost = entries(tmp_path)
    assert stored.queue_id == "q2"
    assert lost.kind is Kind.LOST
    assert lost.detail == {"count": 1}
    assert journal.dropped == 1


def test_a_folder_that_cannot_be_written_fails_nobody(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    (tmp_path / "relay").write_text("in the way")
    journal = Journal(tmp_path, service="relay")
    journal.record(Kind.STORED)
    journal.close()
    assert journal.dropped == 1
    assert "the journal can't be written" in caplog.text


def test_rotation_keeps_a_number_of_files_and_loses_nothing_within_them(tmp_path: Path) -> None:
    for number in range(8):  # a writer each, so that each event is a batch of its own
        journal = Journal(tmp_path, service="relay", rotate_at=300, kept=2)
        journal.record(Kind.STORED, f"q{number}", text="x" * 400)
        journal.record(Kind.STORED, f"r{number}")
        journal.close()
    assert {path.name for path in (tmp_path / "relay").iterdir()} == {"relay.jsonl", "relay.jsonl.1", "relay.jsonl.2"}
    queue_ids = [entry.queue_id for entry in entries(tmp_path)]
    assert queue_ids == ["q5", "r5", "q6", "r6", "q7", "r7"]


def test_rotation_that_keeps_none(tmp_path: Path) -> None:
    for number in range(3):
        journal = Journal(tmp_path, service="relay", rotate_at=1, kept=0)
        journal.record(Kind.STORED, f"q{number}")
        journal.close()
    assert [entry.queue_id for entry in entries(tmp_path)] == ["q2"]


def test_a_line_torn_by_a_kill_is_passed_over_and_spoils_no_other(tmp_path: Path) -> None:
    whole = json.dumps({"time": "2026-01-01T00:00:00Z", "service": "relay", "kind": "stored", "queue_id": "a"})
    (tmp_path / "relay").mkdir()
    (tmp_path / "relay" / "relay.jsonl").write_text(f"{whole}\n{whole[:30]}")
    assert [entry.queue_id for entry in entries(tmp_path)] == ["a"]

    journal = Journal(tmp_path, service="relay")
    journal.record(Kind.STORED, "b")
    journal.close()
    assert [entry.queue_id for entry in entries(tmp_path)] == ["a", "b"]


@pytest.mark.parametrize(
    "line",
    [
        b"",
        b"\n",
        b"[]\n",
        b"1\n",
        b'"time"\n',
        b"{}\n",
        b'{"time":"2026-01-01T00:00:00Z","service":"relay","kind":"stored"}',  # no line end: torn
        b'{"time":"yesterday","service":"relay","kind":"stored"}\n',
        b'{"time":5,"service":"relay","kind":"stored"}\n',
        b'{"time":"2026-01-01T00:00:00Z","service":"relay","kind":"eaten"}\n',
        b"[" * 100_000 + b"\n",
        b"\xff\xfe\n",
    ],
)
def test_what_is_no_event(line: bytes) -> None:
    assert parse_line(line) is None


def test_a_time_without_zone_is_utc() -> None:
    entry = parse_line(b'{"time":"2026-01-01T00:00:00","service":"relay","kind":"stored"}\n')
    assert entry is not None
    assert entry.time == datetime(2026, 1, 1, tzinfo=UTC)


@given(st.binary(max_size=200))
@settings(max_examples=50)
def test_the_reader_never_fails(line: bytes) -> None:
    parse_line(line + b"\n")


def test_other_files_and_an_empty_folder(tmp_path: Path) -> None:
    assert entries(tmp_path) == []
    assert entries(tmp_path / "absent") == []
    (tmp_path / "relay.jsonl.bak").write_text("x\n")
    (tmp_path / "relay.jsonl.²").write_text("x\n")
    (tmp_path / "notes.txt").write_text("x\n")
    assert entries(tmp_path) == []


def test_close_is_never_missed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(
        "postroad.journal.writer.GATHER", 0.0005
    )  # so that closing meets the thread at every instruction
    for number in range(200):
        journal = Journal(tmp_path, service=f"relay{number}")
        journal.record(Kind.STORED)
        journal.close()
        assert not journal._thread.is_alive()
    assert len(entries(tmp_path)) == 200


def test_a_file_that_was_removed_is_begun_anew(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    written = threading.Event()
    write = os.write

    def told(handle: int, data: bytes) -> int:
        done = write(handle, data)
        written.set()
        return done

    monkeypatch.setattr(os, "write", told)
    journal = Journal(tmp_path, service="relay")
    journal.record(Kind.STORED, "a")
    assert written.wait(10)
    (tmp_path / "relay" / "relay.jsonl").unlink()
    journal.record(Kind.STORED, "b")
    journal.close()
    assert [entry.queue_id for entry in entries(tmp_path)] == ["b"]


LINE = '{{"time":"2026-01-01T00:00:0{}Z","service":"{}","kind":"stored","queue_id":"{}"}}\n'


def test_files_of_before_each_service_had_a_folder_are_read_first(tmp_path: Path) -> None:
    (tmp_path / "relay.jsonl.1").write_text(LINE.format(1, "relay", "a"))
    (tmp_path / "relay.jsonl").write_text(LINE.format(2, "relay", "b"))
    for folder in ("relay", "store"):
        (tmp_path / folder).mkdir()
    (tmp_path / "relay" / "relay.jsonl.1").write_text(LINE.format(3, "relay", "c"))
    (tmp_path / "relay" / "relay.jsonl").write_text(LINE.format(5, "relay", "e"))
    (tmp_path / "store" / "store.jsonl").write_text(LINE.format(4, "store", "d"))
    assert [entry.queue_id for entry in entries(tmp_path)] == ["a", "b", "c", "d", "e"]


def test_a_service_speaks_for_itself_alone(tmp_path: Path) -> None:
    (tmp_path / "relay").mkdir()
    (tmp_path / "relay" / "store.jsonl").write_text(LINE.format(1, "store", "forged"))
    (tmp_path / "relay" / "relay.jsonl").write_text(LINE.format(1, "store", "forged") + LINE.format(2, "relay", "a"))
    assert [entry.queue_id for entry in entries(tmp_path)] == ["a"]


@pytest.mark.parametrize("kind", ["link", "dangling link", "FIFO", "folder"])
def test_nothing_is_written_but_a_regular_file(tmp_path: Path, caplog: pytest.LogCaptureFixture, kind: str) -> None:
    """Whoever could put a link there would have us write into a file of our own: mail, for instance."""
    mail = tmp_path / "mail.db"
    (tmp_path / "relay").mkdir()
    path = tmp_path / "relay" / "relay.jsonl"
    match kind:
        case "link":
            mail.write_text("mail")
            path.symlink_to(mail)
        case "dangling link":
            path.symlink_to(mail)
        case "FIFO":
            os.mkfifo(path)
        case _:
            path.mkdir()
    journal = Journal(tmp_path, service="relay")
    journal.record(Kind.STORED)
    journal.close()
    assert journal.dropped == 1
    assert "the journal can't be written" in caplog.text
    assert str(path) in caplog.text
    assert not mail.exists() or mail.read_text() == "mail"
    assert entries(tmp_path) == []


def test_a_link_put_in_place_of_the_file_is_not_followed(tmp_path: Path) -> None:
    (mail := tmp_path / "mail.db").write_text("mail")
    path = tmp_path / "relay" / "relay.jsonl"
    journal = Journal(tmp_path, service="relay")
    journal._append(LINE.format(1, "relay", "a").encode())
    path.unlink()
    path.symlink_to(mail)
    for _ in range(2):  # with the removed file open, then with none
        with pytest.raises(OSError, match="symbolic link"):
            journal._append(b"{}\n")
    path.unlink()
    journal._append(LINE.format(2, "relay", "b").encode())
    journal.close()
    assert [entry.queue_id for entry in entries(tmp_path)] == ["b"]
    assert mail.read_text() == "mail"


@pytest.mark.parametrize("kind", ["link", "FIFO", "folder"])
def test_nothing_is_read_but_a_regular_file(tmp_path: Path, kind: str) -> None:
    (tmp_path / "relay").mkdir()
    path = tmp_path / "relay" / "relay.jsonl"
    match kind:
        case "link":
            (tmp_path / "elsewhere").write_text(LINE.format(1, "relay", "a"))
            path.symlink_to(tmp_path / "elsewhere")
        case "FIFO":
            os.mkfifo(path)
        case _:
            path.mkdir()
    assert entries(tmp_path) == []


def test_a_file_that_is_rotated_away_while_it_is_looked_for(tmp_path: Path) -> None:
    (tmp_path / "relay").mkdir()
    (tmp_path / "relay" / "relay.jsonl").write_text(LINE.format(1, "relay", "a"))
    unread = JournalReader(tmp_path).entries()
    (tmp_path / "relay" / "relay.jsonl").unlink()
    assert list(unread) == []


def test_record_does_not_wait_for_the_disk(tmp_path: Path) -> None:
    journal = Journal(tmp_path, service="relay")

    def many() -> None:
        for _ in range(500):
            journal.record(Kind.STORED, "q")

    threads = [threading.Thread(target=many) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    journal.close()
    assert len(entries(tmp_path)) == 2000
