"""An administrator who does anything at any time, and servers that say anything: nothing is lost or comes twice."""

from __future__ import annotations

import asyncio
import contextlib
import random
from typing import TYPE_CHECKING, Any

import pytest

from postroad.journal import Kind
from postroad_relay.queue.administration import AdministrationError
from postroad_relay.queue.capacity import Capacity
from tests.relay.queue.test_administration import Office
from tests.relay.queue.test_manager import BUSY, DOWN, NO_USER, OK, until

if TYPE_CHECKING:
    from collections.abc import Coroutine
    from pathlib import Path

    from postroad_relay.queue.spool import Entry

DOMAINS = ("beta.test", "gamma.test", "delta.test")


class Chance(Office):
    """An office in which everything is left to chance."""

    def __init__(self, directory: Path, dice: random.Random) -> None:
        super().__init__(
            directory,
            waits=(0.01, 0.02),
            expiry=1e9,
            capacity=Capacity(active=8, lane=2, workers=4, rest=0.02, retry_write=0.01, held=60),
        )
        self.dice = dice
        self.calm = False  # in the end
        self.sent: dict[str, set[str]] = {}  # the recipients of each message

    def any_outcomes(self) -> None:
        """Let each recipient fare as it happens."""
        if self.calm:
            return
        self.courier.outcomes = {
            f"u{number}@{domain}": self.dice.choice([OK, OK, BUSY, BUSY, NO_USER if domain == "beta.test" else DOWN])
            for number in range(4)
            for domain in DOMAINS
        }
        self.courier.gated = {domain for domain in DOMAINS if self.dice.random() < 0.2}
        for domain in DOMAINS:
            self.courier.gates[domain].set() if domain not in self.courier.gated else self.courier.gates[domain].clear()

    async def interfere(self) -> None:
        """Do one thing or another."""
        entries = self.spool.entries()
        entry = self.dice.choice(entries) if entries else None
        match self.dice.randrange(12):
            case 0:
                self.any_outcomes()
            case 1:
                self.hand.retry_all()
            case 2 if self.dice.random() < 0.2:
                await self.purge()
            case 3 | 4 if entry is not None:
                await self.hand.hold(entry)
            case 5 | 6 if entry is not None:
                await self.hand.release(entry)
            case 7 if entry is not None:
                self.hand.retry(entry)
            case 8 if entry is not None:
                await self.drop(entry)
            case _:
                recipients = {f"u{self.dice.randrange(4)}@{self.dice.choice(DOMAINS)}" for _ in range(3)}
                ident = await self.put(*sorted(recipients), sender=self.dice.choice(["alice@alpha.test", None]))
                self.sent[ident] = recipients

    async def drop(self, entry: Entry) -> None:
        await self.hand.drop(entry, report=self.dice.random() < 0.5)
        assert self.spool.find(entry.queue_id) is None

    async def purge(self) -> None:
        before = [entry.queue_id for entry in self.spool.entries()]
        await self.hand.purge()
        assert not [ident for ident in before if self.spool.find(ident) is not None]


async def grimly(change: Coroutine[Any, Any, None]) -> None:
    with contextlib.suppress(AdministrationError):
        await change


@pytest.mark.parametrize("seed", range(4))
async def test_nothing_is_lost_and_nothing_comes_twice(tmp_path: Path, seed: int) -> None:
    dice = random.Random(seed)
    office = Chance(tmp_path, dice)
    under_way: set[asyncio.Task[None]] = set()
    for _ in range(250):
        task = asyncio.create_task(grimly(office.interfere()))
        under_way.add(task)
        task.add_done_callback(under_way.discard)
        if dice.random() < 0.5:
            await asyncio.sleep(dice.choice([0, 0, 0, 0.002]))
    office.calm = True
    for domain in DOMAINS:
        office.courier.gates[domain].set()
    office.courier.outcomes.clear()
    await asyncio.gather(*under_way)
    for entry in office.spool.entries():
        await grimly(office.hand.release(entry))
    await until(lambda: not office.hand.under_way)
    manager = office.manager
    assert (manager.active, len(manager.due), manager._octets, office.spool.held) == ({}, 0, 0, 0)
    assert office.courier.running == 0
    check(office)
    await office.close()
    office.open()
    assert len(office.spool) == 0
    await office.close()


def check(office: Chance) -> None:
    """Each recipient of each message has got it once, or failed once, or was dropped; then nothing more."""
    ends: dict[str, dict[str, str]] = {}
    over: set[str] = set()
    for kind, ident, detail in office.notes.events:
        if ident is None:
            continue
        assert not (ident in over and kind in {Kind.ATTEMPTED, Kind.DELIVERED, Kind.HELD, Kind.RELEASED}), (ident, kind)
        if kind in {Kind.DELIVERED, Kind.FAILED, Kind.EXPIRED}:
            assert detail["recipient"] not in ends.setdefault(ident, {}), (ident, kind, detail)
            ends[ident][detail["recipient"]] = kind
        if kind is Kind.DROPPED:
            over.add(ident)
    lost = {ident: recipients - ends.get(ident, {}).keys() for ident, recipients in office.sent.items()}
    assert not {ident: left for ident, left in lost.items() if left and ident not in over}
