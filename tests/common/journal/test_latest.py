"""Up to which number the events of one world go, while they wait to be written and afterwards."""

from __future__ import annotations

from typing import TYPE_CHECKING

from hypothesis import given
from hypothesis import strategies as st

from postroad.clock import Clock
from postroad.journal import Journal, Kind, Note
from postroad.journal.latest import MOST, Latest

if TYPE_CHECKING:
    from pathlib import Path

CLOCK = Clock(wall=lambda: 1_767_225_600.0)


@given(events=st.lists(st.sampled_from([None, "one", "two", "three"]), max_size=30))
def test_it_is_that_of_the_last_event_that_may_be_the_worlds(events: list[str | None]) -> None:
    latest = Latest(5)
    for number, world in enumerate(events, 6):
        latest.note(world, number)
    for asked in ("one", "two", "four"):
        numbers = [number for number, world in enumerate(events, 6) if world in {None, asked}]
        assert latest.of(asked) == max(numbers, default=5)


def test_worlds_beyond_so_many_share_the_number_of_the_newest_of_them() -> None:
    latest = Latest(0)
    for number in range(1, MOST + 3):
        latest.note(f"w{number}", number)
    assert latest.of("w1") == latest.of("w2") == latest.of("never") == 2
    assert latest.of("w3") == 3
    latest.note("w3", MOST + 3)
    latest.note("w1", MOST + 4)
    assert latest.of("w3") == MOST + 3
    assert latest.of("w4") == 4  # it was the oldest, and its number is the least that is known
    assert latest.of("w5") == 5


def test_a_journal_tells_it_before_and_after_it_has_written(tmp_path: Path) -> None:
    journal = Journal(tmp_path, service="relay", clock=CLOCK)
    first = journal.recorded
    with journal._writing:  # the disk is slow
        journal.record(Kind.QUEUED, "1", world="one")
        journal.record(Kind.QUEUED, "2", world="two")
        assert journal.last_of("one") == first + 1
        assert journal.last_of("two") == first + 2
        assert journal.last_of("three") == first
    journal.flush()
    assert (journal.last_of("one"), journal.last_of("three"), journal.recorded) == (first + 1, first, first + 2)
    said = journal.line(Kind.STORED, "3", reply='said "world":"two"', world="one")
    journal.tell([said], hurry=True)
    assert (journal.last_of("one"), journal.last_of("two")) == (first + 3, first + 2)
    journal.flush()
    assert (journal.last_of("one"), journal.last_of("two")) == (first + 3, first + 2)
    journal.record(Kind.REFUSED)
    assert journal.last_of("one") == first + 4
    journal.close()
    assert journal.last_of("one") == first + 4
    again = Journal(tmp_path, service="relay", clock=CLOCK)
    assert again.last_of("one") == first + 4
    again.close()


def test_a_note_knows_its_world_by_its_maker_or_by_its_detail() -> None:
    assert Note(0.0, Kind.QUEUED, None, None, {}, world="one").world == "one"
    assert Note(0.0, Kind.QUEUED, None, None, {"world": "two"}).world == "two"
    assert Note(0.0, Kind.QUEUED, None, None, {}).world is None
