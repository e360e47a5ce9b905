"""Worlds that are dropped while further tests run."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING, cast

import pytest

from postroad_kit.dropping import MOST, Dropper
from postroad_kit.endpoints import Endpoint

if TYPE_CHECKING:
    from postroad_kit import World


class Slow:
    """A world whose end takes until it is allowed."""

    own_port: Endpoint | None = None

    def __init__(self) -> None:
        self.allowed = threading.Event()
        self.gone = False

    def drop(self) -> None:
        self.allowed.wait(30)
        self.gone = True


def test_nobody_waits_but_for_the_last() -> None:
    worlds = [Slow() for _ in range(MOST)]
    with Dropper() as dropper:
        for world in worlds:
            dropper.drop(cast("World", world))
        assert not any(world.gone for world in worlds)
        for world in worlds:
            world.allowed.set()
    assert all(world.gone for world in worlds)


def test_one_with_a_port_is_dropped_at_once() -> None:
    world = Slow()
    world.own_port = Endpoint("localhost", 1026)
    world.allowed.set()
    with Dropper() as dropper:
        dropper.drop(cast("World", world))
        assert world.gone


def test_too_many_are_waited_for() -> None:
    worlds = [Slow() for _ in range(MOST + 1)]
    worlds[0].allowed.set()
    with Dropper() as dropper:
        for world in worlds:
            dropper.drop(cast("World", world))
        assert worlds[0].gone
        for world in worlds:
            world.allowed.set()


def test_what_went_wrong_is_told() -> None:
    class Stuck:
        own_port = None

        def drop(self) -> None:
            raise LookupError("stuck")

    with pytest.raises(LookupError, match="stuck"), Dropper() as dropper:
        dropper.drop(cast("World", Stuck()))
