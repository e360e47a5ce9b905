"""A series of events: each line is as `Journal.record` writes it."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from hypothesis import given
from hypothesis import strategies as st

from postroad.clock import Clock
from postroad.journal import Journal, Kind, Series
from postroad.jsontext import to_json

if TYPE_CHECKING:
    from pathlib import Path

WHEN = 1_767_225_600.000123


def test_the_lines_are_those_of_record(tmp_path: Path) -> None:
    journal = Journal(tmp_path, service="store", clock=Clock(wall=lambda: WHEN))
    before: dict[str, Any] = {"account": 'b"ö\ud800b@beta.test', "uid_validity": 7}
    after: dict[str, Any] = {"session": "a1", "protocol": "imap"}
    series = Series(Kind.RETRIEVED, "uid", before, after)
    for uid in (5, "7:9,11"):
        journal.record(Kind.RETRIEVED, **before, uid=uid, **after)
        journal.record_next(series, uid)
    journal.close()
    single, next_single, many, next_many = (
        re.sub(r'"n":\d+', "", line) for line in journal.path.read_text().splitlines()
    )
    assert (single, many) == (next_single, next_many)
    assert re.findall(r'"n":(\d+)', journal.path.read_text()) == [str(int(WHEN * 1_000_000) + n) for n in range(4)]


def test_what_does_not_find_room_is_counted(tmp_path: Path) -> None:
    journal = Journal(tmp_path, service="store", limit=0)
    journal.record_next(Series(Kind.RETRIEVED, "uid", {"a": 1}, {"b": 2}), 3)
    assert journal.dropped == 1
    journal.close()


@given(
    st.dictionaries(st.text(), st.text() | st.integers(), min_size=1),
    st.text() | st.integers(min_value=0, max_value=2**63),
    st.dictionaries(st.text(), st.text() | st.integers(), min_size=1),
)
def test_any_text(before: dict[str, str | int], value: str | int, after: dict[str, str | int]) -> None:
    line = Series(Kind.RETRIEVED, "uid", before, after).line(value)
    fields = [{"kind": "retrieved"}, *[{k: v} for k, v in before.items()], {"uid": value}]
    fields += [{k: v} for k, v in after.items()]
    assert line == b"," + b",".join(to_json(field)[1:-1] for field in fields) + b"}\n"
