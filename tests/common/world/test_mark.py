"""The mark of a world."""

from __future__ import annotations

import pytest

from postroad.world.mark import LONGEST, Marks


def test_a_mark_names_its_world() -> None:
    marks = Marks(b"key")
    mark = marks.mark_of("shop")
    assert mark.startswith("shop.")
    assert marks.world_of(mark) == "shop"
    assert len(marks.mark_of("x" * 32)) == LONGEST


@pytest.mark.parametrize(
    "mark",
    ["", "shop", "shop.", ".0123", Marks(b"other").mark_of("shop"), Marks(b"key").mark_of("shop") + "0", "shöp.1"],
)
def test_nobody_else_can_make_one(mark: str) -> None:
    assert Marks(b"key").world_of(mark) is None
