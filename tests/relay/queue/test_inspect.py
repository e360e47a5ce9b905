from __future__ import annotations

import asyncio
import contextlib
import json
import random
import subprocess
import sys
from pathlib import Path

import pytest

from postroad.mail.address import Address, parse_address
from postroad.mail.envelope import Envelope, Recipient
from postroad.mail.reply import reply
from postroad.smtp.client.outcome import Deferred, failed, from_reply
from postroad_relay.queue.__main__ import main
from postroad_relay.queue.inspect import Inspection, Queued, inspect_spool, json_lines, span, table
from postroad_relay.queue.spool import Entry, Message, Progress, QueueId, Spool
from postroad_relay.queue.spool.segment import name_of
from tests.harness.processes import plain_environment

HOST = "mx.test[127.0.0.9]"


def busy(words: str) -> Deferred:
    outcome = from_reply(reply(450, "4.2.1", words), host=HOST, command="RCPT TO")
    assert isinstance(outcome, Deferred)
    return outcome


BUSY = busy("Mailbox busy")
EVIL = busy("\x1b[2J\u202eevil")
NOW = 1_000_000.0


def message(number: int, *recipients: str, sender: str | None = "alice@alpha.test", size: int = 812) -> Message:
    envelope = Envelope(
        parse_address(sender) if sender is not None else None,
        tuple(Recipient(parse_address(recipient)) for recipient in recipients),
    )
    return Message(QueueId(f"{number:013X}"), NOW - number, envelope, f"<{number}@alpha.test>", size)


MESSAGES = [
    Queued(
        message(300_000, "bob@beta.test", "dave@beta.test", "carol@beta.test"),
        Progress(NOW + 12, 3, frozenset({1}), {2: failed("5.1.1", "no such user")}, {0: BUSY}),
    ),
    Queued(message(7200, "x@gamma.test", sender=None, size=4300), Progress(NOW - 5, 1, deferred={0: EVIL})),
    Queued(message(40, "почта@例え.test", size=5 << 20)),
]


def test_the_table_is_aligned_and_harmless() -> None:
    assert list(table(MESSAGES, NOW)) == [
        "ID             AGE   SIZE     FROM              TO               NEXT     LAST REPLY",
        "00000000493E0  3 d   812 B    alice@alpha.test  bob@beta.test    in 12 s  450 4.2.1 Mailbox busy",
        "                                                dave@beta.test   -        done",
        "                                                carol@beta.test  -        no such user",
        r"0000000001C20  2 h   4.2 KiB  <>                x@gamma.test     now      450 4.2.1 \x1b[2J\u202eevil",
        "0000000000028  40 s  5.0 MiB  alice@alpha.test  почта@例え.test  now      no attempt has been noted",
        "3 messages, 5.0 MiB",
    ]


def test_one_that_is_held_says_so() -> None:
    held = [Queued(message(1, "bob@beta.test"), Progress(NOW - 5, 1, deferred={0: BUSY}, held=True))]
    assert list(table(held, NOW))[1].endswith("  held  450 4.2.1 Mailbox busy")
    (line,) = json_lines(held, NOW)
    assert (json.loads(line)["held"], json.loads(line)["recipients"][0]["next"]) == (True, None)


def test_an_empty_queue_is_called_so() -> None:
    assert list(table([], NOW)) == ["The queue is empty."]


def test_a_long_reply_is_cut_in_the_table_alone() -> None:
    long = busy("x" * 500)
    queued = [Queued(message(1, "bob@beta.test"), Progress(NOW, 1, deferred={0: long}))]
    _, line, total = table(queued, NOW)
    assert line.endswith("xxx…")
    assert len(line) < 300
    assert total == "1 message, 812 B"
    assert "x" * 500 in next(iter(json_lines(queued, NOW)))


