"""The messages that wait for their time."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from postroad_relay.queue.due import Due
from postroad_relay.queue.spool import Entry, QueueId


def entry(number: int) -> Entry:
    return Entry(QueueId(f"{number:013X}"), 0.0, spilled=False)


def test_they_come_by_their_time() -> None:
    due = Due()
    late, soon, same = entry(1), entry(2), entry(3)
    due.push(late, 20.0)
    due.push(soon, 10.0)
    due.push(same, 10.0)
    assert (len(due), due.next_at, due.pop(9.0)) == (3, 10.0, None)
    assert [due.pop(30.0), due.pop(30.0), due.pop(30.0), due.pop(30.0)] == [soon, same, late, None]
    assert (len(due), due.next_at, soon.turn) == (0, None, None)


def test_one_is_taken_out_and_comes_back() -> None:
    due = Due()
    taken, other = entry(1), entry(2)
    due.fill([(taken, 5.0), (other, 6.0)])
    assert due.remove(taken)
    assert not due.remove(taken)
    assert (len(due), due.next_at, len(due)) == (1, 6.0, 1)
    due.push(taken, 7.0)
    assert due.first(9) == [other, taken]
    assert [due.pop(9.0), due.pop(9.0), due.pop(9.0)] == [other, taken, None]


def test_all_become_due_in_their_order() -> None:
    due = Due()
    entries = [entry(number) for number in range(5)]
    due.fill([(message, 100.0 - number) for number, message in enumerate(entries)])
    due.remove(entries[2])
    assert due.all_at(1.0) == 4
    assert [due.pop(1.0) for _ in range(5)] == [entries[4], entries[3], entries[1], entries[0], None]


@given(
    st.lists(
        st.one_of(
            st.tuples(st.just("push"), st.integers(0, 200), st.integers(0, 9)),
            st.tuples(st.just("remove"), st.integers(0, 200), st.just(0)),
            st.tuples(st.just("pop"), st.just(0), st.integers(0, 9)),
            st.tuples(st.just("all"), st.just(0), st.integers(0, 9)),
            st.tuples(st.just("first"), st.just(0), st.integers(0, 9)),
        ),
        max_size=400,
    )
)
def test_it_is_like_a_list_that_is_sorted(steps: list[tuple[str, int, int]]) -> None:
    due = Due()
    entries = [entry(number) for number in range(201)]
    model: dict[Entry, float] = {}
    for what, which, number in steps:
        message, at = entries[which], float(number)
        match what:
            case "push":
                if message not in model:
                    due.push(message, at)
                    model[message] = at
            case "remove":
                assert due.remove(message) is (model.pop(message, None) is not None)
            case "pop":
                earliest = min(model.values(), default=10.0)
                popped = due.pop(at)
                if popped is None:
                    assert earliest > at
                else:
                    assert model.pop(popped) == earliest <= at
            case "all":
                assert due.all_at(at) == len(model)
                model = dict.fromkeys(model, at)
            case _:
                first = due.first(number)
                assert sorted(model[listed] for listed in first) == sorted(model.values())[:number]
                assert len(set(first)) == len(first)
        assert len(due) == len(model)
        assert due.next_at == min(model.values(), default=None)


def test_stale_items_are_cleared_away() -> None:
    due = Due()
    entries = [entry(number) for number in range(1000)]
    due.fill([(message, 1.0) for message in entries])
    for message in entries[1:]:
        due.remove(message)
    assert len(due._heap) < 300
    assert due.first(5) == entries[:1]


def test_the_order_stays_when_stale_items_are_cleared_away() -> None:
    due = Due()
    entries = [entry(number) for number in range(500)]
    due.fill([(message, float(number * 7 % 500)) for number, message in enumerate(entries)])
    left = [message for number, message in enumerate(entries) if number % 9 == 0]
    for message in entries:
        if message not in left:
            assert due.remove(message)
    assert len(due._heap) < 250
    order = sorted(left, key=lambda message: message.turn or 0.0)
    assert [due.pop(500.0) for _ in range(len(left) + 1)] == [*order, None]
