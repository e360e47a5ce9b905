"""The ids of SEARCH EMAILID and THREADID (RFC 8474 §6)."""

from __future__ import annotations

import pytest

from postroad_store.mail.search.objectids import KEYS, EmailId, ThreadId

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