def test_json_has_a_line_per_message() -> None:
    lines = list(json_lines(MESSAGES, NOW))
    assert all(line.isprintable() for line in lines)
    first, second, third = map(json.loads, lines)
    assert first == {
        "queue_id": "00000000493E0",
        "message_id": "<300000@alpha.test>",
        "arrived": "1970-01-09T02:26:40+00:00",
        "age": 300_000,
        "size": 812,
        "from": "alice@alpha.test",
        "attempts": 3,
        "held": False,
        "recipients": [
            {
                "address": "bob@beta.test",
                "state": "waiting",
                "next": "1970-01-12T13:46:52+00:00",
                "status": "4.2.1",
                "host": HOST,
                "reply": "450 4.2.1 Mailbox busy",
                "reason": BUSY.reason,
            },
            {
                "address": "dave@beta.test",
                "state": "done",
                "next": None,
                "status": None,
                "host": None,
                "reply": None,
                "reason": None,
            },
            {
                "address": "carol@beta.test",
                "state": "failed",
                "next": None,
                "status": "5.1.1",
                "host": None,
                "reply": None,
                "reason": "no such user",
            },
        ],
    }
    assert (second["from"], second["recipients"][0]["reply"]) == ("", "450 4.2.1 \x1b[2J\u202eevil")
    assert third["recipients"][0]["next"] == third["arrived"]


@pytest.mark.parametrize(
    ("seconds", "words"),
    [(-9.0, "0 s"), (0.2, "0 s"), (59.4, "59 s"), (60, "1 min"), (7200, "2 h"), (86400 * 4.9, "5 d")],
)
def test_spans(seconds: float, words: str) -> None:
    assert span(seconds) == words


# -- what is on the disk ------------------------------------------------------------------------------------------


async def put(spool: Spool, content: bytes = b"content") -> Entry:
    envelope = Envelope(Address("alice", "alpha.test"), (Recipient(Address("bob", "beta.test")),))
    queued = Message(spool.new_id(), NOW, envelope, None, len(content))
    entry, durable = spool.add(queued, (content,))
    await durable
    return entry


def times(directory: Path) -> dict[Path, int]:
    """When each file and folder was last changed."""
    return {path: path.stat().st_mtime_ns for path in directory.rglob("*")}


async def test_what_is_queued_is_listed_while_it_runs_and_after(tmp_path: Path) -> None:
    spool = Spool(tmp_path)
    first, second, third = [await put(spool) for _ in range(3)]
    await spool.update(first, Progress(NOW + 60, 2, deferred={0: BUSY}))
    await spool.finish(second)
    before = times(tmp_path)
    for _ in range(2):
        inspection = inspect_spool(tmp_path)
        assert [queued.message.queue_id for queued in inspection.oldest_first] == [first.queue_id, third.queue_id]
        assert [queued.progress.attempts for queued in inspection.oldest_first] == [2, 0]
        assert inspection.gaps == 0
        spool.close()
    assert times(tmp_path) == before


async def test_under_load_what_is_there_all_the_time_is_listed_and_what_is_gone_is_not(tmp_path: Path) -> None:
    """Segments are so small that many are begun, emptied and removed while one inspection runs."""
    spool = Spool(tmp_path, segment_size=4_000)
    dice = random.Random(1)
    there: dict[str, Entry] = {}
    gone: set[str] = set()
    over = False

    async def churn() -> None:
        while not over:
            entry = await put(spool, dice.randbytes(dice.randrange(2000)))
            there[entry.queue_id] = entry
            if dice.random() < 0.3:
                await spool.update(entry, Progress(NOW, 1, deferred={0: BUSY}))
            while len(there) > 20:
                ident = dice.choice(list(there)[:4])
                entry = there.pop(ident)
                await spool.finish(entry)
                gone.add(ident)

    load = [asyncio.create_task(churn()) for _ in range(4)]
    removed = 0
    async with asyncio.timeout(60):
        while removed < 10:
            before, gone_before = set(there), set(gone)
            segments = set(spool.log.sizes)
            inspection = await asyncio.to_thread(inspect_spool, tmp_path)
            removed += len(segments - set(spool.log.sizes))
            listed = set(inspection.queued)
            assert listed >= before & set(there)
            assert not listed & gone_before
    over = True
    await asyncio.gather(*load)
    spool.close()


