"""Both halves of a snapshot: taken and restored together, whatever is away or killed in between."""

from __future__ import annotations

import asyncio
import contextlib
from typing import TYPE_CHECKING, Any

import pytest

from postroad.clock import Clock
from postroad.control.client import DoorAway, DoorRefused
from postroad_web.snapshots.snapshots import Snapshot, SnapshotRefused, Snapshots

if TYPE_CHECKING:
    from collections.abc import Callable


class Door:
    """A door that may be away: before it does what it is asked for, or after it, when the answer is lost."""

    service = "toy"

    def __init__(self, facts: dict[str, Any]) -> None:
        self.facts = facts
        self.log: list[str] = []
        self.before: str | None = None
        self.after: str | None = None
        self.halves: dict[str, dict[str, Any]] = {}

    async def get(self, path: str, **query: Any) -> Any:
        return await self._ask("GET", path, query)

    async def post(self, path: str, value: Any = None, **query: Any) -> Any:
        return await self._ask("POST", path, value or query)

    async def delete(self, path: str, **query: Any) -> Any:
        return await self._ask("DELETE", path, query)

    async def _ask(self, method: str, path: str, given: Any) -> Any:
        what = f"{method} {path}"
        if what == self.before:
            raise DoorAway(self.service, "it was killed")
        if method == "POST":
            self.log.append(path)
        answer = self.answer(what, given)
        if what == self.after:
            raise DoorAway(self.service, "it was killed")
        return answer

    def answer(self, what: str, given: Any) -> Any:
        match what:
            case "GET /snapshots":
                return {"snapshots": list(self.halves.values())}
            case "POST /snapshots":
                if given["name"] in self.halves:
                    raise DoorRefused(409, "there is one already")
                self.halves[given["name"]] = {**given, **self.facts}
                return {}
            case "DELETE /snapshots":
                if self.halves.pop(given["name"], None) is None:
                    raise DoorRefused(404, "there is none")
                return {}
            case "GET /journal/last":
                return {"last": 9}
        raise AssertionError(what)


class Relay(Door):
    service = "relay"

    def __init__(self) -> None:
        super().__init__({"messages": 2, "last": 5})
        self.frozen = False
        self.restoring: dict[str, Any] | None = None
        self.queue = "now"

    def answer(self, what: str, given: Any) -> Any:
        match what:
            case "POST /freeze":
                assert not self.frozen
                self.frozen = True
            case "POST /thaw":
                self.frozen = self.restoring is not None
            case "POST /snapshots":
                assert self.frozen
                self.halves.pop(given["name"], None)
                super().answer(what, given)
                self.frozen = False
            case "POST /snapshots/begin":
                assert self.frozen
                self.restoring = given
            case "GET /snapshots/restoring":
                return {"restoring": [self.restoring] if self.restoring else []}
            case "POST /snapshots/finish" | "POST /snapshots/cancel":
                if self.restoring is None:
                    raise DoorRefused(404, "no such restore is under way")
                if what.endswith("finish"):
                    self.queue = "then"
                self.restoring, self.frozen = None, False
            case _:
                return super().answer(what, given)
        return {}


class Store(Door):
    service = "store"

    def __init__(self) -> None:
        super().__init__({"taken": 1.5, "accounts": 3, "messages": 4, "octets": 5})
        self.mail = "now"
        self.restored: set[str] = set()
        self.refusal: DoorRefused | None = None

    def answer(self, what: str, given: Any) -> Any:
        if what == "POST /snapshots/restore":
            if self.refusal is not None:
                raise self.refusal
            if given["token"] not in self.restored:
                self.restored.add(given["token"])
                self.mail = "then, fresh" if given["fresh"] else "then"
            return {"accounts": 3}
        return super().answer(what, given)


