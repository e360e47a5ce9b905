"""Packs: a block of a mailbox as octets says what its columns say."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from postroad_store.mail.model.columns import Columns
from postroad_store.mail.model.pack import FORMAT, pack, unpack

ENTRIES = st.lists(
    st.tuples(
        st.integers(0, 1 << 30) | st.sampled_from([1 << 300, (1 << 300) + 1]),
        st.integers(0, (1 << 32) - 1),
        st.integers(0, 1 << 31) | st.integers(-(1 << 40), 1 << 40),
    )
)
MODSEQS = st.integers(1, 1 << 33)


def columns_of(entries: list[tuple[int, int, int]], first: int = 1, modseq: int = 7) -> Columns:
    columns = Columns()
    for uid, (flags, size, date) in enumerate(entries, first):
        columns.add([(uid, flags, size, date)], modseq)
    return columns


def rows(columns: Columns) -> list[tuple[int, ...]]:
    return list(zip(columns.uids, columns.flags, columns.sizes, columns.internal_dates, columns.modseqs, strict=True))


@given(ENTRIES, ENTRIES, MODSEQS, MODSEQS)
def test_what_is_packed_is_unpacked(
    some: list[tuple[int, int, int]], more: list[tuple[int, int, int]], modseq: int, later: int
) -> None:
    columns, other = columns_of(some, 1, modseq), columns_of(more, len(some) + 1, later)
    together = Columns()
    assert unpack(together, pack(columns))
    assert unpack(together, pack(other))
    assert rows(together) == rows(columns) + rows(other)


def test_a_block_in_which_no_two_messages_have_the_same_flags() -> None:
    columns = columns_of([(flags, 1, 1) for flags in range(1000)])
    again = columns_of([(7, 1, 1)], 1 << 20)
    assert unpack(again, pack(columns))
    assert rows(again)[1:] == rows(columns)


def test_what_is_no_pack_is_refused() -> None:
    octets = pack(columns_of([(1, 2, 3), (4, 5, 6)]))
    others = (bytes([3 - FORMAT]) + octets[1:], octets[:1] + b"xx" + octets[3:])
    for spoilt in (b"", b"\1", octets[:-1], octets + b"\0", octets[:12], *others):
        columns = Columns()
        assert not unpack(columns, spoilt)
        assert rows(columns) == []
