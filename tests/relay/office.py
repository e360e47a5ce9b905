"""A queue on a disk, with a next hop that does what the test says, and worlds whose clocks can be pushed."""

from __future__ import annotations

import asyncio
from ipaddress import IPv4Address
from typing import TYPE_CHECKING, cast

from postroad.clock import Clock
from postroad.mail.address import parse_address
from postroad.mail.envelope import Envelope, Recipient
from postroad.mail.reply import reply
from postroad.smtp.client.outcome import Delivered, deferred, from_reply
from postroad_relay.delivery.courier import Attempt
from postroad_relay.delivery.routing import Route, Target
from postroad_relay.queue.manager import Manager
from postroad_relay.queue.push import Pushes
from postroad_relay.queue.schedule import Schedule
from postroad_relay.queue.spool import UNTRIED, Message, Spool, Stored
from tests.relay.dsns import REPORTER
from tests.relay.notes import Notes

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from postroad.journal import Journal, Kind
    from postroad.smtp.client.events import Transaction
    from postroad.smtp.client.session import Session
    from postroad_relay.delivery.courier import Courier
    from postroad_relay.delivery.router import Router
    from postroad_relay.queue.capacity import Capacity
    from postroad_relay.queue.spool import Entry

HOUR = 3600.0
DAY = 24 * HOUR
WAITS = (1.0, 60.0, HOUR)
CONTENT = b"Subject: hi\r\n\r\nbody\r\n"
HOST = "mx.test[127.0.0.1]"
BUSY = from_reply(reply(450, "4.2.1", "Busy"), host=HOST, command="RCPT TO")
AWAY = deferred("4.4.1", f"connect to {HOST}: connection refused", HOST)
TAKEN = Delivered(HOST, reply(250, "2.0.0", "OK"))


class OneRoute:
    """Routes all mail to one server."""

    def known(self, domain: str) -> Route:
        return Route((Target("mx.test", IPv4Address("127.0.0.1")),), ())


class Hop:
    """Takes mail for alice; mail for bob is deferred, or its servers are away, or it has to wait for the test."""

    def __init__(self) -> None:
        self.attempts = 0
        self.contents: list[bytes] = []
        self.away = False
        self.takes = False
        self.may_answer = asyncio.Event()
        self.may_answer.set()

    async def deliver(
        self, route: Route, transaction: Transaction, stored: Stored, attempted: Callable[[Session], None]
    ) -> Attempt:
        if "bob" in str(transaction.envelope.recipients[0].address) and not self.takes:
            self.attempts += 1
            await self.may_answer.wait()
            return Attempt((AWAY if self.away else BUSY,), reached=not self.away)
        self.contents.append(b"".join(stored.blocks()))
        return Attempt((TAKEN,), reached=True)

    def close(self) -> None:
        pass


class Office:
    """A queue on a disk, and pushes of its worlds."""

    def __init__(
        self,
        directory: Path,
        *,
        waits: tuple[float, ...] = WAITS,
        warning: float = 4 * HOUR,
        capacity: Capacity | None = None,
        clock: Clock | None = None,
        hop: Hop | None = None,
    ) -> None:
        self.directory = directory
        self.schedule = Schedule(waits, 5 * DAY, warning)
        self.capacity = capacity
        self.clock = clock or Clock()
        self.notes = Notes()
        self.hop = hop or Hop()
        self.open()

    def open(self) -> None:
        self.spool = Spool(self.directory, clock=self.clock, journal=cast("Journal", self.notes))
        self.manager = Manager(
            self.spool,
            router=cast("Router", OneRoute()),
            courier=cast("Courier", self.hop),
            schedule=self.schedule,
            journal=cast("Journal", self.notes),
            reporter=REPORTER,
            clock=self.clock,
            capacity=self.capacity,
        )
        self.pushes = Pushes(self.manager)

    async def close(self) -> None:
        await self.manager.close()
        self.spool.close()

    async def restart(self) -> None:
        await self.close()
        self.open()
        self.manager.start(self.spool.entries())

    async def put(self, world: str = "shop", *, sender: str | None = "alice@alpha.test") -> Entry:
        recipient = Recipient(parse_address(f"bob@{world}.test"))
        envelope = Envelope(parse_address(sender) if sender else None, (recipient,), world=world)
        arrived = self.spool.clocks.of(world).now()
        message = Message(self.spool.new_id(), arrived, envelope, "<hi@alpha.test>", len(CONTENT))
        entry, durable = self.spool.add(message, (CONTENT,))
        await durable
        self.manager.accepted(entry, Stored(message, UNTRIED, CONTENT))
        return entry

    async def settled(self) -> None:
        await self.notes.until(lambda: not self.manager.active)

    def times(self, kind: Kind) -> list[float]:
        return [
            at or 0.0
            for (event_kind, _, _), at in zip(self.notes.events, self.notes.times, strict=True)
            if event_kind is kind
        ]
