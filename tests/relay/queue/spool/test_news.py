"""What the journal has to say of the log's records: found after a kill, told once, and bounded."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

import pytest

from postroad.journal import Journal, JournalReader, Kind, Note
from postroad.mail.address import Address
from postroad.mail.envelope import Envelope, Recipient
from postroad_relay.queue.spool import Message, Progress, Spool
from postroad_relay.queue.spool.log import Position
from postroad_relay.queue.spool.news import Mark, News, decode_news
from postroad_relay.queue.spool.record import RecordError

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path

ENVELOPE = Envelope(Address("a", "alpha.test"), (Recipient(Address("b", "beta.test")),))


class Lossy(Journal):
    """A journal whose process is killed before it gets what is told."""

    def tell(self, notes: Sequence[Note]) -> None:  # type: ignore[override]
        """Lose it."""

    @property
    def recorded(self) -> int:
        """A number that is never written."""
        return 1 << 62


@pytest.fixture
def journals(tmp_path: Path) -> Iterator[list[Journal]]:
    opened: list[Journal] = []
    yield opened
    for journal in opened:
        journal.close()


class Lives:
    """The lives of a spool's process, one after the other."""

    def __init__(self, folder: Path, opened: list[Journal], **spool: Any) -> None:
        self.folder, self._opened, self._spool = folder, opened, spool

    def begin(self, kind: type[Journal] = Journal) -> Spool:
        self.journal = kind(self.folder / "journal", service="relay")
        self._opened.append(self.journal)
        return Spool(self.folder / "spool", journal=self.journal, **self._spool)

    def told(self) -> list[tuple[str, str | None, Any]]:
        self.journal.flush()
        entries = JournalReader(self.folder / "journal").entries()
        return [(entry.kind.value, entry.queue_id, entry.detail.get("number")) for entry in entries]


def note(ident: str | None, number: int, kind: Kind = Kind.DEFERRED) -> Note:
    return Note(1_800_000_000.0 + number, kind, ident, None, {"number": number})


async def put(spool: Spool, *numbers: int) -> str:
    message = Message(spool.new_id(), 1000.0, ENVELOPE, None, 4)
    _, durable = spool.add(message, (b"text",), notes=[note(message.queue_id, number) for number in numbers])
    await durable
    return message.queue_id


async def test_what_was_not_told_is_told_at_the_start(tmp_path: Path, journals: list[Journal]) -> None:
    lives = Lives(tmp_path, journals)
    spool = lives.begin(Lossy)
    first = await put(spool, 1, 2)
    entry = spool.entries()[0]
    await spool.update(entry, Progress(), notes=[note(first, 3)])
    await spool.finish(entry, notes=[note(first, 4)])
    spool.close()
    assert lives.told() == []
    for _ in range(3):  # no start tells it again
        spool = lives.begin()
        assert lives.told() == [("deferred", first, number) for number in (1, 2, 3, 4)]
        spool.close()
    times = [entry.time.timestamp() for entry in JournalReader(tmp_path / "journal").entries()]
    assert times == [1_800_000_000.0 + number for number in (1, 2, 3, 4)]


async def test_only_what_is_missing_is_told(tmp_path: Path, journals: list[Journal]) -> None:
    """The journal has a part of it; of two events that are alike it has one."""
    lives = Lives(tmp_path, journals)
    spool = lives.begin(Lossy)
    ident = await put(spool, 1, 1, 2)
    spool.close()
    lives.journal.close()
    lives.journal = Journal(tmp_path / "journal", service="relay")
    lives.journal.tell([note(ident, 1)])
    lives.journal.close()
    spool = lives.begin()
    assert lives.told() == [("deferred", ident, number) for number in (1, 1, 2)]
    spool.close()


async def test_old_news_are_not_looked_for(
    tmp_path: Path, journals: list[Journal], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Behind the mark there are only the last few, and the journal is read from there."""
    lives = Lives(tmp_path, journals)
    spool = lives.begin()
    for number in range(20):
        await put(spool, number)
        await asyncio.to_thread(lives.journal.flush)
    before = lives.journal.last
    spool.close()
    asked: list[int] = []
    ends_after = Journal.ends_after

    def asking(journal: Journal, number: int) -> Iterator[bytes]:
        asked.append(number)
        return ends_after(journal, number)

    monkeypatch.setattr(Journal, "ends_after", asking)
    spool = lives.begin()
    spool.close()
    assert before - 3 <= asked[0] < before
    assert len(lives.told()) == 20


async def test_news_outlive_a_move_and_segments_go_all_the_same(tmp_path: Path, journals: list[Journal]) -> None:
    lives = Lives(tmp_path, journals, segment_size=500)
    spool = lives.begin()
    kept = await put(spool, 0)
    for number in range(1, 100):
        await put(spool, number)
        await spool.finish(spool.entries()[-1])
    while len(spool.log.sizes) > 4:
        await put(spool, 1000)
        await spool.finish(spool.entries()[-1])
    spool.close()
    told = lives.told()
    spool = lives.begin()
    assert [entry.queue_id for entry in spool.entries()] == [kept]
    assert lives.told() == told
    assert told.count(("deferred", kept, 0)) == 1
    spool.close()


async def test_a_message_that_is_not_durable_is_not_told(tmp_path: Path, journals: list[Journal]) -> None:
    lives = Lives(tmp_path, journals)
    spool = lives.begin()

    def full(*_: object) -> int:
        raise OSError(28, "No space left on device")

    spool.log.writev = full
    with pytest.raises(OSError, match="No space"):
        await put(spool, 1)
    spool.close()
    assert lives.told() == []
    spool = lives.begin()
    assert lives.told() == []
    spool.close()


async def test_a_spool_without_a_journal_tells_nobody(tmp_path: Path, journals: list[Journal]) -> None:
    lives = Lives(tmp_path, journals)
    spool = Spool(tmp_path / "spool")
    ident = await put(spool, 1)
    spool.close()
    Spool(tmp_path / "spool").close()
    spool = lives.begin()
    assert lives.told() == [("deferred", ident, 1)]
    spool.close()


def test_a_record_of_news() -> None:
    news = News(None)
    notes = [note("0123456789ABC", 7), note(None, 8, Kind.REFUSED)]
    record = news.record(notes)
    assert decode_news(record) == (Mark((0, 0), 0), [(noted.at, noted.line) for noted in notes])
    assert notes[0].line == b',"kind":"deferred","queue_id":"0123456789ABC","number":7}\n'
    for octets in (record[:9], record + b"\0"):
        with pytest.raises(RecordError):
            decode_news(octets)


def test_news_that_cannot_be_read(caplog: pytest.LogCaptureFixture) -> None:
    News(None).visit(Position(1, 40, 3), b"\4\0\0")
    assert "spool: segment 1 at 40: not events" in caplog.text


async def test_a_value_that_cannot_be_written_is_counted(tmp_path: Path, journals: list[Journal]) -> None:
    class Awkward:
        def __str__(self) -> str:
            raise ValueError

    journal = Journal(tmp_path, service="relay")
    journals.append(journal)
    journal.tell([Note(1.0, Kind.FAILED, "q", None, {"value": Awkward()}), note("q", 1)])
    journal.flush()
    assert journal.dropped == 1
    assert next(entry.kind for entry in JournalReader(tmp_path).entries()) is Kind.DEFERRED