class Records:
    """A catalog of records by number."""

    def __init__(self) -> None:
        self.numbers = [3, 5, 7, 8]
        self.told: list[tuple[int, int]] = []

    async def caught_up(self, relay: int, store: int, timeout: float) -> None:  # noqa: ASYNC109 - the contract's
        self.told.append((relay, store))

    def of(self, world: str) -> Records:
        assert world == "shop"
        return self

    def page(self, *, after: int, limit: int) -> Any:
        class Page:
            records = [Record(number) for number in self.numbers if number > after][:limit]

        return Page

    async def delete(self, idents: list[str]) -> None:
        self.numbers = [number for number in self.numbers if str(number) not in idents]


class Record:
    def __init__(self, number: int) -> None:
        self.id = str(number)


async def until(condition: Callable[[], bool]) -> None:
    for _ in range(1000):
        if condition():
            return
        await asyncio.sleep(0)
    raise AssertionError


class World:
    def __init__(self) -> None:
        self.relay, self.store, self.records = Relay(), Store(), Records()
        self.restart()

    def restart(self) -> None:
        """Begin anew, as after a kill of the web service."""
        for door in (self.relay, self.store):
            door.before = door.after = None
        self.snapshots = Snapshots(self.relay, self.store, self.records, Clock())  # type: ignore[arg-type]

    async def names(self) -> list[str]:
        return [snapshot.name for snapshot in await self.snapshots.of("shop")]

    async def finished(self, condition: Callable[[], bool]) -> None:
        """Let interrupted restores be finished."""
        run = asyncio.create_task(self.snapshots.run())
        await until(condition)
        run.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await run

    @property
    def state(self) -> tuple[str, str, bool]:
        return self.relay.queue, self.store.mail, self.relay.frozen


async def test_take_restore_delete() -> None:
    world = World()
    taken = await world.snapshots.take("shop", "seeded")
    assert taken == Snapshot("shop", "seeded", taken.token, 1.5, 3, 4, 5, 2, 5)
    assert await world.snapshots.of("shop") == [taken]
    assert world.state == ("now", "now", False)
    with pytest.raises(SnapshotRefused, match="already") as refused:
        await world.snapshots.take("shop", "seeded")
    assert refused.value.status == 409
    assert await world.snapshots.restore("shop", "seeded", fresh=False) == taken
    assert world.state == ("then", "then", False)
    assert world.records.numbers == [3, 5]  # what came after the snapshot is nowhere else
    assert world.records.told == [(9, 9)]
    await world.snapshots.restore("shop", "seeded", fresh=True)
    assert world.state == ("then", "then, fresh", False)
    await world.snapshots.delete("shop", "seeded")
    assert (world.relay.halves, world.store.halves) == ({}, {})
    for gone in (world.snapshots.delete("shop", "seeded"), world.snapshots.restore("shop", "seeded", fresh=False)):
        with pytest.raises(SnapshotRefused) as refused:
            await gone
        assert refused.value.status == 404


@pytest.mark.parametrize("when", ["before", "after"])
@pytest.mark.parametrize(
    ("door", "what"), [("relay", "POST /freeze"), ("store", "POST /snapshots"), ("relay", "POST /snapshots")]
)
async def test_a_kill_while_one_is_taken_leaves_it_whole_or_not_at_all(door: str, what: str, when: str) -> None:
    world = World()
    setattr(getattr(world, door), when, what)
    with pytest.raises(DoorAway):
        await world.snapshots.take("shop", "seeded")
    world.relay.frozen = False  # by the relay itself, after a while, or by its restart
    world.restart()
    assert await world.names() == []
    assert world.state == ("now", "now", False)
    await world.snapshots.take("shop", "seeded")  # and what was left is no hindrance
    assert await world.names() == ["seeded"]


