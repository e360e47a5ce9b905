"""Quiet: what relay and store are asked, what of it at the same time, and up to where the catalog has to know."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

import pytest

from postroad.control.client import DoorAway
from postroad_web.waiting.quiet import Quiet

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

WORLD = "shop"


class Catalog:
    """A catalog that has folded the relay's journal up to a number."""

    def __init__(self, folded: int) -> None:
        self.position = {"relay": folded}
        self.awaited: list[tuple[int, int]] = []

    async def caught_up(self, relay: int, store: int, _patience: float) -> None:
        self.awaited.append((relay, store))


class Doors:
    """A relay with states, the first for the first question, and a store that has recorded ever more."""

    def __init__(self, *states: dict[str, Any]) -> None:
        self.states = list(states)
        self.stored = 500
        self.asked: list[str] = []
        self.held: Callable[[str], Awaitable[None]] = self._at_once

    async def _at_once(self, path: str) -> None:
        """Answer at once."""

    async def get(self, path: str, *, world: str) -> Any:
        assert world == WORLD
        self.asked.append(path)
        await self.held(path)
        if path == "/journal/last":
            self.stored += 1
            return {"last": self.stored}
        return self.states.pop(0)

    async def journal(self, after: int, *, wait: float, limit: int) -> None:
        assert (wait > 0, limit) == (True, 1)
        self.asked.append(f"after {after}")


def state(upto: int, *, under_way: int = 0, last: int = 90) -> dict[str, Any]:
    return {"queued": under_way, "held": 0, "accepting": 0, "last": last, "upto": upto, "messages": []}


async def test_what_other_worlds_do_is_not_waited_for() -> None:
    """The relay has recorded 90 events, of which the last of this world is the 70th, and the catalog knows 75."""
    doors, catalog = Doors(state(70)), Catalog(75)
    assert (await Quiet(catalog, doors, doors).reached(WORLD)).upto == 70
    assert catalog.awaited == [(70, 501)]


async def test_relay_and_store_are_asked_at_the_same_time() -> None:
    doors, catalog = Doors(state(70)), Catalog(70)
    both = asyncio.Barrier(2)

    async def together(_path: str) -> None:
        await both.wait()

    doors.held = together
    async with asyncio.timeout(5):
        await Quiet(catalog, doors, doors).reached(WORLD)
    assert sorted(doors.asked) == ["/journal/last", "/state"]


async def test_a_store_that_may_have_stored_after_its_answer_is_asked_again() -> None:
    """The relay has delivered something of which the catalog did not know when both were asked."""
    doors, catalog = Doors(state(71)), Catalog(70)
    await Quiet(catalog, doors, doors).reached(WORLD)
    assert doors.asked[2:] == ["/journal/last"]
    assert catalog.awaited == [(71, 502)]


async def test_what_is_under_way_is_waited_for_and_then_the_store_is_asked() -> None:
    doors, catalog = Doors(state(70, under_way=2), state(91, under_way=1, last=91), state(92, last=95)), Catalog(70)
    await Quiet(catalog, doors, doors).reached(WORLD)
    assert doors.asked[2:] == ["after 90", "/state", "after 91", "/state", "/journal/last"]
    assert catalog.awaited == [(92, 502)]


@pytest.mark.parametrize("away", ["/state", "/journal/last"])
async def test_a_door_that_is_away(away: str) -> None:
    doors = Doors(state(70))

    async def gone(path: str) -> None:
        if path == away:
            raise DoorAway("relay", "gone")

    doors.held = gone
    with pytest.raises(DoorAway):
        await Quiet(Catalog(70), doors, doors).reached(WORLD)


async def test_what_relay_and_store_have_recorded_is_known() -> None:
    """Whether the road is quiet or not."""
    doors, catalog = Doors(state(70, under_way=1)), Catalog(60)
    await Quiet(catalog, doors, doors).known(WORLD)
    assert sorted(doors.asked) == ["/journal/last", "/state"]
    assert catalog.awaited == [(70, 501)]


@pytest.mark.parametrize("away", ["/state", "/journal/last"])
async def test_a_door_that_is_away_is_not_waited_for(away: str) -> None:
    doors, catalog = Doors(state(70)), Catalog(60)

    async def gone(path: str) -> None:
        if path == away:
            raise DoorAway("relay", "gone")

    doors.held = gone
    await Quiet(catalog, doors, doors).known(WORLD)
    assert catalog.awaited == []
