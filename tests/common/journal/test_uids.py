from __future__ import annotations

import pytest

from postroad.journal.uids import position_of, ranges_in, uid_at


@pytest.mark.parametrize(
    ("value", "ranges"),
    [
        (3, ((3, 3),)),
        ("3", ((3, 3),)),
        ("1:5,9", ((1, 5), (9, 9))),
        ("1:x", ()),
        ("x", ()),
        ("1:5,", ()),
        ("٣", ()),
        ("1:٣", ()),
        ("٣:3", ()),
        ("x:3", ()),
        (":3", ()),
        ("", ()),
        (None, ()),
        ([1], ()),
    ],
)
def test_what_a_detail_has(value: object, ranges: tuple[tuple[int, int], ...]) -> None:
    assert ranges_in(value) == ranges


@pytest.mark.parametrize(("uid", "position"), [(1, None), (2, 0), (4, 2), (5, None), (9, 3), (10, None), (21, 5)])
def test_positions(uid: int, position: int | None) -> None:
    ranges = ranges_in("2:4,9,20:21")
    assert position_of(uid, ranges) == position
    if position is not None:
        assert uid_at(position, ranges) == uid


def test_beyond_the_end() -> None:
    assert uid_at(4, ranges_in("2:4,9")) is None
