"""A set of UIDs is what a Python set is."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from postroad_store.mail.model.uidset import FEW, LOW, UidSet

UID_LISTS = st.one_of(
    st.sets(st.integers(1, 3 * LOW)),
    st.tuples(st.integers(1, 2 * LOW), st.integers(0, 2 * LOW)).map(lambda run: set(range(run[0], sum(run)))),
    st.sets(st.integers(1, 2 * FEW + 9), min_size=FEW),
    st.sets(st.integers(1, (1 << 32) - 1), max_size=5),
).map(sorted)


@given(UID_LISTS, UID_LISTS)
def test_it_is_a_set(some: list[int], others: list[int]) -> None:
    uids = UidSet(some)
    assert (list(uids), len(uids), bool(uids)) == (some, len(some), bool(some))
    assert all(uid in uids for uid in some)
    assert not any(uid in uids for uid in set(others) - set(some))
    assert "1" not in uids
    uids.add(others)
    assert list(uids) == sorted({*some, *others})
    uids.remove(UidSet(some))
    assert set(uids) == set(others) - set(some)
    uids.clear()
    assert not uids


@given(UID_LISTS, UID_LISTS, st.integers(1, 3 * LOW), st.integers(0, 2 * LOW))
def test_parts_of_it(some: list[int], others: list[int], low: int, more: int) -> None:
    uids = UidSet(some)
    assert list(uids.between(low, low + more)) == [uid for uid in some if low <= uid <= low + more]
    uids.update(UidSet(others), low)
    assert list(uids) == sorted({*some, *(uid for uid in others if uid <= low)})


@given(UID_LISTS)
def test_its_ranges(some: list[int]) -> None:
    runs = list(UidSet(some).runs())
    assert [uid for low, high in runs for uid in range(low, high + 1)] == some
    assert repr(UidSet(some)) == f"UidSet({runs})"
