"""Worlds that are dropped while further tests run, some at a time."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING, Any, cast

import pytest

from postroad_kit.dropping import LONGEST, MOST, TOGETHER, Dropper
from postroad_kit.endpoints import Endpoint

if TYPE_CHECKING:
    from postroad_kit import World
    from postroad_kit.http.call import Call


class Toy:
    """A world."""

    def __init__(self, number: int, *, is_to_be_dropped: bool = True) -> None:
        self.id = f"w{number}"
        self.is_to_be_dropped = is_to_be_dropped
        self.own_port: Endpoint | None = None
        self.closed = self.gone = False

    def close(self) -> None:
        self.closed = True

    def drop(self) -> None:
        self.gone = True


class Slow:
    """An API that answers as often as it is allowed to."""

    def __init__(self) -> None:
        self.allowed = threading.Semaphore(0)
        self.asked: list[str] = []

    def __call__(self, call: Call[None]) -> None:
        assert call.method == "DELETE"
        self.allowed.acquire(timeout=30)
        self.asked.append(call.path)


class Watch:
    """A clock that is set."""

    def __init__(self) -> None:
        self.now = 100.0

    def __call__(self) -> float:
        return self.now


def drop(dropper: Dropper, *worlds: Toy) -> None:
    for world in worlds:
        dropper.drop(cast("World", world))


def test_nobody_waits_but_for_the_last() -> None:
    api = Slow()
    worlds = [Toy(number) for number in range(TOGETHER * MOST + 1)]
    with Dropper(api, steady=Watch()) as dropper:
        drop(dropper, *worlds)
        assert all(world.closed for world in worlds)
        assert api.asked == []
        api.allowed.release(MOST + 1)
    assert [path.count(",") + 1 for path in api.asked] == [*[TOGETHER] * MOST, 1]
    assert api.asked[-1] == f"/v1/worlds/{worlds[-1].id}"


def test_one_with_a_port_is_dropped_at_once() -> None:
    world = Toy(0)
    world.own_port = Endpoint("localhost", 1026)
    with Dropper(Slow()) as dropper:
        drop(dropper, world)
        assert world.gone


def test_too_many_are_waited_for() -> None:
    api = Slow()
    api.allowed.release()
    with Dropper(api, steady=Watch()) as dropper:
        drop(dropper, *(Toy(number) for number in range(TOGETHER * (MOST + 1))))
        assert len(api.asked) == 1
        api.allowed.release(MOST)
    assert len(api.asked) == MOST + 1


def test_where_tests_take_long_none_waits_for_many_others() -> None:
    asked: list[str] = []
    watch = Watch()
    with Dropper(lambda call: asked.append(call.path), steady=watch) as dropper:
        for number in range(3):
            drop(dropper, Toy(number))
            watch.now += LONGEST / 2
        watch.now += 9 * LONGEST
        drop(dropper, Toy(3))
        watch.now += LONGEST
        drop(dropper, Toy(4))
    assert asked == ["/v1/worlds/w0,w1,w2", "/v1/worlds/w3,w4"]


def test_what_has_gone_or_stays_is_left_alone() -> None:
    def api(_call: Any) -> None:
        raise AssertionError

    world = Toy(0, is_to_be_dropped=False)
    with Dropper(api) as dropper:
        drop(dropper, world)
    assert world.closed


def test_what_went_wrong_is_told() -> None:
    def api(_call: Any) -> None:
        raise LookupError("stuck")

    with pytest.raises(LookupError, match="stuck"), Dropper(api) as dropper:
        drop(dropper, Toy(0))
