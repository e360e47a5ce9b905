"""QRESYNC: what a client knows of a mailbox, and where it need not be told what has vanished (RFC 7162 §3.2.5)."""

from __future__ import annotations

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from postroad_store.imap.grammar.reader import Reader, SyntaxFault, UidRequired
from postroad_store.imap.grammar.sequence import ranges_of
from postroad_store.imap.resync import Known, _in_step, _rise, read_known


@pytest.mark.parametrize(
    ("text", "known"),
    [
        (b"(7 1)", Known(7, 1)),
        (b"(4294967295 9223372036854775807)", Known((1 << 32) - 1, (1 << 63) - 1)),
        (b"(7 20 41,43:211,541:214)", Known(7, 20, ((41, 41), (43, 211), (214, 541)))),
        (b"(7 20 5,1:9,10)", Known(7, 20, ((1, 10),))),
        (b"(7 20 1:9 (1,4:5 2,8:9))", Known(7, 20, ((1, 9),), ((1, 1), (4, 5)), ((2, 2), (8, 9)))),
        (b"(7 20 (1 2))", Known(7, 20, None, ((1, 1),), ((2, 2),))),
    ],
)
def test_read(text: bytes, known: Known) -> None:
    reader = Reader([text + b"rest"])
    assert read_known(reader) == known
    assert reader.rest() == b"rest"


@pytest.mark.parametrize(
    "text",
    [
        *(b"", b"7 1", b"()", b"(7)", b"(7 )", b"(0 1)", b"(7 0)", b"(4294967296 1)", b"(7 9223372036854775808)"),
        *(b"(7 1 )", b"(7 1 *)", b"(7 1 1:*)", b"(7 1 $)", b"(7 1 1:2 ", b"(7 1 1:2", b"(7 1 1:2 3:4)"),
        *(b"(7 1 ())", b"(7 1 (1))", b"(7 1 (1 2)", b"(7 1 (1 *))", b"(7 1 (1 2) 1:2)", b"(7 1 (1 2 3))"),
        *(b"(7 1 (1:2 1:3))", b"(7 1 (2,1 1,2))", b"(7 1 (1,2 2,1))", b"(7 1 (2:1 1:2))", b"(7 1 (1,1 1,2))"),
        b"(7 1 (1:3,3 1:4))",
    ],
)
def test_malformed(text: bytes) -> None:
    with pytest.raises(SyntaxFault):
        read_known(Reader([text]))


RUNS = st.lists(st.tuples(st.integers(1, 4), st.integers(1, 4)), min_size=1, max_size=6)


def ranges(runs: list[tuple[int, int]]) -> list[tuple[int, int]]:
    """Return ranges with gaps between them."""
    spaced, at = [], 0
    for gap, length in runs:
        spaced.append((at + gap + 1, at + gap + length))
        at = spaced[-1][1]
    return spaced


@given(RUNS, RUNS)
def test_numbers_and_uids_go_in_step(left: list[tuple[int, int]], right: list[tuple[int, int]]) -> None:
    """Each number has the UID at the same place, in runs that are as long as they can be."""
    numbers = [number for low, high in ranges(left) for number in range(low, high + 1)]
    uids = [uid for low, high in ranges(right) for uid in range(low, high + 1)]
    count = min(len(numbers), len(uids))
    numbers, uids = numbers[:count], uids[:count]
    runs = list(_in_step(ranges_of(numbers), ranges_of(uids)))
    assert [(number + step, uid + step) for number, uid, length in runs for step in range(length)] == list(
        zip(numbers, uids, strict=True)
    )
    for (number, uid, length), (following, its_uid, _) in pairwise(runs):
        assert (following, its_uid) != (number + length, uid + length)


@given(st.sets(st.integers(1, 30), min_size=1, max_size=12), st.integers(0, 12), st.integers(0, 12), st.integers(1, 30))
def test_how_many_uids_do_not_outrun_a_count(uids: set[int], start: int, stop: int, uid: int) -> None:
    """From a place on they rise by one or more, so that those that rise by more than one are behind the others."""
    there = sorted(uids)
    start, stop = min(start, len(there)), min(stop, len(there))
    if start > stop:
        return
    expected = [there[place] <= uid + place - start for place in range(start, stop)]
    assert _rise(there, start, stop, uid) == sum(expected)


def test_without_message_numbers() -> None:
    assert read_known(Reader([b"(7 1 1:9)"]), numbers=False) == Known(7, 1, ((1, 9),))
    with pytest.raises(UidRequired):
        read_known(Reader([b"(7 1 1:9 (1 2))"]), numbers=False)


@pytest.mark.parametrize(
    ("known", "expected"),
    [
        (Known(7, 1), ((1, 29),)),
        (Known(7, 1, ((1, 4), (20, 40), (50, 60))), ((1, 4), (20, 29))),
        # RFC 7162 §3.2.5.2: 4 is 8 still, 12 is no longer 24
        (Known(7, 1, None, ((4, 4), (12, 12)), ((8, 8), (24, 24))), ((9, 29),)),
        (Known(7, 1, ((1, 4), (6, 10)), ((4, 4),), ((8, 8),)), ((9, 10),)),
        (Known(7, 1, None, ((4, 6),), ((8, 10),)), ((9, 29),)),  # of a range its first is, and its second is not
        (Known(7, 1, None, ((11, 12),), ((22, 23),)), ((23, 29),)),
        (Known(7, 1, None, ((1, 1),), ((9, 9),)), ((1, 29),)),  # that has never been so
        (Known(7, 1, None, ((1, 1), (3, 4)), ((2, 4),)), ((3, 29),)),  # one range for two
        (Known(7, 1, None, ((1, 4_000_000_000),), ((2, 4_000_000_001),)), ((3, 29),)),
    ],
)
def test_where_expunges_may_have_been_missed(known: Known, expected: tuple[tuple[int, int], ...]) -> None:
    uids = [2, 4, 6, 8, 10, 12, 14, 16, 18, 20, 22, 25]
    assert known.within(uids, 30) == expected


def test_of_an_empty_mailbox() -> None:
    assert Known(7, 1).within([], 1) == ()
    assert Known(7, 1, ((1, 9),), ((1, 1),), ((1, 1),)).within([], 5) == ((1, 4),)


def numbered(uids: list[int], numbers: list[int]) -> Known:
    """Return what a client knows that has these UIDs and tells those of some numbers."""
    pairs = [(number, uids[number - 1]) for number in sorted(set(numbers)) if number <= len(uids)]
    return Known(7, 1, None, ranges_of([pair[0] for pair in pairs]), ranges_of([pair[1] for pair in pairs]))


@given(st.sets(st.integers(1, 40)), st.sets(st.integers(1, 40)), st.lists(st.integers(1, 40)))
def test_against_each_pair_by_itself(before: set[int], gone: set[int], numbers: list[int]) -> None:
    client, now = sorted(before), sorted(before - gone)
    pairs = [(number, client[number - 1]) for number in set(numbers) if number <= len(client)]
    agreed = max((uid for number, uid in pairs if number <= len(now) and now[number - 1] == uid), default=0)
    expected = ((agreed + 1, 40),) if agreed < 40 else ()
    assert numbered(client, numbers).within(now, 41) == expected
    assert not gone & before & set(range(1, agreed + 1))  # so nothing is withheld that the client does not know
