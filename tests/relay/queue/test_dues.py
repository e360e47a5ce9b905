"""The messages of all worlds that wait for their time."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from postroad_relay.queue.dues import Dues
from postroad_relay.queue.spool import Entry, QueueId

WORLDS = ("default", "shop", "bank")


def entry(number: int, world: str = "default") -> Entry:
    return Entry(QueueId(f"{number:013X}"), 0.0, spilled=False, world=world)


def test_each_world_goes_by_its_own_clock() -> None:
    ahead = {"shop": 0.0, "default": 0.0}
    dues = Dues(ahead.__getitem__)
    message, other = entry(1), entry(2, "shop")
    dues.fill([(message, 10.0), (other, 20.0)])
    assert (dues.next_at, dues.next_of("shop"), dues.next_of("bank")) == (10.0, 20.0, None)
    ahead["shop"] = 15.0
    dues.moved("shop")
    assert (dues.next_at, dues.next_of("shop")) == (5.0, 20.0)
    assert dues.first(5) == [other, message]
    assert dues.first(1) == [other]
    assert (dues.first(5, "default"), dues.first(5, "bank")) == ([message], [])
    assert dues.pop(4.0) is None
    assert [dues.pop(5.0), dues.pop(5.0), dues.pop(10.0), dues.pop(10.0)] == [other, None, message, None]


@given(
    st.lists(
        st.tuples(
            st.sampled_from(["push", "remove", "pop", "pop_of", "all", "first", "ahead"]),
            st.integers(0, 60),
            st.integers(0, 9),
        ),
        max_size=400,
    )
)
def test_it_is_like_a_list_that_is_sorted(steps: list[tuple[str, int, int]]) -> None:
    ahead = dict.fromkeys(WORLDS, 0.0)
    dues = Dues(ahead.__getitem__)
    entries = [entry(number, WORLDS[number % 3]) for number in range(61)]
    model: dict[Entry, float] = {}

    def machine(message: Entry) -> float:
        return model[message] - ahead[message.world]

    for what, which, number in steps:
        message, at = entries[which], float(number)
        mine = {other: when for other, when in model.items() if other.world == message.world}
        match what:
            case "push":
                if message not in model:
                    dues.push(message, at)
                    model[message] = at
            case "remove":
                assert dues.remove(message) is (model.pop(message, None) is not None)
            case "pop":
                popped = dues.pop(at)
                earliest = min(map(machine, model), default=100.0)
                assert (popped is None) is (earliest > at)
                if popped is not None:
                    assert machine(popped) == earliest
                    del model[popped]
            case "pop_of":
                popped = dues.pop_of(message.world, at)
                assert (popped is None) is (min(mine.values(), default=100.0) > at)
                if popped is not None:
                    assert model.pop(popped) == min(mine.values())
            case "all":
                assert dues.all_at(message.world, at) == len(mine)
                model |= dict.fromkeys(mine, at)
            case "first":
                assert [machine(listed) for listed in dues.first(number)] == sorted(map(machine, model))[:number]
            case _:
                ahead[message.world] += at
                dues.moved(message.world)
        assert len(dues) == len(model)
        assert sorted(dues.worlds()) == sorted({other.world for other in model})
        assert dues.next_at == min(map(machine, model), default=None)


def test_stale_moments_are_cleared_away() -> None:
    dues = Dues(lambda _: 0.0)
    message = entry(1)
    for number in range(1000):
        dues.push(message, 1000.0 - number)
        dues.remove(message)
        dues.push(message, 1000.0 - number)
        dues.remove(message)
    dues.push(message, 1.0)
    assert len(dues._heap) < 300
    assert dues.next_at == 1.0


def test_the_messages_of_all_worlds_are_counted() -> None:
    dues = Dues(lambda _world: 0.0)
    dues.push(entry(9), 5.0)
    dues.fill([(entry(number, WORLDS[number % 3]), 10.0) for number in range(7)])
    assert len(dues) == 8


def test_what_is_taken_out_is_due_no_more() -> None:
    for take in ("remove", "pop_of"):
        dues = Dues(lambda _world: 0.0)
        first, second = entry(1), entry(2)
        dues.fill([(first, 10.0), (second, 20.0)])
        if take == "remove":
            assert dues.remove(first)
        else:
            assert dues.pop_of("default", 10.0) is first
        assert not dues.remove(first)
        assert (dues.next_at, len(dues), dues.pop(15.0)) == (20.0, 1, None)
        assert dues.remove(second)
        assert (dues.next_at, len(dues), dues.pop(25.0)) == (None, 0, None)


def test_a_frozen_world_lets_nothing_out_by_itself() -> None:
    dues = Dues(lambda _world: 0.0)
    frozen, other = entry(1, "shop"), entry(2, "bank")
    dues.fill([(frozen, 10.0), (other, 20.0)])
    dues.freeze("shop")
    assert (dues.is_frozen("shop"), dues.is_frozen("bank")) == (True, False)
    assert (dues.next_at, dues.next_of("shop"), len(dues)) == (20.0, 10.0, 2)
    assert [dues.pop(30.0), dues.pop(30.0)] == [other, None]
    third = entry(3, "shop")
    dues.push(third, 5.0)
    assert dues.pop(30.0) is None
    assert dues.pop_of("shop", 5.0) is third
    dues.thaw("shop")
    assert (dues.is_frozen("shop"), dues.next_at, dues.pop(10.0)) == (False, 10.0, frozen)


def test_the_order_stays_when_stale_moments_are_cleared_away() -> None:
    dues = Dues(lambda _: 0.0)
    waiting = [entry(number, f"w{number}") for number in range(9)]
    for number, message in enumerate(waiting):
        dues.push(message, 900.0 - number)
    moving = entry(99, "w99")
    for number in range(1000):
        dues.push(moving, 1000.0 + number)
        dues.remove(moving)
    assert len(dues._heap) < 300
    assert [dues.pop(1000.0) for _ in range(10)] == [*waiting[::-1], None]
