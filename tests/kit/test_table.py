"""Tables of plain text: how wide, and what is shown of what strangers wrote."""

from __future__ import annotations

import pytest

from postroad_kit.errors import NotOne
from postroad_kit.table import WIDEST, harmless, table
from tests.kit.samples import code, letter


def test_columns_are_as_wide_as_their_widest_cell() -> None:
    assert list(table(["A", "LONG", "C"], [["xyz", "1", ""], ["", "22222", "z"]])) == [
        "  A    LONG   C",
        "  xyz  1",
        "       22222  z",
    ]
    assert list(table(["A", "B"], [], indent="")) == ["A  B"]


def test_long_cells_are_cut() -> None:
    _, just, long = table(["A"], [["x" * WIDEST], ["y" * (WIDEST + 1)]])
    assert just == "  " + "x" * WIDEST
    assert long == "  " + "y" * (WIDEST - 1) + "…"


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("plain é", "plain é"),
        ("a\x1b[1m\n\x85", "a\\x1b[1m\\x0a\\x85"),
        ("a\u202eb\u200d", "a\\x202eb\\x200d"),
        ("\ud800\u2028\u2029", "\\xd800\\x2028\\x2029"),
        ("\xa0\ue000", "\xa0\ue000"),
    ],
)
def test_what_a_terminal_would_obey(text: str, shown: str) -> None:
    assert harmless(text) == shown
    assert list(table(["A"], [[text]]))[1].strip() == shown.strip()


@pytest.mark.parametrize(("second", "certain"), [(60, True), (61, False)])
def test_a_code_has_to_lead_by_so_many_points(second: int, certain: bool) -> None:
    got = letter(codes=[code("111111", score=80), code("222222", score=second)])
    if certain:
        assert got.code() == "111111"
    else:
        with pytest.raises(NotOne, match="2 one-time codes, where one is expected"):
            got.code()
