"""Where contents come from, and when."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

import pytest

from postroad.clock import Clock
from postroad.control.client import DoorRefused
from postroad_web.catalog import contents as module
from postroad_web.catalog.contents import PATIENCE, PAUSE, Contents
from postroad_web.catalog.folding import Want
from postroad_web.catalog.journey import Placed
from tests.harness.doors import ToyDoor

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from postroad_web.catalog.digesting import Content


class Bench:
    """Contents between two toy doors and a list."""

    def __init__(self) -> None:
        self.relay, self.store = ToyDoor("relay", 1), ToyDoor("store", 1)
        self.clock = Clock()
        self.read: list[Content] = []
        self.unknown: list[Want] = []  # what the database knows
        self.bell = asyncio.Event()
        self.calm = asyncio.Event()
        self.calm.set()
        self.contents = Contents(
            relay=self.relay,
            store=self.store,
            digest=self.digest,
            more=self.more,
            clock=self.clock,
            calm=self.calm.wait,
        )

    async def digest(self, contents: list[Content]) -> None:
        self.read += contents
        self.unknown = [want for want in self.unknown if want.number not in {content.number for content in self.read}]
        self.bell.set()
        self.bell = asyncio.Event()

    async def more(self, after: int) -> list[Want]:
        return [want for want in self.unknown if want.number > after][:2]

    async def until(self, count: int) -> None:
        async with asyncio.timeout(10):
            while len(self.read) < count:
                await self.bell.wait()

    async def timer(self) -> None:
        """Return once there is a timer."""
        async with asyncio.timeout(10):
            while self.clock.until_next() is None:  # noqa: ASYNC110 - a few turns of the loop
                await asyncio.sleep(0)

    async def idle(self) -> None:
        async with asyncio.timeout(10):
            while not self.contents.settled():  # noqa: ASYNC110 - a few turns of the loop
                await asyncio.sleep(0)

    def stored(self, number: int, octets: bytes | None = b"x") -> Want:
        place = ("bob", "INBOX", 1, number)
        if octets is not None:
            self.store.contents[place] = octets
        copy = Placed(f"S{number}", *place, ["bob"], captured=False)
        return Want(number, f"R{number}", copy, is_tried=False, is_queued=False, is_lost=False)


def queued(number: int, *, tried: bool = False, over: bool = False, lost: bool = False) -> Want:
    return Want(number, f"R{number}", None, is_tried=tried, is_queued=not over, is_lost=lost)


@pytest.fixture
async def bench() -> AsyncIterator[Bench]:
    bench = Bench()
    task = asyncio.create_task(bench.contents.run())
    await bench.idle()
    yield bench
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)


async def test_from_the_store(bench: Bench) -> None:
    bench.contents.add([bench.stored(1), bench.stored(2, b"")])
    assert not bench.contents.settled()
    assert bench.contents.settled(0)
    await bench.until(2)
    assert bench.read == [(1, b"x"), (2, b"")]
    await bench.idle()


async def test_in_a_rush_nobody_is_asked(bench: Bench) -> None:
    bench.calm.clear()
    bench.relay.contents |= {"R2": b"two"}
    bench.contents.add([bench.stored(1), queued(2, tried=True)])
    for _ in range(20):  # turns of the loop
        await asyncio.sleep(0)
    assert not bench.store.asked
    assert not bench.relay.asked
    bench.calm.set()
    await bench.until(2)
    assert sorted(bench.read) == [(1, b"x"), (2, b"two")]


async def test_from_the_relay_once_it_was_tried(bench: Bench) -> None:
    bench.relay.contents |= {"R1": b"one"}
    bench.contents.add([queued(1, tried=True), queued(2, lost=True)])
    await bench.until(2)
    assert bench.read == [(1, b"one"), (2, None)]


async def test_what_failed_for_good_is_with_nobody(bench: Bench) -> None:
    bench.contents.add([queued(1, tried=True, over=True)])
    await bench.until(1)
    assert bench.read == [(1, None)]


async def test_a_message_that_was_deferred_may_leave_the_relay_just_now(bench: Bench) -> None:
    bench.contents.add([queued(1, tried=True)])
    await bench.timer()
    assert not bench.contents.settled()
    bench.contents.add([bench.stored(1)])  # it was tried again
    await bench.until(1)
    assert bench.read == [(1, b"x")]
    await bench.idle()


async def test_a_young_message_is_waited_for(bench: Bench) -> None:
    bench.relay.contents |= {"R1": b"one"}
    bench.contents.add([queued(1), queued(2), queued(3)])
    bench.contents.add([bench.stored(2)])  # it has arrived in time
    await bench.until(1)
    assert bench.read == [(2, b"x")]
    bench.clock.push(PATIENCE)
    await bench.until(2)
    assert bench.read[1:] == [(1, b"one")]
    for _ in range(2):  # 3 has left the relay, and its journal should say where it went
        await bench.timer()
        assert not bench.contents.settled()
        bench.clock.push(PAUSE)
    await bench.idle()
    assert len(bench.read) == 2


async def test_a_message_that_has_just_left_the_relay_is_waited_for(bench: Bench) -> None:
    bench.contents.add([queued(1)])
    bench.clock.push(PATIENCE)
    await bench.timer()
    assert not bench.contents.settled()
    bench.contents.add([bench.stored(1)])
    await bench.until(1)
    assert bench.read == [(1, b"x")]
    await bench.idle()


async def test_when_it_is_busy_the_relay_is_not_asked_about_each(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "YOUNG", 1)
    bench.relay.contents |= {"R1": b"one", "R2": b"two"}
    bench.contents.add([queued(1), queued(2)])
    bench.clock.push(PATIENCE)
    await bench.until(1)
    await bench.idle()
    assert bench.read == [(1, b"one")]


async def test_a_copy_that_is_gone_is_asked_for_thrice(bench: Bench) -> None:
    bench.contents.add([bench.stored(1, None)])
    for _ in range(2):
        await bench.timer()
        bench.clock.push(PAUSE)
    await bench.until(1)
    assert bench.read == [(1, None)]


async def test_a_copy_that_was_moved_is_found_in_its_new_place(bench: Bench) -> None:
    bench.contents.add([bench.stored(1, None)])
    await bench.timer()
    bench.contents.add([bench.stored(1)])
    await bench.until(1)
    assert bench.read == [(1, b"x")]


@pytest.mark.parametrize("service", ["relay", "store"])
async def test_a_door_that_is_away_is_asked_again(bench: Bench, service: str) -> None:
    door = getattr(bench, service)
    door.away = True
    bench.relay.contents |= {"R1": b"x"}
    bench.contents.add([bench.stored(1) if service == "store" else queued(1, tried=True)])
    await bench.timer()
    door.away = False
    bench.clock.push(PAUSE)
    await bench.until(1)
    assert bench.read == [(1, b"x")]


async def test_what_the_store_gives_while_the_relay_is_away_is_settled_at_once(bench: Bench) -> None:
    """Whoever waits is told when a content is read: the end of the pause tells nobody."""
    bench.relay.away = True
    bench.contents.add([queued(1, tried=True)])
    await bench.timer()
    bench.contents.add([bench.stored(1)])
    await bench.until(1)
    await asyncio.sleep(0)
    assert bench.contents.settled()


async def test_an_answer_may_end_early(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    whole = bench.store.post_for_octets

    async def first_only(path: str, value: dict[str, list[list[object]]]) -> bytes:
        return await whole(path, {"copies": value["copies"][:1]})

    monkeypatch.setattr(bench.store, "post_for_octets", first_only)
    bench.contents.add([bench.stored(1), bench.stored(2), bench.stored(3)])
    await bench.until(3)
    assert bench.read == [(1, b"x"), (2, b"x"), (3, b"x")]


@pytest.mark.parametrize("at_once", [True, False])
async def test_what_is_read_early_is_not_asked_for_again(bench: Bench, at_once: bool) -> None:
    want = bench.stored(1)
    assert want.copy is not None
    done = asyncio.Event()
    bench.contents.read_early([], done.set)
    before = bench.contents.is_early
    bench.contents.read_early([want.copy.place, ("bob", "INBOX", 1, 2)], done.set)
    meanwhile = bench.contents.is_early
    assert (before, meanwhile) == (False, True)
    if not at_once:
        await done.wait()
        assert not bench.contents.is_early
    bench.contents.add([want])
    await bench.until(1)
    assert bench.read == [(1, b"x")]
    assert bench.store.asked == [("POST", "/contents")]


async def test_a_store_that_is_away_is_asked_later(bench: Bench) -> None:
    want = bench.stored(1)
    assert want.copy is not None
    bench.store.away = True
    done = asyncio.Event()
    bench.contents.read_early([want.copy.place], done.set)
    await done.wait()
    bench.store.away = False
    bench.contents.add([want])
    await bench.until(1)


async def test_few_are_read_early(bench: Bench) -> None:
    bench.contents.read_early([("bob", "INBOX", 1, uid) for uid in range(module.EARLY + 1)], bench.calm.set)
    assert not bench.contents.is_early


async def test_who_has_its_content_waits_for_none(bench: Bench) -> None:
    bench.contents.add([queued(1)])
    assert not bench.contents.settled()
    bench.contents.add([], [1])
    assert bench.contents.settled()


async def test_what_was_left_out_is_found_in_the_database(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "MOST", 2)
    bench.unknown = [bench.stored(number) for number in range(1, 8)]
    bench.contents.add(bench.unknown)
    await bench.until(7)
    await bench.idle()
    assert sorted(number for number, _ in bench.read) == list(range(1, 8))


async def test_the_database_is_asked_at_the_start() -> None:
    bench = Bench()
    bench.unknown = [queued(1), *(bench.stored(number) for number in range(2, 6))]
    task = asyncio.create_task(bench.contents.run())
    await bench.until(4)
    await bench.idle()
    task.cancel()
    assert sorted(number for number, _ in bench.read) == [2, 3, 4, 5]


async def test_what_is_left_out_while_the_database_is_asked(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "MOST", 2)
    bench = Bench()
    early, late = [[bench.stored(number) for number in numbers] for numbers in (range(1, 5), range(5, 9))]
    bench.unknown = early
    answered = bench.more

    async def more(after: int) -> list[Want]:
        wants = await answered(after)
        if not wants and late:  # they come while the last answer is on its way
            bench.unknown = [*late]
            bench.contents.add(late)
            bench.contents._taken(bench.contents._in_store, 2)
            late.clear()
            bench.contents._store_bell.clear()
        return wants

    monkeypatch.setattr(bench.contents, "_more", more)
    task = asyncio.create_task(bench.contents.run())
    await bench.until(8)
    await bench.idle()
    task.cancel()


async def test_a_relay_that_answers_late_holds_nothing_up(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    asked, answered = asyncio.Event(), asyncio.Event()

    async def octets(_path: str, **_query: Any) -> bytes:
        asked.set()
        await answered.wait()
        raise DoorRefused(404, "it has left the queue")

    monkeypatch.setattr(bench.relay, "octets", octets)
    bench.contents.add([queued(1)])
    await bench.timer()
    bench.clock.push(PATIENCE)
    await asked.wait()
    bench.contents.add([bench.stored(1)])
    await bench.until(1)
    began = asyncio.get_running_loop().time()
    answered.set()
    await bench.idle()
    assert asyncio.get_running_loop().time() - began < PAUSE  # it is not asked for again
    assert [content.octets for content in bench.read] == [b"x"]