async def test_a_segment_that_is_gone_when_it_is_opened_is_passed_over(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    spool = Spool(tmp_path, segment_size=1)
    await put(spool)
    kept = await put(spool)
    spool.close()
    read = Inspection.read

    def vanish(self: Inspection, path: Path, *, older: bool = False) -> None:
        if path.name.startswith("000000000001"):
            path.unlink()
        read(self, path, older=older)

    monkeypatch.setattr(Inspection, "read", vanish)
    assert list(inspect_spool(tmp_path).queued) == [kept.queue_id]


async def test_a_message_is_not_listed_though_the_segment_with_its_end_vanishes(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    spool = Spool(tmp_path, segment_size=1)
    finished, kept = await put(spool), await put(spool)
    oldest = min((tmp_path / "log").iterdir())
    away = tmp_path / oldest.name
    away.hardlink_to(oldest)
    await spool.finish(finished)
    spool.close()
    if not oldest.exists():
        oldest.hardlink_to(away)
    ended = max((tmp_path / "log").iterdir())
    read = Inspection.read
    reads = 0

    def vanish(self: Inspection, path: Path, *, older: bool = False) -> None:
        nonlocal reads
        read(self, path, older=older)
        reads += 1
        if reads == 1:
            oldest.unlink()
            ended.unlink()

    monkeypatch.setattr(Inspection, "read", vanish)
    assert list(inspect_spool(tmp_path).queued) == [kept.queue_id]


async def test_what_holds_no_record_is_counted(tmp_path: Path) -> None:
    spool = Spool(tmp_path)
    await put(spool)
    kept = await put(spool)
    spool.log.append([(b"\x09odd",)])
    spool.close()
    (path,) = (tmp_path / "log").iterdir()
    with path.open("r+b") as file:
        file.write(bytes(100))
    path.with_name("000000000002.log").write_bytes(b"?" * 100)
    inspection = inspect_spool(tmp_path)
    assert list(inspection.queued) == [kept.queue_id]
    assert inspection.gaps == 3


# -- the command --------------------------------------------------------------------------------------------------


async def test_the_command_lists_the_spool_of_the_settings(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("POSTROAD_DATA", str(tmp_path))
    assert main([]) == 1
    assert capsys.readouterr().err.startswith(f"there is no queue in {tmp_path / 'spool'}: ")
    spool = Spool(tmp_path / "spool")
    entry = await put(spool)
    assert main([]) == 0
    assert entry.queue_id in capsys.readouterr().out
    assert main(["--json"]) == 0
    assert json.loads(capsys.readouterr().out)["queue_id"] == entry.queue_id
    spool.close()


def test_a_list_that_cannot_be_written_is_said_to_be_so(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "spool" / "log").mkdir(parents=True)
    monkeypatch.setenv("POSTROAD_DATA", str(tmp_path))
    with Path("/dev/full").open("w", encoding="utf-8") as full:
        monkeypatch.setattr("sys.stdout", full)
        assert main([]) == 1
        with contextlib.suppress(OSError):
            full.close()
    assert capsys.readouterr().err == "the list can't be written: [Errno 28] No space left on device\n"


async def test_the_command_reads_a_damaged_segment(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    spool = Spool(tmp_path)
    await put(spool)
    entry = await put(spool)
    spool.close()
    (path,) = (tmp_path / "log").iterdir()
    with path.open("r+b") as file:
        file.write(bytes(100))
    Spool(tmp_path).close()
    assert main([str(path.with_suffix(".damaged"))]) == 0
    out, error = capsys.readouterr()
    assert entry.queue_id in out
    assert error == "unreadable pieces of the files: 1\n"


@pytest.mark.parametrize(
    ("name", "octets", "complaint"),
    [
        ("\x1b[2J.log", b"x", r"\x1b[2J.log is not the name of a segment"),
        ("000000000001.damaged", b"x" * 100, "has lost its header, and its name lacks the salt"),
        (name_of(1, bytes(16)), None, "No such file or directory"),
    ],
)
def test_the_command_says_what_it_cannot_read(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], name: str, octets: bytes | None, complaint: str
) -> None:
    path = tmp_path / name
    if octets is not None:
        path.write_bytes(octets)
    assert main([str(path)]) == 1
    error = capsys.readouterr().err
    assert complaint in error
    assert error.rstrip("\n").isprintable()


async def test_the_command_is_a_program(tmp_path: Path) -> None:
    spool = Spool(tmp_path / "spool")
    entry = await put(spool)
    environment = plain_environment() | {"POSTROAD_DATA": str(tmp_path), "PYTHONIOENCODING": "ascii"}
    done = await asyncio.to_thread(
        subprocess.run,
        [sys.executable, "-m", "postroad_relay.queue"],
        env=environment,
        capture_output=True,
        text=True,
        check=True,
    )
    assert entry.queue_id in done.stdout
    assert done.stderr == ""
    spool.close()
