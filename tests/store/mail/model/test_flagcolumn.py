"""A column of flags is a list of flags, whether there are few different values or many."""

from __future__ import annotations

from array import array

import pytest
from hypothesis import given
from hypothesis import strategies as st

from postroad_store.mail.model.flagcolumn import FEW, NARROW, FlagColumn
from postroad_store.mail.model.flags import FIRST_KEYWORD, SEEN

FLAGS = st.one_of(st.integers(0, 7), st.integers(0, 3 * NARROW), st.sampled_from([1 << 70, 1 << 300 | SEEN]))


@given(st.lists(FLAGS), FLAGS, st.data())
def test_it_is_a_list(flags: list[int], bits: int, data: st.DataObject) -> None:
    column, before = FlagColumn(flags), flags[:]
    start = data.draw(st.integers(0, len(flags)))
    end = data.draw(st.integers(start, len(flags)))
    assert (list(column), len(column), column[start:end]) == (flags, len(flags), flags[start:end])
    assert sorted({column.values[code] for code in column.used(start, end)}) == sorted(set(flags[start:end]))
    unseen = [not value & SEEN for value in flags]
    assert [bool(mark) for mark in column.marks(start, end, lambda value: not value & SEEN)] == unseen[start:end]
    assert column.first(lambda value: not value & SEEN) == (unseen.index(True) if True in unseen else None)
    places = [at for at, value in enumerate(flags) if value & SEEN]
    narrow = isinstance(column.codes, bytearray)
    assert column.places(SEEN, len(places)) == (places if narrow else [])
    assert column.places(SEEN, len(places) - 1) == []
    expected = [value | bits for value in flags[start:end]]
    changed = [old != new for old, new in zip(flags[start:end], expected, strict=True)]
    assert [bool(mark) for mark in column.change(start, end, lambda value: value | bits)] == changed * any(changed)
    flags[start:end] = expected
    assert list(column) == flags
    copied = column.copy(end)
    column.append(bits)
    column.change_one(0, bits)
    flags.append(bits)
    flags[0] = bits
    assert (list(column), column[0]) == (flags, bits)
    copied.append(bits)
    assert list(copied) == [*(value | bits if at >= start else value for at, value in enumerate(before[:end])), bits]
    column.keep(start, end, [at % 2 for at in range(end - start)])
    flags[start:end] = flags[start:end][1::2]
    assert list(column) == flags


@pytest.mark.parametrize("count", [FEW, NARROW, NARROW + 1, 3 * NARROW])
def test_the_codes_are_as_wide_as_they_must_be(count: int) -> None:
    values = [number << FIRST_KEYWORD for number in range(count)]
    column = FlagColumn(values)
    assert isinstance(column.codes, bytearray) == (count <= NARROW)
    for at, value in enumerate(values):
        column.change_one(at, value | SEEN)
    assert list(column) == [value | SEEN for value in values]
    assert len(column.values) <= 3 * count + 1  # those that no message has any longer are forgotten in time
    assert column.change(0, count, lambda _: 0)
    for value in range(2 * count + NARROW):
        column.change_one(0, value)
    assert isinstance(column.codes, bytearray)
    assert list(column) == [2 * count + NARROW - 1] + [0] * (count - 1)
    assert column.first(lambda value: value == 0) == 1


def test_a_value_that_no_message_has_is_not_found() -> None:
    column = FlagColumn([0, 1, 2])
    column.change(0, 3, lambda _: 2)
    assert column.first(lambda value: value < 2) is None
    column.codes = array("I", list(column.codes))
    assert column.first(lambda value: value < 2) is None
    assert column.first(lambda value: value == 2) == 0
