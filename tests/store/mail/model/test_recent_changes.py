"""The last changes of a mailbox: what has changed after a modseq, as the column of mod-sequences has it."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from postroad_store.mail.model.recent_changes import RecentChanges

FIRST = 7  # the modseq from which on changes are known
KEPT = 5


@given(st.lists(st.sets(st.integers(1, 12), min_size=1, max_size=8), max_size=12))
def test_what_is_known_is_what_a_search_would_find(noted: list[set[int]]) -> None:
    recent = RecentChanges(FIRST, KEPT)
    latest: dict[int, int] = {}
    for modseq, change in enumerate(noted, FIRST + 1):
        uids = sorted(change)
        recent.note(modseq, uids)
        latest |= dict.fromkeys(uids, modseq)
        for since in range(FIRST - 1, modseq + 2):
            changed = recent.after(since)
            assert changed in (None, sorted(uid for uid, last in latest.items() if last > since))
        assert recent.after(modseq) == []
    assert recent.after(FIRST - 1) is None


def test_changes_of_not_so_many_messages_stay_known() -> None:
    recent = RecentChanges(FIRST, KEPT)
    for modseq in range(FIRST + 1, 4 * KEPT):
        recent.note(modseq, [modseq % 3 + 1])
        assert recent.after(max(FIRST, modseq - KEPT + 1)) is not None
    assert recent.after(FIRST) is None


def test_a_change_of_as_many_as_are_kept_is_known() -> None:
    recent = RecentChanges(FIRST, KEPT)
    recent.note(FIRST + 1, range(1, KEPT + 1))
    assert recent.after(FIRST) == list(range(1, KEPT + 1))
    recent.note(FIRST + 2, range(KEPT + 1, 2 * KEPT + 1))
    assert recent.after(FIRST) == list(range(1, 2 * KEPT + 1))  # twice as many, at most
    recent.note(FIRST + 3, [3 * KEPT])
    assert recent.after(FIRST + 1) is None
    assert recent.after(FIRST + 2) == [3 * KEPT]


def test_a_change_of_many_is_not_kept() -> None:
    recent = RecentChanges(FIRST, KEPT)
    recent.note(FIRST + 1, range(1, KEPT + 2))
    assert recent.after(FIRST) is None
    assert recent.after(FIRST + 1) == []
    recent.note(FIRST + 1, [9])  # the next step of the same change
    recent.note(FIRST + 2, [4])
    assert recent.after(FIRST + 1) == [4]
