"""Queues of two worlds in any order of events, with restarts: snapshots and pushes of one do nothing to the other."""

from __future__ import annotations

import asyncio
import shutil
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Any

from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule, run_state_machine_as_test

from postroad_relay.queue.administration import Administration
from postroad_relay.queue.push import NEXT
from tests.relay.queue.test_snapshots import Kept

if TYPE_CHECKING:
    from collections.abc import Coroutine

WORLDS = st.sampled_from(["shop", "bank"])
NAMES = st.sampled_from("ab")
SPANS = st.sampled_from([NEXT, 0.5, 3600.0, 6 * 86400.0])


class Queues(RuleBasedStateMachine):
    """A relay's queue, and a plain model: which messages wait in each world, and which waited at each snapshot."""

    def __init__(self) -> None:
        super().__init__()
        self.loop = asyncio.new_event_loop()
        self.folder = Path(tempfile.mkdtemp())

        async def opened() -> Kept:
            return Kept(self.folder)

        self.office = self.run(opened())
        self.waiting: dict[str, set[str]] = {"shop": set(), "bank": set()}
        self.ahead = {"shop": 0.0, "bank": 0.0}
        self.snapshots: dict[tuple[str, str], tuple[set[str], Any]] = {}
        self.restores = 0

    def run(self, work: Coroutine[Any, Any, Any]) -> Any:
        return self.loop.run_until_complete(work)

    def settled(self) -> None:
        self.run(self.office.settled())

    @rule(world=WORLDS)
    def put(self, world: str) -> None:
        entry = self.run(self.office.put(world))
        self.waiting[world].add(entry.queue_id)
        self.settled()
        if not self.office.hop.takes:
            assert self.office.spool.find(entry.queue_id) is entry

    @rule()
    def change_the_server(self) -> None:
        self.office.hop.takes = not self.office.hop.takes
        self.office.hop.away = not self.office.hop.takes and not self.office.hop.away

    @rule(world=WORLDS, span=SPANS)
    def push(self, world: str, span: float) -> None:
        before = self.office.queue("bank" if world == "shop" else "shop")

        async def pushed() -> None:
            await self.office.pushes.push(world, span)

        self.run(pushed())
        assert self.office.spool.clocks.of(world).ahead >= self.ahead[world] + (0 if span == NEXT else span)
        self.ahead[world] = self.office.spool.clocks.of(world).ahead
        entries = self.office.spool.of_world(world)
        left = {entry.queue_id for entry in entries}
        assert left <= self.waiting[world]
        if span == 6 * 86400.0:
            assert all(entry.held for entry in entries)  # all others have been delivered, or have expired
        self.waiting[world] = left
        # What waited for a domain that rests, or for its own second, may have been attempted meanwhile, and no more.
        after = self.office.queue("bank" if world == "shop" else "shop")
        assert [facts[0] for facts in after] == [facts[0] for facts in before][: len(after)] or self.office.hop.takes

    @rule(world=WORLDS)
    def hold_or_release(self, world: str) -> None:
        entries = self.office.spool.of_world(world)
        if entries:
            administration = Administration(self.office.manager)
            self.run(administration.release(entries[0]) if entries[0].held else administration.hold(entries[0]))
            self.settled()

    @rule(world=WORLDS, name=NAMES)
    def take(self, world: str, name: str) -> None:
        self.run(self.office.take(name, world))
        left = {entry.queue_id for entry in self.office.spool.of_world(world)}
        self.waiting[world] = left
        self.snapshots[world, name] = left, self.facts(world)

    @rule(world=WORLDS, name=NAMES)
    def restore(self, world: str, name: str) -> None:
        if (world, name) in self.snapshots:
            self.restores += 1
            self.run(self.office.begin(name, f"r{self.restores}", world))
            if self.restores % 2:
                self.run(self.office.restart())  # it is killed in between
            self.run(self.office.snapshots.finish(world, f"r{self.restores}"))
            left, facts = self.snapshots[world, name]
            assert {entry.queue_id for entry in self.office.spool.of_world(world)} == left
            assert self.facts(world) == facts
            self.waiting[world] = set(left)

    def facts(self, world: str) -> list[Any]:
        return [(facts[0], facts[1], facts[4]) for facts in self.office.queue(world)]

    @rule()
    def restart(self) -> None:
        self.run(self.office.restart())
        self.settled()

    @invariant()
    def nothing_is_lost_nor_made_up(self) -> None:
        self.settled()
        for world, waiting in self.waiting.items():
            queued = {entry.queue_id for entry in self.office.spool.of_world(world)}
            assert queued <= waiting
            gone = waiting - queued
            assert not gone or self.office.hop.contents  # delivered meanwhile: its second was over
            self.waiting[world] = queued
            assert self.office.spool.clocks.of(world).ahead == self.ahead[world]

    def teardown(self) -> None:
        self.run(self.office.close())
        self.loop.close()
        shutil.rmtree(self.folder)


def test_in_any_order() -> None:
    run_state_machine_as_test(
        Queues,
        settings=settings(
            max_examples=20,
            stateful_step_count=20,
            suppress_health_check=list(HealthCheck),
        ),
    )