@pytest.mark.parametrize("when", ["before", "after"])
@pytest.mark.parametrize("again", ["the web service lives on", "the web service was killed"])
@pytest.mark.parametrize(
    ("door", "what"),
    [
        ("relay", "POST /snapshots/begin"),
        ("store", "POST /snapshots/restore"),
        ("relay", "POST /snapshots/finish"),
    ],
)
async def test_a_kill_while_one_is_restored_leaves_it_whole_or_not_at_all(
    door: str, what: str, when: str, again: str
) -> None:
    world = World()
    await world.snapshots.take("shop", "seeded")
    setattr(getattr(world, door), when, what)
    with pytest.raises(DoorAway):
        await world.snapshots.restore("shop", "seeded", fresh=False)
    if again.endswith("killed"):
        world.restart()
    else:
        world.relay.before = world.relay.after = world.store.before = world.store.after = None
    if world.relay.restoring is None:
        world.relay.frozen = False  # by its lease
    await world.finished(lambda: world.relay.restoring is None)
    begun = (what, when) != ("POST /snapshots/begin", "before")
    assert world.state == (("then", "then", False) if begun else ("now", "now", False))


async def test_a_restore_is_tried_until_the_store_is_back() -> None:
    world = World()
    await world.snapshots.take("shop", "seeded")
    world.store.before = "POST /snapshots/restore"
    with pytest.raises(DoorAway):
        await world.snapshots.restore("shop", "seeded", fresh=False)
    assert world.relay.frozen
    clock = Clock()
    world.snapshots._clock = clock
    run = asyncio.create_task(world.snapshots.run())
    for _ in range(3):
        await until(lambda: clock.until_next() is not None)
        clock.push(1.0)
        await asyncio.sleep(0)
    world.store.before = None
    clock.push(1.0)
    await until(lambda: world.relay.restoring is None)
    assert world.state == ("then", "then", False)
    run.cancel()


async def test_what_the_store_refuses_is_not_restored() -> None:
    world = World()
    await world.snapshots.take("shop", "seeded")
    world.store.refusal = DoorRefused(409, "letters wait")
    with pytest.raises(SnapshotRefused, match="letters wait"):
        await world.snapshots.restore("shop", "seeded", fresh=False)
    assert world.state == ("now", "now", False)
    assert world.relay.restoring is None
    world.store.refusal = DoorRefused(503, "no database")
    with pytest.raises(DoorRefused):
        await world.snapshots.restore("shop", "seeded", fresh=False)
    assert world.relay.frozen
    world.store.refusal = None
    await world.finished(lambda: world.relay.restoring is None)
    assert world.state == ("then", "then", False)


async def test_a_queue_that_was_lost_lets_the_world_go_on(monkeypatch: pytest.MonkeyPatch) -> None:
    world = World()
    await world.snapshots.take("shop", "seeded")
    usual = world.relay.answer

    def answer(what: str, given: Any) -> Any:
        if what == "POST /snapshots/finish":
            raise DoorRefused(refusal, "it is gone")
        return usual(what, given)

    monkeypatch.setattr(world.relay, "answer", answer)
    refusal = 507
    with pytest.raises(DoorRefused):
        await world.snapshots.restore("shop", "seeded", fresh=False)
    assert world.state == ("now", "then", True)
    refusal = 404
    await world.finished(lambda: world.relay.restoring is None)
    assert world.state == ("now", "then", False)


async def test_what_the_relay_refuses_is_not_restored(monkeypatch: pytest.MonkeyPatch) -> None:
    world = World()
    await world.snapshots.take("shop", "seeded")
    usual = world.relay.answer

    def answer(what: str, given: Any) -> Any:
        if what == "POST /snapshots/begin":
            raise DoorRefused(409, "it is damaged")
        return usual(what, given)

    monkeypatch.setattr(world.relay, "answer", answer)
    with pytest.raises(DoorRefused, match="it is damaged"):
        await world.snapshots.restore("shop", "seeded", fresh=False)
    assert world.state == ("now", "now", False)


async def test_takes_of_a_world_take_turns() -> None:
    world = World()
    await asyncio.gather(world.snapshots.take("shop", "a"), world.snapshots.take("shop", "b"))
    assert sorted(await world.names()) == ["a", "b"]
