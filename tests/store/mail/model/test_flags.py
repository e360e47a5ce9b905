"""Flags as bits (RFC 3501 §2.3.2, §6.4.6)."""

from __future__ import annotations

import pytest

from postroad_store.mail.model import flags
from postroad_store.mail.model.flags import (
    ANSWERED,
    DELETED,
    DRAFT,
    FIRST_KEYWORD,
    FLAGGED,
    NO_FLAGS,
    SEEN,
    SYSTEM,
    SYSTEM_FLAGS,
    Change,
)

FAR = 1 << 500


def test_each_system_flag_has_its_bit() -> None:
    assert SYSTEM_FLAGS == {
        "\\Answered": ANSWERED,
        "\\Flagged": FLAGGED,
        "\\Deleted": DELETED,
        "\\Seen": SEEN,
        "\\Draft": DRAFT,
    }
    assert sorted(SYSTEM_FLAGS.values()) == [1, 2, 4, 8, 16]  # databases have these
    assert sum(SYSTEM_FLAGS.values()) == SYSTEM == (1 << FIRST_KEYWORD) - 1
    assert (NO_FLAGS.system, NO_FLAGS.keywords) == (0, ())
    assert (flags.FIRST_KEYWORD, flags.MAX_KEYWORDS, flags.MAX_KEYWORD) == (5, 10_000, 200)
    assert [change.value for change in flags.Change] == ["+FLAGS", "-FLAGS", "FLAGS"]


@pytest.mark.parametrize(
    ("change", "before", "bits", "expected"),
    [
        (Change.ADD, SEEN | FAR, SEEN | FLAGGED, SEEN | FLAGGED | FAR),
        (Change.REMOVE, SEEN | FAR, FAR | DRAFT, SEEN),
        (Change.REPLACE, SEEN | FAR, DRAFT, DRAFT),
        (Change.REPLACE, SEEN | FAR, 0, 0),
    ],
)
def test_changes(change: Change, before: int, bits: int, expected: int) -> None:
    assert change.apply(before, bits) == expected
