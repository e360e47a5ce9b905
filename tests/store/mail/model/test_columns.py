"""The columns of a mailbox against a list of messages: whatever is done, both have the same."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from postroad_store.mail.model.columns import CHUNK, FEW, Columns
from postroad_store.mail.model.flags import DELETED, FLAGGED, SEEN, Change

if TYPE_CHECKING:
    from collections.abc import Sequence

WIDE = 1 << 32


@dataclass(frozen=True)
class Row:
    uid: int
    flags: int
    size: int
    date: int
    modseq: int


def rows_of(columns: Columns) -> list[Row]:
    parts = (columns.uids, list(columns.flags), columns.sizes, columns.internal_dates, columns.modseqs)
    assert len(set(map(len, parts))) == 1
    return [Row(*parts) for parts in zip(*parts, strict=True)]


def filled(*uids: int) -> Columns:
    columns = Columns()
    columns.add([(uid, SEEN if uid % 3 else 0, uid * 10, uid * 100) for uid in uids], 5)
    return columns


FLAGS = st.sampled_from([0, SEEN, FLAGGED, SEEN | DELETED])
STEPS = st.lists(
    st.one_of(
        st.tuples(st.just("add"), st.lists(st.tuples(st.integers(1, 3), FLAGS), max_size=12)),
        st.tuples(st.just("date"), st.sampled_from([0, WIDE, -1])),
        st.tuples(st.just("flags"), st.tuples(st.integers(0, 20), st.integers(0, 20), st.sampled_from(Change), FLAGS)),
        st.tuples(st.just("drop"), st.sets(st.integers(1, 40), max_size=5)),
        st.tuples(st.just("between"), st.tuples(st.integers(0, 20), st.integers(0, 20), st.sets(st.integers(1, 40)))),
    ),
    max_size=12,
)


@settings(max_examples=200)
@given(STEPS, st.sampled_from([1, WIDE - 3, WIDE]))
def test_columns_are_as_a_list_of_messages(steps: list[tuple[str, Any]], modseq: int) -> None:
    columns = Columns()
    rows: list[Row] = []
    lent: list[tuple[Sequence[int], list[int]]] = []
    for step in steps:
        modseq += 1
        match step:
            case ("add", entries):
                added: list[Row] = []
                for gap, flags in entries:
                    uid = (added or rows)[-1].uid + gap if added or rows else gap
                    added.append(Row(uid, flags, uid * 10, uid * 100, modseq))
                columns.add([(row.uid, row.flags, row.size, row.date) for row in added], modseq)
                rows += added
            case ("date", date):
                uid = rows[-1].uid + 1 if rows else 1
                columns.add([(uid, 0, 1, date)], modseq)
                rows.append(Row(uid, 0, 1, date, modseq))
            case ("flags", (low, high, change, bits)):
                start, end = sorted((min(low, len(rows)), min(high, len(rows))))
                said = columns.change_flags(start, end, change, bits, modseq)
                changed = []
                for at in range(start, end):
                    if (new := change.apply(rows[at].flags, bits)) != rows[at].flags:
                        rows[at] = replace(rows[at], flags=new, modseq=modseq)
                        changed.append(rows[at].uid)
                assert list(said) == changed
            case ("drop", uids):
                columns.drop(sorted(uids))
                rows = [row for row in rows if row.uid not in uids]
            case ("between", (low, high, uids)):
                start, stop = sorted((min(low, len(rows)), min(high, len(rows))))
                columns.drop_between(start, stop, uids)
                rows = [row for at, row in enumerate(rows) if not (start <= at < stop and row.uid in uids)]
        lent.append((columns.lend_uids(), [row.uid for row in rows]))
        assert rows_of(columns) == rows
    for uids, then in lent:
        assert list(uids) == then
    unseen = [at for at, row in enumerate(rows) if not row.flags & SEEN]
    assert columns.first_unseen() == (unseen[0] if unseen else None)
    for uid in range(42):
        assert columns.index(uid) == next((at for at, row in enumerate(rows) if row.uid == uid), None)


@pytest.mark.parametrize("count", [FEW, FEW + 1])
@pytest.mark.parametrize("change", Change)
def test_flags_of_many_that_change_all_or_none(count: int, change: Change) -> None:
    columns = filled(*range(1, count + 3))
    before = rows_of(columns)
    for bits in (FLAGGED, FLAGGED, 0):
        said = columns.change_flags(1, count + 1, change, bits, 9)
        after = rows_of(columns)
        assert list(said) == [new.uid for old, new in zip(before, after, strict=True) if new.flags != old.flags]
        assert [before[0], before[-1]] == [after[0], after[-1]]
        before = after


@given(st.sets(st.integers(1, 60)), st.sets(st.integers(1, 60)))
def test_runs_cover_what_is_asked_for_and_nothing_else(there: set[int], wanted: set[int]) -> None:
    columns = filled(*sorted(there))
    runs = columns.runs_of(sorted(wanted))
    covered = [uid for uid in sorted(there) if any(low <= uid <= high for low, high in runs)]
    assert covered == sorted(there & wanted) or not there
    assert all(low in there and high in there for low, high in runs) or runs == [(min(wanted), max(wanted))]
    assert len(runs) <= len(wanted)


@pytest.mark.parametrize("missing", [(), (3,), (CHUNK,), (CHUNK + 1,), (1, CHUNK * 2)])
def test_runs_of_many(missing: tuple[int, ...]) -> None:
    columns = filled(*range(1, 3 * CHUNK))
    wanted = [uid for uid in range(1, 3 * CHUNK, 1) if uid not in missing]
    expected = []
    low = 0
    for uid in (*missing, 3 * CHUNK):
        if uid - 1 > low:
            expected.append((low + 1, uid - 1))
        low = uid
    assert columns.runs_of(wanted) == expected
    assert columns.runs_of([*wanted, 3 * CHUNK + 5]) == expected


def test_columns_of_another_are_taken_over() -> None:
    columns, other = filled(1, 2), filled(3, 4)
    lent = other.lend_uids()
    columns.lend_uids()
    columns.take_over(other)
    assert rows_of(columns) == rows_of(other)
    assert lent is columns.uids
