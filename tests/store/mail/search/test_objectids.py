"""The ids of SEARCH EMAILID and THREADID (RFC 8474 §6)."""

from __future__ import annotations

from datetime import date
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

import pytest

from postroad_store.mail.model.message import Column
from postroad_store.mail.search.objectids import KEYS, EmailId, ThreadId
from postroad_store.mail.search.uids import UidAfter, UidBefore

if TYPE_CHECKING:
    from collections.abc import Callable

WORDS = {word.name: word for key in KEYS for word in key.words()}


@pytest.mark.parametrize(
    ("digits", "number"),
    [
        ("1", 1),
        ("1f", 0x1F),
        ("9a0", 0x9A0),
        ("f" * 15, 0xFFF_FFFF_FFFF_FFFF),
        # No object has an id of these forms.
        *(("", 0), ("0", 0), ("01", 0), ("1F", 0), ("g", 0), ("1g", 0), ("-1", 0), ("0x1", 0), ("1_1", 0), (" 1", 0)),
        ("f" * 16, 0),
    ],
)
def test_ids_are_compared_exactly(digits: str, number: int) -> None:
    for word, letter, key in (("EMAILID", "e", EmailId), ("THREADID", "t", ThreadId)):
        make = WORDS[word].make
        assert make(f"{letter}{digits}") == key(number)
        for other in ("", "x", letter.upper(), {"e": "t", "t": "e"}[letter]):
            assert make(f"{other}{digits}") == key(0)


DAY = 86_400
SAVED = [0, DAY - 1, DAY, DAY + 1, 2 * DAY - 1, 2 * DAY]  # seconds since the epoch, of message 1 and so on


class Saved:
    """In place of an evaluation: messages that were saved at these moments."""

    async def matching(self, numbers: list[int], column: Column, test: Callable[[int], bool]) -> list[int]:
        assert column is Column.SAVE_DATE
        return [number for number in numbers if test(SAVED[number - 1])]


@pytest.mark.parametrize(
    ("word", "matching"), [("SAVEDBEFORE", [1, 2]), ("SAVEDON", [3, 4, 5]), ("SAVEDSINCE", [3, 4, 5, 6])]
)
async def test_saved_dates_are_days_of_utc(word: str, matching: list[int]) -> None:
    key: Any = WORDS[word].make(date(1970, 1, 2))
    assert await key.among([1, 2, 3, 4, 5, 6], Saved()) == matching


@pytest.mark.parametrize(("word", "low", "high"), [("UIDAFTER", [5, 6], []), ("UIDBEFORE", [1, 2], [1, 2, 3, 4, 5, 6])])
async def test_uids_before_and_after_one(word: str, low: list[int], high: list[int]) -> None:
    """RFC 9738 §3.2; the message that has the UID itself is in neither."""
    make: Any = {term.name: term for key in (UidAfter, UidBefore) for term in key.words()}[word].make
    search = SimpleNamespace(view=SimpleNamespace(uids=[10, 20, 30, 35, 40, 50]))
    assert await make(35).among([1, 2, 5, 6], search) == low
    assert await make(60).among([1, 2, 3, 4, 5, 6], search) == high
    assert await make(30).among([3], search) == []
    assert await make(1).among([1, 2], search) == ([1, 2] if word == "UIDAFTER" else [])
