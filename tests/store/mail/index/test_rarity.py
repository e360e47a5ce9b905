"""Of a text's trigrams those are asked for that few messages have."""

from __future__ import annotations

import sqlite3
from typing import TYPE_CHECKING

import pytest

from postroad_store.mail.index.rarity import worth_asking

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

ROWS = 1000
TABLE = (
    "CREATE VIRTUAL TABLE trigrams USING fts5 (text, tokenize = 'trigram', content = '', detail = none, columnsize = 0)"
)
# Which rows have what.
HAVE: dict[str, Callable[[int], bool]] = {
    "all": lambda _: True,
    "2nd": lambda row: row % 2 == 0,
    "3rd": lambda row: row % 3 == 0,
    "4th": lambda row: row % 4 == 0,
    "7th": lambda row: row % 7 == 0,
    "old": lambda row: row < ROWS // 2,
    "one": lambda row: row == ROWS - 2,
}


@pytest.fixture
def reader() -> Iterator[sqlite3.Connection]:
    db = sqlite3.connect(":memory:")
    db.execute(TABLE)
    texts = ((row, " ".join(text for text, has in HAVE.items() if has(row))) for row in range(1, ROWS + 1))
    db.executemany("INSERT INTO trigrams (rowid, text) VALUES (?, ?)", texts)
    yield db
    db.close()


@pytest.mark.parametrize(
    ("trigrams", "asked"),
    [
        (["all", "2nd", "3rd"], {"all", "2nd", "3rd"}),  # so few are not looked at
        (["all", "2nd", "3rd", "7th"], {"2nd", "3rd", "7th"}),
        (["all", "3rd", "7th", "one"], {"3rd", "7th", "one"}),
        (["one", "7th", "3rd", "2nd", "all"], {"one", "7th", "3rd"}),  # hundreds of times as many have the others
        (["2nd", "3rd", "7th", "old", "all"], {"old", "7th", "3rd"}),  # it seems rare, at that place
        (["4th", "3rd", "7th", "2nd", "all"], {"2nd", "3rd", "4th", "7th"}),  # so often as the rarest, nearly
        (["xxx", "yyy", "zzz", "one", "2nd"], {"xxx", "yyy", "zzz", "one"}),  # nobody has three of them
    ],
)
def test_those_that_few_have(reader: sqlite3.Connection, trigrams: list[str], asked: set[str]) -> None:
    assert set(worth_asking(reader, trigrams, ROWS)) == asked


def test_an_empty_index() -> None:
    db = sqlite3.connect(":memory:")
    db.execute(TABLE)
    assert worth_asking(db, ["abc", "bcd", "cde", "def"], 0)
    db.close()
